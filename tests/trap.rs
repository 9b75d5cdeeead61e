//! Leaving a coroutine from a handler of the signal that interrupted it.

#![cfg(all(
    target_os = "linux",
    feature = "std",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
#![allow(unsafe_code, reason = "faults on purpose, and handles that")]

use std::cell::Cell;
use std::ffi::c_void;
use std::hint::black_box;
use std::sync::Once;

use segno::stack::{DefaultStack, Stack};
use segno::trap::{CoroutineTrapHandler, TrapHandlerRegs};
use segno::{Coroutine, CoroutineResult, Yielder};

const KIB: usize = 1024;

/// What the coroutines here return: more than fits in registers.
type Ending = [u64; 5];

/// How the handler lets a coroutine leave.
#[derive(Clone, Copy)]
enum Leave {
    /// With this value.
    With(Ending),
    /// With a value that is computed on the stack, which is free again.
    Recurse(u64),
    #[cfg(feature = "unwind")]
    Panic,
}

thread_local! {
    /// Whom the handler may interrupt, and what for.
    static LEAVING: Cell<Option<(CoroutineTrapHandler<Ending>, Leave)>> = const { Cell::new(None) };
    static HANDLED: Cell<u32> = const { Cell::new(0) };
}

#[cfg(target_arch = "x86_64")]
fn stack_ptr(context: &libc::mcontext_t) -> usize {
    context.gregs[libc::REG_RSP as usize] as usize
}

#[cfg(target_arch = "x86_64")]
fn set_registers(context: &mut libc::mcontext_t, regs: TrapHandlerRegs) {
    let TrapHandlerRegs {
        rip,
        rsp,
        rbp,
        rdi,
        rsi,
    } = regs;
    for (register, value) in [
        (libc::REG_RIP, rip),
        (libc::REG_RSP, rsp),
        (libc::REG_RBP, rbp),
        (libc::REG_RDI, rdi),
        (libc::REG_RSI, rsi),
    ] {
        context.gregs[register as usize] = value as i64;
    }
}

#[cfg(target_arch = "aarch64")]
fn stack_ptr(context: &libc::mcontext_t) -> usize {
    context.sp as usize
}

#[cfg(target_arch = "aarch64")]
fn set_registers(context: &mut libc::mcontext_t, regs: TrapHandlerRegs) {
    let TrapHandlerRegs {
        pc,
        sp,
        x0,
        x1,
        x29,
        lr,
    } = regs;
    context.pc = pc;
    context.sp = sp;
    for (register, value) in [(0, x0), (1, x1), (29, x29), (30, lr)] {
        context.regs[register] = value;
    }
}

#[cfg(target_arch = "riscv64")]
fn stack_ptr(context: &libc::mcontext_t) -> usize {
    context.__gregs[2] as usize
}

#[cfg(target_arch = "riscv64")]
fn set_registers(context: &mut libc::mcontext_t, regs: TrapHandlerRegs) {
    let TrapHandlerRegs {
        pc,
        ra,
        sp,
        a0,
        a1,
        s0,
    } = regs;
    for (register, value) in [(0, pc), (1, ra), (2, sp), (8, s0), (10, a0), (11, a1)] {
        context.__gregs[register] = value as _;
    }
}

extern "C" fn on_fault(signal: i32, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a context that is ours to change.
    let context = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
    let at = stack_ptr(context);
    let Some((trap, leave)) = LEAVING
        .take()
        .filter(|(trap, _)| trap.stack_ptr_in_bounds(at))
    else {
        // An honest fault: it happens again, and ends the process.
        // SAFETY: always allowed.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        return;
    };
    HANDLED.set(HANDLED.get() + 1);
    // SAFETY: it was interrupted on its own stack, in functions below that hold nothing
    // which is to be dropped, and all the registers are set.
    let regs = unsafe {
        match leave {
            Leave::With(ending) => trap.setup_trap_handler(move || ending),
            Leave::Recurse(depth) => trap.setup_trap_handler(move || [count(depth); 5]),
            #[cfg(feature = "unwind")]
            Leave::Panic => trap.setup_trap_handler(|| panic!("from the trap")),
        }
    };
    set_registers(context, regs);
}

fn handle_faults() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a handler that touches only its thread's cells and the stack it is to
        // reset.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) = on_fault;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            for signal in [libc::SIGSEGV, libc::SIGBUS] {
                assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
            }
        }
    });
}

/// Writes to where nothing is.
#[inline(never)]
fn write_wildly() {
    // SAFETY: none; it faults.
    unsafe { black_box(16 as *mut u64).write_volatile(1) };
}

/// Recurses for ever.
#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if depth == u64::MAX {
        return 0;
    }
    overflow(depth + 1) + black_box(&room)[3]
}

/// Recurses as deep as it is told to.
#[inline(never)]
fn count(depth: u64) -> u64 {
    match black_box(depth) {
        0 => 0,
        depth => black_box(count(depth - 1)) + 1,
    }
}

