//! What the sanitizers and Valgrind are told; nothing otherwise.
//!
//! A tool that watches the stack has to know when the stack pointer moves to another one.
//! Under AddressSanitizer and ThreadSanitizer, which `build.rs` learns of from the compiler,
//! every switch is announced: [`leave`] right before it, [`arrive`] right after it on the
//! other side. In other builds all of that is empty. Valgrind runs the program as it is; it
//! is told of each stack's bounds by an instruction sequence that does nothing elsewhere.
//!
//! A [`Context`] stands for a stack as the sanitizer knows it. The one that a switch *comes
//! from* need not be the coroutine's own: an outer coroutine may be suspended from the stack
//! of an inner one. So whoever is arrived at keeps the context that `arrive` answers, for
//! the way back.
//!
//! # Safety
//!
//! The runtimes trust what they are told: `leave` is followed by the switch to its context,
//! and `arrive` gets what the `leave` of the same stack answered, or [`Left::NONE`] on a
//! stack that was just entered.

#![allow(unsafe_code, reason = "calls into the sanitizers' runtimes")]

use core::sync::atomic::{AtomicBool, Ordering};

use crate::stack::StackPointer;

cfg_if::cfg_if! {
    if #[cfg(segno_asan)] {
        use core::cell::Cell;
        use core::ptr;

        unsafe extern "C" {
            fn __sanitizer_start_switch_fiber(fake_stack: *mut *mut u8, bottom: *const u8, size: usize);
            fn __sanitizer_finish_switch_fiber(fake_stack: *mut u8, bottom: *mut *const u8, size: *mut usize);
            fn __asan_unpoison_memory_region(bottom: *const u8, size: usize);
        }

        /// A stack as the sanitizer knows it: its bounds.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Context {
            bottom: usize,
            size: usize,
        }

        // The runtime keeps variables whose address is taken in a *fake stack* of its own.
        pub(crate) struct Left(*mut u8);

        impl Left {
            pub(crate) const NONE: Self = Self(ptr::null_mut());
        }

        /// A coroutine as the sanitizer knows it.
        #[derive(Debug)]
        pub(crate) struct Fiber(Context);

        impl Fiber {
            pub(crate) fn new(limit: usize, base: StackPointer) -> Self {
                Self(Context { bottom: limit, size: base.get() - limit })
            }

            pub(crate) fn context(&self) -> Context {
                self.0
            }

            pub(crate) fn set_context(&mut self, context: Context) {
                self.0 = context;
            }

            /// Forgets a stack that was left for good, once what it sent has been read.
            pub(crate) fn end(&mut self) {
                bury(self.0);
            }
        }

        std::thread_local! {
            /// The fake stack of the stack that was left for good last.
            static DEAD: Cell<*mut u8> = const { Cell::new(ptr::null_mut()) };
        }

        pub(crate) unsafe fn leave(to: Context, for_good: bool) -> Left {
            let mut fake_stack = ptr::null_mut();
            // SAFETY: the caller switches to that stack.
            unsafe { __sanitizer_start_switch_fiber(&mut fake_stack, to.bottom as *const u8, to.size) };
            // It cannot be freed yet: this very frame may be on it, and what is sent.
            if for_good {
                DEAD.set(fake_stack);
            }
            Left(fake_stack)
        }

        /// Frees the fake stack of a stack that was left for good. The runtime does that only
        /// for the stack it believes to be current, so it is made to believe so.
        #[inline(never)]
        pub(crate) fn bury(dead: Context) {
            let dead_fake_stack = DEAD.take();
            if dead_fake_stack.is_null() {
                return;
            }
            let (mut mine, mut bottom, mut size) = (ptr::null_mut(), ptr::null(), 0);
            // SAFETY: there and back again, with the bounds that this stack had before.
            unsafe {
                __sanitizer_start_switch_fiber(&mut mine, dead.bottom as *const u8, dead.size);
                __sanitizer_finish_switch_fiber(dead_fake_stack, &mut bottom, &mut size);
                __sanitizer_start_switch_fiber(ptr::null_mut(), bottom, size);
                __sanitizer_finish_switch_fiber(mine, ptr::null_mut(), ptr::null_mut());
            }
        }

        pub(crate) unsafe fn leave_for_call(to: Context) -> Left {
            // SAFETY: the caller switches to that stack.
            unsafe { leave(to, false) }
        }

        pub(crate) unsafe fn arrive_in_call(_at: Context) -> Context {
            // SAFETY: the stack was just entered.
            unsafe { arrive(Left::NONE) }
        }

        pub(crate) unsafe fn arrive(left: Left) -> Context {
            let mut bottom = ptr::null();
            let mut size = 0;
            // SAFETY: the caller passes what the same stack left with.
            unsafe { __sanitizer_finish_switch_fiber(left.0, &mut bottom, &mut size) };
            Context { bottom: bottom as usize, size }
        }
    } else if #[cfg(segno_tsan)] {
        use core::cell::Cell;
        use core::ptr;

        unsafe extern "C" {
            fn __tsan_create_fiber(flags: u32) -> *mut u8;
            fn __tsan_destroy_fiber(fiber: *mut u8);
            fn __tsan_get_current_fiber() -> *mut u8;
            fn __tsan_switch_to_fiber(fiber: *mut u8, flags: u32);
        }

        std::thread_local! {
            /// The fiber that the latest switch of this thread left.
            static LEFT: Cell<*mut u8> = const { Cell::new(ptr::null_mut()) };
        }

        /// A stack as the sanitizer knows it: its fiber.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Context(*mut u8);

        pub(crate) struct Left;

        impl Left {
            pub(crate) const NONE: Self = Self;
        }

        /// A coroutine as the sanitizer knows it. Ended by its resumer.
        #[derive(Debug)]
        pub(crate) struct Fiber(Context);

        impl Fiber {
            pub(crate) fn new(_limit: usize, _base: StackPointer) -> Self {
                // SAFETY: always allowed.
                Self(Context(unsafe { __tsan_create_fiber(0) }))
            }

            pub(crate) fn context(&self) -> Context {
                self.0
            }

            pub(crate) fn set_context(&mut self, context: Context) {
                self.0 = context;
            }

            pub(crate) fn end(&mut self) {
                // SAFETY: the coroutine has ended, on its own stack, and is not running.
                unsafe { __tsan_destroy_fiber(self.0.0) };
            }
        }

        // Inlined, since the sanitizer keeps a call stack for each fiber: a function must
        // return on the fiber where it was called.
        #[inline(always)]
        pub(crate) unsafe fn leave(to: Context, _for_good: bool) -> Left {
            // Looked up anew on each side of a switch, which may move to another thread.
            #[inline(never)]
            fn note(left: *mut u8) {
                LEFT.set(left);
            }
            // SAFETY: the caller switches to that stack.
            unsafe {
                note(__tsan_get_current_fiber());
                __tsan_switch_to_fiber(to.0, 0);
            }
            Left
        }

        #[inline(never)]
        pub(crate) unsafe fn arrive(_left: Left) -> Context {
            Context(LEFT.get())
        }

        #[inline(always)]
        pub(crate) unsafe fn leave_for_call(_to: Context) -> Left {
            Left
        }

        // The called function returns on the fiber of its caller, so it has to be entered
        // there too, and switches when it has begun.
        #[inline(always)]
        pub(crate) unsafe fn arrive_in_call(at: Context) -> Context {
            // SAFETY: this is that stack.
            unsafe {
                let parent = __tsan_get_current_fiber();
                __tsan_switch_to_fiber(at.0, 0);
                Context(parent)
            }
        }

        pub(crate) fn bury(_dead: Context) {}
    } else {
        /// A stack as the sanitizer knows it.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Context;

        pub(crate) struct Left;

        impl Left {
            pub(crate) const NONE: Self = Self;
        }

        /// A coroutine as the sanitizer knows it.
        #[derive(Debug)]
        pub(crate) struct Fiber;

        impl Fiber {
            #[inline(always)]
            pub(crate) fn new(_limit: usize, _base: StackPointer) -> Self {
                Self
            }

            #[inline(always)]
            pub(crate) fn context(&self) -> Context {
                Context
            }

            #[inline(always)]
            pub(crate) fn set_context(&mut self, _context: Context) {}

            #[inline(always)]
            pub(crate) fn end(&mut self) {}
        }

        /// Announces a switch to a stack, for good if nobody will come back.
        #[inline(always)]
        pub(crate) unsafe fn leave(_to: Context, _for_good: bool) -> Left {
            Left
        }

        /// The same, to a function that is called there.
        #[inline(always)]
        pub(crate) unsafe fn leave_for_call(_to: Context) -> Left {
            Left
        }

        /// Announces the beginning of a function that is called on the stack `at`; answers the
        /// caller's stack.
        #[inline(always)]
        pub(crate) unsafe fn arrive_in_call(_at: Context) -> Context {
            Context
        }

        /// Announces that the switch is done; answers the stack that it came from.
        #[inline(always)]
        pub(crate) unsafe fn arrive(_left: Left) -> Context {
            Context
        }

        /// Forgets a stack that was left for good, once what it sent has been read.
        #[inline(always)]
        pub(crate) fn bury(_dead: Context) {}
    }
}

