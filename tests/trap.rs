//! A signal handler makes a coroutine leave.

#![cfg(target_os = "linux")]
#![allow(
    unsafe_code,
    reason = "signal handlers, and faults that are made on purpose"
)]

use std::cell::Cell;
use std::mem::zeroed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use segno::Coroutine;
use segno::trap::{CoroutineTrapHandler, TrapHandlerRegs};

type Leave = fn(&CoroutineTrapHandler<i32>) -> TrapHandlerRegs;

thread_local! {
    static TRAP: Cell<Option<(CoroutineTrapHandler<i32>, Leave)>> = const { Cell::new(None) };
}

/// The stack pointer at the trap, and a way to set the registers.
fn stack_pointer(context: &libc::ucontext_t) -> usize {
    let machine = &context.uc_mcontext;
    #[cfg(target_arch = "x86_64")]
    return machine.gregs[libc::REG_RSP as usize] as usize;
    #[cfg(target_arch = "aarch64")]
    return machine.sp as usize;
    #[cfg(target_arch = "riscv64")]
    return machine.__gregs[libc::REG_SP] as usize;
}

fn set_registers(context: &mut libc::ucontext_t, regs: TrapHandlerRegs) {
    let machine = &mut context.uc_mcontext;
    #[cfg(target_arch = "x86_64")]
    {
        #[rustfmt::skip]
        let TrapHandlerRegs { rip, rsp, rbp, rdi, rsi } = regs;
        machine.gregs[libc::REG_RIP as usize] = rip as i64;
        machine.gregs[libc::REG_RSP as usize] = rsp as i64;
        machine.gregs[libc::REG_RBP as usize] = rbp as i64;
        machine.gregs[libc::REG_RDI as usize] = rdi as i64;
        machine.gregs[libc::REG_RSI as usize] = rsi as i64;
    }
    #[cfg(target_arch = "aarch64")]
    {
        #[rustfmt::skip]
        let TrapHandlerRegs { pc, sp, x0, x1, x29, lr } = regs;
        machine.pc = pc;
        machine.sp = sp;
        machine.regs[0] = x0;
        machine.regs[1] = x1;
        machine.regs[29] = x29;
        machine.regs[30] = lr;
    }
    #[cfg(target_arch = "riscv64")]
    {
        #[rustfmt::skip]
        let TrapHandlerRegs { pc, ra, sp, a0, a1, s0 } = regs;
        machine.__gregs[libc::REG_PC] = pc as libc::c_ulong;
        machine.__gregs[libc::REG_RA] = ra as libc::c_ulong;
        machine.__gregs[libc::REG_SP] = sp as libc::c_ulong;
        machine.__gregs[libc::REG_A0] = a0 as libc::c_ulong;
        machine.__gregs[libc::REG_A0 + 1] = a1 as libc::c_ulong;
        machine.__gregs[libc::REG_S0] = s0 as libc::c_ulong;
    }
}

extern "C" fn handle(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a context that is this handler's for the time being.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let Some((trap, leave)) = TRAP.get() else {
        // SAFETY: a fault that no test made.
        unsafe { libc::abort() }
    };
    assert!(trap.stack_ptr_in_bounds(stack_pointer(context)));
    set_registers(context, leave(&trap));
}

fn install() {
    // SAFETY: a handler with the right signature; threads of the test harness have an
    // alternate stack from the standard library.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        action.sa_sigaction = handle as *const () as usize;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            assert_eq!(libc::sigaction(signal, &action, ptr::null_mut()), 0);
        }
    }
}

fn fault() {
    // SAFETY: none; the handler takes the coroutine away from here.
    unsafe { ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
}

#[allow(unconditional_recursion, reason = "overflows on purpose")]
fn recurse(filling: &mut [u8; 200]) -> u8 {
    let mut more = [filling[0]; 200];
    recurse(std::hint::black_box(&mut more)) + more[7]
}

#[test]
fn fault_leaves_with_a_value() {
    install();
    let mut coroutine = Coroutine::<i32, (), i32>::new(|_, input| {
        fault();
        input
    });
    // SAFETY: the body keeps nothing that needs to be dropped.
    TRAP.set(Some((coroutine.trap_handler(), |trap| unsafe {
        trap.setup_trap_handler(|| 42)
    })));
    assert_eq!(coroutine.resume(1).as_return(), Some(42));
    assert!(coroutine.done());
}

#[test]
fn fault_leaves_after_a_suspension_with_what_was_captured() {
    install();
    let mut coroutine = Coroutine::<i32, i32, i32>::new(|yielder, input| {
        let next = yielder.suspend(input + 1);
        fault();
        next
    });
    assert_eq!(coroutine.resume(1).as_yield(), Some(2));
    // SAFETY: as above.
    TRAP.set(Some((coroutine.trap_handler(), |trap| unsafe {
        let lines = [1, 2, 3, 4, 5, 6, 7, 8];
        trap.setup_trap_handler(move || lines.iter().sum())
    })));
    assert_eq!(coroutine.resume(5).as_return(), Some(36));
}

#[test]
fn overflow_leaves_twice_on_the_same_stack() {
    install();
    let mut stack = segno::stack::DefaultStack::new(64 * 1024).unwrap();
    for answer in [1, 2] {
        let mut coroutine =
            Coroutine::<(), (), i32>::with_stack(stack, |_, ()| recurse(&mut [1; 200]).into());
        let leave: Leave = match answer {
            // SAFETY: as above.
            1 => |trap| unsafe { trap.setup_trap_handler(|| 1) },
            // SAFETY: as above.
            _ => |trap| unsafe { trap.setup_trap_handler(|| 2) },
        };
        TRAP.set(Some((coroutine.trap_handler(), leave)));
        assert_eq!(coroutine.resume(()).as_return(), Some(answer));
        stack = coroutine.into_stack();
    }
}

#[cfg(feature = "unwind")]
#[test]
fn fault_leaves_with_a_panic() {
    install();
    let mut coroutine = Coroutine::<(), (), i32>::new(|_, ()| {
        fault();
        1
    });
    // SAFETY: as above.
    TRAP.set(Some((coroutine.trap_handler(), |trap| unsafe {
        trap.setup_trap_handler(|| std::panic::panic_any("trapped"))
    })));
    let payload = catch_unwind(AssertUnwindSafe(|| coroutine.resume(()))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"trapped"));
    assert!(coroutine.done());
}

#[test]
fn bounds_are_the_stack_with_its_guard() {
    use segno::stack::{DefaultStack, Stack};
    let stack = DefaultStack::new(32 * 1024).unwrap();
    let (limit, base) = (stack.limit().get(), stack.base().get());
    let coroutine = Coroutine::<(), (), ()>::with_stack(stack, |_, ()| ());
    let trap = coroutine.trap_handler();
    assert!(trap.stack_ptr_in_bounds(limit) && trap.stack_ptr_in_bounds(base - 512));
    assert!(!trap.stack_ptr_in_bounds(limit - 1) && !trap.stack_ptr_in_bounds(base));
}
