//! Captures, aborts and resumptions.
//!
//! What the loop does most is a part of it once it is optimised. Else each such part would take
//! Rust stack of its own in every loop, and a host call may run a loop within a loop.

use alloc::vec::Vec;
use core::mem;

use super::continuation::Piece;
use super::escaping::frames_of;
use super::level::{Boundary, Level};
use super::run::{Next, State, drop_last};
use super::winding::{Goal, Then};
use super::{Continuation, Frame, Input, Operator, Place, PromptTag, Refusal};

impl<F: Frame> State<F> {
    /// Whether the prompt is that of the running level, and no winder is in between.
    #[inline(always)]
    pub(super) fn is_nearest(&self, tag: PromptTag) -> bool {
        let level = self.levels.top();
        matches!(level.boundary, Boundary::Prompt { tag: here, times: 1 } if here == tag)
            && level.winders.is_none()
    }

    /// Puts a continuation on top of the running level, whose frames are sealed, and goes on
    /// there: in the frequent case with a value that the topmost frame gets.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn resume(
        &mut self,
        frames: &mut Vec<F>,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Result<F::Value, Next<F>> {
        let Some((size, prompt)) = continuation.as_chain() else {
            return Err(self.enter(frames, continuation.into_piece(), with, 0));
        };
        self.attached.batch = 1;
        if let Some(tag) = prompt {
            self.levels.push_prompts(tag, 1);
        }
        let position = &mut self.levels.top_mut().position;
        position.put(continuation.into_chain(), size);
        self.below += size;
        match with {
            // Else the top of the position is not what was put there.
            Ok(value) if size > 0 => {
                let before = position.size;
                position.unseal_some(frames, &mut self.attached);
                self.below -= before - position.size;
                if frames.is_empty() {
                    return Err(self.deliver(frames, Ok(value)));
                }
                Ok(value)
            }
            with => Err(self.go_on(frames, with)),
        }
    }

    /// Whether a capture goes to the prompt of the running level, and takes no more than one
    /// chain: the frequent case.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_near(&self, frames: usize, tag: PromptTag) -> bool {
        let level = self.levels.top();
        matches!(level.boundary, Boundary::Prompt { tag: here, .. } if here == tag)
            && level.winders.is_none()
            && level.position.rest.is_none()
            && !self.attached.singles()
            && !level.position.singles()
            && self.below + frames < self.limits.depth
            && self.may_seal(frames).is_ok()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn capture_near(
        &mut self,
        frames: &mut Vec<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
    ) -> Continuation<F> {
        if place == Place::Instead {
            self.leave_frame(frames);
        }
        let is_sealed = !frames.is_empty() || !self.attached.under.is_nothing();
        self.seal(frames);
        let position = &mut self.levels.top_mut().position;
        let size = position.size;
        let prompt = operator.takes_prompt().then_some(tag);
        let continuation = if is_sealed {
            Continuation::of_chain(&mut position.chain, size, prompt)
        } else {
            Continuation::above_chain(&position.chain, size, prompt, &self.ledger)
        };
        if place == Place::Prompt {
            self.below -= size;
            position.clear();
            if !operator.keeps_prompt() {
                self.drop_prompt();
            }
        }
        continuation
    }

    /// Drops the topmost frame, and its marks.
    #[inline(always)]
    pub(super) fn leave_frame(&mut self, frames: &mut Vec<F>) {
        drop_last(frames);
        if frames.len() <= self.attached.floor {
            self.attached.drop_marks(frames.len());
        }
    }

    /// The index of the innermost level whose boundary is a prompt with this tag; that of
    /// the running level is one past the last. `pass` is asked at each way to a goal that it crosses.
    pub(super) fn locate(
        &self,
        tag: PromptTag,
        mut pass: impl FnMut(usize, &Goal<F>) -> Result<(), Refusal>,
    ) -> Result<usize, Refusal> {
        for (index, level) in self.levels.from(0).iter().enumerate().rev() {
            self.pass(1);
            match level.boundary {
                Boundary::Prompt { tag: found, .. } if found == tag => return Ok(index),
                Boundary::Barrier(ref barrier) => {
                    let host_call = barrier.host_call;
                    return Err(Refusal::Barrier { host_call });
                }
                Boundary::Winding(ref goal) => pass(index, goal)?,
                _ => {}
            }
        }
        Err(Refusal::NoSuchPrompt(tag))
    }

