//! Snapshots as they are shown to people.

use std::collections::BTreeMap;

use segno::snapshot::{
    ChainOutline, Document, FrameDocument, IdentityDocument, LevelOutline, MarkOutline, Number,
    ObjectDocument, Outline, PositionOutline, PromptOutline, RootDocument, Tree, UnderOutline,
    WaitsDocument,
};
use serde::Serialize;

type Part = Outline<Vec<FrameDocument>, Tree>;

fn number(number: i64) -> Tree {
    Tree::Number(Number::I64(number))
}

fn frame(kind: &str, slots: &[(&str, Tree)]) -> FrameDocument {
    let slot = |(name, value): &(&str, Tree)| ((*name).to_owned(), value.clone());
    FrameDocument {
        kind: kind.into(),
        version: 1,
        slots: Tree::Struct {
            name: kind.into(),
            fields: slots.iter().map(slot).collect(),
        },
    }
}

fn chain(segment: u32, frames: usize) -> Option<ChainOutline> {
    Some(ChainOutline { segment, frames })
}

fn segment(frames: Vec<FrameDocument>, below: Option<ChainOutline>) -> Part {
    Outline::Segment {
        frames,
        marks: Vec::new(),
        under: UnderOutline::Nothing,
        below,
    }
}

fn level(chain: Option<ChainOutline>, rest: Option<u32>, prompt: Option<u32>) -> LevelOutline {
    LevelOutline {
        position: PositionOutline { chain, rest },
        winders: None,
        prompt: prompt.map(|tag| PromptOutline { tag, times: 1 }),
    }
}

fn rest(first: Option<ChainOutline>, within: Option<u32>, next: Option<u32>) -> Part {
    Outline::Rest {
        first: PositionOutline {
            chain: first,
            rest: within,
        },
        next,
    }
}

fn continuation(levels: Vec<LevelOutline>) -> Part {
    Outline::Continuation { levels }
}

fn answer(stack: u32) -> RootDocument {
    RootDocument::Machine {
        stack,
        waits: WaitsDocument::Answer,
    }
}

fn object(value: Tree) -> ObjectDocument {
    ObjectDocument {
        of: "cell".into(),
        version: 1,
        value,
    }
}

fn named(name: &str) -> IdentityDocument {
    IdentityDocument {
        name: name.into(),
        minted: false,
    }
}

fn document(parts: Vec<Part>, objects: Vec<Tree>, roots: Vec<RootDocument>) -> Document {
    Document {
        program: "test".into(),
        version: 3,
        kinds: Vec::new(),
        tags: vec![named("p")],
        keys: vec![named("line")],
        parts,
        objects: objects.into_iter().map(object).collect(),
        roots,
    }
}

/// Two stacks that have most of their frames in common, a winder, a variable that leads to
/// itself, and a continuation in a value.
fn everything() -> Document {
    let cell = |number| ("cell", Tree::Shared(number));
    let parts = vec![
        Outline::Winder {
            thunks: vec![frame("open", &[]), frame("close", &[cell(0)])],
        },
        Outline::Segment {
            frames: vec![
                frame("main", &[]),
                frame("loop", &[("i", number(1)), cell(0)]),
                frame("loop", &[("i", number(2)), cell(1)]),
            ],
            marks: vec![MarkOutline {
                frame: 1,
                key: 0,
                value: number(7),
            }],
            under: UnderOutline::Inside(0),
            below: None,
        },
        segment(vec![frame("key", &[("of", Tree::Withheld)])], chain(1, 2)),
        continuation(vec![level(chain(2, 1), None, None)]),
        segment(vec![frame("hold", &[("k", Tree::Continuation(3))])], None),
        continuation(vec![
            level(chain(1, 3), None, Some(0)),
            level(chain(4, 1), None, Some(0)),
        ]),
    ];
    let next = |number| {
        let next = Tree::Some(Box::new(Tree::Shared(number)));
        Tree::Struct {
            name: "Cell".into(),
            fields: vec![("next".into(), next)],
        }
    };
    let list = Tree::Seq(vec![Tree::Shared(1), Tree::Str("a\nb".into())]);
    let roots = vec![answer(5), RootDocument::Value(list), answer(3)];
    document(parts, vec![next(1), next(0)], roots)
}

