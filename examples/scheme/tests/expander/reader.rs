//! As much of a reader as these tests want.

use segno_scheme::places::Places;
use segno_scheme::syntax::Source;
use segno_scheme::value::Value;

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    places: Places,
}

/// Reads all forms of a source.
pub(crate) fn read(name: &str, text: &str) -> Source {
    let mut reader = Reader {
        rest: text,
        line: 1,
        places: Places::new(name),
    };
    let mut forms = Vec::new();
    while !reader.skip().is_empty() {
        forms.push(reader.datum());
    }
    Source {
        forms,
        places: reader.places,
    }
}

impl<'a> Reader<'a> {
    fn skip(&mut self) -> &'a str {
        loop {
            match self.rest.bytes().next() {
                Some(b';') => self.rest = self.rest.trim_start_matches(|c| c != '\n'),
                Some(first) if first.is_ascii_whitespace() => {
                    self.line += u32::from(first == b'\n');
                    self.rest = &self.rest[1..];
                }
                _ => return self.rest,
            }
        }
    }

    fn datum(&mut self) -> Value {
        let quotes = [
            ("'", "quote"),
            ("`", "quasiquote"),
            (",@", "unquote-splicing"),
            (",", "unquote"),
        ];
        let rest = self.skip();
        for (prefix, keyword) in quotes {
            if let Some(rest) = rest.strip_prefix(prefix) {
                self.rest = rest;
                let datum = self.datum();
                return Value::list([Value::symbol(keyword), datum]);
            }
        }
        if let Some(rest) = rest.strip_prefix("#(") {
            self.rest = rest;
            let items = self.items(1).as_list();
            return Value::vector(items.unwrap_or_default());
        }
        if let Some(rest) = rest.strip_prefix('(') {
            self.rest = rest;
            return self.items(self.line);
        }
        if let Some(rest) = rest.strip_prefix('"') {
            let (text, rest) = rest.split_once('"').expect("a string ends");
            self.rest = rest;
            return Value::string(text);
        }
        let ends = |c: char| c.is_whitespace() || "()".contains(c);
        let (word, rest) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        self.rest = rest;
        match word {
            "#t" => true.into(),
            "#f" => false.into(),
            word => match word.parse() {
                Ok(number) => Value::integer(number),
                Err(_) => Value::symbol(word),
            },
        }
    }

    fn items(&mut self, line: u32) -> Value {
        let (mut items, mut tail) = (Vec::new(), Value::Null);
        loop {
            let rest = self.skip();
            if let Some(rest) = rest.strip_prefix(')') {
                self.rest = rest;
                break;
            }
            if let Some(rest) = rest.strip_prefix(". ") {
                self.rest = rest;
                tail = self.datum();
                continue;
            }
            items.push(self.datum());
        }
        let list = Value::list_with(items, tail);
        self.places.note(&list, line, 1);
        list
    }
}
