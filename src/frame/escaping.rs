//! Captures by what runs on the way to a goal.
//!
//! A winder's thunk that runs on such a way does so on a level of its own, whose boundary says
//! where the way leads. No continuation can hold that: which winders are to be left, and what the
//! rest is put on top of, depends on where it is resumed. So before the capture something else
//! takes the place of the boundary, between the frames of the thunk and those that the winder lies
//! on. On the way out that is a frame which asks for the escape anew, once the thunk returns to it.
//! On the way in it is the winder itself, with a body that resumes what is left of the
//! continuation.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::continuation::Piece;
use super::ledger::Ledger;
use super::level::{Boundary, Level};
use super::position::Attached;
use super::run::State;
use super::segment::{Chain, Mark};
use super::winder::{Entering, Under, WinderNode};
use super::winding::{Entry, Goal, Then};
use super::{Continuation, Frame, Place, PromptTag, Refusal, Step};

/// What takes the place of a boundary.
pub(super) enum Instead<F: Frame> {
    Frame(F),
    Winder(Rc<Entering<F>>),
}

/// What takes the places of the boundaries of levels, by the indices of these.
pub(super) type Escapes<F> = Vec<(usize, Instead<F>)>;

/// How many frames these are.
pub(super) fn frames_of<F: Frame>(escapes: &Escapes<F>) -> usize {
    let is_frame = |(_, instead): &&(usize, Instead<F>)| matches!(instead, Instead::Frame(_));
    escapes.iter().filter(is_frame).count()
}

impl<F: Frame> State<F> {
    /// The index of the level that a capture goes down to, and what takes the places of the ways
    /// above its boundary, lowest first.
    pub(super) fn reach(&self, tag: PromptTag) -> Result<(usize, Escapes<F>), Refusal> {
        let mut found = Vec::new();
        let at = self.locate(tag, |index, goal| {
            found.push((index, self.instead(goal)?));
            Ok(())
        })?;
        found.reverse();
        Ok((at, found))
    }

    /// What takes the places of all ways, if there is something for each.
    pub(super) fn all_escapes(&self) -> Option<Escapes<F>> {
        let levels = self.levels.from(0).iter().enumerate();
        let escapes = levels.filter_map(|(index, level)| match &level.boundary {
            Boundary::Winding(goal) => Some((index, self.instead(goal))),
            _ => None,
        });
        escapes
            .map(|(index, instead)| Some((index, instead.ok()?)))
            .collect()
    }

    fn instead(&self, goal: &Goal<F>) -> Result<Instead<F>, Refusal> {
        let found = match goal {
            Goal::Leave { to, then, .. } => {
                let step = self.again(*to, then);
                step.and_then(F::escape).map(Instead::Frame)
            }
            Goal::Enter(entry) => self.winder_of(entry)?.map(Instead::Winder),
            #[cfg(feature = "serde")]
            Goal::Restart(_) => None,
        };
        found.ok_or(Refusal::InWinder)
    }

    /// The step that leaves for a level.
    fn again(&self, to: usize, then: &Then<F>) -> Option<Step<F>> {
        let tag = self.tag_of(to)?;
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
            Then::Body { body, .. } if body.one_shot().is_some() => return None,
            Then::Body {
                operator,
                body,
                continuation,
            } => Step::Capture {
                tag,
                operator: *operator,
                place: Place::Prompt,
                body: F::given(body, continuation)?,
            },
        })
    }

    /// The winder that is being entered, with what follows as its body.
    fn winder_of(&self, entry: &Entry<F>) -> Result<Option<Rc<Entering<F>>>, Refusal> {
        let resume = |levels| {
            F::escape(Step::TailResume {
                continuation: Continuation::new(Piece::new(levels), &self.ledger),
                with: entry.with.clone(),
            })
        };
        // Nothing is copied for an interpreter that has no such frames.
        if resume(alloc::vec![Level::empty(Boundary::Open)]).is_none() {
            return Ok(None);
        }
        let (Some(node), Some(level)) = (&entry.entered, self.above_winder(entry)?) else {
            return Ok(None);
        };
        let mut levels = alloc::vec![level];
        levels.extend(entry.levels.iter().rev().map(Level::share));
        let body = resume(levels);
        Ok(body.map(|body| Entering::new(node.winder.clone(), body)))
    }

    /// What is above the winder that is being entered, in its own level: copies, since each of
    /// its segments leads to those below it. None if one of the frames has no second copy.
    fn above_winder(&self, entry: &Entry<F>) -> Result<Option<Level<F>>, Refusal> {
        let (mut segments, mut frames) = (Vec::new(), 0);
        let mut inside = 0;
        let position = &entry.entering.position;
        for (link, segment) in position.chains().flat_map(Chain::links) {
            if segment.single.is_some() {
                return Ok(None);
            }
            frames += link.len;
            segments.push((link.len, segment));
            if let Under::Inside(_) = segment.under {
                if inside == entry.ahead.len() {
                    break;
                }
                inside += 1;
            }
        }
        self.may_seal(frames)?;
        self.pass(frames);
        let mut level = Level::empty(Boundary::Open);
        let (mut frames, mut attached) = (Vec::new(), Attached::new());
        for (index, (len, segment)) in segments.into_iter().rev().enumerate() {
            attached.under = match &segment.under {
                Under::Inside(_) if index == 0 => Under::Nothing,
                under => under.clone(),
            };
            if let Under::Inside(winder) = &attached.under {
                let (at, below) = (level.position.clone(), level.winders.take());
                level.winders = Some(WinderNode::new(winder.clone(), at, below));
            }
            frames.extend_from_slice(&segment.frames[..len]);
            let of_frames = |mark: &&Mark<F::Value>| mark.index < len;
            let marks = segment.marks.iter().take_while(of_frames);
            attached.marks.extend(marks.cloned());
            level
                .position
                .seal(&mut frames, &mut attached, &self.ledger);
        }
        Ok(Some(level))
    }

    /// The tag of the prompt that a level ends with.
    fn tag_of(&self, at: usize) -> Option<PromptTag> {
        match self.levels.from(at).first()?.boundary {
            Boundary::Prompt { tag, .. } => Some(tag),
            _ => None,
        }
    }

    /// Puts these in the places of boundaries. All frames are sealed.
    pub(super) fn settle(&mut self, escapes: Escapes<F>) {
        let Some(&(lowest, _)) = escapes.first() else {
            return;
        };
        self.below += frames_of(&escapes);
        let mut escapes = escapes.into_iter().peekable();
        for (index, level) in (lowest..).zip(self.levels.take_from(lowest)) {
            if let Some((_, instead)) = escapes.next_if(|(of, _)| *of == index) {
                put_on(self.levels.top_mut(), instead, level, &self.ledger);
            } else {
                self.levels.push(level.boundary);
                let top = self.levels.top_mut();
                top.position = level.position;
                top.winders = level.winders;
            }
        }
    }
}

/// Puts something on top of a level, and on top of that what lies in another level.
fn put_on<F: Frame>(
    lower: &mut Level<F>,
    instead: Instead<F>,
    upper: Level<F>,
    ledger: &Rc<Ledger<F>>,
) {
    let (mut frames, mut attached) = (Vec::new(), Attached::new());
    match instead {
        Instead::Frame(frame) => {
            attached.note(&frame);
            frames.push(frame);
        }
        Instead::Winder(entering) => attached.under = Under::Entering(entering),
    }
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
