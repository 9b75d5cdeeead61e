//! The expander: from data to expressions.
//!
//! Hygiene is by renaming. What a template inserts is an [`Alias`], which is another identifier
//! than the symbol it is spelled as: it is bound by the expansion itself, or else means what its
//! symbol means where the macro was defined. Literals of macros and of the interpreter's own
//! syntax are told by what they mean, not by how they are spelled.

mod binding;
mod body;
mod check;
mod choice;
mod control;
mod core;
mod cut;
mod datum;
mod define;
mod expand;
mod expander;
mod features;
mod forms;
mod guard;
mod import;
mod library;
mod matching;
mod pattern;
mod program;
mod quasi;
mod record;
mod rules;
mod scope;
mod several;
mod standard;
mod template;

pub use self::core::Core;
pub(crate) use self::datum::spelling;
pub use self::expander::{Expander, Host, Limits, Names, Source};
pub use self::import::Imported;
pub use self::library::{Libraries, Library};
pub use self::program::Program;
pub use self::rules::Macro;
pub use self::scope::{Alias, Scope};
pub(crate) use self::standard::BASE_SOURCE;
pub use self::standard::{Contents, LIBRARIES, exporter, is_own};
