//! A continuation in parts that can be stored one by one, and put together again.
//!
//! A part is what continuations share: a segment, a winder, what a chain was put on top of. It
//! consists of frames, values and numbers, and of other parts, but never of itself, in however
//! many steps. So parts can be stored in such an order that each comes after those that it
//! consists of.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::continuation::Piece;
use super::ledger::Ledger;
use super::level::{Boundary, Level, Levels};
use super::machine::Pending;
use super::position::{Position, Rest, RestNode};
use super::segment::{Chain, Held, Mark};
use super::winder::{Entering, Under, Winder, WinderNode, depth};
use super::{Continuation, Frame, Input, Interrupted, Machine, MarkKey, PromptTag, Refusal};

/// What continuations share.
pub(crate) struct Part<F: Frame>(Kind<F>);

enum Kind<F: Frame> {
    Segment(Held<F>),
    Rest(Rc<RestNode<F>>),
    Winder(Rc<Winder<F>>),
    WinderNode(Rc<WinderNode<F>>),
    Entering(Rc<Entering<F>>),
    Continuation(Continuation<F>),
}

impl<F: Frame> Clone for Part<F> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Kind::Segment(part) => Kind::Segment(part.clone()),
            Kind::Rest(part) => Kind::Rest(part.clone()),
            Kind::Winder(part) => Kind::Winder(part.clone()),
            Kind::WinderNode(part) => Kind::WinderNode(part.clone()),
            Kind::Entering(part) => Kind::Entering(part.clone()),
            Kind::Continuation(part) => Kind::Continuation(part.clone()),
        })
    }
}

/// Takes what a part consists of, in order.
pub(crate) trait Store<F: Frame> {
    type Error;
    fn number(&mut self, number: usize);
    fn tag(&mut self, tag: PromptTag) -> Result<(), Self::Error>;
    fn key(&mut self, key: MarkKey) -> Result<(), Self::Error>;
    fn value(&mut self, value: &F::Value) -> Result<(), Self::Error>;
    fn frames(&mut self, frames: &[F]) -> Result<(), Self::Error>;
    /// A part that was stored before.
    fn part(&mut self, part: Part<F>) -> Result<(), Self::Error>;
    /// The error for a part that holds what cannot be stored.
    fn refuse(&mut self, why: Unstorable) -> Self::Error;
}

/// What cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unstorable {
    /// A frame of this kind can be resumed only once, so that there cannot be another.
    OneShot(&'static str),
    /// A winder is being left because the machine refused to go on.
    Refused(Refusal),
}

/// Gives what a part consists of, in order.
pub(crate) trait Restore<F: Frame> {
    type Error;
    fn number(&mut self) -> Result<usize, Self::Error>;
    fn tag(&mut self) -> Result<PromptTag, Self::Error>;
    fn key(&mut self) -> Result<MarkKey, Self::Error>;
    fn value(&mut self) -> Result<F::Value, Self::Error>;
    fn frames(&mut self) -> Result<Vec<F>, Self::Error>;
    /// A part that was restored before, and what there is in it and below it.
    fn part(&mut self) -> Result<(Part<F>, Extent), Self::Error>;
    /// How much there may be.
    fn most(&self) -> Extent;
    /// The error for what fits nothing.
    fn refuse(&mut self, why: &'static str) -> Self::Error;
    /// The error for more than there may be.
    fn refuse_more(&mut self, than: Extent) -> Self::Error;
    fn home(&self) -> &Home<F>;
}

impl<F: Frame> Continuation<F> {
    /// Whether there is a frame on top of it, with nothing to be done before it goes on.
    pub(crate) fn has_top(&self) -> bool {
        self.with_piece(|piece| {
            let top = piece.levels.last().map(|level| &level.position.chain);
            top.is_some_and(|chain| chain.len > 0)
        })
    }
}

/// What the parts that are restored together belong to.
pub(crate) struct Home<F: Frame>(Rc<Ledger<F>>);

impl<F: Frame> Home<F> {
    pub(crate) fn new() -> Self {
        Self(Ledger::new())
    }
}

/// What a machine waits for.
pub(crate) enum Waits<V, K> {
    /// Its owner's answer.
    Answer,
    /// Fuel, to go on with this.
    Start,
    Restarted,
    Value(V),
    Raised(V),
    Continuation(K),
    Refused(Refusal),
}

impl<F: Frame> Machine<F> {
    /// What it waits for, if it is paused or suspended.
    pub(crate) fn waits(&self) -> Option<Waits<&F::Value, &Continuation<F>>> {
        Some(match &self.pending {
            Pending::Answer => Waits::Answer,
            Pending::Input(input) => match input {
                Input::Start => Waits::Start,
                Input::Restarted => Waits::Restarted,
                Input::Value(value) => Waits::Value(value),
                Input::Raised(error) => Waits::Raised(error),
                Input::Continuation(k) => Waits::Continuation(k),
                Input::Refused(refusal) => Waits::Refused(**refusal),
            },
            Pending::Frame | Pending::Step => return None,
        })
    }

