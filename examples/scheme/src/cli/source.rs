//! The lines of sources, for messages.

use std::collections::HashMap;
use std::fs;

use segno_scheme::port;
use segno_scheme::value::Place;
use segno_scheme::world::Files;

/// A larger file is not read for a line of it.
const MOST: u64 = 16 << 20;

/// How many characters of a line are shown.
const WIDTH: usize = 160;

/// The sources that are known.
pub(super) struct Sources {
    texts: HashMap<String, String>,
    /// Where others may be. A snapshot may say of any file that it is one.
    files: Files,
}

impl Sources {
    /// Those that are among these files.
    pub(super) fn among(files: &Files) -> Self {
        Self {
            texts: HashMap::new(),
            files: files.clone(),
        }
    }

    /// Notes a source.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        self.texts.insert(name.to_owned(), text.to_owned());
    }

    /// The line of a place, and a mark below it; nothing if the source is not there.
    pub(super) fn excerpt(&self, place: &Place) -> String {
        let line = match self.texts.get(&*place.source) {
            Some(text) => line(text, place),
            None => self.file(&place.source).and_then(|text| line(&text, place)),
        };
        let Some(line) = line else {
            return String::new();
        };
        let column = (place.column as usize).saturating_sub(1);
        let skipped = match column >= WIDTH {
            true => column - WIDTH / 2,
            false => 0,
        };
        let shown: String = line.chars().skip(skipped).take(WIDTH).collect();
        let shown = shown.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
        let before = shown.chars().take(column - skipped);
        let before: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
        format!("{:5} | {shown}\n      | {before}^\n", place.line)
    }

    /// A source that is a file, and nothing that might keep the reader waiting.
    fn file(&self, name: &str) -> Option<String> {
        let found = fs::metadata(name).ok()?;
        if !found.is_file() || found.len() > MOST {
            return None;
        }
        port::read_text(name, &self.files).ok()
    }
}

fn line(text: &str, place: &Place) -> Option<String> {
    let index = (place.line as usize).checked_sub(1)?;
    // The reader takes a return alone for the end of a line, too.
    let text = text.replace("\r\n", "\n");
    let line = text.split(['\n', '\r']).nth(index)?;
    (!line.trim().is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, line: u32, column: u32) -> String {
        let mut sources = Sources::among(&Files::None);
        sources.add("a", text);
        sources.excerpt(&Place {
            source: "a".into(),
            line,
            column,
        })
    }

    #[test]
    fn the_mark_is_below_the_place() {
        assert_eq!(
            excerpt("(a)\r\n\t(λ (b))\n", 2, 5),
            "    2 | \t(λ (b))\n      | \t   ^\n"
        );
        assert_eq!(excerpt("one", 1, 9), "    1 | one\n      |    ^\n");
    }

    #[test]
    fn what_is_not_there_is_not_shown() {
        assert_eq!(excerpt("a\n\nb", 2, 1), "");
        assert_eq!(excerpt("a", 0, 0), "");
        assert_eq!(excerpt("a", u32::MAX, u32::MAX), "");
    }

    #[test]
    fn of_a_long_line_a_part_is_shown() {
        let text = format!("{}X{}", "a".repeat(100_000), "b".repeat(100_000));
        let shown = excerpt(&text, 1, 100_001);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0].find('X'), lines[1].find('^'));
        assert!(shown.len() < 400, "{shown}");
    }
}
