//! A continuation laid out flat: for another thread, and for those who may edit it.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use super::continuation::Piece;
use super::ledger::Ledger;
use super::level::{Boundary, Level};
use super::position::{Attached, Unsealed};
use super::segment::Mark;
use super::winder::{Entering, Under, Winder, WinderNode};
use super::{Continuation, Frame, Interrupted, Machine, MarkKey, PromptTag, Refusal};

/// One thing in a [`Layout`].
#[derive(Clone, Debug)]
pub enum Entry<F: Frame> {
    /// A frame, and the values that are attached to it.
    Frame {
        /// The frame.
        frame: F,
        /// Its marks, at most one for each key.
        marks: Vec<(MarkKey, F::Value)>,
    },
    /// A prompt, or several with nothing between them.
    Prompt {
        /// Its name.
        tag: PromptTag,
        /// How many there are; none count for one.
        times: usize,
    },
    /// What is above is the body of a winder.
    Inside {
        /// Runs when the body is entered again.
        before: F,
        /// Runs when the body is left.
        after: F,
    },
    /// What is above is a winder's *before*; its body is to come.
    Entering {
        /// Runs again when the body is entered again.
        before: F,
        /// What runs once it is entered.
        body: F,
        /// Runs when the body is left.
        after: F,
    },
    /// What is above is a winder's *after*; this is what its body came to.
    Leaving(Result<F::Value, Interrupted<F::Value>>),
}

impl<F: Frame> Entry<F> {
    /// A frame without marks.
    pub fn frame(frame: F) -> Self {
        Self::Frame {
            frame,
            marks: Vec::new(),
        }
    }
}

/// What a continuation consists of, topmost first. It shares nothing with any other.
pub struct Layout<F: Frame> {
    /// What there is, topmost first.
    pub entries: Vec<Entry<F>>,
}

impl<F: Frame> fmt::Debug for Layout<F>
where
    F: fmt::Debug,
    F::Value: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.entries).finish()
    }
}

impl<F: Frame> Layout<F> {
    pub(super) fn of(continuation: Continuation<F>) -> Result<Self, Refusal> {
        let mut piece = continuation.into_piece();
        piece.check_singles()?;
        // Winders hold the frames below them, which are to be moved. What is inside of which
        // winder is in the segments.
        for level in &mut piece.levels {
            level.winders = None;
        }
        piece.check_sole()?;
        let mut entries = Vec::new();
        while let Some(level) = piece.levels.pop() {
            let mut position = level.position;
            let mut frames = Vec::new();
            let mut attached = Attached::new();
            loop {
                attached.batch = usize::MAX;
                match position.unseal(&mut frames, &mut attached) {
                    Unsealed::Frames => lay_out(&mut frames, &mut attached, &mut entries)?,
                    Unsealed::Spent(frame) => return Err(Refusal::OneShot { frame }),
                    Unsealed::Nothing => {
                        if !position.next_chain() {
                            break;
                        }
                    }
                }
            }
            if let Boundary::Prompt { tag, times } = level.boundary {
                entries.push(Entry::Prompt { tag, times });
            }
        }
        Ok(Self { entries })
    }

    pub(super) fn into_continuation(self, ledger: &Rc<Ledger<F>>) -> Continuation<F> {
        let mut levels: Vec<Level<F>> = Vec::new();
        let mut level = Level::empty(Boundary::Open);
        let mut frames = Vec::new();
        let mut attached = Attached::new();
        let mut entries = self.entries;
        // A prompt at the lower end is the boundary of the lowest level.
        if let Some(&Entry::Prompt { tag, times }) = entries.last() {
            let times = times.max(1);
            level.boundary = Boundary::Prompt { tag, times };
            entries.pop();
        }
        for entry in entries.into_iter().rev() {
            match entry {
                Entry::Frame { frame, marks } => {
                    let index = frames.len();
                    attached.note(&frame);
                    frames.push(frame);
                    let marks = marks.into_iter();
                    let marks = marks.map(|(key, value)| Mark { index, key, value });
                    attached.marks.extend(marks);
                }
                Entry::Prompt { tag, times } => {
                    level.position.seal(&mut frames, &mut attached, ledger);
                    let times = times.max(1);
                    let above = Level::empty(Boundary::Prompt { tag, times });
                    levels.push(mem::replace(&mut level, above));
                }
                Entry::Inside { before, after } => {
                    level.position.seal(&mut frames, &mut attached, ledger);
                    let winder = Winder::new(before, after, ledger);
                    let at = level.position.clone();
                    level.winders = Some(WinderNode::new(winder.clone(), at, level.winders.take()));
                    attached.under = Under::Inside(winder);
                }
                Entry::Entering {
                    before,
                    body,
                    after,
                } => {
                    level.position.seal(&mut frames, &mut attached, ledger);
                    let winder = Winder::new(before, after, ledger);
                    attached.under = Under::Entering(Entering::new(winder, body));
                }
                Entry::Leaving(result) => {
                    level.position.seal(&mut frames, &mut attached, ledger);
                    attached.under = Under::Leaving(Box::new(result));
                }
            }
        }
        level.position.seal(&mut frames, &mut attached, ledger);
        levels.push(level);
        Continuation::new(Piece::new(levels), ledger)
    }
}

