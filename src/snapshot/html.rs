//! A snapshot as a page that shows what refers to what.

use std::collections::{HashSet, VecDeque};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::document::{Document, FrameDocument, RootDocument};
use super::paper::{
    Paper, Reference, Segment, key, plain, prompt, slots, write, write_under, write_waits,
};
use super::tree::Tree;
use crate::frame::outline::{ChainOutline, LevelOutline, Outline, PositionOutline};

/// How many frames of a segment are shown, topmost first, and how many of anything else that
/// is in a list.
const MOST: usize = 100;

/// How many characters of a value are shown, if it is long.
const VALUE: usize = 400;

/// How many bytes the page may have before no more is begun.
const SIZE: usize = 4 << 20;

impl Document {
    /// The snapshot as a page of HTML that needs nothing else: what is in it as a graph, from
    /// its roots on. Who refers to something is highlighted with it.
    ///
    /// Of what is large it shows a part, and says how much it leaves out.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut graph = Graph {
            document: self,
            columns: Vec::new(),
            size: 0,
            queue: VecDeque::new(),
            met: HashSet::new(),
        };
        graph.draw();
        let title = escaped(&plain(&self.program));
        let version = self.version;
        let found = format!(
            "{}, {} of them shared objects. Hover over something or click on its title to see \
             who refers to it.",
            counted(graph.met.len(), "thing"),
            graph
                .met
                .iter()
                .filter(|it| matches!(it, Node::Object(_)))
                .count(),
        );
        let left = match graph.queue.len() {
            0 => String::new(),
            left => format!("<p class=note>{} left out.</p>", counted(left, "thing")),
        };
        let columns = graph.columns.iter();
        let columns: String = columns
            .map(|column| format!("<div class=column>{column}</div>\n"))
            .collect();
        format!(
            "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
             <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; \
             style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
             <meta name=viewport content=\"width=device-width\">\n\
             <title>{title}: snapshot</title>\n<style>\n{}</style>\n</head>\n<body>\n\
             <header><h1>{title} v{version}</h1><p>{found}</p>{left}</header>\n\
             <div class=graph><svg aria-hidden=true></svg>\n{columns}</div>\n\
             <script>\n{}</script>\n</body>\n</html>\n",
            include_str!("html.css"),
            include_str!("html.js"),
        )
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Text as it is written in a page, whatever is in it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Root(usize),
    Part(u32),
    Object(u32),
}

struct Graph<'a> {
    document: &'a Document,
    /// What is drawn, by its distance from the roots.
    columns: Vec<String>,
    size: usize,
    /// What is to be drawn, nearest first, and in which column.
    queue: VecDeque<(usize, Node)>,
    met: HashSet<Node>,
}