    /// Captures whatever lies in between. The body is on top of the active frames.
    pub(super) fn capture(
        &mut self,
        frames: &mut Vec<F>,
        tag: PromptTag,
        operator: Operator,
        place: Place,
    ) -> Result<Next<F>, Refusal> {
        let Some(body) = frames.pop() else {
            unreachable!("the body was put there")
        };
        let (at, escapes) = self.reach(tag)?;
        self.may_seal(frames.len() + self.levels.last() + 1 - at)?;
        let more = frames_of(&escapes) + usize::from(place == Place::Here);
        if more > 0 && self.below + frames.len() + more > self.limits.depth {
            return Err(self.too_deep());
        }
        if place == Place::Instead {
            self.leave_frame(frames);
        }
        self.seal(frames);
        self.settle(escapes);
        let lowest = if operator.takes_prompt() {
            Boundary::Prompt { tag, times: 1 }
        } else {
            Boundary::Open
        };
        let winders = self.winders_above(at);
        if place == Place::Prompt && winders == 0 {
            // Moved: nobody else has these levels.
            let mut levels = self.levels.take_from(at);
            let boundary = mem::replace(&mut levels[0].boundary, lowest);
            self.levels.push(Boundary::Open);
            let piece = Piece::new(levels);
            self.below -= piece.size;
            self.keep_prompt(boundary, operator);
            self.push(frames, body);
            let continuation = Continuation::new(piece, &self.ledger);
            return Ok(Next::Resume(Input::Continuation(continuation)));
        }
        let mut levels: Vec<_> = self.levels.from(at).iter().map(Level::share).collect();
        levels[0].boundary = lowest;
        let piece = Piece::new(levels);
        let continuation = Continuation::new(piece, &self.ledger);
        Ok(match place {
            Place::Here | Place::Instead => {
                self.push(frames, body);
                Next::Resume(Input::Continuation(continuation))
            }
            Place::Prompt => self.leave(
                frames,
                at,
                winders,
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
        self.levels.top_mut().boundary = boundary;
        if !operator.keeps_prompt() {
            self.drop_prompt();
        }
    }

    /// Drops the prompt that the running level ends with, of which nothing else is left.
    #[inline(always)]
    pub(super) fn drop_prompt(&mut self) {
        match &mut self.levels.top_mut().boundary {
            Boundary::Prompt { times, .. } if *times > 1 => *times -= 1,
            _ => self.pop_level(),
        }
    }

    pub(super) fn abort(
        &mut self,
        frames: &mut Vec<F>,
        tag: PromptTag,
        value: F::Value,
    ) -> Result<Next<F>, Refusal> {
        let to = self.locate(tag, |_, _| Ok(()))?;
        self.clear(frames);
        let winders = self.winders_above(to);
        Ok(self.leave(frames, to, winders, Then::Abort(value)))
    }

    pub(super) fn replace(
        &mut self,
        frames: &mut Vec<F>,
        tag: PromptTag,
        continuation: Continuation<F>,
        with: Result<F::Value, F::Value>,
    ) -> Result<Next<F>, Refusal> {
        let to = self.locate(tag, |_, _| Ok(()))?;
        let above = self.levels.from(to).iter();
        let above: usize = above.map(|level| level.position.size).sum();
        self.check_resume(&continuation, self.below - above, 0)?;
        let shared = continuation.with_piece(|piece| self.shared_winders(to, piece));
        let left = self.winders_above(to) - shared;
        self.clear(frames);
        Ok(self.leave(
            frames,
            to,
            left,
            Then::Replace {
                piece: continuation.into_piece(),
                with,
                shared,
            },
        ))
    }

    /// Whether a replacement goes to the prompt of the running level, out of no winder, and puts
    /// no more than one chain there: the frequent case.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_replaced_near(&self, tag: PromptTag, continuation: &Continuation<F>) -> bool {
        let level = self.levels.top();
        matches!(level.boundary, Boundary::Prompt { tag: here, .. } if here == tag)
            && level.winders.is_none()
            && continuation.as_chain().is_some()
            && self
                .check_resume(continuation, self.below - level.position.size, 0)
                .is_ok()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn replace_near(
        &mut self,
        frames: &mut Vec<F>,
        continuation: Continuation<F>,
        with: F::Value,
    ) -> Result<F::Value, Next<F>> {
        self.clear(frames);
        let position = &mut self.levels.top_mut().position;
        self.below -= position.size;
        position.clear();
        self.resume(frames, continuation, Ok(with))
    }

    /// Whether one more prompt may be installed, with so many active frames under it.
    #[inline(always)]
    pub(super) fn may_prompt(&self, frames: usize) -> Result<(), Refusal> {
        if self.below + frames >= self.limits.depth {
            return Err(self.too_deep());
        }
        if self.levels.last() >= self.limits.prompts {
            return Err(self.too_many_prompts());
        }
        self.may_seal(frames)
    }

    /// Whether so many active frames may be sealed.
    #[inline(always)]
    pub(super) fn may_seal(&self, frames: usize) -> Result<(), Refusal> {
        let limit = self.limits.sealed_frames;
        if self.ledger.sealed().saturating_add(frames) > limit {
            return Err(Refusal::SealedFrames { limit });
        }
        Ok(())
    }

    /// Whether a continuation can be put on top of so many frames, of which so many are active.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn check_resume(
        &self,
        continuation: &Continuation<F>,
        depth: usize,
        active: usize,
    ) -> Result<(), Refusal> {
        if active > 0 {
            self.may_seal(active)?;
        }
        if depth + continuation.len() > self.limits.depth {
            return Err(self.too_deep());
        }
        let prompts = self.levels.last() + continuation.prompts();
        if prompts > self.limits.prompts {
            return Err(self.too_many_prompts());
        }
        continuation.check_singles()
    }

    /// Puts a level without winders on top.
    pub(super) fn put(&mut self, level: Level<F>) {
        self.below += level.position.size;
        if let Boundary::Prompt { tag, times } = level.boundary {
            self.levels.push_prompts(tag, times);
        }
        let position = &mut self.levels.top_mut().position;
        *position = level.position.on(position.take());
    }
}
