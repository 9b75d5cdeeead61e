//! The console: standard input, output and error.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use super::{Written, append};
use crate::condition::Fault;
use crate::value::ConditionKind;
use crate::world::World;

/// Where the console shows what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Stream {
    pub(super) fn write(self, text: &str, world: &mut World) -> Written {
        if let Some(mut transcript) = world.transcript.take() {
            let written = append(text, &mut transcript, world);
            world.transcript = Some(transcript);
            return written;
        }
        if !text.is_empty() {
            world.mid_line = (!text.ends_with('\n')).then_some(self);
        }
        // Standard output keeps what it gets until the end of the line.
        let written = match self {
            Self::Output => io::stdout().write_all(text.as_bytes()),
            Self::Error => io::stderr().write_all(text.as_bytes()),
        };
        written.map_err(|error| fault(&error))
    }

    pub(super) fn flush(self) -> Written {
        let flushed = match self {
            Self::Output => io::stdout().flush(),
            Self::Error => io::stderr().flush(),
        };
        flushed.map_err(|error| fault(&error))
    }
}

/// The next line of standard input, or a part of one that is very long; empty at the end.
pub(super) fn line() -> Result<String, Box<Fault>> {
    // Who waits for input has asked for it.
    Stream::Output.flush()?;
    part(&mut io::stdin().lock(), 1 << 16).map_err(|error| fault(&error))
}

/// A line, or about as many bytes of it as `most`.
fn part(input: &mut impl BufRead, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    input.take(most).read_until(b'\n', &mut bytes)?;
    // A character that was cut takes up to three bytes more.
    for _ in 0..3 {
        if !str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none()) {
            break;
        }
        input.take(1).read_until(b'\n', &mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn fault(error: &io::Error) -> Box<Fault> {
    Fault::of(ConditionKind::File, format!("the console: {error}"), [])
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts_of_a_line_are_whole_characters() {
        let text = "aλ𝄞€\nb\n\nc";
        for most in 1..20 {
            let mut input = text.as_bytes();
            let mut all = String::new();
            loop {
                let part = part(&mut input, most).unwrap();
                if part.is_empty() {
                    break;
                }
                assert!(!part.trim_end_matches('\n').contains('\n'));
                all.push_str(&part);
            }
            assert_eq!(all, text);
        }
        assert_eq!(part(&mut &b"a\xce"[..], 9).unwrap(), "a\u{fffd}");
        assert_eq!(part(&mut &b"\xff\n"[..], 9).unwrap(), "\u{fffd}\n");
    }
}
