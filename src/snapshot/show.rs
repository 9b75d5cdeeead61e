//! A snapshot as text: what each root leads to, and what is shared once.

use std::collections::{HashMap, HashSet};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::document::{Document, RootDocument};
use super::paper::{
    Paper, Reference, Segment, key, plain, prompt, write, write_frame, write_under, write_waits,
};
use crate::frame::outline::{ChainOutline, Outline, PositionOutline, PromptOutline, UnderOutline};

impl Document {
    /// Prints the snapshot: its roots, and under each its stack, topmost first, with prompts,
    /// winders and marks; at most `limit` lines of it, and `...` if there are more.
    ///
    /// A shared object is printed below the first line that refers to it, under the number by
    /// which all lines do; so are continuations and winders. Of frames that several stacks have
    /// in common it says in which lines they are.
    #[must_use]
    pub fn show(&self, limit: usize) -> String {
        let mut show = Show {
            document: self,
            text: String::new(),
            lines: 0,
            limit,
            tasks: Vec::new(),
            met: HashSet::new(),
            frames: HashMap::new(),
            ends: HashMap::new(),
            segments: HashMap::new(),
            rests: HashMap::new(),
        };
        show.tasks.push((0, Task::Root(0)));
        let version = self.version;
        show.line(0, Line::of(&format!("{} v{version}", plain(&self.program))));
        while let Some((depth, task)) = show.tasks.pop() {
            show.work(depth, task);
        }
        show.text
    }
}

/// A line, and what it refers to.
#[derive(Default)]
struct Line {
    text: String,
    met: Vec<Reference>,
}

impl Line {
    fn of(text: &str) -> Self {
        Self {
            text: text.into(),
            met: Vec::new(),
        }
    }
}

impl Paper for Line {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn refer(&mut self, to: Reference) {
        self.text.push_str(&to.to_string());
        self.met.push(to);
    }
}

/// What is to be printed. Those that come next are on top of a stack, so that nothing recurses,
/// whatever refers to what.
enum Task {
    /// This root and those after it.
    Root(usize),
    /// The lowest levels of a continuation.
    Levels(u32, usize),
    Position(PositionOutline),
    Chain(ChainOutline),
    /// The frames of a segment from one index up to another, topmost first.
    Frames(u32, usize, usize),
    /// What is under the frames of a segment, and below that.
    Under(u32),
    Rest(u32),
    Prompt(PromptOutline),
    /// The definition of what was referred to.
    Define(Reference),
    /// A frame of a winder, and what it is to it.
    Thunk(&'static str, u32, usize),
    /// A part ends in the line before.
    End(u32),
}

struct Show<'a> {
    document: &'a Document,
    text: String,
    lines: usize,
    limit: usize,
    /// What is to be done, and how far that is indented.
    tasks: Vec<(usize, Task)>,
    /// What was referred to.
    met: HashSet<Reference>,
    /// The lines in which frames are.
    frames: HashMap<(u32, usize), usize>,
    /// Of each segment, how many of its frames were printed, and the line after those.
    segments: HashMap<u32, (usize, usize)>,
    /// The lines in which rests begin.
    rests: HashMap<u32, usize>,
    /// The lines in which parts end.
    ends: HashMap<u32, usize>,
}

/// How many levels are indented, so that lines do not grow with what contains them.
const INDENTED: usize = 20;

impl<'a> Show<'a> {
    /// Prints a line, and lets what it is the first to refer to come next.
    fn line(&mut self, depth: usize, line: Line) {
        if self.lines == self.limit {
            self.text.push_str("...\n");
            self.tasks.clear();
            return;
        }
        self.lines += 1;
        for _ in 0..depth.min(INDENTED) {
            self.text.push_str("  ");
        }
        self.text.push_str(&line.text);
        self.text.push('\n');
        let new = line.met.into_iter().filter(|it| self.met.insert(*it));
        let new: Vec<_> = new.collect();
        let new = new.into_iter().rev();
        self.tasks
            .extend(new.map(|it| (depth + 1, Task::Define(it))));
    }

