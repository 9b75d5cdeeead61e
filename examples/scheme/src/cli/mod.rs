//! The command line.

mod arguments;
mod changed;
mod console;
mod drive;
mod files;
mod help;
mod hint;
mod repl;
mod report;
mod resume;
mod run;
mod sandbox;
mod show;
mod snapshot;
mod source;
mod stop;

use std::env;
use std::process::ExitCode;
#[cfg(unix)]
use std::sync::{Arc, atomic::AtomicBool};

use arguments::{Arguments, Command};
use stop::Stop;

/// Does what the arguments say.
pub(crate) fn main() -> ExitCode {
    #[cfg(unix)]
    end_with_reader();
    let status = act().unwrap_or_else(|stop| {
        console::complain(&format!("segno-scheme: {}\n", stop.message));
        stop.status
    });
    ExitCode::from(status)
}

/// Who writes into a pipe that nobody reads any more ends, and says nothing, as other programs do.
#[cfg(unix)]
fn end_with_reader() {
    use signal_hook::consts::SIGPIPE;
    let always = Arc::new(AtomicBool::new(true));
    // If it cannot be, the program gets an error there.
    drop(signal_hook::flag::register_conditional_default(
        SIGPIPE, always,
    ));
}

fn act() -> Result<u8, Stop> {
    let Arguments { command, options } = arguments::parse(env::args_os().skip(1))?;
    match command {
        Command::Run { file, words } => run::run(&file, &words, &options),
        Command::Resume {
            snapshot,
            datum,
            changed,
        } => resume::resume(&snapshot, datum.as_deref(), changed, &options),
        Command::Show { snapshot, html } => show::show(&snapshot, html.as_deref(), &options),
        Command::Repl => repl::run(&options),
        Command::Help => {
            console::print(help::COMMAND_LINE);
            Ok(0)
        }
        Command::Version => {
            console::print(concat!("segno-scheme ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(0)
        }
    }
}
