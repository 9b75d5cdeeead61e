//! The engine of targets that have none: everything compiles, and nothing can be made.

use core::convert::Infallible;
use core::marker::PhantomData;

use super::Exit;
pub(crate) use super::address_of_a_variable as stack_pointer;
use crate::error::StackError;
use crate::stack::{Stack, StackPointer};

/// Registers that a trap handler must set; on this target there are none.
#[derive(Clone, Copy, Debug)]
pub struct TrapHandlerRegs {}

#[derive(Debug)]
pub(crate) struct Link<I, Y> {
    never: Infallible,
    marker: PhantomData<fn(Y) -> I>,
}

impl<I, Y> Link<I, Y> {
    pub(crate) fn suspend(&self, _value: Y) -> I {
        match self.never {}
    }

    pub(crate) fn on_parent_stack<R>(&self, _f: impl FnOnce() -> R + Send) -> R {
        match self.never {}
    }

    pub(crate) fn remaining_stack(&self) -> usize {
        match self.never {}
    }
}

pub(crate) struct Core<I, Y, R, S> {
    never: Infallible,
    body: PhantomData<fn(I) -> Exit<Y, R>>,
    stack: PhantomData<S>,
}

#[allow(unsafe_code, reason = "the vocabulary of engines has unsafe words")]
impl<I, Y, R, S: Stack> Core<I, Y, R, S> {
    pub(crate) fn check<F>(_stack: &S) -> Result<(), StackError> {
        Err(StackError::Unsupported)
    }

    pub(crate) unsafe fn new<F>(_stack: S, _name: &str, _body: F) -> Self
    where
        F: FnOnce(&Link<I, Y>, I) -> R,
    {
        panic!("{}", StackError::Unsupported)
    }

    pub(crate) fn resume(&mut self, _input: I) -> Exit<Y, R> {
        match self.never {}
    }

    pub(crate) fn signal_unwind(&mut self) -> Option<Exit<Y, R>> {
        match self.never {}
    }

    pub(crate) fn started(&self) -> bool {
        match self.never {}
    }

    pub(crate) fn done(&self) -> bool {
        match self.never {}
    }

    pub(crate) unsafe fn force_reset(&mut self) {
        match self.never {}
    }

    pub(crate) fn token(&self) -> usize {
        match self.never {}
    }

    pub(crate) fn bounds(&self) -> (usize, StackPointer) {
        match self.never {}
    }

    pub(crate) fn into_stack(self) -> S {
        match self.never {}
    }

    pub(crate) fn trap(&self) -> Trap<R> {
        match self.never {}
    }
}

/// Runs `f` on `stack`, which this target cannot do.
pub(crate) fn on_stack<S: Stack, R>(_stack: S, _f: impl FnOnce() -> R) -> R {
    panic!("{}", StackError::Unsupported)
}

pub(crate) struct Trap<R> {
    never: Infallible,
    marker: PhantomData<fn(R)>,
}

impl<R> Clone for Trap<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Trap<R> {}

#[allow(unsafe_code, reason = "the vocabulary of engines has unsafe words")]
impl<R> Trap<R> {
    pub(crate) fn contains(&self, _stack_ptr: usize) -> bool {
        match self.never {}
    }

    pub(crate) unsafe fn set_up<F: FnOnce() -> R + 'static>(&self, _f: F) -> TrapHandlerRegs {
        match self.never {}
    }
}
