//! Stacks where the system gives none: without `std`, and on targets that are not Unix.
//!
//! The types are there, so that what is written against them compiles, and no value of
//! [`DefaultStack`] can exist.

#![allow(
    unsafe_code,
    reason = "implements an unsafe trait for a type without values"
)]

use core::convert::Infallible;
use core::fmt;

use super::config::{GuardKind, PoolBuilder, PoolStats};
use super::{Stack, StackPointer};
use crate::error::StackError;

/// The stack that a coroutine has unless it is given another. On this target, or without
/// the feature `std`, there is none: give the coroutine a [`Stack`](super::Stack) of your
/// own.
pub struct DefaultStack {
    never: Infallible,
}

impl DefaultStack {
    /// The usable bytes of a stack whose size was not said, at least: 1 MiB.
    pub const SIZE: usize = 1 << 20;

    /// Answers that there is none.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    #[cfg(feature = "std")]
    pub fn new(_size: usize) -> std::io::Result<Self> {
        Err(StackError::Unsupported.into())
    }

    /// Answers that there is none.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn with_guard(_size: usize, _guard: usize) -> Result<Self, StackError> {
        Err(StackError::Unsupported)
    }

    /// Answers that there is none.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn try_default() -> Result<Self, StackError> {
        Err(StackError::Unsupported)
    }
}

// SAFETY: there is no value to keep a promise for.
unsafe impl Stack for DefaultStack {
    fn base(&self) -> StackPointer {
        match self.never {}
    }

    fn limit(&self) -> StackPointer {
        match self.never {}
    }
}

impl Default for DefaultStack {
    /// # Panics
    ///
    /// Always.
    fn default() -> Self {
        panic!("{}", StackError::Unsupported)
    }
}

impl fmt::Debug for DefaultStack {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.never {}
    }
}

/// A pool of stacks. On this target, or without the feature `std`, it has none.
#[derive(Clone, Debug)]
pub struct Pool {
    guard: GuardKind,
}

impl Pool {
    /// Starts to configure a pool.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// The pool of the default constructors.
    pub fn global() -> &'static Self {
        &Self {
            guard: GuardKind::Mprotect,
        }
    }

    pub(super) fn with_config(config: &PoolBuilder) -> Self {
        Self {
            guard: config.guard,
        }
    }

    /// Answers that there is none.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn take(&self) -> Result<DefaultStack, StackError> {
        Err(StackError::Unsupported)
    }

    /// The usable bytes of each stack: zero.
    pub fn stack_size(&self) -> usize {
        0
    }

    /// The bytes of guard below each stack: zero.
    pub fn guard_size(&self) -> usize {
        0
    }

    /// Has nothing to give back, and answers zero.
    pub fn trim(&self) -> usize {
        0
    }

    /// What the pool holds: nothing.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            in_use: 0,
            idle: 0,
            slabs: 0,
            reserved: 0,
            guard: self.guard,
        }
    }
}

/// Answers that there are no stacks whose overflow could be reported.
///
/// # Errors
///
/// `Unsupported`.
pub fn report_overflow() -> Result<(), StackError> {
    Err(StackError::Unsupported)
}
