//! What a frame comes to that recurses on the native stack, if not to a value.

#![forbid(unsafe_code)]

use alloc::boxed::Box;

use crate::frame::{Frame, Interrupted, Refusal};

/// What a frame that recurses on the native stack comes to, if not to a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Leave<V> {
    /// It raised this. Whoever called it may go on.
    Raised(V),
    /// What it asked for was refused, and it has not gone on from there. Whoever called it may.
    Refused(Refusal),
    /// The native stack is being left. Every function hands this on at once, as `?` does; its
    /// frame is kept, and it is entered again when there is something to go on with.
    Away(Away),
}

/// That the native stack is being left. Nobody but the crate makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Away(());

impl<V> From<Refusal> for Box<Leave<V>> {
    fn from(refusal: Refusal) -> Self {
        Self::new(Leave::Refused(refusal))
    }
}

impl<V> From<Interrupted<V>> for Box<Leave<V>> {
    fn from(interrupted: Interrupted<V>) -> Self {
        match interrupted {
            Interrupted::Raised(error) => Self::new(Leave::Raised(error)),
            Interrupted::Refused(refusal) => refusal.into(),
        }
    }
}

/// What a frame comes to that recurses on the native stack. In a box what is rare, so that a
/// value is handed back as a plain recursion hands it back.
pub type Came<F> = Result<<F as Frame>::Value, Box<Leave<<F as Frame>::Value>>>;

/// Raises: what a function answers for that.
///
/// # Errors
///
/// Always [`Leave::Raised`].
#[cold]
pub fn raise<T, V>(error: V) -> Result<T, Box<Leave<V>>> {
    Err(Box::new(Leave::Raised(error)))
}

/// What a callee has come to, a raised value too, for a function that goes on then: `try`. A frame
/// that does that [catches](Frame::catches); one that does not say so gets the value only while
/// all is on the native stack.
///
/// ```
/// # use segno::copy::{Came, caught, raise};
/// # use segno::frame::Frame;
/// # fn half<F: Frame<Value = i64>>(n: i64) -> Came<F> {
/// #     if n % 2 == 0 { Ok(n / 2) } else { raise(n) }
/// # }
/// fn half_or_none<F: Frame<Value = i64>>(n: i64) -> Came<F> {
///     match caught(half::<F>(n))? {
///         Ok(half) => Ok(half),
///         Err(_odd) => Ok(0),
///     }
/// }
/// ```
///
/// # Errors
///
/// What is not to be caught: a refusal, and [`Leave::Away`].
pub fn caught<V>(came: Result<V, Box<Leave<V>>>) -> Result<Result<V, V>, Box<Leave<V>>> {
    match came.map_err(|leave| *leave) {
        Ok(value) => Ok(Ok(value)),
        Err(Leave::Raised(error)) => Ok(Err(error)),
        Err(leave) => Err(Box::new(leave)),
    }
}

pub(super) fn is_away<F: Frame>(came: &Came<F>) -> bool {
    came.as_ref()
        .is_err_and(|leave| matches!(**leave, Leave::Away(_)))
}

#[cold]
pub(super) fn away<F: Frame>() -> Box<Leave<F::Value>> {
    Box::new(Leave::Away(Away(())))
}
