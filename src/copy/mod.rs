//! Copy-stack mode: interpreters that recurse on the native stack, whose programs are captured
//! and saved all the same; and coroutines that are small while they are idle.
//!
//! A frame of the native stack belongs to the compiler. What may be done with it depends on what
//! it has promised, so there are three grades.
//!
//! | grade | promise | once | many times | saved | unsafe |
//! |---|---|---|---|---|---|
//! | *rebuild*: [`enter`], [`enter_keeping`] | whatever has to survive, and the point that was reached, is in a state that the frame can be entered again with | yes | yes | yes | none |
//! | *move*: [`CompactCoroutine`] | nobody outside uses an address in the stack while it is suspended | yes | | | the constructor |
//! | *duplicate*: [`Image`] | both, and between the states lies only what may be copied byte by byte | yes | yes | as its states, by rebuild | the constructor |
//!
//! # Which to choose
//!
//! - Your interpreter can keep its frames as data: do not come here. [`frame`](crate::frame)
//!   captures in constant time, and calls cost about as much.
//! - It recurses, and is to stay so: *rebuild*. Calls stay on the native stack until a program
//!   asks for something, [any step of a machine](crate::frame::Step); then the stack is left, each
//!   call becomes a frame of the machine, and frames are entered again one by one as values come
//!   back to them. From there on everything is as it is in `frame` and in `snapshot`: operators,
//!   winders, marks, limits, increments, upgrades. [`enter`] is for functions that write what
//!   they have into a state as they go; [`enter_keeping`] for those that say it only when the
//!   stack is left, which a program that never captures hardly pays for.
//! - The same, but its functions cannot be entered again, or it takes them long to get back to
//!   where they were: *duplicate*. They stand still in the middle of what they do. But a resume
//!   copies the bytes of the whole stack and clones each state, however little of it is used.
//! - You have many coroutines that are mostly idle, with any Rust code inside, and never go on
//!   twice: *move*. An idle one takes the bytes between its stack pointer and its base, some
//!   hundred in release builds, where a [`Coroutine`](crate::Coroutine) takes a page at least.
//!
//! A call of a foreign function, which promises nothing, goes through [`Coop::foreign`]. Nothing is
//! captured across it, and who tries is told its name.
//!
//! There is a [`Region`] where the crate has a switch of its own, with the feature `std`: on Unix,
//! for x86_64 and aarch64. Elsewhere it cannot be made.
//!
//! # Where what is
//!
//! `coop` is the protocol: what a frame sees and says. `run` is what all frames on one native stack
//! share, and how they leave it for the machine; `leave` is what they hand on then. That is all of
//! rebuild. `state` is how a function reaches the state of its frame. `region` says whose the bytes of a shared stack are, `slice` are such bytes on the
//! heap, `watch` is a checksum of them in debug builds. On these stand `compact`, which moves them,
//! and `duplicate`, which clones what is in them.

mod coop;
mod error;
mod leave;
mod run;
mod state;

pub use coop::{Coop, Foreign, Keep, enter, enter_keeping};
pub use error::{CopyError, Refused};
pub use leave::{Away, Came, Leave, caught, raise};
pub use state::State;

cfg_if::cfg_if! {
    if #[cfg(all(
        feature = "std",
        unix,
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
        not(any(target_os = "cygwin", target_os = "fuchsia")),
    ))] {
        mod compact;
        mod duplicate;
        mod region;
        mod slice;
        mod watch;

        pub use compact::CompactCoroutine;
        pub use duplicate::Image;
        pub use region::Region;
    } else {
        mod unsupported;

        pub use unsupported::{CompactCoroutine, Image, Region};
    }
}
