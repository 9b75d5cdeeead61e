//! Every form of datum, every mistake with its place, and hostile sources.

use proptest::prelude::*;

use super::{Cursor, Options, ReadError, Reader, Source, read_program};
use crate::places::Places;
use crate::value::{ConditionKind, Value};
use crate::writer::{Style, to_text};

fn read(text: &str) -> Result<Option<Value>, ReadError> {
    Reader::new(Cursor::new(text), "here", Options::default()).read(None)
}

fn shown(value: &Value) -> String {
    to_text(value, Style::Write, usize::MAX).unwrap()
}

/// What a text reads as, written again.
#[track_caller]
fn reads(text: &str, as_written: &str) {
    let datum = read(text).unwrap().unwrap();
    assert_eq!(shown(&datum), as_written, "{text}");
}

/// The whole of a text, written again.
fn all(text: &str) -> String {
    let data = read_program(text, "here", &mut Places::new("here")).unwrap();
    let data: Vec<_> = data.iter().map(shown).collect();
    data.join(" ")
}

#[test]
fn data_of_all_kinds() {
    for same in [
        "()",
        "(a b c)",
        "(a b . c)",
        "((a) (b (c)) . d)",
        "#()",
        "#(a #(b) (c))",
        "#u8()",
        "#u8(0 10 255)",
        "#t",
        "#f",
        "42",
        "-7",
        "1/2",
        "1.5",
        "+inf.0",
        "+",
        "-",
        "...",
        "->x",
        "+.a",
        "..a",
        "1+",
        "-1+",
        "a.b",
        "λ",
        "<=?",
        "|a b|",
        "||",
        "|.|",
        "|12|",
        "|a\\|b\\\\|",
        "|a\\x0;b|",
        "\"\"",
        "\"a\\\"b\\\\c|\\n\\t\\r\\a\\b\\x1;λ\"",
        "#\\a",
        "#\\(",
        "#\\space",
        "#\\null",
        "#\\x1",
        "#\\λ",
        "(quote a)",
    ] {
        reads(same, same);
    }
}

#[test]
fn other_spellings() {
    for (text, as_written) in [
        ("#true", "#t"),
        ("#FALSE", "#f"),
        ("#T", "#t"),
        ("#xFf", "255"),
        ("#e1.5", "3/2"),
        ("#x#e-10", "-16"),
        ("+5", "5"),
        (".5", "0.5"),
        ("'a", "(quote a)"),
        (
            "`(a ,b ,@c)",
            "(quasiquote (a (unquote b) (unquote-splicing c)))",
        ),
        ("'#(a 'b)", "(quote #(a (quote b)))"),
        ("#\\x41", "#\\A"),
        ("#\\x", "#\\x"),
        ("#\\delete", "#\\delete"),
        ("#\\x7f", "#\\delete"),
        ("#\\ ", "#\\space"),
        ("#\\;", "#\\;"),
        ("#U8(1)", "#u8(1)"),
        ("|foo|", "foo"),
        ("|a\\x42;c|", "aBc"),
        ("|a\\tb|", "|a\\tb|"),
        ("\"\\x41;\\X3bb;\"", "\"Aλ\""),
        ("\"a\\|b\"", "\"a|b\""),
        ("\"a\\   \n   b\"", "\"ab\""),
        ("\"a\\\r\n\tb\"", "\"ab\""),
        ("\"a\\\nb\"", "\"ab\""),
        ("\"a\r\nb\rc\"", "\"a\\nb\\nc\""),
        ("(a . (b . (c)))", "(a b c)"),
        ("(a\"b\"|c|d)", "(a \"b\" c d)"),
        ("(a'b)", "(a (quote b))"),
        ("#;a b", "b"),
        ("#; #;a b c", "c"),
        ("(a #;b c #;d)", "(a c)"),
        ("(a . #;b c #;d)", "(a . c)"),
        ("#|a #|b|# |c|#d", "d"),
        ("#||#a", "a"),
        ("#|#|#|a|#|#|#e", "e"),
        ("; a\r b", "b"),
        ("(a;b\nc)", "(a c)"),
        ("#!/bin/sh a\nb", "b"),
        ("#!fold-case ABC", "abc"),
        (
            "#!fold-case (ABC |ABC| #\\A #\\SPACE #!no-fold-case ABC)",
            "(abc ABC #\\A #\\space ABC)",
        ),
    ] {
        reads(text, as_written);
    }
}