    /// A machine whose whole stack this is, and that waits.
    pub(crate) fn restored(
        home: &Home<F>,
        stack: Continuation<F>,
        waits: Waits<F::Value, Continuation<F>>,
    ) -> Self {
        let mut machine = Self::idle();
        let mut levels = stack.into_piece().levels;
        machine.state.below = levels.iter().map(|level| level.position.size).sum();
        if let Some(bottom) = levels.first_mut() {
            if matches!(bottom.boundary, Boundary::Open) {
                bottom.boundary = Boundary::Bottom;
            } else {
                levels.insert(0, Level::empty(Boundary::Bottom));
            }
        }
        machine.state.levels = Levels::of(levels);
        machine.state.ledger = home.0.clone();
        machine.pending = match waits {
            Waits::Answer => Pending::Answer,
            Waits::Start => Pending::Input(Input::Start),
            Waits::Restarted => Pending::Input(Input::Restarted),
            Waits::Value(value) => Pending::Input(Input::Value(value)),
            Waits::Raised(error) => Pending::Input(Input::Raised(error)),
            Waits::Continuation(k) => Pending::Input(Input::Continuation(k)),
            Waits::Refused(refusal) => Pending::Input(refusal.into()),
        };
        machine
    }
}

/// How much there is in a stack. A few parts that are put on top of themselves again and again
/// make a stack without an end, so it is counted as the program would find it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) frames: usize,
    pub(crate) segments: usize,
}

impl Extent {
    fn and<F: Frame, S: Restore<F>>(self, other: Self, from: &mut S) -> Result<Self, S::Error> {
        let sum = Self {
            frames: self.frames.saturating_add(other.frames),
            segments: self.segments.saturating_add(other.segments),
        };
        let most = from.most();
        if sum.frames > most.frames || sum.segments > most.segments {
            return Err(from.refuse_more(sum));
        }
        Ok(sum)
    }
}

impl<F: Frame> Part<F> {
    /// What kind of part it is, as [`restore`](Self::restore) wants to know it, and which.
    pub(crate) fn identity(&self) -> (usize, usize) {
        match &self.0 {
            Kind::Segment(part) => (0, part.address()),
            Kind::Rest(part) => (1, Rc::as_ptr(part).addr()),
            Kind::Winder(part) => (2, Rc::as_ptr(part).addr()),
            Kind::WinderNode(part) => (3, Rc::as_ptr(part).addr()),
            Kind::Entering(part) => (4, Rc::as_ptr(part).addr()),
            Kind::Continuation(part) => (5, part.address()),
        }
    }

    pub(crate) fn of_continuation(k: Continuation<F>) -> Self {
        Self(Kind::Continuation(k))
    }

    pub(crate) fn as_continuation(&self) -> Option<&Continuation<F>> {
        match &self.0 {
            Kind::Continuation(k) => Some(k),
            _ => None,
        }
    }