    /// Says in which lines something is that was printed already.
    fn again(&mut self, depth: usize, what: &str, first: usize, part: u32) {
        let lines = match self.ends.get(&part) {
            Some(&last) if last <= first => format!("as line {first}"),
            Some(last) => format!("as lines {first} to {last}"),
            None => format!("as from line {first} on"),
        };
        self.line(depth, Line::of(&format!("({what}, {lines})")));
    }

    fn missing(&mut self, depth: usize, what: &str, part: u32) {
        self.line(depth, Line::of(&format!("(part {part} is no {what})")));
    }

    fn work(&mut self, depth: usize, task: Task) {
        match task {
            Task::Root(index) => self.root(depth, index),
            Task::Levels(k, count) => {
                let Some(Outline::Continuation { levels }) = self.document.part(k) else {
                    return self.missing(depth, "continuation", k);
                };
                let Some(below) = count.checked_sub(1) else {
                    return;
                };
                if let Some(level) = levels.get(below) {
                    self.tasks.push((depth, Task::Levels(k, below)));
                    let prompt = level.prompt.map(|prompt| (depth, Task::Prompt(prompt)));
                    self.tasks.extend(prompt);
                    self.tasks.push((depth, Task::Position(level.position)));
                }
            }
            Task::Position(PositionOutline { chain, rest }) => {
                self.tasks
                    .extend(rest.map(|rest| (depth, Task::Rest(rest))));
                self.tasks
                    .extend(chain.map(|chain| (depth, Task::Chain(chain))));
            }
            Task::Chain(chain) => self.chain(depth, chain),
            Task::Frames(segment, from, to) => self.frame_of(depth, segment, from, to),
            Task::Under(segment) => self.under(depth, segment),
            Task::Rest(rest) => {
                let Some(Outline::Rest { first, next }) = self.document.part(rest) else {
                    return self.missing(depth, "rest of a stack", rest);
                };
                let line = self.lines + 1;
                if let Some(&line) = self.rests.get(&rest) {
                    return self.again(depth, "what is below", line, rest);
                }
                self.rests.insert(rest, line);
                self.tasks.push((depth, Task::End(rest)));
                self.tasks
                    .extend(next.map(|next| (depth, Task::Rest(next))));
                self.tasks.push((depth, Task::Position(*first)));
            }
            Task::Prompt(outline) => {
                let line = format!("== {}", prompt(self.document, outline));
                self.line(depth, Line::of(&line));
            }
            Task::Define(reference) => self.define(depth, reference),
            Task::Thunk(what, part, index) => {
                let frames = match self.document.part(part) {
                    Some(Outline::Winder { thunks } | Outline::Entering { body: thunks, .. }) => {
                        thunks
                    }
                    _ => return self.missing(depth, "winder", part),
                };
                if let Some(frame) = frames.get(index) {
                    let mut line = Line::of(what);
                    write_frame(self.document, frame, &mut line);
                    self.line(depth, line);
                }
            }
            Task::End(part) => {
                self.ends.insert(part, self.lines);
            }
        }
    }

    fn root(&mut self, depth: usize, index: usize) {
        let Some(root) = self.document.roots.get(index) else {
            return;
        };
        self.tasks.push((depth, Task::Root(index + 1)));
        let mut line = Line::of(&format!("root {index}: "));
        let stack = match root {
            RootDocument::Value(value) => {
                write(self.document, value, &mut line);
                None
            }
            RootDocument::Machine { stack, waits } => {
                write_waits(self.document, waits, &mut line);
                Some(*stack)
            }
            RootDocument::Continuation(k) => {
                line.refer(Reference::Continuation(*k));
                None
            }
        };
        if let Some(stack) = stack {
            let count = self.levels(stack);
            self.tasks.push((depth + 1, Task::Levels(stack, count)));
        }
        self.line(depth, line);
    }

    fn levels(&self, k: u32) -> usize {
        match self.document.part(k) {
            Some(Outline::Continuation { levels }) => levels.len(),
            _ => 0,
        }
    }

