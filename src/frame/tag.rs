//! Names that keep their identity: of prompts, and of marks.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The number of the next identity that is minted; zero stands for *by name*.
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// An identity: a name alone, or a name and a number that nobody else has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Identity {
    number: usize,
    name: &'static str,
}

impl Identity {
    const fn named(name: &'static str) -> Self {
        Self { number: 0, name }
    }

    /// # Panics
    ///
    /// When the numbers of the process are used up.
    fn fresh(name: &'static str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(number != 0, "no identity is left to be minted");
        Self { number, name }
    }

    #[inline]
    fn same(&self, other: &Self) -> bool {
        /// Two literals of the same text may lie at two places.
        #[cold]
        fn same_text(a: &str, b: &str) -> bool {
            a == b
        }
        self.number == other.number
            && (self.number != 0
                || core::ptr::eq(self.name, other.name)
                || same_text(self.name, other.name))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => f.write_str(self.name),
            number => write!(f, "{}#{number}", self.name),
        }
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialOrd, Ord)]
        pub struct $name(Identity);

        impl $name {
            /// The one with this name: two of the same name are the same.
            #[must_use]
            pub const fn named(name: &'static str) -> Self {
                Self(Identity::named(name))
            }

            /// A new one, different from every other of this process, whatever its name.
            ///
            /// # Panics
            ///
            /// When as many were made as there are numbers in a `usize`.
            #[must_use]
            pub fn fresh(name: &'static str) -> Self {
                Self(Identity::fresh(name))
            }

            /// The name, for people.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                self.0.name
            }

            /// Whether the name alone is its identity.
            #[must_use]
            pub const fn is_named(&self) -> bool {
                self.0.number == 0
            }
        }

        impl PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.0.same(&other.0)
            }
        }

        impl Eq for $name {}

        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.0.number.hash(state);
                if self.0.number == 0 {
                    self.0.name.hash(state);
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

identity! {
    /// Names a prompt, so that a capture or an abort can say how far it goes.
    ///
    /// ```
    /// use segno::frame::PromptTag;
    ///
    /// const ESCAPE: PromptTag = PromptTag::named("escape");
    /// assert_eq!(ESCAPE, PromptTag::named("escape"));
    /// assert_ne!(PromptTag::fresh("generator"), PromptTag::fresh("generator"));
    /// ```
    PromptTag
}

identity! {
    /// Names what a mark says of a frame.
    ///
    /// ```
    /// use segno::frame::MarkKey;
    ///
    /// const LINE: MarkKey = MarkKey::named("line");
    /// assert_eq!(LINE.name(), "line");
    /// ```
    MarkKey
}
