//! Captures, aborts and resumptions.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::mem;

use super::continuation::Piece;
use super::level::{Boundary, Level};
use super::position::Active;
use super::run::{Next, State};
use super::winding::Then;
use super::{Continuation, Frame, Input, Interrupted, Operator, Place, PromptTag, Refusal};

impl<F: Frame> State<F> {
    /// Whether the prompt is that of the running level, and no winder is in between.
    #[inline(always)]
    pub(super) fn is_nearest(&self, tag: PromptTag) -> bool {
        matches!(self.level.boundary, Boundary::Prompt { tag: here, times: 1 } if here == tag)
            && self.level.winders.is_none()
    }

    /// Puts a continuation on top of the running level, whose frames are sealed, and goes on
    /// there.
    #[inline]
    pub(super) fn resume(
        &mut self,
        active: &mut Active<F>,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Next<F> {
        let piece = &*continuation.piece;
        if !piece.lower.is_empty() || piece.winders > 0 || piece.singles {
            return self.enter(active, continuation.into_piece(), with, 0);
        }
        active.batch = 1;
        let level = match Rc::try_unwrap(continuation.piece) {
            Ok(piece) => piece.top,
            Err(piece) => piece.top.share(None),
        };
        self.put(level);
        match with {
            Ok(value) if self.return_into(active) => Next::Resume(Input::Value(value)),
            with => self.deliver(active, with.map_err(Interrupted::Raised)),
        }
    }

    /// Whether a capture goes to the prompt of the running level, which stays, and has
    /// nothing else in its way: the frequent case.
    #[inline(always)]
    pub(super) fn is_near(
        &self,
        active: &Active<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
    ) -> bool {
        let frames = active.frames.len();
        matches!(self.level.boundary, Boundary::Prompt { tag: here, .. } if here == tag)
            && (place == Place::Here || self.level.winders.is_none() && operator.keeps_prompt())
            && !active.singles
            && self.below + frames < self.limits.depth
            && self.ledger.sealed().saturating_add(frames) <= self.limits.sealed_frames
    }

    #[inline(always)]
    pub(super) fn capture_near(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
    ) -> Continuation<F> {
        self.seal(active);
        let boundary = if operator.takes_prompt() {
            Boundary::Prompt { tag, times: 1 }
        } else {
            Boundary::Open
        };
        let level = &mut self.level;
        let (position, winders) = match place {
            Place::Here => (level.position.clone(), level.winders.clone()),
            Place::Prompt => {
                self.below -= level.position.size;
                (level.position.take(), None)
            }
        };
        let top = Level {
            position,
            winders,
            boundary,
        };
        Continuation::new(Piece::of_one(top, self.ledger.singles()))
    }

    /// The index of the innermost level whose boundary is a prompt with this tag; that of
    /// the running level is one past the last.
    pub(super) fn locate(&self, tag: PromptTag, captures: bool) -> Result<usize, Refusal> {
        let check = |level: &Level<F>| match level.boundary {
            Boundary::Prompt { tag: found, .. } if found == tag => Ok(true),
            Boundary::Barrier(ref barrier) => Err(Refusal::Barrier {
                host_call: barrier.host_call,
            }),
            Boundary::Winding(_) if captures => Err(Refusal::InWinder),
            _ => Ok(false),
        };
        if check(&self.level)? {
            return Ok(self.levels.len());
        }
        for (index, level) in self.levels.iter().enumerate().rev() {
            if check(level)? {
                return Ok(index);
            }
        }
        Err(Refusal::NoSuchPrompt(tag))
    }

    pub(super) fn capture(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
        body: F,
    ) -> Result<Next<F>, Refusal> {
        let at = self.locate(tag, true)?;
        let limit = self.limits.sealed_frames;
        if self.ledger.sealed().saturating_add(active.frames.len()) > limit {
            return Err(Refusal::SealedFrames { limit });
        }
        if place == Place::Here && self.below + active.frames.len() >= self.limits.depth {
            return Err(self.too_deep());
        }
        self.seal(active);
        let lowest = || {
            if operator.takes_prompt() {
                Boundary::Prompt { tag, times: 1 }
            } else {
                Boundary::Open
            }
        };
        let winders = self.winders_above(at);
        if place == Place::Prompt && winders == 0 {
            // Moved: nobody else has these levels.
            let mut lower = self.levels.split_off(at);
            let kept = Level::empty(Boundary::Open);
            let mut top = mem::replace(&mut self.level, kept);
            let cut = lower.first_mut().unwrap_or(&mut top);
            let boundary = mem::replace(&mut cut.boundary, lowest());
            let piece = Piece::new(lower, top, self.has_singles());
            self.below -= piece.size;
            self.keep_prompt(boundary, operator);
            active.push(body);
            return Ok(Next::Resume(Input::Continuation(Continuation::new(piece))));
        }
        let mut lower: Vec<_> = self.levels[at..]
            .iter()
            .map(|level| level.share(None))
            .collect();
        let mut top = self.level.share(None);
        lower.first_mut().unwrap_or(&mut top).boundary = lowest();
        let continuation = Continuation::new(Piece::new(lower, top, self.has_singles()));
        Ok(match place {
            Place::Here => {
                active.push(body);
                Next::Resume(Input::Continuation(continuation))
            }
            Place::Prompt => self.leave(
                active,
                at,
                0,
                Then::Body {
                    operator,
                    body,
                    continuation,
                },
            ),
        })
    }

    /// What becomes of the boundary that a capture went to, with nothing left above it.
    pub(super) fn keep_prompt(&mut self, boundary: Boundary<F>, operator: Operator) {
        match boundary {
            boundary if operator.keeps_prompt() => self.level.boundary = boundary,
            Boundary::Prompt { tag, times } if times > 1 => {
                let times = times - 1;
                self.level.boundary = Boundary::Prompt { tag, times };
            }
            _ => self.pop_level(),
        }
    }

    pub(super) fn abort(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        value: F::Value,
    ) -> Result<Next<F>, Refusal> {
        let to = self.locate(tag, false)?;
        active.clear();
        Ok(self.leave(active, to, 0, Then::Abort(value)))
    }

    pub(super) fn replace(
        &mut self,
        active: &mut Active<F>,
        tag: PromptTag,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Result<Next<F>, Refusal> {
        let to = self.locate(tag, false)?;
        let above: usize = self.levels[to..]
            .iter()
            .chain([&self.level])
            .map(|level| level.position.size)
            .sum();
        self.check_resume(&continuation, self.below - above)?;
        let shared = self.shared_winders(to, &continuation.piece);
        active.clear();
        Ok(self.leave(
            active,
            to,
            shared,
            Then::Replace {
                piece: continuation.into_piece(),
                with,
                shared,
            },
        ))
    }

    /// Whether a continuation can be put on top of so many frames.
    pub(super) fn check_resume(
        &self,
        continuation: &Continuation<F>,
        depth: usize,
    ) -> Result<(), Refusal> {
        let piece = &continuation.piece;
        if depth.saturating_add(piece.size) > self.limits.depth {
            return Err(self.too_deep());
        }
        piece.check_singles()
    }

    /// Puts a level without winders on top.
    #[inline]
    pub(super) fn put(&mut self, level: Level<F>) {
        match level.boundary {
            Boundary::Prompt { tag, times } => {
                if let Boundary::Prompt {
                    tag: here,
                    times: so_far,
                } = &mut self.level.boundary
                    && *here == tag
                    && self.level.position.is_empty()
                {
                    // Prompts with nothing between them are counted, so that a loop that
                    // resumes in tail position needs no more and more of them.
                    *so_far += times;
                    self.below += level.position.size;
                    self.level.position = level.position;
                } else {
                    self.push_level(level);
                }
            }
            _ => {
                self.below += level.position.size;
                let base = self.level.position.take();
                self.level.position = level.position.on(base);
            }
        }
    }
}
