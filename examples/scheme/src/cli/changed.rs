//! What to do if the source of a saved program has changed.

use std::fs;
use std::path::Path;

use segno_scheme::condition::Fault;
use segno_scheme::host;
use segno_scheme::interpreter::{self, Interpreter};
use segno_scheme::revision::{Change, Restarted, Revision};
use segno_scheme::syntax::Source;
use segno_scheme::value::Value;
use segno_scheme::world::Files;

use super::arguments::Options;
use super::stop::Stop;
use super::{console, files};

/// How many changes are told.
const MOST: usize = 20;

/// What to do if the source has changed since a program was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Changed {
    /// The program is not resumed.
    Refuse,
    /// It goes on with the code that it was saved with.
    #[default]
    Keep,
    /// What has changed begins again.
    Restart,
}

impl Changed {
    /// The policy of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "refuse" => Some(Self::Refuse),
            "keep" => Some(Self::Keep),
            "restart" => Some(Self::Restart),
            _ => None,
        }
    }

    /// Looks at the sources of a program that was just restored, and does what is to be done.
    /// Answers whether the program has been started again, so that it wants no answer any more.
    ///
    /// # Errors
    ///
    /// If the program is not to be resumed.
    pub(super) fn apply(
        self,
        interpreter: &mut Interpreter,
        answer: Option<&Value>,
        options: &Options,
    ) -> Result<bool, Stop> {
        if self == Self::Keep || interpreter.world.origins.is_empty() {
            return Ok(false);
        }
        let revision = revision(interpreter, options).map_err(unknown)?;
        let changes = interpreter.changes(&revision).map_err(|it| unknown(*it))?;
        if changes.is_empty() {
            return Ok(false);
        }
        let told = tell(&changes);
        if self == Self::Refuse {
            let message = format!("this is not resumed, since its source has changed\n{told}");
            return Err(Stop::failed(message.trim_end()));
        }
        console::complain(&told);
        let value = answer.cloned().unwrap_or(Value::Unspecified);
        let restarted = interpreter.restart(&revision, value);
        let failed = |fault: Box<Fault>| Stop::failed(interpreter::report(&Value::from(*fault)));
        if let Restarted::Again { name, place } = restarted.map_err(failed)? {
            let place = place.map(|place| format!(", {place}")).unwrap_or_default();
            let unused = match answer {
                Some(_) => "; the answer is not used",
                None => "",
            };
            console::complain(&format!("begins again: {name}{place}{unused}\n"));
        }
        Ok(true)
    }
}

fn tell(changes: &[Change]) -> String {
    let shown = changes.iter().take(MOST);
    let mut told: String = shown.map(|change| format!("  {change}\n")).collect();
    if changes.len() > MOST {
        told += &format!("  and {} more\n", changes.len() - MOST);
    }
    told
}

/// The program as its sources are now. The one that was run may have others beside it, as then;
/// those that it has loaded are where programs may use files.
fn revision(interpreter: &Interpreter, options: &Options) -> Result<Revision, Fault> {
    let world = &interpreter.world;
    let mut sources = Vec::new();
    for (index, origin) in world.origins.iter().enumerate() {
        sources.push(match index {
            0 => main(&origin.name, options)?,
            _ => host::read(&origin.name, &options.files, false).map_err(|fault| *fault)?,
        });
    }
    let main = world.origins.first().map_or("", |origin| &origin.name);
    *world.host.sources.borrow_mut() = Files::Within(files::folder(Path::new(main)).to_owned());
    let revision = Revision::of(sources, world);
    *world.host.sources.borrow_mut() = options.files.clone();
    revision.map_err(|fault| *fault)
}

fn main(name: &str, options: &Options) -> Result<Source, Fault> {
    let failed = |message: String| *Fault::new(message, []);
    // Reading what is no file might take for ever.
    if !fs::metadata(name).is_ok_and(|found| found.is_file()) {
        return Err(failed(format!("there is no file {name}")));
    }
    let bytes = files::read(Path::new(name), options.heap).map_err(|stop| failed(stop.message))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| failed(format!("{name} is no text in UTF-8")))?;
    host::parse(name, &text, false).map_err(|fault| *fault)
}

/// Nobody can tell what has changed.
fn unknown(fault: Fault) -> Stop {
    let fault = interpreter::report(&Value::from(fault));
    Stop::failed(format!(
        "this cannot be compared with its source, but --changed keep goes on: {fault}"
    ))
}
