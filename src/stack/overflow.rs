//! The overflow report: from the address of a fault to a line that says whose stack it was.
//!
//! ```text
//! fault → on_fault, on the thread's alternate stack, since the one that overflowed is full
//!           │ live::find(address), and is it in the guard?
//!           ├─ yes → one line on standard error → abort
//!           └─ no  → the handler that was there before
//! ```
//!
//! # Safety
//!
//! A handler may interrupt anything. It takes no lock, allocates nothing, and reads only
//! atomics, what the kernel passed to it, and the top of the stack that overflowed, which
//! its coroutine, interrupted, does not write to.

#![allow(unsafe_code, reason = "installs a signal handler, and is one")]

use core::cell::OnceCell;
use core::ffi::{c_int, c_void};
use core::mem;
use core::ptr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::io;
use std::sync::OnceLock;

use super::header::Header;
use super::live::{self, Found};
use super::mapping::Mapping;
use crate::error::StackError;

/// Reports overflows of coroutine stacks from now on, in the calling thread and in all
/// threads that the standard library starts.
///
/// A coroutine that overflows its stack touches the guard below it, and the program dies of
/// that fault. With the report on, it first writes one line to standard error, with the
/// name that the coroutine was given, if any, and then aborts:
///
/// ```text
/// segno: coroutine 'walker' overflowed its stack of 1052672 bytes at address 0x7f3a5c1fffe8
/// ```
///
/// It is found by the fault's address alone, among all stacks of type
/// [`DefaultStack`](super::DefaultStack). Every other fault goes to the handler that was
/// installed before, or does what it would have done.
///
/// # Limits
///
/// - A handler needs a stack of its own. The standard library gives one to each thread that
///   it starts, and this function to the thread that calls it, if it has none. A thread that
///   was started otherwise has to call it too; without, its overflows end the program
///   without a line.
/// - A stray pointer into a guard reads like an overflow.
/// - Stacks of types of your own are not known here.
/// - A handler that is installed later replaces this one, unless it passes on what it does
///   not know.
/// - While the number of mappings is large, so is the time that a fault takes that is none
///   of ours: the search goes through the slabs and own mappings, one after the other.
///
/// # Errors
///
/// What the alternate stack lacked, or why the system refused the handler.
///
/// # Examples
///
/// ```
/// segno::stack::report_overflow()?;
/// # Ok::<(), segno::error::StackError>(())
/// ```
pub fn report_overflow() -> Result<(), StackError> {
    static INSTALLED: OnceLock<Result<(), StackError>> = OnceLock::new();

    give_alternate_stack()?;
    *INSTALLED.get_or_init(|| SIGNALS.iter().try_for_each(Signal::install))
}

/// Reports, by `errno`, why a call failed.
fn refused() -> StackError {
    StackError::System {
        code: io::Error::last_os_error().raw_os_error().unwrap_or(0),
    }
}

/// A signal that a guard raises, and what was done about it before.
struct Signal {
    number: c_int,
    /// The earlier handler: `SIG_DFL`, `SIG_IGN`, or the address of a function.
    handler: AtomicUsize,
    /// The flags that it was installed with.
    flags: AtomicUsize,
}

/// Linux raises the first for a guard, other systems may raise the second.
static SIGNALS: [Signal; 2] = [Signal::new(libc::SIGSEGV), Signal::new(libc::SIGBUS)];

impl Signal {
    const fn new(number: c_int) -> Self {
        Self {
            number,
            handler: AtomicUsize::new(libc::SIG_DFL),
            flags: AtomicUsize::new(0),
        }
    }

    fn install(&self) -> Result<(), StackError> {
        // SAFETY: a `sigaction` of zeros is one, and both calls get one to read or write.
        // The handler keeps what is asked of one.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            if libc::sigaction(self.number, ptr::null(), &mut action) != 0 {
                return Err(refused());
            }
            self.flags.store(action.sa_flags as usize, Relaxed);
            self.handler.store(action.sa_sigaction, Release);
            // The mask stays, since the earlier handler may count on it; so does what else
            // the earlier handler wanted, except that it be uninstalled by being called.
            let kept = action.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART);
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_fault;
            action.sa_sigaction = handler as usize;
            action.sa_flags = kept | libc::SA_SIGINFO | libc::SA_ONSTACK;
            if libc::sigaction(self.number, &action, ptr::null_mut()) != 0 {
                return Err(refused());
            }
        }
        Ok(())
    }

    /// Does what would have been done about the signal without us.
    ///
    /// Nothing before the call of the earlier handler, or after it, touches `errno`.
    fn pass_on(&self, info: *mut libc::siginfo_t, context: *mut c_void, from_user: bool) {
        let handler = self.handler.load(Acquire);
        let flags = self.flags.load(Relaxed) as c_int;
        if flags & libc::SA_RESETHAND != 0 {
            self.handler.store(libc::SIG_DFL, Relaxed);
        }
        match handler {
            libc::SIG_IGN if from_user => {}
            libc::SIG_DFL | libc::SIG_IGN => {
                restore_default(self.number);
                // A fault happens again when the handler returns, a signal that was sent
                // does not; it stays pending until then.
                if from_user {
                    // SAFETY: always allowed.
                    unsafe { libc::raise(self.number) };
                }
            }
            // SAFETY: the address was installed as a handler with three arguments.
            _ if flags & libc::SA_SIGINFO != 0 => unsafe {
                let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    mem::transmute(handler);
                handler(self.number, info, context);
            },
            // SAFETY: the address was installed as a handler with one argument.
            _ => unsafe {
                let handler: extern "C" fn(c_int) = mem::transmute(handler);
                handler(self.number);
            },
        }
    }
}

