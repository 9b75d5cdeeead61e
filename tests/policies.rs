//! What the crate documentation says about floating-point state and signals.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "control registers and signal handlers")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::{mem, ptr};

use segno::Coroutine;

/// A word whose rounding bits say "toward zero" when set, and how it is read and set.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod control {
    #[cfg(target_arch = "x86_64")]
    pub(crate) const TOWARD_ZERO: u64 = 0b11 << 13;
    #[cfg(target_arch = "aarch64")]
    pub(crate) const TOWARD_ZERO: u64 = 0b11 << 22;

    pub(crate) fn get() -> u64 {
        let mut word = 0u64;
        // SAFETY: reads the control register.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack));
            #[cfg(target_arch = "aarch64")]
            std::arch::asm!("mrs {}, fpcr", out(reg) word, options(nostack));
        }
        std::hint::black_box(&mut word);
        word
    }

    pub(crate) fn set(word: u64) {
        // SAFETY: nothing is computed in floating point until it is set back.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack));
            #[cfg(target_arch = "aarch64")]
            std::arch::asm!("msr fpcr, {}", in(reg) word, options(nostack));
        }
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn floating_point_control_state_is_the_threads() {
    use control::{TOWARD_ZERO, get, set};
    let before = get();
    let mut coroutine = Coroutine::<(), u64, u64>::new(|yielder, ()| {
        set(get() | TOWARD_ZERO);
        yielder.suspend(get());
        get()
    });
    let inside = coroutine.resume(()).as_yield().unwrap();
    let outside = get();
    set(before);
    let inside_again = coroutine.resume(()).as_return().unwrap();
    assert_eq!(inside & TOWARD_ZERO, TOWARD_ZERO);
    assert_eq!(outside & TOWARD_ZERO, TOWARD_ZERO);
    assert_eq!(inside_again & TOWARD_ZERO, before & TOWARD_ZERO);
}

static HANDLED_AT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handle(_: libc::c_int) {
    let here = 0u8;
    HANDLED_AT.store(ptr::from_ref(&here).addr(), Ordering::Relaxed);
}

/// Where a handler with these flags runs when the signal comes in a coroutine; and bounds
/// of the coroutine's stack.
fn handled_at(flags: libc::c_int, signal: libc::c_int) -> (usize, std::ops::Range<usize>) {
    use segno::stack::{DefaultStack, Stack};
    // SAFETY: a handler with the right signature, which does nothing that may not be done.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_flags = flags;
        action.sa_sigaction = handle as *const () as usize;
        assert_eq!(libc::sigaction(signal, &action, ptr::null_mut()), 0);
    }
    let stack = DefaultStack::default();
    let bounds = stack.limit().get()..stack.base().get();
    let mut coroutine = Coroutine::<(), (), f64>::with_stack(stack, move |_, ()| {
        let halves: Vec<f64> = (1..9).map(f64::from).map(|x| x / 2.0).collect();
        // SAFETY: there is a handler.
        unsafe { libc::raise(signal) };
        halves.iter().sum()
    });
    assert_eq!(coroutine.resume(()).as_return(), Some(18.0));
    (HANDLED_AT.load(Ordering::Relaxed), bounds)
}

#[test]
fn signal_handlers_run_on_the_coroutines_stack_or_on_their_own() {
    let (at, stack) = handled_at(0, libc::SIGUSR1);
    assert!(stack.contains(&at), "{at:#x} {stack:x?}");
    // The standard library has given this thread an alternate stack.
    let (at, stack) = handled_at(libc::SA_ONSTACK, libc::SIGUSR2);
    assert!(!stack.contains(&at), "{at:#x} {stack:x?}");
}