impl Graph<'_> {
    fn draw(&mut self) {
        for root in 0..self.document.roots.len() {
            self.queue.push_back((0, Node::Root(root)));
            self.met.insert(Node::Root(root));
        }
        while self.size < SIZE {
            let Some((column, node)) = self.queue.pop_front() else {
                return;
            };
            let mut card = Card::default();
            self.node(node, &mut card);
            card.html.push_str("</section>\n");
            if self.columns.len() <= column {
                self.columns.resize(column + 1, String::new());
            }
            self.size += card.html.len();
            self.columns[column].push_str(&card.html);
            for met in card.met {
                if self.met.insert(met) {
                    self.queue.push_back((column + 1, met));
                }
            }
        }
    }

    fn node(&self, node: Node, card: &mut Card) {
        match node {
            Node::Root(index) => {
                card.open("root", 'r', index as u64, "root");
                if let Some(root) = self.document.roots.get(index) {
                    self.root(root, card);
                }
            }
            Node::Object(number) => {
                card.open("object", 'o', number.into(), "#");
                match self.document.objects.get(number as usize) {
                    None => card.note("missing"),
                    Some(object) => {
                        let name = plain(&object.of);
                        card.kind(&name, object.version);
                        self.object(&object.value, card);
                    }
                }
            }
            Node::Part(number) => self.part(number, card),
        }
    }

    /// The value of an object: its fields in rows, if it has any.
    fn object(&self, value: &Tree, card: &mut Card) {
        let Tree::Struct { fields, .. } = value else {
            return card.value(|card| write(self.document, value, card));
        };
        for (name, value) in fields.iter().take(MOST) {
            card.row(&plain(name), |card| write(self.document, value, card));
        }
        card.left_out(fields.len(), "field");
    }

    fn root(&self, root: &RootDocument, card: &mut Card) {
        match root {
            RootDocument::Value(value) => card.value(|card| write(self.document, value, card)),
            RootDocument::Machine { stack, waits } => {
                card.value(|card| write_waits(self.document, waits, card));
                card.row("stack", |card| card.refer(Reference::Continuation(*stack)));
            }
            RootDocument::Continuation(k) => {
                card.value(|card| card.refer(Reference::Continuation(*k)));
            }
        }
    }

    fn part(&self, number: u32, card: &mut Card) {
        let id = number.into();
        match self.document.part(number) {
            None => {
                card.open("other", 'p', id, "part");
                card.note("missing");
            }
            Some(Outline::Segment {
                frames,
                marks,
                under,
                below,
            }) => {
                card.open("segment", 'p', id, "segment");
                let segment = Segment {
                    frames,
                    marks,
                    under,
                    below: *below,
                };
                self.segment(&segment, card);
            }
            Some(Outline::Rest { first, next }) => {
                card.open("other", 'p', id, "rest of a stack");
                self.position(*first, card);
                if let Some(next) = next {
                    card.row("then", |card| card.part("rest", *next));
                }
            }
            Some(Outline::Winder { thunks }) => {
                card.open("other", 'p', id, "winder");
                for (what, thunk) in ["before", "after"].into_iter().zip(thunks) {
                    card.note(what);
                    self.frame(thunk, |_| {}, card);
                }
            }
            Some(Outline::Winders { winder, at, below }) => {
                card.open("other", 'p', id, "winders");
                card.row("innermost", |card| card.refer(Reference::Winder(*winder)));
                card.note("whose body is above");
                self.position(*at, card);
                if let Some(below) = below {
                    card.row("then", |card| card.part("winders", *below));
                }
            }
            Some(Outline::Entering { winder, body }) => {
                card.open("other", 'p', id, "entry of a winder");
                card.row("winder", |card| card.refer(Reference::Winder(*winder)));
                card.note("body");
                for frame in body.iter().take(1) {
                    self.frame(frame, |_| {}, card);
                }
            }
            Some(Outline::Continuation { levels }) => {
                card.open("continuation", 'p', id, "continuation");
                for level in levels.iter().rev().take(MOST) {
                    self.level(level, card);
                }
                card.left_out(levels.len(), "level");
            }
        }
    }

    fn level(&self, level: &LevelOutline, card: &mut Card) {
        self.position(level.position, card);
        if let Some(winders) = level.winders {
            card.row("winders", |card| card.part("winders", winders));
        }
        if let Some(outline) = level.prompt {
            card.note(&format!("== {}", prompt(self.document, outline)));
        }
    }

    fn position(&self, position: PositionOutline, card: &mut Card) {
        if let Some(chain) = position.chain {
            card.row("frames", |card| self.chain(chain, card));
        }
        if let Some(rest) = position.rest {
            card.row("then", |card| card.part("rest", rest));
        }
    }

    /// Refers to a segment, and says if it is not all of its frames.
    fn chain(&self, chain: ChainOutline, card: &mut Card) {
        card.part("segment", chain.segment);
        if let Some(Outline::Segment { frames, .. }) = self.document.part(chain.segment)
            && frames.len() != chain.frames
        {
            let all = frames.len();
            card.text(&format!(", the lowest {} of {all} frames", chain.frames));
        }
    }

    fn segment(&self, segment: &Segment<'_>, card: &mut Card) {
        let frames = segment.frames.iter().enumerate().rev();
        for (index, frame) in frames.take(MOST) {
            let marks = |card: &mut Card| {
                let marks = segment.marks_of(index);
                for mark in marks.iter().take(MOST) {
                    let name = format!("mark {}", key(self.document, mark.key));
                    card.row(&name, |card| write(self.document, &mark.value, card));
                }
                card.left_out(marks.len(), "mark");
            };
            self.frame(frame, marks, card);
        }
        card.left_out(segment.frames.len(), "frame");
        let before = card.html.len();
        card.html.push_str("<p class=between>-- ");
        card.left = VALUE;
        match write_under(self.document, segment.under, card) {
            true => card.html.push_str("</p>"),
            false => card.html.truncate(before),
        }
        if let Some(below) = segment.below {
            card.row("below", |card| self.chain(below, card));
        }
    }

    fn frame(&self, frame: &FrameDocument, marks: impl FnOnce(&mut Card), card: &mut Card) {
        card.html.push_str("<div class=frame>");
        card.kind(&plain(&frame.kind), frame.version);
        let slots = slots(frame);
        for (name, value) in slots.iter().take(MOST) {
            card.row(name, |card| write(self.document, value, card));
        }
        card.left_out(slots.len(), "slot");
        marks(card);
        card.html.push_str("</div>");
    }
}