/// Whether Valgrind has answered.
static VALGRIND: AtomicBool = AtomicBool::new(false);

/// The bytes below the place where a stack is entered that a tool may take for accessible:
/// the red zone of x86_64, and the return address that the first call pushes.
pub(crate) const RED_ZONE: usize = 128 + 8;

/// Lets a stack that is to be used again forget the frames that have been on it.
///
/// AddressSanitizer keeps the red zones of frames that were left without returning. Valgrind
/// takes what the stack pointer left behind for inaccessible until it comes down there
/// again, and on x86_64 always but for the 128 bytes below it: those that lie below the place
/// where a stack is entered would stay inaccessible.
///
/// # Safety
///
/// The memory belongs to a stack, and nobody is using it.
#[inline(always)]
pub(crate) unsafe fn forget_stack(lowest: usize, highest: usize) {
    /// Apart, and known not to unwind, so that callers need not have their values in memory.
    #[cold]
    #[inline(never)]
    extern "C" fn make_undefined(lowest: usize, highest: usize) {
        const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
        valgrind_request([MAKE_MEM_UNDEFINED, lowest, highest - lowest, 0, 0, 0]);
    }

    #[cfg(segno_asan)]
    // SAFETY: the caller gives the memory.
    unsafe {
        __asan_unpoison_memory_region(lowest as *const u8, highest - lowest);
    }
    if VALGRIND.load(Ordering::Relaxed) {
        make_undefined(lowest, highest);
    }
}

