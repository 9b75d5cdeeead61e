//! What a frame sees of the machine while it runs.

use alloc::vec::Vec;
use core::{fmt, mem};

use super::level::Boundary;
use super::run::State;
use super::segment::{Chain, Mark};
use super::{Frame, MarkKey, Outcome, PromptTag, Refusal};

/// What a frame sees of the machine while it runs.
pub struct Context<'a, F: Frame> {
    pub(super) state: &'a mut State<F>,
    /// What all frames share.
    pub world: &'a mut F::World,
    /// The index of the frame among the active ones.
    pub(super) index: usize,
    /// How many more steps are paid for.
    pub(super) fuel: u64,
}

/// What lies on the way down a stack.
enum Seen<'a, V> {
    Mark(&'a Mark<V>),
    Prompt(PromptTag),
}

/// Why frames came to no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted<V> {
    /// They raised this, and none of them caught it.
    Raised(V),
    /// The machine refused to run them, or to go on; so it does with a frame that can be
    /// resumed once, and was.
    Refused(Refusal),
}

impl<F: Frame> Context<'_, F> {
    /// The same for a shorter time.
    pub(crate) fn reborrow(&mut self) -> Context<'_, F> {
        Context {
            state: self.state,
            world: self.world,
            index: self.index,
            fuel: self.fuel,
        }
    }

    /// Pays for more steps than the one that is under way, which did the work of so many. Answers
    /// how many are not paid for, since fewer were left.
    pub fn charge(&mut self, steps: u64) -> u64 {
        let paid = steps.min(self.fuel);
        self.fuel -= paid;
        steps - paid
    }

    /// How many marks and prompts were looked at since somebody last asked. A look for
    /// [marks](Self::marks), or for a [prompt](Self::capturable), goes through all that lie on its
    /// way, and takes no fuel: an interpreter may [charge](Self::charge) for it.
    #[must_use]
    pub fn looked(&self) -> usize {
        self.state.looked.take()
    }

    /// How many steps are paid for after this one.
    pub(crate) fn fuel_mut(&mut self) -> &mut u64 {
        &mut self.fuel
    }

    /// How many more frames there may be on top of this one.
    pub(crate) fn depth_left(&self) -> usize {
        let depth = self.state.below + self.index + 1;
        self.state.limits.depth.saturating_sub(depth)
    }

    /// How many bytes of the native stack they may use.
    pub(crate) fn native_stack(&self) -> usize {
        self.state.limits.native_stack
    }

    /// Where the native stack ends for frames that recurse on it.
    pub(crate) fn native_end_mut(&mut self) -> &mut Option<usize> {
        &mut self.state.native_end
    }

    /// Attaches a value to this frame, in place of one that it has under the same key. It
    /// goes when the frame does: by a return, a raise, or a tail call.
    pub fn set_mark(&mut self, key: MarkKey, value: F::Value) {
        let attached = &mut self.state.attached;
        let of_frame = attached
            .marks
            .iter_mut()
            .rev()
            .take_while(|mark| mark.index == self.index);
        for mark in of_frame {
            if mark.key == key {
                mark.value = value;
                return;
            }
        }
        attached.marks.push(Mark {
            index: self.index,
            key,
            value,
        });
        attached.floor = self.index;
    }

    /// The value of the nearest mark under `key`: of this frame, or of one below it.
    #[must_use]
    pub fn mark(&self, key: MarkKey) -> Option<F::Value> {
        let mut found = None;
        self.walk(None, |seen| {
            if let Seen::Mark(mark) = seen
                && mark.key == key
            {
                found = Some(mark.value.clone());
            }
            found.is_none()
        });
        found
    }

    /// The values of all marks under `key`, from this frame down to the nearest prompt with
    /// the tag; without a tag, to the end. At most one of each frame.
    #[must_use]
    pub fn marks(&self, key: MarkKey, to: Option<PromptTag>) -> Vec<F::Value> {
        let mut found = Vec::new();
        self.walk(to, |seen| {
            if let Seen::Mark(mark) = seen
                && mark.key == key
            {
                found.push(mark.value.clone());
            }
            true
        });
        found
    }

    /// The same, in parts: those above each prompt, and the prompt; none is below the last part.
    #[must_use]
    pub fn marks_by_prompt(
        &self,
        key: MarkKey,
        to: Option<PromptTag>,
    ) -> Vec<(Vec<F::Value>, Option<PromptTag>)> {
        let (mut parts, mut part) = (Vec::new(), Vec::new());
        self.walk(to, |seen| {
            match seen {
                Seen::Mark(mark) if mark.key == key => part.push(mark.value.clone()),
                Seen::Mark(_) => {}
                Seen::Prompt(tag) => parts.push((mem::take(&mut part), Some(tag))),
            }
            true
        });
        parts.push((part, None));
        parts
    }

    /// Visits marks and prompts from the top down, but for the prompt that is asked for, until
    /// `visit` says no.
    fn walk(&self, to: Option<PromptTag>, mut visit: impl FnMut(Seen<'_, F::Value>) -> bool) {
        let mut looked = 0;
        self.walk_down(to, |seen| {
            looked += 1;
            visit(seen)
        });
        self.look(looked);
    }

    fn look(&self, count: usize) {
        let looked = &self.state.looked;
        looked.set(looked.get().saturating_add(count));
    }

    fn walk_down(&self, to: Option<PromptTag>, mut visit: impl FnMut(Seen<'_, F::Value>) -> bool) {
        fn all<V>(marks: &[Mark<V>], visit: &mut impl FnMut(Seen<'_, V>) -> bool) -> bool {
            marks.iter().rev().all(|mark| visit(Seen::Mark(mark)))
        }
        if !all(&self.state.attached.marks, &mut visit) {
            return;
        }
        for level in self.state.levels.from(0).iter().rev() {
            for (link, segment) in level.position.chains().flat_map(Chain::links) {
                let marks = &segment.marks;
                let within = marks.partition_point(|mark| mark.index < link.len);
                if !all(&marks[..within], &mut visit) {
                    return;
                }
            }
            let goes_on = match &level.boundary {
                Boundary::Prompt { tag, .. } => to != Some(*tag) && visit(Seen::Prompt(*tag)),
                Boundary::Barrier(barrier) => all(&barrier.attached.marks, &mut visit),
                Boundary::Bottom | Boundary::Open | Boundary::Winding(_) => true,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Whether a capture to this tag would succeed from here.
    ///
    /// # Errors
    ///
    /// What it would be refused for: no such prompt, or what stands in the way.
    pub fn capturable(&self, tag: PromptTag) -> Result<(), Refusal> {
        let passed = self.state.passed.take();
        let found = self.state.reach(tag).map(|_| ());
        self.look(self.state.passed.replace(passed));
        found
    }

    /// Runs another frame to its end before this step is over: for a host function that
    /// calls back, as a sort calls its comparison.
    ///
    /// The Rust frames in between describe themselves to nobody, so that no capture, abort
    /// or suspension may cross them: who tries is refused with the name `host_call`. Fuel
    /// that runs out meanwhile is overdrawn, up to
    /// [`Limits::overrun`](super::Limits::overrun).
    ///
    /// # Errors
    ///
    /// What the frames raised; or why they could not run, or not to the end.
    pub fn barrier(
        &mut self,
        host_call: &'static str,
        frame: F,
    ) -> Result<F::Value, Interrupted<F::Value>> {
        let frames = self.index + 1;
        let (world, fuel) = (&mut *self.world, &mut self.fuel);
        let outcome = self.state.nested(host_call, frames, frame, world, fuel);
        match outcome {
            Ok(Outcome::Done(value)) => Ok(value),
            Ok(Outcome::Raised(error)) => Err(Interrupted::Raised(error)),
            Ok(Outcome::Suspended(_) | Outcome::OutOfFuel) => {
                Err(Interrupted::Refused(Refusal::NoFuel))
            }
            Err(refusal) => Err(Interrupted::Refused(refusal)),
        }
    }
}

impl<F: Frame> fmt::Debug for Context<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}
