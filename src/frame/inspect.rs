//! Looking into continuations, editing them, and making them of nothing.

use alloc::string::String;
use core::fmt::{self, Write};

use super::layout::{Entry, Layout};
use super::ledger::Ledger;
use super::level::{Boundary, Level};
use super::segment::{Chain, Mark, Segment};
use super::winder::Under;
use super::{Context, Continuation, Describe, Frame, Machine, Refusal};

/// The right to look into continuations and to make them.
///
/// To the program that it came from a continuation is opaque: it may hold what the program
/// must not see, and frames that another program has built may do what this one may not. So
/// who owns a machine hands this out, or does not.
#[derive(Clone, Debug)]
pub struct Inspector(());

impl<F: Frame> Machine<F> {
    /// The right to look into continuations and to make them.
    #[must_use]
    pub fn inspector(&self) -> Inspector {
        Inspector(())
    }
}

/// What is found in a continuation, or in a machine that runs.
enum Item<'a, F: Frame> {
    Frame(&'a F, &'a [Mark<F::Value>]),
    /// A frame that could be resumed once, and was.
    Spent(&'static str),
    /// So many frames on top of which a step is under way. It may change them.
    Running(usize, &'a [Mark<F::Value>]),
    Under(&'a Under<F>),
    Boundary(&'a Boundary<F>),
}

impl Inspector {
    /// Takes a continuation apart. Frames that others hold too are cloned, the rest is moved.
    ///
    /// # Errors
    ///
    /// If it goes through a frame that can be resumed once, and was.
    pub fn take_apart<F: Frame>(
        &self,
        continuation: Continuation<F>,
    ) -> Result<Layout<F>, Refusal> {
        Layout::of(continuation)
    }

    /// Makes a continuation of a layout: one that was edited, or one that is new.
    ///
    /// What it returns into, aborts to and captures is found out when it runs.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoFrames`] if there is no frame in it.
    pub fn build<F: Frame>(&self, layout: Layout<F>) -> Result<Continuation<F>, Refusal> {
        let is_frame = |entry: &Entry<F>| matches!(entry, Entry::Frame { .. });
        if !layout.entries.iter().any(is_frame) {
            return Err(Refusal::NoFrames);
        }
        Ok(layout.into_continuation(&Ledger::new()))
    }

    /// Makes a continuation of frames, topmost first.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoFrames`] if there is none.
    pub fn build_from_frames<F: Frame>(
        &self,
        frames: impl IntoIterator<Item = F>,
    ) -> Result<Continuation<F>, Refusal> {
        self.build(Layout {
            entries: frames.into_iter().map(Entry::frame).collect(),
        })
    }

    /// Visits the frames of a continuation, topmost first, until `visit` answers false.
    /// Nothing is cloned.
    pub fn frames<F: Frame>(
        &self,
        continuation: &Continuation<F>,
        mut visit: impl FnMut(&F) -> bool,
    ) {
        walk(continuation, |item| match item {
            Item::Frame(frame, _) => visit(frame),
            _ => true,
        });
    }

    /// Prints a continuation, topmost first, with its prompts, winders and marks; at most
    /// `limit` lines of it, and `...` if there are more. Slots that are secret are not shown.
    #[must_use]
    pub fn show<F: Describe>(&self, continuation: &Continuation<F>, limit: usize) -> String
    where
        F::Value: fmt::Debug,
    {
        let mut shown = Shown::new(limit);
        walk(continuation, |item| shown.line(item));
        shown.text
    }

    /// Prints what is under the step that is under way, in the same way: down to the end, across
    /// the host calls that re-entered the machine. Of the topmost frames, and of those that
    /// wait for a host call, it shows how many there are and their marks, since one of them is
    /// at work.
    #[must_use]
    pub fn show_running<F: Describe>(&self, cx: &Context<'_, F>, limit: usize) -> String
    where
        F::Value: fmt::Debug,
    {
        let mut shown = Shown::new(limit);
        let attached = &cx.state.attached;
        if shown.line::<F>(Item::Running(cx.index + 1, &attached.marks))
            && shown.line::<F>(Item::Under(&attached.under))
        {
            walk_levels(cx.state.levels.from(0), |item| shown.line(item));
        }
        shown.text
    }
}

/// The lines that are printed so far.
struct Shown {
    text: String,
    left: usize,
}

impl Shown {
    fn new(limit: usize) -> Self {
        Self {
            text: String::new(),
            left: limit,
        }
    }

    /// Prints a line. Answers whether to go on.
    fn line<F: Describe>(&mut self, item: Item<'_, F>) -> bool
    where
        F::Value: fmt::Debug,
    {
        let text = &mut self.text;
        if self.left == 0 {
            text.push_str("...\n");
            return false;
        }
        // Writing to a string does not fail.
        let written = match item {
            Item::Frame(frame, marks) => show_frame(text, frame, marks),
            Item::Spent(kind) => writeln!(text, "{kind}: was resumed, and is gone"),
            Item::Running(frames, marks) => write!(text, "({frames} at work)")
                .and_then(|()| show_marks(text, marks.iter().rev())),
            Item::Under(Under::Nothing) => return true,
            Item::Under(Under::Entering(_)) => writeln!(text, "-- winder, being entered"),
            Item::Under(Under::Inside(_)) => writeln!(text, "-- winder"),
            Item::Under(Under::Leaving(_)) => writeln!(text, "-- winder, being left"),
            Item::Boundary(Boundary::Prompt { tag, times: 1 }) => {
                writeln!(text, "== prompt {tag}")
            }
            Item::Boundary(Boundary::Prompt { tag, times }) => {
                writeln!(text, "== prompt {tag}, {times} times")
            }
            Item::Boundary(Boundary::Barrier(barrier)) => {
                writeln!(text, "== host call {}", barrier.host_call)
            }
            Item::Boundary(Boundary::Winding(_)) => writeln!(text, "== escape"),
            Item::Boundary(Boundary::Open | Boundary::Bottom) => return true,
        };
        self.left -= 1;
        written.is_ok()
    }
}

fn show_frame<F: Describe>(text: &mut String, frame: &F, marks: &[Mark<F::Value>]) -> fmt::Result
where
    F::Value: fmt::Debug,
{
    let descriptor = frame.descriptor();
    write!(text, "{} v{}", descriptor.name, descriptor.version)?;
    if frame.one_shot().is_some() {
        text.write_str(", one-shot")?;
    }
    for (index, slot) in descriptor.slots.iter().enumerate() {
        let separator = if index == 0 { ": " } else { ", " };
        write!(text, "{separator}{} = ", slot.name)?;
        match frame.slot(index) {
            _ if slot.secret => text.write_str("(secret)")?,
            Some(value) => write!(text, "{value:?}")?,
            None => text.write_str("(missing)")?,
        }
    }
    show_marks(text, marks)
}

/// Ends a line with marks.
fn show_marks<'a, V: fmt::Debug + 'a>(
    text: &mut String,
    marks: impl IntoIterator<Item = &'a Mark<V>>,
) -> fmt::Result {
    for mark in marks {
        write!(text, " [{} = {:?}]", mark.key, mark.value)?;
    }
    writeln!(text)
}

/// Visits all of a continuation, topmost first, until `visit` answers false.
fn walk<F: Frame>(continuation: &Continuation<F>, visit: impl FnMut(Item<'_, F>) -> bool) {
    continuation.with_piece(|piece| walk_levels(&piece.levels, visit));
}

fn walk_levels<F: Frame>(levels: &[Level<F>], mut visit: impl FnMut(Item<'_, F>) -> bool) {
    for level in levels.iter().rev() {
        for (link, segment) in level.position.chains().flat_map(Chain::links) {
            if !walk_segment(segment, link.len, &mut visit) {
                return;
            }
        }
        if !visit(Item::Boundary(&level.boundary)) {
            return;
        }
        if let Boundary::Barrier(barrier) = &level.boundary {
            let attached = &barrier.attached;
            if !visit(Item::Running(barrier.waiting, &attached.marks))
                || !visit(Item::Under(&attached.under))
            {
                return;
            }
        }
    }
}

fn walk_segment<F: Frame>(
    segment: &Segment<F>,
    len: usize,
    visit: &mut impl FnMut(Item<'_, F>) -> bool,
) -> bool {
    if let Some(single) = &segment.single {
        let goes_on = match &*single.frame.borrow() {
            Some(frame) => visit(Item::Frame(frame, &segment.marks)),
            None => visit(Item::Spent(single.kind)),
        };
        return goes_on && visit(Item::Under(&segment.under));
    }
    let mut marks: &[Mark<F::Value>] = &segment.marks;
    marks = &marks[..marks.partition_point(|mark| mark.index < len)];
    for (index, frame) in segment.frames[..len].iter().enumerate().rev() {
        let from = marks.partition_point(|mark| mark.index < index);
        let (below, of_frame) = marks.split_at(from);
        if !visit(Item::Frame(frame, of_frame)) {
            return false;
        }
        marks = below;
    }
    visit(Item::Under(&segment.under))
}