#[test]
fn all_is_shown_once() {
    let expected = r#"
test v3
root 0: a machine that waits for an answer
  hold v1: k = continuation 3
    continuation 3:
      key v1: of = (secret)
      loop v1: i = 1, cell = #0 [line = 7]
        #0: cell v1 = Cell { next: Some(#1) }
        #1: cell v1 = Cell { next: Some(#0) }
      main v1
      -- winder 0
        winder 0:
          before: open v1
          after: close v1: cell = #0
  == prompt p
  loop v1: i = 2, cell = #1
  (2 frames, and what is below, as lines 6 to 13)
  == prompt p
root 1: [#1, "a\nb"]
root 2: a machine that waits for an answer
  (a frame, and what is below, as lines 5 to 13)
"#;
    assert_eq!(everything().show(100), expected[1..]);
}

#[test]
fn values_are_written_as_debug_writes_them() {
    #[derive(Debug, Serialize)]
    struct Nothing {}

    #[derive(Debug, Serialize)]
    enum Any {
        Unit,
        One(f32),
        Two(u64, String),
        Named { a: Option<()>, b: Vec<Any> },
        Table(BTreeMap<u8, bool>),
        Result(Result<char, Nothing>),
    }

    let all = Any::Named {
        a: Some(()),
        b: vec![
            Any::Unit,
            Any::One(1.5),
            Any::Two(u64::MAX, "a \"b\"\n'c'\u{301}".into()),
            Any::Named { a: None, b: vec![] },
            Any::Table([(1, true), (2, false)].into()),
            Any::Result(Ok('\'')),
            Any::Result(Err(Nothing {})),
        ],
    };
    let root = RootDocument::Value(Tree::of(&all).unwrap());
    let shown = document(Vec::new(), Vec::new(), vec![root]).show(2);
    assert_eq!(shown, format!("test v3\nroot 0: {all:?}\n"));
}

#[test]
fn no_more_lines_than_that() {
    let document = everything();
    let all = document.show(usize::MAX);
    let count = all.lines().count();
    for limit in 0..count {
        let some: String = all.split_inclusive('\n').take(limit).collect();
        assert_eq!(document.show(limit), some + "...\n");
    }
    assert_eq!(document.show(count), all);
}

/// A stack that is put on top of itself, thirty times over, is a billion frames.
#[test]
fn a_stack_that_is_put_on_top_of_itself_is_shown_once() {
    let mut parts = vec![
        segment(vec![frame("f", &[])], None),
        rest(chain(0, 1), None, None),
    ];
    for number in 1..30 {
        parts.push(rest(chain(0, 1), Some(number), Some(number)));
    }
    parts.push(continuation(vec![level(chain(0, 1), Some(30), None)]));
    let document = document(parts, Vec::new(), vec![answer(31)]);
    let shown = document.show(usize::MAX);
    assert!(shown.lines().count() < 100, "{shown}");
    assert!(document.to_html().len() < 100_000);
}

/// Each leads to the next, by whatever it may be.
#[test]
fn long_lists_are_shown_without_recursion() {
    let many = 20_000;
    let mut parts = vec![segment(vec![frame("f", &[])], None)];
    let mut objects = Vec::new();
    for number in 0..many {
        objects.push(Tree::Shared(number + 1));
        let k = ("k", Tree::Continuation(3 * number));
        let last = parts.len() as u32 - 1;
        parts.push(rest(chain(last, 1), None, None));
        parts.push(continuation(vec![level(None, Some(last + 1), None)]));
        parts.push(segment(vec![frame("g", &[k])], chain(last, 1)));
    }
    let root = parts.len() as u32;
    parts.push(continuation(vec![level(chain(root - 1, 1), None, None)]));
    let value = RootDocument::Value(Tree::Shared(0));
    let document = document(parts, objects, vec![value, answer(root)]);
    let shown = document.show(usize::MAX);
    assert!(shown.contains("#20000: (missing)"));
    assert!(shown.lines().all(|line| line.len() < 150));
    assert!(!document.to_html().is_empty());
}

/// A document that was made by hand may say anything.
#[test]
fn what_does_not_fit_together_is_shown_as_it_is() {
    let mut parts = Vec::new();
    for part in 0..6 {
        parts.push(match part {
            0 => segment(
                vec![frame("f", &[("k", Tree::Continuation(4))])],
                chain(1, 9),
            ),
            1 => segment(Vec::new(), chain(0, 1)),
            2 => rest(chain(7, 1), Some(2), Some(3)),
            3 => rest(None, Some(2), Some(2)),
            4 => continuation(vec![level(chain(3, 1), Some(0), Some(5)); 3]),
            _ => Outline::Segment {
                frames: vec![frame("f", &[]); 2],
                marks: [5, 1, 0, 1]
                    .map(|frame| MarkOutline {
                        frame,
                        key: 9,
                        value: Tree::Unit,
                    })
                    .into(),
                under: UnderOutline::Entering(0),
                below: chain(5, 2),
            },
        });
    }
    parts.push(continuation(vec![level(chain(5, 2), Some(2), None)]));
    parts.push(continuation(vec![level(chain(0, 2), Some(2), None)]));
    for part in 0..9 {
        let roots = vec![answer(part), RootDocument::Continuation(part)];
        let document = document(parts.clone(), Vec::new(), roots);
        assert!(document.show(usize::MAX).lines().count() < 100);
        assert!(!document.to_html().is_empty());
    }
}

/// As a browser would, which ends a script at the first `</script`, wherever that is.
fn scripts(page: &str) -> usize {
    page.to_lowercase().matches("</script").count()
}

const EVIL: &str = "</script><img src=x onerror=alert(1)>'\"&<b a=`\u{202e}\n\0";

#[test]
fn nothing_of_a_snapshot_is_markup() {
    let evil = || EVIL.to_owned();
    let text = Tree::Str(evil());
    let values = [
        text.clone(),
        Tree::Char('<'),
        Tree::Some(Box::new(text.clone())),
        Tree::Seq(vec![text.clone()]),
        Tree::Map(vec![(text.clone(), text.clone())]),
        Tree::Struct {
            name: evil(),
            fields: vec![(evil(), text.clone())],
        },
        Tree::Variant {
            of: evil(),
            index: 0,
            name: evil(),
            content: Some(Box::new(text.clone())),
        },
        Tree::Named {
            name: evil(),
            revision: 1,
        },
        Tree::Tuple((0..3).map(Tree::Shared).collect()),
    ];
    let slots: Vec<_> = values.iter().map(|value| (EVIL, value.clone())).collect();
    let parts = vec![
        Outline::Segment {
            frames: vec![frame(EVIL, &slots)],
            marks: vec![MarkOutline {
                frame: 0,
                key: 0,
                value: text.clone(),
            }],
            under: UnderOutline::Raised(text.clone()),
            below: None,
        },
        Outline::Winder {
            thunks: vec![frame(EVIL, &slots), frame(EVIL, &slots)],
        },
        continuation(vec![level(chain(0, 1), None, Some(0))]),
    ];
    let mut roots: Vec<_> = values.iter().cloned().map(RootDocument::Value).collect();
    for waits in [
        WaitsDocument::Value(text.clone()),
        WaitsDocument::Raised(text),
    ] {
        roots.push(RootDocument::Machine { stack: 2, waits });
    }
    let mut document = document(parts, values.to_vec(), roots);
    document.program = evil();
    document.tags = vec![named(EVIL)];
    document.keys = vec![named(EVIL)];
    document.objects.iter_mut().for_each(|it| it.of = evil());
    let page = document.to_html();
    assert_eq!(scripts(&page), 1);
    // Of what has angle brackets all is from us.
    let tags = page.split('<').skip(1).map(|tag| {
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '/' && c != '!');
        &tag[..end.unwrap_or(tag.len())]
    });
    for tag in tags.filter(|tag| !tag.is_empty()) {
        let known = "!doctype html /html head /head meta title /title style /style body /body \
                     header /header h1 /h1 p /p div /div svg /svg section /section h2 /h2 h3 /h3 \
                     small /small b /b a /a script /script";
        assert!(known.split_whitespace().any(|it| it == tag), "<{tag}");
    }
    assert!(!page.contains("onerror=alert(1)>"));
    let body = &page[page.find("<header").unwrap()..page.find("<script").unwrap()];
    assert!(!body.contains('\u{202e}') && !body.contains('\0'));
    let shown = document.show(usize::MAX);
    assert!(!shown.contains('\u{202e}') && !shown.contains('\0'));
    // No value breaks a line.
    let one = shown
        .lines()
        .filter(|line| line.starts_with("root "))
        .count();
    assert_eq!(one, document.roots.len());
}