#[test]
fn labels() {
    for (text, as_written) in [
        ("#0=(a . #0#)", "#0=(a . #0#)"),
        ("#7=(#7# b)", "#0=(#0# b)"),
        ("#0=#(a #0#)", "#0=#(a #0#)"),
        ("#0='#0#", "#0=(quote #0#)"),
        ("#0=#1=(#0# #1#)", "#0=(#0# #0#)"),
        ("(#0=(a) #0# . #0#)", "((a) (a) a)"),
        ("(#0=a #0#)", "(a a)"),
        ("#0=(a #1=(#0# #1#))", "#0=(a #1=(#0# #1#))"),
        ("#0=()", "()"),
        ("#0=#;(#0#) (a . #0#)", ""),
    ] {
        if as_written.is_empty() {
            assert!(matches!(read(text), Err(ReadError::Fault(_))), "{text}");
        } else {
            reads(text, as_written);
        }
    }
    let shared = read("(#0=(a) #0# #1=#() #1# #2=\"\" #2#)")
        .unwrap()
        .unwrap();
    let items = shared.as_list().unwrap();
    for pair in items.chunks(2) {
        assert!(pair[0].is_eq(&pair[1]));
    }
}

#[test]
fn one_after_the_other() {
    assert_eq!(all("a(b)\"c\"d #;e"), "a (b) \"c\" d");
    assert_eq!(all(""), "");
    // A label is for one datum only.
    assert!(read_program("#0=a #0#", "", &mut Places::new("")).is_err());
    let mut source = Cursor::new("(a) b");
    Reader::new(&mut source, "", Options::default())
        .read(None)
        .unwrap();
    assert_eq!(source.rest(), " b");
}

#[test]
fn literals_are_marked() {
    let literal = |value: &Value| match value {
        Value::String(text) => text.with(|text| text.literal),
        Value::Vector(vector) => vector.with(|vector| vector.literal),
        Value::Bytes(bytes) => bytes.with(|bytes| bytes.literal),
        _ => panic!("no literal"),
    };
    let text = "\"\" #() #u8() #0=#(#0#)";
    let program = read_program(text, "", &mut Places::new("")).unwrap();
    assert_eq!(program.len(), 4);
    assert!(program.iter().all(literal));
    let mut reader = Reader::new(Cursor::new(text), "", Options::default());
    while let Some(datum) = reader.read(None).unwrap() {
        assert!(!literal(&datum));
    }
}

#[test]
fn pairs_have_places() {
    let mut places = Places::new("file");
    let data = read_program("\n  (a\r\n (λ x)\r . y)'z", "file", &mut places).unwrap();
    let place = |pair: &Value| places.of(pair).map(|place| place.to_string()).unwrap();
    let (_, rest) = data[0].as_pair().unwrap();
    let (inner, _) = rest.as_pair().unwrap();
    let (_, x) = inner.as_pair().unwrap();
    assert_eq!(place(&data[0]), "file:2:3");
    assert_eq!(place(&rest), "file:3:2");
    assert_eq!(place(&inner), "file:3:2");
    assert_eq!(place(&x), "file:3:5");
    assert_eq!(place(&data[1]), "file:4:6");
    assert_eq!(place(&data[1].as_pair().unwrap().1), "file:4:7");
    assert!(places.of(&Value::cons(Value::Null, Value::Null)).is_none());
}

#[test]
fn mistakes_have_places() {
    for (text, line, column) in [
        (")", 1, 1),
        ("(a\n . )", 2, 4),
        ("(. a)", 1, 2),
        ("( a . b c)", 1, 9),
        ("(a . b . c)", 1, 8),
        ("#(a . b)", 1, 5),
        ("(' )", 1, 4),
        ("(#; )", 1, 5),
        ("(#0= )", 1, 6),
        ("'.", 1, 2),
        (".", 1, 1),
        ("  #0#", 1, 3),
        ("#0=#0#", 1, 4),
        ("#99999999999999999999#", 1, 1),
        ("#0x", 1, 1),
        ("#u8(1 256)", 1, 7),
        ("#u8(-1)", 1, 5),
        ("#u8(1.0)", 1, 5),
        ("#u8(a)", 1, 5),
        ("#u9(a)", 1, 1),
        ("#\\spac", 1, 1),
        ("#\\xd800", 1, 1),
        ("#\\x110000", 1, 1),
        ("#\\x+41", 1, 1),
        ("\"a\\q\"", 1, 3),
        ("\"\\x;\"", 1, 2),
        ("\"\\x41\"", 1, 2),
        ("\"\\xD800;\"", 1, 2),
        ("\"\\xffffffffffffffff;\"", 1, 2),
        ("\"\\ a\"", 1, 2),
        ("|\\q|", 1, 2),
        ("#!unknown", 1, 1),
        ("#<eof>", 1, 1),
        ("#hello", 1, 1),
        ("#xfg", 1, 1),
        ("#true1", 1, 1),
        ("12abc", 1, 1),
        ("+1x", 1, 1),
        ("a#b", 1, 1),
        ("[a]", 1, 1),
        ("{", 1, 1),
        ("\u{1}", 1, 1),
    ] {
        let Err(ReadError::Fault(fault)) = read(text) else {
            panic!("{text} is no mistake");
        };
        let place = fault.place.clone().unwrap();
        assert_eq!(
            (place.line, place.column),
            (line, column),
            "{text}: {fault:?}"
        );
        assert_eq!(fault.kind, ConditionKind::Read);
        assert_eq!(&*place.source, "here");
    }
}

