//! What the crate documentation says of the state that a switch leaves alone.

#![cfg(all(unix, feature = "std"))]
#![allow(
    unsafe_code,
    reason = "reads control registers, and installs signal handlers"
)]

mod child;

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use segno::stack::{DefaultStack, Stack};
use segno::{Coroutine, CoroutineResult, Yielder};

/// The rounding mode as the processor keeps it.
#[cfg(target_arch = "x86_64")]
mod rounding {
    use std::arch::asm;

    pub(crate) const TO_ZERO: usize = 3;
    const SHIFT: u32 = 13;

    pub(crate) fn get() -> usize {
        let mut mxcsr = 0u32;
        // SAFETY: stores the register to the variable.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack)) };
        (mxcsr >> SHIFT & 3) as usize
    }

    pub(crate) fn set(mode: usize) {
        let mut mxcsr = 0u32;
        // SAFETY: nothing here computes with floating point before the mode is set back.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack));
            mxcsr = mxcsr & !(3 << SHIFT) | (mode as u32) << SHIFT;
            asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack));
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod rounding {
    use std::arch::asm;

    pub(crate) const TO_ZERO: usize = 3;
    const SHIFT: u32 = 22;

    pub(crate) fn get() -> usize {
        let fpcr: usize;
        // SAFETY: reads a register.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack)) };
        fpcr >> SHIFT & 3
    }

    pub(crate) fn set(mode: usize) {
        let mut fpcr: usize;
        // SAFETY: nothing here computes with floating point before the mode is set back.
        unsafe {
            asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack));
            fpcr = fpcr & !(3 << SHIFT) | mode << SHIFT;
            asm!("msr fpcr, {}", in(reg) fpcr, options(nomem, nostack));
        }
    }
}

#[cfg(target_arch = "riscv64")]
mod rounding {
    use std::arch::asm;

    pub(crate) const TO_ZERO: usize = 1;

    pub(crate) fn get() -> usize {
        let mode: usize;
        // SAFETY: reads a register.
        unsafe { asm!("frrm {}", out(reg) mode, options(nomem, nostack)) };
        mode
    }

    pub(crate) fn set(mode: usize) {
        // SAFETY: nothing here computes with floating point before the mode is set back.
        unsafe { asm!("fsrm {}", in(reg) mode, options(nomem, nostack)) };
    }
}

#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
))]
#[test]
fn floating_point_control_is_the_threads() {
    let before = rounding::get();
    assert_ne!(before, rounding::TO_ZERO);
    let mut coroutine = Coroutine::<usize, usize, usize>::new(|yielder, outside| {
        assert_eq!(rounding::get(), outside);
        rounding::set(rounding::TO_ZERO);
        let outside = yielder.suspend(rounding::get());
        assert_eq!(rounding::get(), outside);
        outside
    });
    let set_inside = coroutine.resume(before);
    let seen_outside = rounding::get();
    rounding::set(before);
    let returned = coroutine.resume(before);
    assert_eq!(set_inside, CoroutineResult::Yield(rounding::TO_ZERO));
    assert_eq!(seen_outside, rounding::TO_ZERO);
    assert_eq!(returned, CoroutineResult::Return(before));
}

/// Where the handler last ran, and how often.
static HANDLER_AT: AtomicUsize = AtomicUsize::new(0);
static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// One test at a time has the signal.
static SIGNAL: Mutex<()> = Mutex::new(());

extern "C" fn on_signal(_: i32) {
    // Takes some of the stack that it runs on.
    let room = black_box([0xa5u8; 2048]);
    HANDLER_AT.store((&raw const room).addr(), Ordering::Relaxed);
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn install(flags: i32) {
    let handler: extern "C" fn(i32) = on_signal;
    // SAFETY: the handler touches its own stack and atomics.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = flags | libc::SA_RESTART;
        assert_eq!(
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()),
            0
        );
    }
}