/// Lets AddressSanitizer forget what frames on a stack keep from being read, so that it can
/// be copied. To Valgrind its bytes stay what they are.
///
/// # Safety
///
/// The memory belongs to a stack that stands still.
#[cfg(feature = "std")]
#[inline(always)]
pub(crate) unsafe fn unpoison(lowest: usize, highest: usize) {
    let _ = (lowest, highest);
    #[cfg(segno_asan)]
    // SAFETY: the caller says so.
    unsafe {
        __asan_unpoison_memory_region(lowest as *const u8, highest - lowest);
    }
}

/// Whether AddressSanitizer keeps variables whose address is taken beside the stack: then a copy
/// of the stack is none of them.
#[cfg(feature = "std")]
pub(crate) fn has_fake_stacks() -> bool {
    cfg_if::cfg_if! {
        if #[cfg(segno_asan)] {
            unsafe extern "C" {
                static __asan_option_detect_stack_use_after_return: core::ffi::c_int;
            }
            // SAFETY: the runtime sets it before `main`.
            unsafe { __asan_option_detect_stack_use_after_return != 0 }
        } else {
            false
        }
    }
}

/// Runs `f`, which may read what frames have left behind, without a word from Valgrind.
pub(crate) fn unwatched<R>(f: impl FnOnce() -> R) -> R {
    const CHANGE_ERROR_DISABLEMENT: usize = 0x1801;
    let disable = |levels: usize| {
        if VALGRIND.load(Ordering::Relaxed) {
            valgrind_request([CHANGE_ERROR_DISABLEMENT, levels, 0, 0, 0, 0]);
        }
    };
    disable(1);
    let result = f();
    disable(usize::MAX); // minus one
    result
}

/// Tells Valgrind that a word counts as written, though it was made from some that were not.
#[cfg(all(feature = "std", debug_assertions, not(segno_asan)))]
pub(crate) fn make_defined(word: &mut u64) {
    const MAKE_MEM_DEFINED: usize = 0x4d43_0002;
    if VALGRIND.load(Ordering::Relaxed) {
        let address = core::ptr::from_mut(word).expose_provenance();
        valgrind_request([MAKE_MEM_DEFINED, address, size_of::<u64>(), 0, 0, 0]);
    }
}

/// Tells Valgrind that a stack lies there; answers a number to deregister it by, 0 if
/// nobody listens.
///
/// # Safety
///
/// The memory is a stack's, until it is deregistered.
#[cfg_attr(
    not(feature = "std"),
    allow(dead_code, reason = "stacks are the caller's")
)]
pub(crate) unsafe fn register_stack(lowest: usize, highest: usize) -> usize {
    const STACK_REGISTER: usize = 0x1501;
    let id = valgrind_request([STACK_REGISTER, lowest, highest, 0, 0, 0]);
    if id != 0 {
        VALGRIND.store(true, Ordering::Relaxed);
    }
    id
}

/// Tells Valgrind that the stack is gone.
///
/// # Safety
///
/// `id` came from `register_stack`, and is not used again.
#[cfg_attr(
    not(feature = "std"),
    allow(dead_code, reason = "stacks are the caller's")
)]
pub(crate) unsafe fn deregister_stack(id: usize) {
    const STACK_DEREGISTER: usize = 0x1502;
    if id != 0 {
        valgrind_request([STACK_DEREGISTER, id, 0, 0, 0, 0]);
    }
}

/// Makes a client request as the Valgrind manual defines it: rotations that add up to a
/// full turn, then an instruction that does nothing. Answers 0 outside of Valgrind.
fn valgrind_request(arguments: [usize; 6]) -> usize {
    cfg_if::cfg_if! {
        if #[cfg(all(target_arch = "x86_64", not(miri)))] {
            let answer;
            // SAFETY: the instructions leave every register as it was, but the answer's
            // under Valgrind.
            unsafe {
                core::arch::asm!(
                    "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51",
                    "xchg rbx, rbx",
                    inlateout("rdx") 0usize => answer,
                    in("rax") arguments.as_ptr(),
                    options(nostack),
                );
            }
            answer
        } else if #[cfg(all(target_arch = "aarch64", not(miri)))] {
            let answer;
            // SAFETY: as above.
            unsafe {
                core::arch::asm!(
                    "ror x12, x12, #3", "ror x12, x12, #13", "ror x12, x12, #51", "ror x12, x12, #61",
                    "orr x10, x10, x10",
                    inlateout("x3") 0usize => answer,
                    in("x4") arguments.as_ptr(),
                    options(nostack),
                );
            }
            answer
        } else {
            let _ = arguments;
            0
        }
    }
}
