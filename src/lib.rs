//! *Segno* is the sign in a score that says: come back to here. This crate marks a point in
//! a running program and lets it go back there, by giving a call a stack of its own and
//! switching between stacks in constant time.
//!
//! ```
#![doc = include_str!("../examples/two_talking.rs")]
//! ```
//!
//! # Reading order
//!
//! 1. [`Coroutine`]: a call that can pause; [`Yielder`], what its body pauses with.
//! 2. [`Generator`]: a coroutine as an iterator.
//! 3. [`ScopedCoroutine`] and [`Generator::scope`]: bodies that borrow.
//! 4. [`SendCoroutine`]: on the way to another thread.
//! 5. [`stack`]: where stacks come from: pools, guards, the report of an overflow.
//! 6. [`unwind`] and [`trap`]: when a body does not end by itself.
//! 7. [`frame`]: interpreters whose frames are data, and continuations that are resumed many
//!    times. It stands by itself.
//! 8. `snapshot`, of the feature `serde`: such computations as bytes, saved, carried to another
//!    process, and continued there.
//! 9. [`copy`]: the same for interpreters that recurse on the native stack; and coroutines that
//!    are small while they are idle.
//!
//! Those who will change the crate begin at the bottom: `arch/x86_64.rs` draws the stacks
//! and switches between them, `src/switch.rs` states its contract, `src/engine/` turns
//! values into words and back and is chosen by target, and everything above is safe
//! vocabulary. Dependencies point down only.
//!
//! # Which tool for what
//!
//! | you have | take |
//! |---|---|
//! | a recursion whose results are wanted one by one | [`Generator`] |
//! | the same, and the consumer wants all of them | [`Generator`] with `for_each` or `fold`: no switch at all |
//! | the same, one by one and fast | [`Generator::buffered`] |
//! | two programs that talk in both directions | [`Coroutine`] |
//! | a body that borrows | [`ScopedCoroutine`], [`Generator::scope`] |
//! | many coroutines of a size of their own | a [`stack::Pool`] and [`Coroutine::builder`] |
//! | a deep recursion on a shallow stack | [`on_stack`], [`Yielder::on_parent_stack`] |
//! | code that may run into its guard page and must be survived | [`trap`] |
//! | an interpreter with `call/cc`, generators, step limits | [`frame`] |
//! | one that recurses on the native stack | [`copy::enter`] |
//! | millions of coroutines that are mostly idle | [`copy::CompactCoroutine`] |
//!
//! # Policies
//!
//! ## Threads and thread-locals
//!
//! A coroutine sees the thread-locals of the thread that resumes it; a switch does not touch
//! them. A coroutine is not `Send`. A fresh one moves as a [`SendCoroutine`]; a suspended
//! one by the unsafe [`Coroutine::assume_send`], whose Safety section says what the compiler
//! does with the address of a thread-local and what the standard library keeps in them.
//!
//! Two things safe code must not do, and the compiler cannot see; they come with stacks, and
//! other crates of the kind have them too. One: resume or drop, in the destructor of a
//! thread-local, a coroutine that is suspended inside of `LocalKey::with`. What that lent may
//! have been destroyed before: do not keep suspended coroutines in thread-locals. The other:
//! suspend inside of a closure to which a crate lends something by setting a thread-local and
//! setting it back afterwards, as scoped thread-locals do. Coroutines that take turns set it
//! back in another order than they set it.
//!
//! ## Floating-point control state
//!
//! Rounding mode, exception masks and the like (`mxcsr`, the x87 control word, `fpcr`) belong
//! to the thread. A switch neither saves nor restores them, so that what a body sets its
//! resumer finds set. Rust assumes the default state everywhere; who changes it changes it
//! back before the next suspension.
//!
//! ## Shadow stacks, BTI and PAC
//!
//! A switch jumps to addresses that lie on stacks. User shadow stacks (x86_64 CET, AArch64
//! GCS) would need to be switched too and are not: a program that enables them cannot use
//! the native engine. Linux enables them only for programs that are marked for them, which
//! Rust programs are not. Branch target identification on AArch64 is fine: each place that
//! is jumped to has a landing pad. Pointer authentication is fine too: signed return
//! addresses stay in their frames, and a switch saves none.
//!
//! ## Signals
//!
//! A handler that is installed without `SA_ONSTACK` runs on the stack of whatever coroutine
//! is running, and needs room there: a kernel's signal frame alone takes 1 to 12 KiB,
//! depending on the vector registers. Small stacks want `SA_ONSTACK`, which handlers of the
//! Rust standard library and [`stack::report_overflow`] use. A handler must not resume or
//! suspend a coroutine that the interrupted code could be switching, nor make or drop a
//! coroutine or a stack, which is what the interrupted code may be doing; and one that runs on an
//! alternate stack must not resume any, nor call [`on_stack`], unless all signals with
//! `SA_ONSTACK` are blocked: the kernel would take the alternate stack for free.
//!
//! ## Stack size
//!
//! 1 MiB is the default, of which only touched pages take memory: half of what the standard
//! library gives a thread. Debug builds use several times the stack of release builds;
//! formatting and panicking take some tens of KiB, and a backtrace of a panic more. Measure with
//! [`Builder::watch_high_water`], and look ahead with [`Yielder::remaining_stack`]. An overflow
//! runs into the guard and ends the program; [`stack::report_overflow`] makes it say which
//! coroutine it was.
//!
//! ## Panics
//!
//! A panic crosses from the body to the resumer. Dropping a suspended coroutine unwinds it.
//! Without the feature `unwind`, a panic that reaches the root of a stack ends the program;
//! without it or under `panic=abort`, so does dropping a suspended coroutine.
//!
//! # Features
//!
//! - `std` (default): [`stack::DefaultStack`], [`stack::Pool`], [`stack::report_overflow`],
//!   by libc and memmap2. Without it the crate needs `alloc`, and stacks are the caller's.
//! - `unwind` (default): panics cross, coroutines can be unwound. Implies `std`.
//! - `derive`: `#[derive(Describe)]` for [`frame::Describe`], and `#[derive(Persist)]` for
//!   snapshots.
//! - `serde`: `snapshot`, by serde and postcard. Implies `std`.
//! - `seal`: `snapshot::Seal`, for snapshots that a stranger keeps, by chacha20poly1305 and
//!   getrandom. Implies `serde`.
//!
//! The sanitizers need no feature: the build script learns of them from the compiler.
//! Valgrind is told of stacks in every build.
//!
//! # Where unsafe code lives
//!
//! `arch/`, `switch`, `engine`, `coroutine`, `scoped`, `send`, `builder`, `batch`, `trap`,
//! `sanitize`, `stack` and, in `copy`, `region`, `slice`, `watch`, `compact` and `duplicate` allow it, each with a reason; everything else forbids or is denied
//! it.

#![no_std]
#![cfg_attr(
    not(all(
        unix,
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
        not(any(target_os = "cygwin", target_os = "fuchsia")),
    )),
    allow(dead_code, reason = "another engine, or none, needs less of the crate")
)]
#![allow(
    clippy::test_attr_in_doctest,
    reason = "an example is shown here as it is"
)]

#[cfg(any(feature = "std", test))]
extern crate std;

extern crate alloc;

mod batch;
#[cfg(feature = "std")]
mod builder;
pub mod copy;
mod coroutine;
mod engine;
pub mod error;
pub mod frame;
pub mod generator;
mod sanitize;
mod scoped;
mod send;
#[cfg(feature = "serde")]
pub mod snapshot;
pub mod stack;
#[cfg(all(
    unix,
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(any(target_os = "cygwin", target_os = "fuchsia")),
))]
mod switch;
pub mod trap;
pub mod unwind;

#[cfg(feature = "std")]
pub use builder::Builder;
pub use coroutine::{Coroutine, CoroutineResult, Yielder, on_stack};
pub use generator::Generator;
pub use scoped::{ScopedCoroutine, ScopedCoroutineRef};
pub use send::SendCoroutine;

/// The README's code, which the tests compile.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
mod readme {}
