//! What the reader of Scheme makes of any text is written as a text that reads as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use segno_scheme::number::Limits;
use segno_scheme::primitives::is_equal;
use segno_scheme::reader::{Cursor, Options, Reader};
use segno_scheme::value::Value;
use segno_scheme::writer::{Style, to_text};

/// As much memory as the data of a text may take, and the text that they are written as.
const MEMORY: usize = 1 << 24;

fn reader(text: &str) -> Reader<Cursor<&str>> {
    let options = Options {
        limit: MEMORY,
        numbers: Limits::new(1 << 14),
        ..Options::default()
    };
    Reader::new(Cursor::new(text), "fuzz", options)
}

fn written(datum: &Value) -> Option<String> {
    to_text(datum, Style::Write, MEMORY).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut data = reader(&text);
    while let Ok(Some(datum)) = data.read(None) {
        let Some(text) = written(&datum) else {
            continue;
        };
        let again = match reader(&text).read(None) {
            Ok(Some(again)) => again,
            other => panic!("{text} does not read: {other:?}"),
        };
        assert!(is_equal(&datum, &again), "{text} reads as something else");
        assert_eq!(written(&again).as_ref(), Some(&text));
    }
});
