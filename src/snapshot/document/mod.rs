//! Snapshots for people.

mod encode;
mod error;
mod hide;
mod show;
mod untyped;

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::LoadError;
use super::load::{LoadLimits, Loaded};
use super::persist::Persist;
use super::registry::Registry;
use super::tree::{Tree, TreeError};
use super::wire::Reader;
use crate::frame::outline::Outline;

pub use error::{DocumentError, Flaw};
pub use untyped::UntypedError;

/// A snapshot for people: all of it as plain data, to be looked at and edited, and written in
/// any format of serde that describes itself. An [`Editor`] makes it, and makes a snapshot of
/// it again.
///
/// Tags, keys, objects and parts are named by their places in these lists. A part comes after
/// those that it names. `serde_json` refuses a text that is nested more than 128 levels deep, of
/// which the document takes seven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The program that it belongs to.
    pub program: String,
    /// The version of the program that wrote it.
    pub version: u64,
    /// The kinds of frame that are met in it, with their versions. Those that are missing are
    /// added when it is written.
    #[serde(default)]
    pub kinds: Vec<(String, u32)>,
    /// The tags of prompts.
    #[serde(default)]
    pub tags: Vec<IdentityDocument>,
    /// The keys of marks.
    #[serde(default)]
    pub keys: Vec<IdentityDocument>,
    /// The shared values.
    #[serde(default)]
    pub objects: Vec<ObjectDocument>,
    /// What its stacks consist of.
    #[serde(default)]
    pub parts: Vec<Outline<Vec<FrameDocument>, Tree>>,
    /// What was added to it, in order.
    pub roots: Vec<RootDocument>,
}

/// A prompt tag or a mark key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityDocument {
    /// Its name.
    pub name: String,
    /// Whether it is minted anew, and not looked up by its name.
    #[serde(default)]
    pub minted: bool,
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameDocument {
    /// Its kind.
    pub kind: String,
    /// The version of its kind.
    pub version: u32,
    /// Its slots, by their names: a [`Tree::Struct`] or a [`Tree::Map`]. If the program cannot
    /// decode them, a [`Tree::Opaque`], or withheld.
    pub slots: Tree,
}

/// A shared value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectDocument {
    /// The name of its type.
    pub of: String,
    /// The version of its type.
    pub version: u32,
    /// The value. If nothing that is decoded refers to it, a [`Tree::Opaque`], or withheld.
    pub value: Tree,
}

/// What was added to a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootDocument {
    /// A value: a [`Tree::Opaque`] if the editor does not know its [type](Editor::root).
    Value(Tree),
    /// A machine.
    Machine {
        /// Its stack: a continuation.
        stack: u32,
        /// What it waits for.
        waits: WaitsDocument,
    },
    /// A continuation.
    Continuation(u32),
}

/// What a machine waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsDocument {
    /// An answer.
    Answer,
    /// Fuel, to start its topmost frame.
    Start,
    /// Fuel, to restart its topmost frame.
    Restarted,
    /// Fuel, to go on with a value.
    Value(Tree),
    /// Fuel, to go on with a raised value.
    Raised(Tree),
    /// Fuel, to go on with a continuation.
    Continuation(u32),
}

