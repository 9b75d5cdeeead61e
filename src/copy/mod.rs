//! Copy-stack mode: frames on the native stack that can be captured all the same.

mod coop;

pub use coop::{Away, Came, Coop, Foreign, Keep, Leave, enter, enter_keeping};

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
        mod error;
        mod region;
        mod slice;
        mod watch;

        pub use compact::CompactCoroutine;
        pub use duplicate::Image;
        pub use error::{CopyError, Refused};
        pub use region::Region;
    }
}
