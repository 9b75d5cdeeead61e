//! Carrying a panic across a switch, and unwinding a coroutine that is no longer wanted.
//!
//! A panic never unwinds through assembly: it is caught at the root of its stack, crosses
//! as a value, and goes on from the `resume` that it crossed to. A *forced unwind* is a
//! panic of the crate's own, started in `suspend` and recognisable by [`is_forced`].
//!
//! Without the feature `unwind` a panic that reaches the root of a stack ends the program,
//! since nothing can catch it.

use core::any::Any;

cfg_if::cfg_if! {
    if #[cfg(feature = "unwind")] {
        use std::boxed::Box;
        use std::panic::{self, AssertUnwindSafe};

        /// A panic as a value.
        pub(crate) type Payload = Box<dyn Any + Send>;

        /// Runs `f` at the root of a stack.
        #[inline(always)]
        pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Payload> {
            panic::catch_unwind(AssertUnwindSafe(f))
        }

        /// Lets a panic go on from here.
        #[cold]
        #[inline(never)]
        pub(crate) fn rethrow(payload: Payload) -> ! {
            panic::resume_unwind(payload)
        }

        /// Starts to unwind the stack that `token` stands for.
        #[cold]
        #[inline(never)]
        pub(crate) fn force(token: usize) -> ! {
            panic::resume_unwind(Box::new(ForcedUnwind { token }))
        }

        /// Whether `payload` is the forced unwind of the stack that `token` stands for.
        pub(crate) fn is_force_of(payload: &Payload, token: usize) -> bool {
            payload.downcast_ref::<ForcedUnwind>().is_some_and(|forced| forced.token == token)
        }
    } else {
        /// A panic as a value: none is ever made.
        pub(crate) struct Payload(());

        /// Runs `f` at the root of a stack; a panic there ends the program.
        #[inline(always)]
        pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Payload> {
            let guard = EndProgram("a panic reached the root of a coroutine, which needs the feature `unwind`");
            let result = f();
            core::mem::forget(guard);
            Ok(result)
        }

        /// Lets a panic go on from here.
        pub(crate) fn rethrow(_payload: Payload) -> ! {
            unreachable!("a panic crossed without the feature `unwind`")
        }

        /// Never called: nobody asks a stack to unwind without the feature.
        pub(crate) fn force(_token: usize) -> ! {
            unreachable!("forced unwinding needs the feature `unwind`")
        }

        /// Whether `payload` is the forced unwind of the stack that `token` stands for.
        pub(crate) fn is_force_of(_payload: &Payload, _token: usize) -> bool {
            false
        }
    }
}

/// Whether a suspended stack can be unwound in this build: with the feature `unwind`, and
/// not under `panic=abort`.
pub(crate) const CAN_UNWIND: bool = cfg!(all(feature = "unwind", panic = "unwind"));

/// The payload of a forced unwind.
struct ForcedUnwind {
    /// The stack that is unwound; another stack must not take the payload for its own.
    #[cfg_attr(not(feature = "unwind"), allow(dead_code, reason = "never made"))]
    token: usize,
}

/// Whether a panic's payload is the forced unwinding of a coroutine that was dropped while
/// suspended, or whose `force_unwind` was called.
///
/// Code that catches panics and goes on should let this one pass, with
/// [`std::panic::resume_unwind`].
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
/// use segno::{Coroutine, unwind};
///
/// let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| {
///     if let Err(payload) = catch_unwind(AssertUnwindSafe(|| yielder.suspend(()))) {
///         assert!(unwind::is_forced(&payload));
///         resume_unwind(payload);
///     }
/// });
/// coroutine.resume(());
/// drop(coroutine);
/// ```
pub fn is_forced(payload: &(dyn Any + Send)) -> bool {
    // A `&Box<dyn Any + Send>` coerces to `&dyn Any` with the box itself as the `Any`, so
    // that `is_forced(&payload)` has to look into the box.
    #[cfg(feature = "unwind")]
    if let Some(boxed) = payload.downcast_ref::<Payload>() {
        return is_forced(&**boxed);
    }
    payload.is::<ForcedUnwind>()
}

/// Ends the program with a message when it is dropped.
///
/// For the places where going on, by unwinding too, would leave live values on a stack that
/// is about to be reused.
pub(crate) struct EndProgram(pub(crate) &'static str);

impl Drop for EndProgram {
    fn drop(&mut self) {
        end_program(self.0);
    }
}

/// Prints `message` and aborts.
#[cold]
#[inline(never)]
pub(crate) fn end_program(message: &str) -> ! {
    cfg_if::cfg_if! {
        if #[cfg(feature = "std")] {
            use std::io::Write;
            // Not `eprintln!`, which panics if it cannot write.
            let _ = std::writeln!(std::io::stderr(), "segno: {message}");
            std::process::abort()
        } else {
            // A panic while panicking aborts, and where panics abort one is enough.
            struct Again<'a>(&'a str);
            impl Drop for Again<'_> {
                fn drop(&mut self) {
                    panic!("segno: {}", self.0);
                }
            }
            let _again = Again(message);
            panic!("segno: {message}")
        }
    }
}
