//! What characters and words mean, to those who read them and those who write them.

use crate::number::{Limits, parse};

/// Characters that have names.
pub(crate) const NAMES: [(&str, char); 9] = [
    ("alarm", '\u{7}'),
    ("backspace", '\u{8}'),
    ("delete", '\u{7f}'),
    ("escape", '\u{1b}'),
    ("newline", '\n'),
    ("null", '\0'),
    ("return", '\r'),
    ("space", ' '),
    ("tab", '\t'),
];

/// Characters that stand for others after a backslash, in strings and between bars.
pub(crate) const ESCAPES: [(char, char); 8] = [
    ('a', '\u{7}'),
    ('b', '\u{8}'),
    ('t', '\t'),
    ('n', '\n'),
    ('r', '\r'),
    ('"', '"'),
    ('\\', '\\'),
    ('|', '|'),
];

/// Whether a word ends before this character.
pub(crate) fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"' | ';' | '|' | '\'' | '`' | ',')
}

/// Whether identifiers and numbers consist of such characters.
pub(crate) fn is_constituent(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '$' | '%' | '&' | '*' | '/' | ':' | '<' | '=' | '>' | '?' | '^' | '_' | '~' => true,
        '+' | '-' | '.' | '@' => true,
        _ => !c.is_ascii() && !c.is_whitespace() && !c.is_control(),
    }
}

/// Whether a word of such characters, which is no number, is an identifier. What begins like a
/// number is none, but for two names that are widely used.
pub(crate) fn is_identifier(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    match word {
        "" | "." => false,
        "1+" | "-1+" => true,
        _ => !digits.starts_with(|c: char| c.is_ascii_digit()),
    }
}

/// Whether a symbol of this spelling is read back if it is written without bars; after a comma too,
/// which an `@` would be part of.
pub(crate) fn is_bare(name: &str) -> bool {
    name.chars().all(is_constituent)
        && !name.starts_with('@')
        && is_identifier(name)
        && matches!(parse(name, 10, Limits::default()), Ok(None))
}

/// The character of a number in hexadecimal digits.
pub(crate) fn scalar(digits: &str) -> Option<char> {
    // `from_str_radix` takes a sign too.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// Folds the case of an identifier.
pub(crate) fn fold(word: &str) -> String {
    let upper = word.chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}