    /// Visits the parts that this consists of, but not those that are in its values.
    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Self)) {
        let position = |position: &Position<F>, visit: &mut dyn FnMut(Self)| {
            if !position.chain.is_empty() {
                visit(Self(Kind::Segment(position.chain.first.clone())));
            }
            if let Some(rest) = &position.rest {
                visit(Self(Kind::Rest(rest.clone())));
            }
        };
        match &self.0 {
            Kind::Segment(held) => {
                let Some(segment) = held.get() else { return };
                match &segment.under {
                    Under::Nothing | Under::Leaving(_) => {}
                    Under::Entering(entering) => visit(Self(Kind::Entering(entering.clone()))),
                    Under::Inside(winder) => visit(Self(Kind::Winder(winder.clone()))),
                }
                if !segment.below.is_empty() {
                    visit(Self(Kind::Segment(segment.below.first.clone())));
                }
            }
            Kind::Rest(node) => {
                position(&node.first, visit);
                if let Some(next) = &node.next {
                    visit(Self(Kind::Rest(next.clone())));
                }
            }
            Kind::Winder(_) => {}
            Kind::WinderNode(node) => {
                visit(Self(Kind::Winder(node.winder.clone())));
                position(&node.at, visit);
                if let Some(below) = &node.below {
                    visit(Self(Kind::WinderNode(below.clone())));
                }
            }
            Kind::Entering(entering) => visit(Self(Kind::Winder(entering.winder.clone()))),
            Kind::Continuation(k) => k.with_piece(|piece| {
                for level in &piece.levels {
                    position(&level.position, visit);
                    if let Some(winders) = &level.winders {
                        visit(Self(Kind::WinderNode(winders.clone())));
                    }
                }
            }),
        }
    }

    /// Stores it, after the parts that it consists of.
    pub(crate) fn store<S: Store<F>>(&self, to: &mut S) -> Result<(), S::Error> {
        match &self.0 {
            Kind::Segment(held) => {
                let Some(segment) = held.get() else {
                    return Ok(());
                };
                if let Some(single) = segment.single() {
                    return Err(to.refuse(Unstorable::OneShot(single.kind)));
                }
                to.frames(&segment.frames)?;
                to.number(segment.marks.len());
                for mark in &segment.marks {
                    to.number(mark.index);
                    to.key(mark.key)?;
                    to.value(&mark.value)?;
                }
                match &segment.under {
                    Under::Nothing => to.number(0),
                    Under::Entering(entering) => {
                        to.number(1);
                        to.part(Self(Kind::Entering(entering.clone())))?;
                    }
                    Under::Inside(winder) => {
                        to.number(2);
                        to.part(Self(Kind::Winder(winder.clone())))?;
                    }
                    Under::Leaving(came) => match &**came {
                        Ok(value) => {
                            to.number(3);
                            to.value(value)?;
                        }
                        Err(Interrupted::Raised(error)) => {
                            to.number(4);
                            to.value(error)?;
                        }
                        Err(Interrupted::Refused(refusal)) => {
                            return Err(to.refuse(Unstorable::Refused(*refusal)));
                        }
                    },
                }
                store_chain(&segment.below, to)
            }
            Kind::Rest(node) => {
                store_position(&node.first, to)?;
                store_option(node.next.clone().map(|part| Self(Kind::Rest(part))), to)
            }
            Kind::Winder(winder) => {
                let (before, after) = winder.thunks();
                to.frames(&[before.clone(), after.clone()])
            }
            Kind::WinderNode(node) => {
                to.part(Self(Kind::Winder(node.winder.clone())))?;
                store_position(&node.at, to)?;
                store_option(
                    node.below.clone().map(|part| Self(Kind::WinderNode(part))),
                    to,
                )
            }
            Kind::Entering(entering) => {
                to.part(Self(Kind::Winder(entering.winder.clone())))?;
                if let Some(kind) = entering.single() {
                    return Err(to.refuse(Unstorable::OneShot(kind)));
                }
                entering.with_body(|body| to.frames(body.as_slice()))
            }
            Kind::Continuation(k) => k.with_piece(|piece| {
                to.number(piece.levels.len());
                for level in &piece.levels {
                    store_position(&level.position, to)?;
                    store_option(
                        level
                            .winders
                            .clone()
                            .map(|part| Self(Kind::WinderNode(part))),
                        to,
                    )?;
                    match level.boundary {
                        Boundary::Prompt { tag, times } => {
                            to.number(times);
                            to.tag(tag)?;
                        }
                        _ => to.number(0),
                    }
                }
                Ok(())
            }),
        }
    }

    /// The part that was stored, after those that it consists of; and what there is in it and
    /// below it.
    pub(crate) fn restore<S: Restore<F>>(
        kind: usize,
        from: &mut S,
    ) -> Result<(Self, Extent), S::Error> {
        Ok(match kind {
            0 => {
                let frames = from.frames()?;
                let mut marks = Vec::new();
                let mut at_least = 0;
                for _ in 0..from.number()? {
                    let index = from.number()?;
                    if index < at_least || index >= frames.len() {
                        return Err(from.refuse("a mark is of no frame"));
                    }
                    at_least = index;
                    let key = from.key()?;
                    let value = from.value()?;
                    marks.push(Mark { index, key, value });
                }
                let under = match from.number()? {
                    0 => Under::Nothing,
                    1 => match from.part()? {
                        (Self(Kind::Entering(entering)), _) => Under::Entering(entering),
                        _ => return Err(from.refuse("something is no winder's entry")),
                    },
                    2 => Under::Inside(winder(from)?),
                    3 => Under::Leaving(Ok(from.value()?).into()),
                    4 => Under::Leaving(Err(Interrupted::Raised(from.value()?)).into()),
                    _ => return Err(from.refuse("nothing is known of what is under frames")),
                };
                if frames.is_empty() && under.is_nothing() {
                    return Err(from.refuse("a segment is empty"));
                }
                let (below, extent) = chain(from)?;
                let this = Extent {
                    frames: frames.len(),
                    segments: 1,
                };
                let extent = extent.and(this, from)?;
                let held = Held::of(&from.home().0, frames, marks, under, below);
                (Self(Kind::Segment(held)), extent)
            }
            1 => {
                let (first, extent) = position(from)?;
                if first.is_empty() {
                    return Err(from.refuse("a rest has nothing in it"));
                }
                let (next, below) = rest(from)?;
                let extent = extent.and(below, from)?;
                (Self(Kind::Rest(RestNode::new(first, next))), extent)
            }
            2 => {
                let thunks = <[F; 2]>::try_from(from.frames()?);
                let Ok([before, after]) = thunks else {
                    return Err(from.refuse("a winder has two thunks"));
                };
                let winder = Winder::new(before, after, &from.home().0);
                (Self(Kind::Winder(winder)), Extent::default())
            }
            3 => {
                let winder = winder(from)?;
                let (at, _) = position(from)?;
                let below = winders(from)?;
                if below.as_ref().is_some_and(|below| below.at.size > at.size) {
                    return Err(from.refuse("a winder is above one that is in it"));
                }
                let node = WinderNode::new(winder, at, below);
                (Self(Kind::WinderNode(node)), Extent::default())
            }
            4 => {
                let winder = winder(from)?;
                let body = <[F; 1]>::try_from(from.frames()?);
                let Ok([body]) = body else {
                    return Err(from.refuse("a winder has one body"));
                };
                (
                    Self(Kind::Entering(Entering::new(winder, body))),
                    Extent::default(),
                )
            }
            5 => {
                let mut levels = Vec::new();
                let mut extent = Extent::default();
                let mut wound = 0usize;
                for index in 0..from.number()? {
                    let (position, more) = position(from)?;
                    extent = extent.and(more, from)?;
                    let winders = winders(from)?;
                    if winders
                        .as_ref()
                        .is_some_and(|it| it.at.size > position.size)
                    {
                        return Err(from.refuse("a winder is above its stack"));
                    }
                    wound = wound.saturating_add(depth(&winders));
                    if wound > from.most().segments {
                        return Err(from.refuse("there are too many winders"));
                    }
                    let boundary = match from.number()? {
                        0 if index == 0 => Boundary::Open,
                        0 => return Err(from.refuse("a level has no prompt")),
                        times => {
                            let tag = from.tag()?;
                            Boundary::Prompt { tag, times }
                        }
                    };
                    levels.push(Level {
                        position,
                        winders,
                        boundary,
                    });
                }
                if levels.is_empty() {
                    return Err(from.refuse("a continuation has no level"));
                }
                let piece = Piece::new(levels);
                let k = Continuation::new(piece, &from.home().0);
                (Self(Kind::Continuation(k)), extent)
            }
            _ => return Err(from.refuse("there is no such kind of part")),
        })
    }
}

