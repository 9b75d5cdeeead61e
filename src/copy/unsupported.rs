//! Regions where the crate has no switch of its own, or no stacks from the system.
//!
//! The types are there, so that what is written against them compiles; and since no [`Region`]
//! can exist, none of the others can.

#![allow(unsafe_code, reason = "has the signatures of what is unsafe elsewhere")]

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;

use super::coop::Coop;
use super::error::Refused;
use super::leave::Came;
use crate::coroutine::{CoroutineResult, Yielder};
use crate::error::StackError;
use crate::frame::{Context, Describe, Input, Step};
use crate::stack::DefaultStack;

/// A stack on which many computations take turns. On this target, or without the feature `std`,
/// there is none.
#[derive(Clone)]
pub struct Region {
    never: Infallible,
}

impl Region {
    /// Answers that there is none.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn new(_size: usize) -> Result<Self, StackError> {
        Err(StackError::Unsupported)
    }

    /// Answers that there is none.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn with_stack(_stack: DefaultStack) -> Result<Self, StackError> {
        Err(StackError::Unsupported)
    }

    /// The usable bytes.
    pub fn size(&self) -> usize {
        match self.never {}
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.never {}
    }
}

/// A coroutine that is small while it is idle. There is none here.
pub struct CompactCoroutine<Input, Yield, Return> {
    region: Region,
    not_send: PhantomData<*mut (Input, Yield, Return)>,
}

#[allow(
    clippy::missing_safety_doc,
    reason = "there is no region to call it with"
)]
impl<Input, Yield, Return> CompactCoroutine<Input, Yield, Return> {
    /// Never called.
    pub unsafe fn new<F>(region: &Region, _body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        match region.never {}
    }

    /// Never called.
    pub unsafe fn try_new<F>(region: &Region, _body: F) -> Result<Self, Refused<F>>
    where
        F: FnOnce(&Yielder<Input, Yield>, Input) -> Return,
        F: 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        match region.never {}
    }

    /// Never called.
    pub fn resume(&mut self, _value: Input) -> CoroutineResult<Yield, Return> {
        match self.region.never {}
    }

    /// Never called.
    pub fn try_resume(
        &mut self,
        _value: Input,
    ) -> Result<CoroutineResult<Yield, Return>, Refused<Input>> {
        match self.region.never {}
    }

    /// Never called.
    pub fn started(&self) -> bool {
        match self.region.never {}
    }

    /// Never called.
    pub fn done(&self) -> bool {
        match self.region.never {}
    }

    /// Never called.
    pub fn image_size(&self) -> usize {
        match self.region.never {}
    }

    /// Never called.
    pub fn force_unwind(&mut self) {
        match self.region.never {}
    }

    /// Never called.
    pub unsafe fn force_reset(&mut self) {
        match self.region.never {}
    }
}

impl<Input, Yield, Return> fmt::Debug for CompactCoroutine<Input, Yield, Return> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.region.never {}
    }
}

/// Frames on the stack of a [`Region`]. There are none here.
pub struct Image<F> {
    region: Region,
    of: PhantomData<*mut F>,
}

#[allow(
    clippy::missing_safety_doc,
    reason = "there is no region to call it with"
)]
impl<F: Describe> Image<F> {
    /// Never called.
    pub unsafe fn new(
        region: &Region,
        _frame: F,
        _run: for<'c, 'r> fn(Coop<'c, 'r, F>) -> Came<F>,
    ) -> Self
    where
        F: From<Self>,
    {
        match region.never {}
    }

    /// Never called.
    pub fn resume(&mut self, _input: Input<F>, _cx: &mut Context<'_, F>) -> Step<F> {
        match self.region.never {}
    }

    /// Never called.
    pub fn one_shot(&self) -> Option<&'static str> {
        match self.region.never {}
    }

    /// Never called.
    pub fn catches(&self) -> bool {
        match self.region.never {}
    }

    /// Never called.
    pub fn states(&self) -> Vec<F> {
        match self.region.never {}
    }
}

impl<F> Clone for Image<F> {
    fn clone(&self) -> Self {
        match self.region.never {}
    }
}

impl<F> fmt::Debug for Image<F> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.region.never {}
    }
}