type Faulty<S> = Coroutine<u64, u64, Ending, S>;

/// Suspends twice, and then writes wildly or overflows its stack.
fn faulty<S: Stack + 'static>(stack: S, overflows: bool) -> Faulty<S> {
    Coroutine::with_stack(stack, move |yielder: &Yielder<u64, u64>, first| {
        let second = yielder.suspend(first + 1);
        yielder.suspend(second + 1);
        if overflows {
            overflow(0);
        } else {
            write_wildly();
        }
        unreachable!("the fault is handled, and not by going on");
    })
}

/// Resumes up to the fault.
fn begin<S: Stack + 'static>(coroutine: &mut Faulty<S>, leave: Leave) {
    handle_faults();
    assert_eq!(coroutine.resume(1), CoroutineResult::Yield(2));
    assert_eq!(coroutine.resume(10), CoroutineResult::Yield(11));
    LEAVING.set(Some((coroutine.trap_handler(), leave)));
}

#[cfg_attr(segno_tsan, ignore = "the sanitizer has handlers of its own")]
#[test]
fn faults_and_overflows_are_survived() {
    let mut stack = DefaultStack::new(64 * KIB).unwrap();
    let base = stack.base();
    for round in 0..4 {
        for (overflows, leave, expected) in [
            (false, Leave::With([1, 2, 3, 4, round]), [1, 2, 3, 4, round]),
            (true, Leave::With([5, 6, 7, 8, round]), [5, 6, 7, 8, round]),
            (true, Leave::Recurse(100), [100; 5]),
            (false, Leave::Recurse(100), [100; 5]),
        ] {
            let handled = HANDLED.get();
            let mut coroutine = faulty(stack, overflows);
            begin(&mut coroutine, leave);
            assert_eq!(coroutine.resume(0), CoroutineResult::Return(expected));
            assert_eq!(HANDLED.get(), handled + 1);
            assert!(coroutine.done());
            stack = coroutine.into_stack();
            assert_eq!(stack.base(), base);
        }
    }
    // The stack is as good as new.
    let mut coroutine = Coroutine::with_stack(stack, |yielder: &Yielder<u64, u64>, x| {
        yielder.suspend(x) + 1
    });
    assert_eq!(coroutine.resume(1), CoroutineResult::Yield(1));
    assert_eq!(coroutine.resume(2), CoroutineResult::Return(3));
}

#[cfg_attr(segno_tsan, ignore = "the sanitizer has handlers of its own")]
#[test]
fn faults_on_pooled_stacks() {
    for overflows in [false, true] {
        let mut coroutine = faulty(DefaultStack::default(), overflows);
        begin(&mut coroutine, Leave::With([9; 5]));
        assert_eq!(coroutine.resume(0), CoroutineResult::Return([9; 5]));
    }
}

#[cfg_attr(segno_tsan, ignore = "the sanitizer has handlers of its own")]
#[test]
fn faults_of_an_inner_coroutine() {
    let mut outer = Coroutine::<(), u64, u64>::new(|outer, ()| {
        let mut inner = faulty(DefaultStack::new(64 * KIB).unwrap(), true);
        begin(&mut inner, Leave::With([1, 0, 0, 0, 2]));
        let room = black_box([7u64; 100]);
        let ending = inner.resume(0).as_return().unwrap();
        outer.suspend(ending[4]);
        black_box(room).iter().sum::<u64>() + ending[0]
    });
    assert_eq!(outer.resume(()), CoroutineResult::Yield(2));
    assert_eq!(outer.resume(()), CoroutineResult::Return(701));
}

#[cfg(feature = "unwind")]
#[cfg_attr(segno_tsan, ignore = "the sanitizer has handlers of its own")]
#[test]
fn faults_answered_by_a_panic() {
    let mut stack = DefaultStack::new(256 * KIB).unwrap();
    for overflows in [false, true, true, false] {
        let mut coroutine = faulty(stack, overflows);
        begin(&mut coroutine, Leave::Panic);
        let resumed =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| coroutine.resume(0)));
        let payload = resumed.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"from the trap"));
        assert!(coroutine.done() && !std::thread::panicking());
        stack = coroutine.into_stack();
    }
}

#[test]
fn trap_handlers_know_their_stack() {
    let stack = DefaultStack::new(64 * KIB).unwrap();
    let (limit, base) = (stack.limit().get(), stack.base().get());
    let coroutine = faulty(stack, false);
    let trap = coroutine.trap_handler();
    let copy = trap;
    assert!(format!("{copy:?}").starts_with("CoroutineTrapHandler"));
    assert!(trap.stack_ptr_in_bounds(base - 4 * KIB) && trap.stack_ptr_in_bounds(limit + 16));
    assert!(
        trap.stack_ptr_in_bounds(limit),
        "the guard is part of the stack"
    );
    assert!(!trap.stack_ptr_in_bounds(base) && !trap.stack_ptr_in_bounds(limit - 1));
    assert!(!trap.stack_ptr_in_bounds((&raw const copy).addr()));
}