/// Whatever is cut off at its end either is complete or says that it is not.
#[test]
fn what_is_cut_off_is_incomplete() {
    let text = "(a . #(\"b\\x41;\\n\\  \n c\" #u8(1) |d\\x41;\\\\| '`,e ,@f #0=(#0#) \
                #| #| |# |# #;g #\\h #\\space #t #xff ; i\n #!fold-case j))";
    for (end, _) in text.char_indices().skip(1) {
        match read(&text[..end]) {
            Err(ReadError::Incomplete(fault)) => assert!(fault.place.is_some()),
            // A word that is cut off can be another, or none.
            Err(ReadError::Fault(fault)) => {
                let last = text[..end].chars().next_back().unwrap();
                assert!(last.is_alphanumeric() || "!-".contains(last), "{fault:?}");
            }
            Ok(_) => panic!("{} is complete", &text[..end]),
        }
    }
    assert!(read(text).is_ok());
    assert!(read("  ; a").unwrap().is_none());
}

/// The reader goes on after a mistake, and comes to the end.
fn reads_on(text: &str) {
    let mut cursor = Cursor::new(text);
    let mut reader = Reader::new(&mut cursor, "", Options::default());
    for _ in 0..=text.len() {
        match reader.read(None) {
            Ok(None) | Err(ReadError::Incomplete(_)) => {
                assert_eq!(cursor.rest(), "");
                return;
            }
            Ok(Some(datum)) => drop(shown(&datum)),
            Err(ReadError::Fault(_)) => {}
        }
    }
    panic!("no end: {text}");
}

proptest! {
    #[test]
    fn any_text_comes_to_an_end(text in "\\PC*") {
        reads_on(&text);
    }

    #[test]
    fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        reads_on(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_looks_like_data_comes_to_an_end(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "(", ")", "#(", "#u8(", ".", "'", "`", ",", ",@", "#;", "#|", "|#", "|", "\"",
                "\\", "#\\", "#0=", "#0#", "#1=", "#1#", "#!", "fold-case", "x41;", "x", "1", "-",
                "e5", "/", "#x", "#e", "i", "+inf.0", " ", "\n", "\r", ";", "λ", "#", "a", "@",
            ]),
            0..60,
        )
    ) {
        reads_on(&words.concat());
    }
}

#[test]
fn nesting_is_as_deep_as_the_memory_goes() {
    const DEPTH: usize = 1_000_000;
    for opening in ["(", "#(", "'", "#;", "#0=", "(a . ", "#0=(#0# ", "`#("] {
        let text = opening.repeat(DEPTH);
        assert!(
            matches!(read(&text), Err(ReadError::Incomplete(_))),
            "{opening}"
        );
    }
    let comment = "#|".repeat(DEPTH) + &"|#".repeat(DEPTH) + "a";
    reads(&comment, "a");
    let mut places = Places::new("");
    let deep = "(".repeat(DEPTH) + &")".repeat(DEPTH);
    let data = read_program(&deep, "", &mut places).unwrap();
    assert!(places.of(&data[0]).is_some());
    assert_eq!(shown(&data[0]), deep);
    let dotted = "(a . ".repeat(DEPTH) + "b" + &")".repeat(DEPTH);
    assert_eq!(
        shown(&read(&dotted).unwrap().unwrap()).len(),
        2 * DEPTH + "( . b)".len() - 1
    );
}

#[test]
fn memory_is_limited() {
    let limited = |text: &str, limit| {
        let options = Options {
            limit,
            ..Options::default()
        };
        match Reader::new(Cursor::new(text), "", options).read(None) {
            Err(ReadError::Fault(fault)) => fault.kind == ConditionKind::Limit,
            _ => false,
        }
    };
    for text in [
        "(".repeat(10_000),
        "a ".repeat(10_000),
        format!("\"{}\"", "a".repeat(90_000)),
    ] {
        let text = format!("({text})");
        assert!(limited(&text, 500_000));
        assert!(!limited(&text, 50_000_000));
    }
}

#[test]
fn a_source_may_fail() {
    struct Broken;
    impl Source for Broken {
        fn peek(&mut self) -> Result<Option<char>, Box<crate::condition::Fault>> {
            Err(crate::condition::Fault::of(
                ConditionKind::File,
                "broken",
                [],
            ))
        }
        fn advance(&mut self) {}
        fn position(&self) -> super::Position {
            super::Position { line: 1, column: 1 }
        }
    }
    let fault = Reader::new(Broken, "", Options::default())
        .read(None)
        .unwrap_err();
    assert_eq!(
        Box::<crate::condition::Fault>::from(fault).kind,
        ConditionKind::File
    );
}