#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer keeps the handler's locals elsewhere, or puts signals off"
)]
#[test]
fn signals_run_on_the_coroutines_stack_or_on_the_alternate_one() {
    let _signal = SIGNAL.lock().unwrap();
    for (flags, on_the_coroutines) in [(0, true), (libc::SA_ONSTACK, false)] {
        install(flags);
        let stack = DefaultStack::new(256 * 1024).unwrap();
        let own = stack.limit().get()..stack.base().get();
        // On a thread of the standard library, which has an alternate stack.
        let coroutine =
            segno::SendCoroutine::<u64, u64, u64, _>::with_stack(stack, |yielder, x| {
                let room = black_box([x; 50]);
                // SAFETY: always allowed.
                unsafe { libc::raise(libc::SIGUSR1) };
                let y = yielder.suspend(room.iter().sum());
                // SAFETY: always allowed.
                unsafe { libc::raise(libc::SIGUSR1) };
                black_box(room).iter().sum::<u64>() + y
            });
        let before = HANDLED.load(Ordering::Relaxed);
        let thread = thread::spawn(move || {
            let mut coroutine = coroutine.into_inner();
            assert_eq!(coroutine.resume(2), CoroutineResult::Yield(100));
            assert_eq!(
                own.contains(&HANDLER_AT.load(Ordering::Relaxed)),
                on_the_coroutines
            );
            assert_eq!(coroutine.resume(1), CoroutineResult::Return(101));
        });
        thread.join().unwrap();
        assert_eq!(HANDLED.load(Ordering::Relaxed), before + 2);
    }
}

/// Signals hit every instruction of a switch sooner or later, and a handler writes to the
/// stack that was current then.
#[test]
fn signals_may_interrupt_a_switch() {
    let _signal = SIGNAL.lock().unwrap();
    for flags in [0, libc::SA_ONSTACK] {
        install(flags);
        let enough = HANDLED.load(Ordering::Relaxed) + 100;
        let done = AtomicBool::new(false);
        // SAFETY: always allowed.
        let target = unsafe { libc::pthread_self() } as usize;
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Acquire) {
                    // SAFETY: the target waits for this thread.
                    unsafe { libc::pthread_kill(target as libc::pthread_t, libc::SIGUSR1) };
                    thread::yield_now();
                }
            });
            let body = |yielder: &Yielder<(u64, u64, u64), (u64, u64, u64)>, mut x| {
                for _ in 0..200 {
                    x = yielder.suspend(x);
                }
                x
            };
            let mut rounds = 0u64;
            while HANDLED.load(Ordering::Relaxed) < enough {
                let mut coroutine = Coroutine::new(body);
                for _ in 0..200 {
                    rounds += 1;
                    let sent = black_box((rounds, !rounds, rounds << 7));
                    assert_eq!(coroutine.resume(sent), CoroutineResult::Yield(sent));
                }
                assert_eq!(
                    coroutine.resume((1, 2, 3)),
                    CoroutineResult::Return((1, 2, 3))
                );
            }
            done.store(true, Ordering::Release);
        });
    }
}

/// A frame that is larger than the guard, by far, is stopped all the same.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer takes the fault for its own"
)]
#[test]
fn overflow_by_a_frame_larger_than_the_guard() {
    #[inline(never)]
    fn large_frame(seed: u8) -> u8 {
        let mut room = [0u8; 1 << 20];
        black_box(&mut room)[usize::from(seed)] = seed;
        black_box(&room)[7]
    }
    if let Some(ended) = child::run("overflow_by_a_frame_larger_than_the_guard", "", || {
        segno::stack::report_overflow().unwrap();
        let mut coroutine = Coroutine::<(), (), u8>::builder()
            .name("large")
            .stack_size(64 * 1024)
            .build(|_, ()| large_frame(9))
            .unwrap();
        coroutine.resume(());
    }) {
        ended.assert_died(
            libc::SIGABRT,
            "segno: coroutine 'large' overflowed its stack",
        );
    }
}