impl FrameDocument {
    /// What is in a slot.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&Tree> {
        match &self.slots {
            Tree::Struct { fields, .. } => {
                let slot = fields.iter().find(|(field, _)| field == name);
                slot.map(|(_, value)| value)
            }
            Tree::Map(map) => {
                let is_it = |key: &Tree| matches!(key, Tree::Str(key) if key == name);
                let slot = map.iter().find(|(key, _)| is_it(key));
                slot.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What is in a slot, to be changed.
    #[must_use]
    pub fn slot_mut(&mut self, name: &str) -> Option<&mut Tree> {
        match &mut self.slots {
            Tree::Struct { fields, .. } => {
                let slot = fields.iter_mut().find(|(field, _)| field == name);
                slot.map(|(_, value)| value)
            }
            Tree::Map(map) => {
                let is_it = |key: &Tree| matches!(key, Tree::Str(key) if key == name);
                let slot = map.iter_mut().find(|(key, _)| is_it(key));
                slot.map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

/// Makes documents of the snapshots of a program, and snapshots of documents.
///
/// Slots that are [secret](crate::frame::SlotDescriptor::secret), and what only they lead to,
/// are withheld, unless [`with_secrets`](Self::with_secrets) is said; so are frames that cannot
/// be decoded, and what only they may lead to: nobody knows what of them is secret. Values that
/// are roots are shown. A document in which something is withheld can be looked at, and not
/// written as a snapshot.
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
/// use segno::snapshot::{Document, Editor, LoadLimits, Loaded, Outline, Persist, Registry, Save};
/// use segno::snapshot::Tree;
/// use std::rc::Rc;
///
/// #[derive(Clone, Describe, Persist)]
/// struct Add {
///     left: i64,
/// }
///
/// impl Frame for Add {
///     type Value = i64;
///     type World = ();
///
///     fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
///         match input {
///             Input::Value(right) => Step::Return(self.left + right),
///             _ => Step::Suspend(0),
///         }
///     }
/// }
///
/// let registry = Rc::new(Registry::new("sums", 1));
/// let mut machine = Machine::new(Add { left: 1 });
/// machine.run(&mut ());
/// let mut save = Save::new(&registry);
/// save.machine(&mut machine)?;
/// let bytes = save.finish()?;
///
/// let editor = Editor::<Add>::new(&registry);
/// let document = editor.read(&bytes)?;
/// let text = serde_json::to_string_pretty(&document)?;
///
/// // A person changes the number.
/// let text = text.replace(r#""left": 1"#, r#""left": 40"#);
/// let document: Document = serde_json::from_str(&text)?;
/// let bytes = editor.write(&document)?;
/// let mut loaded = Loaded::<Add>::read(&bytes, &registry, LoadLimits::default())?;
/// let mut machine = loaded.machine(0)?;
/// machine.answer(Ok(2))?;
/// assert_eq!(machine.run(&mut ()), Outcome::Done(42));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Editor<F: Persist> {
    registry: Rc<Registry>,
    limits: LoadLimits,
    secrets: bool,
    /// The types of roots that are values.
    roots: HashMap<usize, RootType<F>>,
}

/// What is done with a value of a type that only the editor's owner knows.
struct RootType<F: Persist> {
    /// Finds what it refers to.
    fill: fn(&mut Loaded<F>, usize) -> Result<(), LoadError>,
    show: fn(&mut Reader<'_>, u32) -> Result<Tree, TreeError>,
    encode: Encode,
}

/// Encodes the value of a tree that has no more than so many levels, or only reads it.
type Encode = fn(&Tree, u32, Option<&mut Vec<u8>>) -> Result<(), TreeError>;

impl<F: Persist> fmt::Debug for Editor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editor")
            .field("limits", &self.limits)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

impl<F: Persist> Editor<F> {
    /// An editor of the snapshots of this program, with the limits that there are by default.
    #[must_use]
    pub fn new(registry: &Rc<Registry>) -> Self {
        Self {
            registry: registry.clone(),
            limits: LoadLimits::default(),
            secrets: false,
            roots: HashMap::new(),
        }
    }

    /// Other limits for the snapshots that are read and written.
    #[must_use]
    pub fn limits(mut self, limits: LoadLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Nothing is withheld.
    #[must_use]
    pub fn with_secrets(mut self) -> Self {
        self.secrets = true;
        self
    }

    /// The value that is root `index` is a `T`, which the snapshot itself does not know.
    #[must_use]
    pub fn root<T: Serialize + DeserializeOwned>(mut self, index: usize) -> Self {
        let root = RootType {
            fill: |loaded, index| loaded.value::<T>(index).map(drop),
            show: |bytes, limit| match bytes.value::<T>() {
                Ok(value) => Tree::within(&value, limit),
                Err(error) => Err(TreeError::Value(error.to_string())),
            },
            encode: Tree::encode::<T>,
        };
        self.roots.insert(index, root);
        self
    }
}