fn store_option<F: Frame, S: Store<F>>(part: Option<Part<F>>, to: &mut S) -> Result<(), S::Error> {
    to.number(part.is_some().into());
    part.map_or(Ok(()), |part| to.part(part))
}

fn store_chain<F: Frame, S: Store<F>>(chain: &Chain<F>, to: &mut S) -> Result<(), S::Error> {
    let is_there = !chain.is_empty();
    to.number(is_there.into());
    if is_there {
        to.part(Part(Kind::Segment(chain.first.clone())))?;
        to.number(chain.len);
    }
    Ok(())
}

fn store_position<F: Frame, S: Store<F>>(
    position: &Position<F>,
    to: &mut S,
) -> Result<(), S::Error> {
    store_chain(&position.chain, to)?;
    store_option(position.rest.clone().map(|part| Part(Kind::Rest(part))), to)
}

type Found<F> = Option<(Part<F>, Extent)>;

fn option<F: Frame, S: Restore<F>>(from: &mut S) -> Result<Found<F>, S::Error> {
    match from.number()? {
        0 => Ok(None),
        1 => from.part().map(Some),
        _ => Err(from.refuse("something is neither there nor not")),
    }
}

fn chain<F: Frame, S: Restore<F>>(from: &mut S) -> Result<(Chain<F>, Extent), S::Error> {
    let Some((part, mut extent)) = option(from)? else {
        return Ok((Chain::empty(), Extent::default()));
    };
    let len = from.number()?;
    let Part(Kind::Segment(first)) = part else {
        return Err(from.refuse("something is no segment"));
    };
    let all = first.get().map_or(0, |segment| segment.frames.len());
    if len > all || len == 0 && all > 0 {
        return Err(from.refuse("a segment has fewer frames"));
    }
    extent.frames -= all - len;
    Ok((Chain { first, len }, extent))
}

