//! Every error of the crate, one sentence each.

use core::fmt;

/// Why there is no stack.
///
/// The errors of running out say *what* ran out, because the remedies differ: a larger
/// `RLIMIT_AS`, a larger `vm.max_map_count`, or more memory.
///
/// Under the feature `std` it converts into [`std::io::Error`], whose
/// [`get_ref`](std::io::Error::get_ref) gives it back.
///
/// # Examples
///
/// ```
/// # #[cfg(all(unix, feature = "std"))] {
/// use segno::error::StackError;
/// use segno::stack::DefaultStack;
///
/// let error = DefaultStack::with_guard(usize::MAX, 4096).unwrap_err();
/// assert!(matches!(error, StackError::TooLarge { requested: usize::MAX, .. }));
/// # }
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackError {
    /// The process has no address space left: it met its `RLIMIT_AS`, or no gap is large
    /// enough.
    AddressSpace {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// The process has as many mappings as the kernel lets it have.
    Mappings {
        /// The number that it may have, `vm.max_map_count` on Linux.
        limit: usize,
    },
    /// The system has no memory left for the stack.
    Memory {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// No stack of this size can exist, or it does not fit into the slots of its pool; or a
    /// body needs it that captures so much. (Five times its own size, since it is moved on
    /// its way in: let it capture a box instead.)
    TooLarge {
        /// How many bytes were asked for.
        requested: usize,
        /// How many could be had at most.
        available: usize,
    },
    /// There are no stacks on this target, or not without the feature `std`.
    Unsupported,
    /// The system refused for another reason.
    System {
        /// Its error number, as in `errno`.
        code: i32,
    },
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::AddressSpace { bytes } => {
                write!(f, "no address space is left for {bytes} bytes of stack")
            }
            Self::Mappings { limit } => {
                write!(f, "the process has reached its limit of {limit} mappings")
            }
            Self::Memory { bytes } => {
                write!(f, "no memory is left for {bytes} bytes of stack")
            }
            Self::TooLarge {
                requested,
                available,
            } => {
                write!(
                    f,
                    "{requested} bytes of stack were asked for, or are needed by what a body captures, and {available} is the most"
                )
            }
            Self::Unsupported => f.write_str("stacks are not supported here"),
            Self::System { code } => {
                write!(f, "the system refused a stack with error number {code}")
            }
        }
    }
}

impl core::error::Error for StackError {}

#[cfg(feature = "std")]
impl From<StackError> for std::io::Error {
    fn from(error: StackError) -> Self {
        use std::io::ErrorKind;

        let kind = match error {
            StackError::AddressSpace { .. }
            | StackError::Mappings { .. }
            | StackError::Memory { .. } => ErrorKind::OutOfMemory,
            StackError::TooLarge { .. } => ErrorKind::InvalidInput,
            StackError::Unsupported => ErrorKind::Unsupported,
            StackError::System { code } => std::io::Error::from_raw_os_error(code).kind(),
        };
        Self::new(kind, error)
    }
}
