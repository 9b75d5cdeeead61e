//! A stretch of a stack on the heap.
//!
//! # Safety
//!
//! Bytes of a stack are copied as bytes: what they mean is known to the code that left them
//! there, and that finds them again at the same address.

#![allow(unsafe_code, reason = "copies stretches of stacks")]

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::ptr;

use crate::sanitize;
use crate::stack::STACK_ALIGNMENT;

/// A block for the bytes of a stack, or none yet.
#[derive(Debug)]
pub(super) struct Slice {
    /// Null if there is no block.
    block: *mut u8,
    capacity: usize,
}

impl Slice {
    pub(super) const EMPTY: Self = Self {
        block: ptr::null_mut(),
        capacity: 0,
    };

    /// Where the bytes are that were saved last, the lowest address of the stack first.
    pub(super) fn address(&self) -> usize {
        self.block as usize
    }

    /// Copies the bytes from `lowest` up to `highest` to the heap: into the block that is
    /// there, if they fill half of it at least, else into one of just their size.
    ///
    /// # Safety
    ///
    /// They are bytes of a stack, and those who use it stand still.
    #[inline]
    pub(super) unsafe fn save(&mut self, lowest: usize, highest: usize) {
        let len = highest - lowest;
        if len > self.capacity || len < self.capacity / 2 {
            self.exchange(len);
        }
        // SAFETY: the block has room. Valgrind learns which of the bytes are defined, and
        // need not like those that nobody uses.
        unsafe {
            sanitize::unpoison(lowest, highest);
            sanitize::unwatched(|| {
                ptr::copy_nonoverlapping(lowest as *const u8, self.block, len);
            });
        }
    }

    /// Copies the bytes from `lowest` up to `highest` back.
    ///
    /// # Safety
    ///
    /// They were saved last, with the same bounds, and nobody is using that memory.
    #[inline]
    pub(super) unsafe fn restore(&self, lowest: usize, highest: usize) {
        debug_assert!(highest - lowest <= self.capacity);
        // SAFETY: the caller gives the memory, and the block has as many bytes.
        unsafe {
            ptr::copy_nonoverlapping(self.block, lowest as *mut u8, highest - lowest);
        }
    }

    /// A block of another size, or none, in place of this one.
    #[inline(never)]
    fn exchange(&mut self, capacity: usize) {
        self.release();
        if capacity > 0 {
            let layout = layout(capacity);
            // SAFETY: the size is not zero.
            let block = unsafe { alloc(layout) };
            if block.is_null() {
                handle_alloc_error(layout);
            }
            self.block = block;
            self.capacity = capacity;
        }
    }

    /// Gives the block back.
    #[inline]
    pub(super) fn release(&mut self) {
        if !self.block.is_null() {
            // SAFETY: the block was allocated with that layout, and is forgotten here.
            unsafe { dealloc(self.block, layout(self.capacity)) };
            self.block = ptr::null_mut();
            self.capacity = 0;
        }
    }
}

fn layout(capacity: usize) -> Layout {
    match Layout::from_size_align(capacity, STACK_ALIGNMENT) {
        Ok(layout) => layout,
        Err(_) => unreachable!("a stack is smaller than the address space"),
    }
}

impl Drop for Slice {
    fn drop(&mut self) {
        self.release();
    }
}