/// Moves the active frames and what is under them.
fn lay_out<F: Frame>(
    frames: &mut Vec<F>,
    attached: &mut Attached<F>,
    entries: &mut Vec<Entry<F>>,
) -> Result<(), Refusal> {
    let first = entries.len();
    let mut marks = mem::take(&mut attached.marks).into_iter().peekable();
    for (index, frame) in frames.drain(..).enumerate() {
        let mut of_frame = Vec::new();
        while let Some(mark) = marks.next_if(|mark| mark.index == index) {
            of_frame.push((mark.key, mark.value));
        }
        entries.push(Entry::Frame {
            frame,
            marks: of_frame,
        });
    }
    entries[first..].reverse();
    attached.refloor();
    match attached.under.take() {
        Under::Nothing => {}
        Under::Inside(winder) => {
            let (before, after) = winder.open();
            entries.push(Entry::Inside { before, after });
        }
        Under::Entering(entering) => {
            let (winder, body) = entering.open();
            let body = body?;
            let (before, after) = winder.open();
            entries.push(Entry::Entering {
                before,
                body,
                after,
            });
        }
        Under::Leaving(result) => entries.push(Entry::Leaving(*result)),
    }
    Ok(())
}

/// A [`Continuation`] that shares nothing, and may move to another thread if its frames may.
///
/// ```
/// # use segno::frame::{Context, Frame, Input, Machine, Outcome, Step};
/// # #[derive(Clone)]
/// # struct Ask;
/// # impl Frame for Ask {
/// #     type Value = u32;
/// #     type World = ();
/// #     fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
/// #         match input {
/// #             Input::Value(n) => Step::Return(n + 1),
/// #             _ => Step::Suspend(0),
/// #         }
/// #     }
/// # }
/// let mut machine = Machine::new(Ask);
/// assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
/// let detached = machine.continuation().unwrap().detach()?;
/// let thread = std::thread::spawn(move || {
///     let mut machine = Machine::idle();
///     machine.start_with(detached.attach(), Ok(41)).unwrap();
///     machine.run(&mut ())
/// });
/// assert_eq!(thread.join().unwrap(), Outcome::Done(42));
/// # Ok::<(), segno::frame::Refusal>(())
/// ```
pub struct Detached<F: Frame> {
    layout: Layout<F>,
}

impl<F: Frame> Detached<F> {
    /// The continuation, for the thread that calls. No machine's limit counts its frames;
    /// and where a frame in it holds another that was attached by itself, and so on, dropping
    /// them takes some of the Rust stack for each.
    #[must_use]
    pub fn attach(self) -> Continuation<F> {
        self.layout.into_continuation(&Ledger::new())
    }

    /// The same, counted and dropped with the captured frames of a machine.
    #[must_use]
    pub fn attach_to(self, machine: &Machine<F>) -> Continuation<F> {
        self.layout.into_continuation(&machine.state.ledger)
    }
}

impl<F: Frame> fmt::Debug for Detached<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached")
            .field("entries", &self.layout.entries.len())
            .finish_non_exhaustive()
    }
}

impl<F: Frame> Continuation<F> {
    /// Makes a form that may move to another thread: frames that nobody else holds are
    /// moved, the others cloned. What was shared with other continuations is not shared any
    /// more, winders included: a [`Step::Replace`](super::Step::Replace) enters and leaves
    /// them all.
    ///
    /// # Errors
    ///
    /// If it goes through a frame that can be resumed once, and was.
    pub fn detach(self) -> Result<Detached<F>, Refusal> {
        Layout::of(self).map(|layout| Detached { layout })
    }
}
