//! Who wrote into a suspended stack: a checksum, in debug builds.
//!
//! AddressSanitizer marks bytes of suspended frames that must not be read, so that there is
//! no checksum under it.

#![allow(unsafe_code, reason = "reads a stack as words")]

/// The checksum of a suspended computation's bytes. Empty in release builds.
#[derive(Debug)]
pub(super) struct Watch {
    #[cfg(all(debug_assertions, not(segno_asan)))]
    sum: Option<u64>,
}

impl Watch {
    pub(super) const NONE: Self = Self {
        #[cfg(all(debug_assertions, not(segno_asan)))]
        sum: None,
    };

    /// Notes the bytes from `lowest` up to `highest`.
    ///
    /// # Safety
    ///
    /// They can be read, and nobody writes to them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn note(&mut self, lowest: usize, highest: usize) {
        let _ = (lowest, highest);
        #[cfg(all(debug_assertions, not(segno_asan)))]
        {
            // SAFETY: the caller says so.
            self.sum = Some(unsafe { sum(lowest, highest) });
        }
    }

    /// Panics if the bytes are not those that were noted; once, so that what is left can be
    /// dropped.
    ///
    /// # Safety
    ///
    /// See [`note`](Self::note).
    #[inline(always)]
    #[track_caller]
    pub(super) unsafe fn check(&mut self, lowest: usize, highest: usize) {
        let _ = (lowest, highest);
        #[cfg(all(debug_assertions, not(segno_asan)))]
        if !std::thread::panicking()
            && let Some(noted) = self.sum
            // SAFETY: the caller says so.
            && unsafe { sum(lowest, highest) } != noted
        {
            self.sum = None;
            panic!("somebody wrote into the stack of a compact coroutine while it was suspended");
        }
    }
}

#[cfg(all(debug_assertions, not(segno_asan)))]
unsafe fn sum(lowest: usize, highest: usize) -> u64 {
    crate::sanitize::unwatched(|| {
        let words = (lowest..highest).step_by(size_of::<u64>());
        let mut sum = words.fold(0, |sum: u64, address| {
            // SAFETY: the caller says that they can be read; volatile, since frames that
            // stand still own them.
            let word = unsafe { (address as *const u64).read_volatile() };
            (sum.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        crate::sanitize::make_defined(&mut sum);
        sum
    })
}