fn restore_default(signal: c_int) {
    // SAFETY: a `sigaction` of zeros says SIG_DFL and no flags.
    unsafe {
        let action: libc::sigaction = mem::zeroed();
        libc::sigaction(signal, &action, ptr::null_mut());
    }
}

extern "C" fn on_fault(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid `info` to a handler with SA_SIGINFO.
    let (address, from_user) = unsafe { ((*info).si_addr() as usize, (*info).si_code <= 0) };
    // A signal that was sent by somebody has no address.
    if !from_user
        && let Some(stack) = live::find(address)
        && address - stack.limit < stack.guard
    {
        report(&stack, address);
        restore_default(libc::SIGABRT);
        // SAFETY: always allowed.
        unsafe { libc::abort() };
    }
    if let Some(signal) = SIGNALS.iter().find(|signal| signal.number == number) {
        signal.pass_on(info, context, from_user);
    }
}

fn report(stack: &Found, address: usize) {
    // SAFETY: the stack is live and has MIN_STACK_SIZE bytes above its guard; whoever used
    // it is interrupted.
    let name = unsafe { Header::name(stack.base) };
    let mut line = Line::new();
    match name {
        Some(name) => {
            line.text(b"segno: coroutine '");
            line.name(name);
            line.text(b"'");
        }
        None => line.text(b"segno: a coroutine"),
    }
    line.text(b" overflowed its stack of ");
    line.number(stack.base.get() - stack.limit - stack.guard, 10);
    line.text(b" bytes at address 0x");
    line.number(address, 16);
    line.text(b"\n");
    let bytes = line.written();
    // SAFETY: `bytes` can be read.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}

/// A line put together without the heap, long enough for the longest name.
struct Line {
    bytes: [u8; 320],
    len: usize,
}

impl Line {
    const fn new() -> Self {
        Self {
            bytes: [0; 320],
            len: 0,
        }
    }

    fn text(&mut self, text: &[u8]) {
        for &byte in text {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
    }

    /// Adds a name, which must not look like a line of its own.
    fn name(&mut self, name: &[u8]) {
        for &byte in name {
            self.text(&[if byte.is_ascii_control() { b'?' } else { byte }]);
        }
    }

    fn number(&mut self, mut number: usize, radix: usize) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b"0123456789abcdef"[number % radix];
            number /= radix;
            if number == 0 {
                break;
            }
        }
        self.text(&digits[start..]);
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// What the system's headers hold to be enough for a handler. Its type differs.
const SIGNAL_STACK: usize = libc::SIGSTKSZ as _;

/// The alternate stack that a thread got from us; taken away when the thread ends.
struct AlternateStack {
    mapping: Mapping,
}

std::thread_local! {
    static ALTERNATE: OnceCell<AlternateStack> = const { OnceCell::new() };
}

/// Gives the calling thread a stack for signal handlers, unless it has one.
fn give_alternate_stack() -> Result<(), StackError> {
    if current_alternate_stack()?.ss_flags & libc::SS_DISABLE == 0 {
        return Ok(());
    }
    // Enough for a handler that was there before and may do more than ours, on top of what
    // the kernel itself puts there.
    let mapping = Mapping::new(least_signal_stack() + 64 * 1024, 0)?;
    let lowest = mapping.limit().get() + mapping.guard();
    let stack = libc::stack_t {
        ss_sp: ptr::with_exposed_provenance_mut(lowest),
        ss_flags: 0,
        ss_size: mapping.base().get() - lowest,
    };
    // While the thread ends it is too late: nobody would take the stack away any more.
    ALTERNATE
        .try_with(|own| {
            // SAFETY: the mapping lives until the thread-local is dropped, which takes it
            // away again.
            if unsafe { libc::sigaltstack(&stack, ptr::null_mut()) } != 0 {
                return Err(refused());
            }
            // The thread may have had one of ours that somebody took away; it is left to
            // nobody, rather than freed while it might be in use.
            if let Err(second) = own.set(AlternateStack { mapping }) {
                mem::forget(second);
            }
            Ok(())
        })
        .unwrap_or(Err(StackError::Unsupported))
}

fn current_alternate_stack() -> Result<libc::stack_t, StackError> {
    // SAFETY: a `stack_t` of zeros is one, and is there to be written to.
    unsafe {
        let mut stack: libc::stack_t = mem::zeroed();
        if libc::sigaltstack(ptr::null(), &mut stack) != 0 {
            return Err(refused());
        }
        Ok(stack)
    }
}

/// The bytes that the kernel itself needs to deliver a signal.
fn least_signal_stack() -> usize {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: always allowed. Vector registers have outgrown the constant; the kernel says
    // how far, or zero if it does not know the question.
    let dynamic = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let dynamic = 0;
    dynamic.max(SIGNAL_STACK)
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let lowest = self.mapping.limit().get() + self.mapping.guard();
        if current_alternate_stack().is_ok_and(|stack| stack.ss_sp.addr() == lowest) {
            let none = libc::stack_t {
                ss_sp: ptr::null_mut(),
                ss_flags: libc::SS_DISABLE,
                // macOS checks the size even so.
                ss_size: SIGNAL_STACK,
            };
            // SAFETY: no handler is running here, so the stack is not in use.
            unsafe { libc::sigaltstack(&none, ptr::null_mut()) };
        }
    }
}
