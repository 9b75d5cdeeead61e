//! Names that keep their identity: of prompts, and of marks.

use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

/// How many identities were minted.
static MINTED: AtomicUsize = AtomicUsize::new(0);

/// An identity: a name alone, or a name and a number that nobody else has.
#[derive(Clone, Copy, PartialOrd, Ord)]
struct Identity {
    /// The first bytes of a name that is an identity; or else a number whose first byte is
    /// none that a name could have there. Two literals of the same text may lie at two
    /// places, so that most names are told apart, and found to be the same, by this.
    head: usize,
    name: &'static str,
}

/// How many bytes of a name are in its head.
const HEAD: usize = size_of::<usize>();

/// The first number that is minted; the others follow it. No UTF-8 has a byte of ones.
const FIRST: usize = 0xff << (8 * (HEAD - 1));

impl Identity {
    const fn named(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        let mut head = 0;
        let mut i = 0;
        while i < bytes.len() && i < HEAD {
            head |= (bytes[i] as usize) << (8 * i);
            i += 1;
        }
        Self { head, name }
    }

    /// # Panics
    ///
    /// When the numbers of the process are used up.
    fn fresh(name: &'static str) -> Self {
        let minted = MINTED.fetch_add(1, Ordering::Relaxed);
        assert!(minted < FIRST.wrapping_neg(), "no identity is left");
        let head = FIRST + minted;
        Self { head, name }
    }

    const fn is_named(&self) -> bool {
        self.head < FIRST
    }
}

impl PartialEq for Identity {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
            && (!self.is_named()
                || self.name.len() == other.name.len()
                    && (self.name.len() <= HEAD || self.name == other.name))
    }
}

impl Eq for Identity {}

impl core::hash::Hash for Identity {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.head.hash(state);
        if self.is_named() {
            self.name.hash(state);
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.head.checked_sub(FIRST) {
            None => f.write_str(self.name),
            Some(minted) => write!(f, "{}#{}", self.name, minted + 1),
        }
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
            /// When as many were made as a 256th of the numbers in a `usize`.
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
                self.0.is_named()
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