fn position<F: Frame, S: Restore<F>>(from: &mut S) -> Result<(Position<F>, Extent), S::Error> {
    let (chain, extent) = chain(from)?;
    let (rest, below) = rest(from)?;
    let extent = extent.and(below, from)?;
    let size = extent.frames;
    Ok((Position { chain, rest, size }, extent))
}

fn rest<F: Frame, S: Restore<F>>(from: &mut S) -> Result<(Rest<F>, Extent), S::Error> {
    match option(from)? {
        None => Ok((None, Extent::default())),
        Some((Part(Kind::Rest(rest)), extent)) => Ok((Some(rest), extent)),
        Some(_) => Err(from.refuse("something is no rest of a stack")),
    }
}

fn winder<F: Frame, S: Restore<F>>(from: &mut S) -> Result<Rc<Winder<F>>, S::Error> {
    match from.part()? {
        (Part(Kind::Winder(winder)), _) => Ok(winder),
        _ => Err(from.refuse("something is no winder")),
    }
}

fn winders<F: Frame, S: Restore<F>>(from: &mut S) -> Result<Option<Rc<WinderNode<F>>>, S::Error> {
    match option(from)? {
        None => Ok(None),
        Some((Part(Kind::WinderNode(node)), _)) => Ok(Some(node)),
        Some(_) => Err(from.refuse("something is no list of winders")),
    }
}
