//! Captures by what runs on the way of an escape.
//!
//! A winder's thunk runs on a level of its own, whose boundary says where the escape leads. No
//! continuation can hold that: which winders are to be left on the way depends on where it is
//! resumed. So before the capture a frame takes the place of the boundary, between the frames of
//! the thunk and those that the winder lies on; once the thunk returns to it, it asks for the
//! escape anew.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::ledger::Ledger;
use super::level::{Boundary, Level};
use super::position::Attached;
use super::run::State;
use super::winder::WinderNode;
use super::winding::{Goal, Then};
use super::{Continuation, Frame, PromptTag, Refusal, Step};

/// Frames for the boundaries of levels, by the indices of these.
pub(super) type Escapes<F> = Vec<(usize, F)>;

impl<F: Frame> State<F> {
    /// The index of the level that a capture goes down to, and the frames for the escapes above
    /// its boundary, lowest first.
    pub(super) fn reach(&self, tag: PromptTag) -> Result<(usize, Escapes<F>), Refusal> {
        let mut found = Vec::new();
        let at = self.locate(tag, |index, goal| {
            let frame = self.again(goal).and_then(F::escape);
            found.push((index, frame.ok_or(Refusal::InWinder)?));
            Ok(())
        })?;
        found.reverse();
        Ok((at, found))
    }

    /// The frames for all escapes, if there is one for each.
    pub(super) fn all_escapes(&self) -> Option<Escapes<F>> {
        let levels = self.levels.from(0).iter().enumerate();
        let escapes = levels.filter_map(|(index, level)| match &level.boundary {
            Boundary::Winding(goal) => Some((index, self.again(goal).and_then(F::escape))),
            _ => None,
        });
        escapes
            .map(|(index, frame)| Some((index, frame?)))
            .collect()
    }

    /// The step that leads to a goal, if one does.
    fn again(&self, goal: &Goal<F>) -> Option<Step<F>> {
        let Goal::Leave { to, then, .. } = goal else {
            return None;
        };
        let tag = self.tag_of(*to)?;
        Some(match then {
            Then::Abort(value) => Step::Abort {
                tag,
                value: value.clone(),
            },
            Then::Replace { piece, with, .. } => Step::Replace {
                tag,
                continuation: Continuation::new(piece.share(), &self.ledger),
                with: with.clone(),
            },
            Then::Body { .. } => return None,
        })
    }

    /// The tag of the prompt that a level ends with.
    fn tag_of(&self, at: usize) -> Option<PromptTag> {
        match self.levels.from(at).first()?.boundary {
            Boundary::Prompt { tag, .. } => Some(tag),
            _ => None,
        }
    }

    /// Puts frames in the places of boundaries. All frames are sealed.
    pub(super) fn settle(&mut self, escapes: Escapes<F>) {
        let Some(&(lowest, _)) = escapes.first() else {
            return;
        };
        let mut escapes = escapes.into_iter().peekable();
        for (index, level) in (lowest..).zip(self.levels.take_from(lowest)) {
            if let Some((_, frame)) = escapes.next_if(|(of, _)| *of == index) {
                put_on(self.levels.top_mut(), frame, level, &self.ledger);
                self.below += 1;
            } else {
                self.levels.push(level.boundary);
                let top = self.levels.top_mut();
                top.position = level.position;
                top.winders = level.winders;
            }
        }
    }
}

/// Puts a frame on top of a level, and on top of that what lies in another level.
fn put_on<F: Frame>(lower: &mut Level<F>, frame: F, upper: Level<F>, ledger: &Rc<Ledger<F>>) {
    let mut attached = Attached::new();
    attached.note(&frame);
    let mut frames = alloc::vec![frame];
    lower.position.seal(&mut frames, &mut attached, ledger);
    let base = lower.position.clone();
    let mut winders = Vec::new();
    let mut next = upper.winders;
    while let Some(node) = next {
        next = node.below.clone();
        winders.push(node);
    }
    while let Some(node) = winders.pop() {
        let at = node.at.clone().on(base.clone());
        let below = lower.winders.take();
        lower.winders = Some(WinderNode::new(node.winder.clone(), at, below));
    }
    lower.position = upper.position.on(base);
}