/// A node as it is written.
#[derive(Default)]
struct Card {
    html: String,
    met: Vec<Node>,
    /// How many characters of the value that is written are left.
    left: usize,
}

impl Card {
    /// Begins it, with a title.
    fn open(&mut self, class: &str, id: char, number: u64, what: &str) {
        let space = if what == "#" { "" } else { " " };
        self.html.push_str(&format!(
            "<section class=\"node {class}\" id={id}{number} tabindex=0><h2>{what}{space}{number}</h2>"
        ));
    }

    fn note(&mut self, text: &str) {
        let text = escaped(text);
        self.html.push_str(&format!("<p class=between>{text}</p>"));
    }

    fn left_out(&mut self, count: usize, what: &str) {
        if count > MOST {
            self.note(&format!("{} more", counted(count - MOST, what)));
        }
    }

    fn kind(&mut self, name: &str, version: u32) {
        let name = escaped(name);
        self.html
            .push_str(&format!("<h3>{name} <small>v{version}</small></h3>"));
    }

    fn value(&mut self, write: impl FnOnce(&mut Self)) {
        self.html.push_str("<div class=value>");
        self.left = VALUE;
        write(self);
        self.html.push_str("</div>");
    }

    fn row(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        let name = escaped(name);
        self.html.push_str(&format!("<div class=row><b>{name}</b>"));
        self.value(write);
        self.html.push_str("</div>");
    }

    /// Refers to a part that is no value.
    fn part(&mut self, what: &str, number: u32) {
        self.link(&format!("{what} {number}"), Node::Part(number), 'p', number);
    }

    fn link(&mut self, text: &str, to: Node, id: char, number: u32) {
        let link = format!("<a class=ref href=\"#{id}{number}\">{text}</a>");
        self.html.push_str(&link);
        self.met.push(to);
    }
}

impl Paper for Card {
    fn text(&mut self, text: &str) {
        let shown = match text.char_indices().nth(self.left) {
            Some((end, _)) => &text[..end],
            None => text,
        };
        self.left -= shown.chars().count();
        self.html.push_str(&escaped(shown));
        if shown.len() < text.len() && !text.is_empty() {
            self.html.push_str("...");
        }
    }

    fn refer(&mut self, to: Reference) {
        let (node, id, number) = match to {
            Reference::Object(number) => (Node::Object(number), 'o', number),
            Reference::Continuation(number) | Reference::Winder(number) => {
                (Node::Part(number), 'p', number)
            }
        };
        self.left = self.left.saturating_sub(1);
        self.link(&to.to_string(), node, id, number);
    }

    fn is_full(&self) -> bool {
        self.left == 0
    }
}