/// The nodes of a page, by their anchors.
fn nodes(page: &str) -> Vec<&str> {
    let ids = page.split(" id=").skip(1);
    ids.map(|it| it.split_once(' ').unwrap().0).collect()
}

#[test]
fn a_page_has_all_that_is_referred_to() {
    let page = everything().to_html();
    let mut found = nodes(&page);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "o0", "o1", "p0", "p1", "p2", "p3", "p4", "p5", "r0", "r1", "r2"
        ]
    );
    for link in page.split("href=\"#").skip(1) {
        let to = link.split_once('"').unwrap().0;
        assert!(found.contains(&to), "{to}");
    }
    assert!(page.contains("(secret)"));
    assert!(page.contains("== prompt p"));
    assert!(page.contains("the lowest 2 of 3 frames"));
    // It needs nothing else, and may load nothing else.
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("@import"));
}

#[test]
fn a_page_is_bounded_and_says_what_it_leaves_out() {
    let text = |len| ("text", Tree::Str("x".repeat(len)));
    let many: Vec<_> = (0..150).map(|_| frame("f", &[text(1_000)])).collect();
    let mut parts = vec![segment(many.clone(), None)];
    let count = 300;
    for below in 0..count {
        parts.push(segment(many.clone(), chain(below, 150)));
    }
    parts.push(continuation(vec![level(chain(count, 150), None, None)]));
    let page = document(parts, Vec::new(), vec![answer(count + 1)]).to_html();
    assert!(page.len() < 6 << 20, "{}", page.len());
    assert!(page.contains("50 frames more"));
    assert!(!page.contains(&"x".repeat(500)));
    assert!(page.contains("left out"));
    assert!(nodes(&page).len() > 10);
}
