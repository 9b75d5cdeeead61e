//! Stack-switching coroutines and continuations.
#![no_std]

#[cfg(any(feature = "std", test))]
extern crate std;

extern crate alloc;

mod batch;
#[cfg(feature = "std")]
mod builder;
mod coroutine;
mod engine;
pub mod error;
pub mod generator;
mod sanitize;
mod scoped;
mod send;
pub mod stack;
#[cfg(all(unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod switch;
pub mod trap;
pub mod unwind;

#[cfg(feature = "std")]
pub use builder::Builder;
pub use coroutine::{Coroutine, CoroutineResult, Yielder, on_stack};
pub use generator::Generator;
pub use scoped::{ScopedCoroutine, ScopedCoroutineRef};
pub use send::SendCoroutine;