    fn segment(&self, number: u32) -> Option<Segment<'a>> {
        match self.document.part(number)? {
            Outline::Segment {
                frames,
                marks,
                under,
                below,
            } => Some(Segment {
                frames,
                marks,
                under,
                below: *below,
            }),
            _ => None,
        }
    }

    fn chain(&mut self, depth: usize, ChainOutline { segment, frames }: ChainOutline) {
        let Some(all) = self.segment(segment) else {
            return self.missing(depth, "segment", segment);
        };
        let count = frames.min(all.frames.len());
        let Some(&(printed, after)) = self.segments.get(&segment) else {
            self.segments.insert(segment, (count, usize::MAX));
            self.tasks.push((depth, Task::End(segment)));
            self.tasks.push((depth, Task::Under(segment)));
            self.tasks.push((depth, Task::Frames(segment, 0, count)));
            return;
        };
        if count > printed {
            self.segments.insert(segment, (count, after));
            let again = ChainOutline {
                segment,
                frames: printed,
            };
            self.tasks.push((depth, Task::Chain(again)));
            self.tasks
                .push((depth, Task::Frames(segment, printed, count)));
            return;
        }
        let first = count.checked_sub(1);
        let first = first.and_then(|top| self.frames.get(&(segment, top)));
        let first = *first.unwrap_or(&after);
        // Nothing was printed of it, and nothing is left out.
        let end = self.ends.get(&segment);
        if count == 0 && end.is_some_and(|end| *end < after) {
            return;
        }
        let what = match count {
            0 => "what is below".into(),
            1 => "a frame, and what is below".into(),
            _ => format!("{count} frames, and what is below"),
        };
        self.again(depth, &what, first, segment);
    }

    fn frame_of(&mut self, depth: usize, number: u32, from: usize, to: usize) {
        let Some(index) = to.checked_sub(1).filter(|index| *index >= from) else {
            return;
        };
        let Some(segment) = self.segment(number) else {
            return;
        };
        let Some(frame) = segment.frames.get(index) else {
            return;
        };
        self.tasks.push((depth, Task::Frames(number, from, index)));
        self.frames.insert((number, index), self.lines + 1);
        let mut line = Line::default();
        write_frame(self.document, frame, &mut line);
        for mark in segment.marks_of(index) {
            line.text(&format!(" [{} = ", key(self.document, mark.key)));
            write(self.document, &mark.value, &mut line);
            line.text("]");
        }
        self.line(depth, line);
    }

    fn under(&mut self, depth: usize, number: u32) {
        let Some(segment) = self.segment(number) else {
            return;
        };
        if let Some((_, after)) = self.segments.get_mut(&number) {
            *after = self.lines + 1;
        }
        let below = segment.below.map(|below| (depth, Task::Chain(below)));
        self.tasks.extend(below);
        let mut line = Line::of("-- ");
        if write_under(self.document, segment.under, &mut line) {
            if let UnderOutline::Entering(entry) = segment.under {
                self.tasks
                    .push((depth + 1, Task::Thunk("body: ", *entry, 0)));
            }
            self.line(depth, line);
        }
    }

    fn define(&mut self, depth: usize, reference: Reference) {
        match reference {
            Reference::Object(number) => {
                let mut line = Line::of(&format!("{reference}: "));
                match self.document.objects.get(number as usize) {
                    None => line.text("(missing)"),
                    Some(object) => {
                        line.text(&format!("{} v{} = ", plain(&object.of), object.version));
                        write(self.document, &object.value, &mut line);
                    }
                }
                // What it leads to is beside it: a list of a million is no staircase.
                let before = self.tasks.len();
                self.line(depth, line);
                for (depth, _) in self.tasks.iter_mut().skip(before) {
                    *depth -= 1;
                }
            }
            Reference::Continuation(k) => {
                let count = self.levels(k);
                self.tasks.push((depth + 1, Task::Levels(k, count)));
                self.line(depth, Line::of(&format!("{reference}:")));
            }
            Reference::Winder(winder) => {
                self.tasks
                    .push((depth + 1, Task::Thunk("after: ", winder, 1)));
                self.tasks
                    .push((depth + 1, Task::Thunk("before: ", winder, 0)));
                self.line(depth, Line::of(&format!("{reference}:")));
            }
        }
    }
}
