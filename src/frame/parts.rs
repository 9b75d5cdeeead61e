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
use super::outline::{
    ChainOutline, LevelOutline, MarkOutline, Outline, PositionOutline, PromptOutline, UnderOutline,
};
use super::position::{Attached, Position, Rest, RestNode};
use super::run::Next;
use super::segment::{Chain, Held, Mark};
use super::winder::{Entering, Under, Winder, WinderNode, Winders, depth};
use super::{
    Continuation, Frame, Input, Interrupted, Layout, Machine, MarkKey, PromptTag, Refusal,
};

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

/// Numbers what a part refers to.
pub(crate) trait Names<F: Frame> {
    type Error;
    fn tag(&mut self, tag: PromptTag) -> Result<u32, Self::Error>;
    fn key(&mut self, key: MarkKey) -> Result<u32, Self::Error>;
    /// A part that was stored before.
    fn part(&mut self, part: Part<F>) -> u32;
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

/// Knows what the numbers in a part stand for.
pub(crate) trait Known<F: Frame> {
    type Error;
    fn tag(&mut self, number: u32) -> Result<PromptTag, Self::Error>;
    fn key(&mut self, number: u32) -> Result<MarkKey, Self::Error>;
    /// A part that was restored before, and what there is in it and below it.
    fn part(&mut self, number: u32) -> Result<(Part<F>, Extent), Self::Error>;
    /// The segment of the lowest frames of one that was not restored as a whole.
    fn lowest(&self, number: u32) -> Option<(Part<F>, Extent)>;
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

impl<F: Frame> Clone for Home<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Frame> Home<F> {
    pub(crate) fn new() -> Self {
        Self(Ledger::new())
    }

    /// The continuation that is laid out flat.
    pub(crate) fn continuation(&self, layout: Layout<F>) -> Continuation<F> {
        layout.into_continuation(&self.0)
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
                // No machine stops before it is answered.
                Input::Asked(_) => return None,
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

impl<F: Frame> Machine<F> {
    /// A machine whose topmost frame restarts, once copies of these *after*s have run on top of
    /// it, the last one first.
    pub(crate) fn restarted(home: &Home<F>, stack: Continuation<F>, afters: Vec<Rc<F>>) -> Self {
        let mut machine = Self::restored(home, stack, Waits::Restarted);
        if !afters.is_empty() {
            let next = machine.state.restart(&mut machine.frames, afters);
            if let Next::Resume(input) = next {
                machine.pending = Pending::Input(input);
            }
        }
        machine
    }
}

/// What is left of a continuation some of whose parts cannot be restored: what is below all of
/// these, from the topmost frame down that is wanted. None if there is no such frame.
pub(crate) fn salvage<F: Frame, Fs, V, N: Known<F>>(
    k: u32,
    outlines: &[Outline<Fs, V>],
    names: &mut N,
    is_wanted: impl Fn(&F) -> bool,
) -> Result<Option<Continuation<F>>, N::Error> {
    let Some(Outline::Continuation { levels: of_k }) = outlines.get(k as usize) else {
        return Err(names.refuse("there is no such continuation"));
    };
    let mut levels = Vec::new();
    for (index, level) in of_k.iter().enumerate() {
        let whole = position(level.position, names).ok();
        let (is_whole, position) = match whole {
            Some((whole, _)) => (true, whole),
            None => (false, salvage_position(level.position, outlines, names)?),
        };
        // Of its winders, those that are inside of what is left.
        let inside = position.chains().flat_map(Chain::links);
        let inside = inside.filter(|(_, it)| matches!(it.under, Under::Inside(_)));
        let count = inside.count();
        let mut winders = None;
        let mut next = level.winders;
        while let Some(number) = next {
            if let Ok((Part(Kind::WinderNode(node)), _)) = names.part(number)
                && node.depth == count
            {
                winders = Some(node);
                break;
            }
            next = match outlines.get(number as usize) {
                // Where all frames are there all winders are, and none is passed over.
                Some(Outline::Winders { below, .. }) if !is_whole => {
                    below.filter(|below| *below < number)
                }
                _ => None,
            };
        }
        if depth(&winders) != count {
            return Err(names.refuse("a winder is not in its list"));
        }
        is_below(&winders, position.size, names)?;
        let boundary = boundary(index, level.prompt, names)?;
        levels.push(Level {
            position,
            winders,
            boundary,
        });
        if !is_whole {
            break;
        }
    }
    let mut attached = Attached::new();
    while let Some(level) = levels.last_mut() {
        loop {
            if level.position.drop_to(&is_wanted, &mut attached) {
                let piece = Piece::new(levels);
                return Ok(Some(Continuation::new(piece, &names.home().0)));
            }
            if let Under::Inside(_) = attached.under.take() {
                level.winders = level.winders.take().and_then(|node| node.below.clone());
            }
            if level.position.chain.is_empty() && !level.position.next_chain() {
                break;
            }
        }
        levels.pop();
    }
    Ok(None)
}

/// What is below all that cannot be restored.
fn salvage_position<F: Frame, Fs, V, N: Known<F>>(
    mut outline: PositionOutline,
    outlines: &[Outline<Fs, V>],
    names: &mut N,
) -> Result<Position<F>, N::Error> {
    // What follows after it, the last one first.
    let mut lower = Vec::new();
    // A part comes after those that it consists of, so that this comes to an end.
    let mut number = u32::MAX;
    let mut position = loop {
        let rest = match rest(outline.rest, names) {
            Ok((rest, extent)) => Position {
                chain: Chain::empty(),
                rest,
                size: extent.frames,
            },
            Err(_) => {
                let at = outline.rest.filter(|at| *at < number);
                let Some(Outline::Rest { first, next }) =
                    at.and_then(|at| outlines.get(at as usize))
                else {
                    return Err(names.refuse("something is no rest of a stack"));
                };
                number = at.unwrap_or_default();
                let below = PositionOutline {
                    chain: None,
                    rest: *next,
                };
                outline = match self::rest::<F, N>(*next, names) {
                    Ok((rest, extent)) => {
                        lower.push(Position {
                            chain: Chain::empty(),
                            rest,
                            size: extent.frames,
                        });
                        *first
                    }
                    Err(_) => below,
                };
                continue;
            }
        };
        lower.push(rest);
        break salvage_chain(outline.chain, outlines, names)?;
    };
    for lower in lower.into_iter().rev() {
        position = position.on(lower);
    }
    Ok(position)
}

/// The same for a chain.
fn salvage_chain<F: Frame, Fs, V, N: Known<F>>(
    mut outline: Option<ChainOutline>,
    outlines: &[Outline<Fs, V>],
    names: &mut N,
) -> Result<Position<F>, N::Error> {
    while let Some(ChainOutline { segment, .. }) = outline {
        if let Ok((chain, extent)) = chain(outline, names) {
            return Ok(Position {
                chain,
                rest: None,
                size: extent.frames,
            });
        }
        if let Some((Part(Kind::Segment(first)), extent)) = names.lowest(segment) {
            let len = first.get().map_or(0, |segment| segment.frames.len());
            return Ok(Position {
                chain: Chain { first, len },
                rest: None,
                size: extent.frames,
            });
        }
        let Some(Outline::Segment { below, .. }) = outlines.get(segment as usize) else {
            return Err(names.refuse("something is no segment"));
        };
        outline = below.filter(|below| below.segment < segment);
    }
    Ok(Position::empty())
}

/// How much there is in a stack. A few parts that are put on top of themselves again and again
/// make a stack without an end, so it is counted as the program would find it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) frames: usize,
    pub(crate) segments: usize,
    /// How many of these lie above a winder, as its body.
    pub(crate) winders: usize,
}

impl Extent {
    fn and<F: Frame, S: Known<F>>(self, other: Self, from: &mut S) -> Result<Self, S::Error> {
        let sum = Self {
            frames: self.frames.saturating_add(other.frames),
            segments: self.segments.saturating_add(other.segments),
            winders: self.winders.saturating_add(other.winders),
        };
        let most = from.most();
        if sum.frames > most.frames || sum.segments > most.segments {
            return Err(from.refuse_more(sum));
        }
        Ok(sum)
    }
}

impl<F: Frame> Part<F> {
    /// How many frames there are in a segment.
    fn frames(&self) -> usize {
        match &self.0 {
            Kind::Segment(held) => held.get().map_or(0, |segment| segment.frames.len()),
            _ => 0,
        }
    }

    /// Which kind of part it is, and which of them.
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

    /// Shows it as plain data, in which the parts that it consists of have numbers.
    pub(crate) fn with_outline<R, N: Names<F>>(
        &self,
        names: &mut N,
        look: impl FnOnce(&mut N, &Outline<&[F], &F::Value>) -> Result<R, N::Error>,
    ) -> Result<R, N::Error> {
        match &self.0 {
            Kind::Segment(held) => {
                let Some(segment) = held.get() else {
                    unreachable!("a part is a segment that is there")
                };
                if let Some(single) = segment.single() {
                    return Err(names.refuse(Unstorable::OneShot(single.kind)));
                }
                let mut marks = Vec::with_capacity(segment.marks.len());
                for Mark { index, key, value } in &segment.marks {
                    let key = names.key(*key)?;
                    marks.push(MarkOutline {
                        frame: *index,
                        key,
                        value,
                    });
                }
                let under = match &segment.under {
                    Under::Nothing => UnderOutline::Nothing,
                    Under::Entering(entering) => {
                        let entering = Self(Kind::Entering(entering.clone()));
                        UnderOutline::Entering(names.part(entering))
                    }
                    Under::Inside(winder) => {
                        UnderOutline::Inside(names.part(Self(Kind::Winder(winder.clone()))))
                    }
                    Under::Leaving(came) => match &**came {
                        Ok(value) => UnderOutline::Returned(value),
                        Err(Interrupted::Raised(error)) => UnderOutline::Raised(error),
                        Err(Interrupted::Refused(refusal)) => {
                            return Err(names.refuse(Unstorable::Refused(*refusal)));
                        }
                    },
                };
                let outline = Outline::Segment {
                    frames: &segment.frames[..],
                    marks,
                    under,
                    below: chain_outline(&segment.below, names),
                };
                look(names, &outline)
            }
            Kind::Rest(node) => {
                let first = position_outline(&node.first, names);
                let next = rest_outline(&node.next, names);
                look(names, &Outline::Rest { first, next })
            }
            Kind::Winder(winder) => {
                let (before, after) = winder.thunks();
                let thunks: &[F] = &[before.clone(), after.clone()];
                look(names, &Outline::Winder { thunks })
            }
            Kind::WinderNode(node) => {
                let outline = Outline::Winders {
                    winder: names.part(Self(Kind::Winder(node.winder.clone()))),
                    at: position_outline(&node.at, names),
                    below: winders_outline(&node.below, names),
                };
                look(names, &outline)
            }
            Kind::Entering(entering) => {
                let winder = names.part(Self(Kind::Winder(entering.winder.clone())));
                if let Some(kind) = entering.single() {
                    return Err(names.refuse(Unstorable::OneShot(kind)));
                }
                entering.with_body(|body| {
                    let body = body.as_slice();
                    look(names, &Outline::Entering { winder, body })
                })
            }
            Kind::Continuation(k) => k.with_piece(|piece| {
                let mut levels = Vec::with_capacity(piece.levels.len());
                for level in &piece.levels {
                    let prompt = match level.boundary {
                        Boundary::Prompt { tag, times } => {
                            let tag = names.tag(tag)?;
                            Some(PromptOutline { tag, times })
                        }
                        _ => None,
                    };
                    levels.push(LevelOutline {
                        position: position_outline(&level.position, names),
                        winders: winders_outline(&level.winders, names),
                        prompt,
                    });
                }
                look(names, &Outline::Continuation { levels })
            }),
        }
    }

    /// The part of an outline, after those that it consists of; and what there is in it and
    /// below it.
    pub(crate) fn of_outline<N: Known<F>>(
        outline: Outline<Vec<F>, F::Value>,
        names: &mut N,
    ) -> Result<(Self, Extent), N::Error> {
        Ok(match outline {
            Outline::Segment {
                frames,
                marks: outlines,
                under,
                below,
            } => {
                let mut marks = Vec::with_capacity(outlines.len());
                let mut at_least = 0;
                for mark in outlines {
                    let index = mark.frame;
                    if index < at_least || index >= frames.len() {
                        return Err(names.refuse("a mark is of no frame"));
                    }
                    at_least = index;
                    let key = names.key(mark.key)?;
                    let value = mark.value;
                    marks.push(Mark { index, key, value });
                }
                let under = match under {
                    UnderOutline::Nothing => Under::Nothing,
                    UnderOutline::Entering(number) => match names.part(number)? {
                        (Self(Kind::Entering(entering)), _) => Under::Entering(entering),
                        _ => return Err(names.refuse("something is no winder's entry")),
                    },
                    UnderOutline::Inside(number) => Under::Inside(winder(number, names)?),
                    UnderOutline::Returned(value) => Under::Leaving(Ok(value).into()),
                    UnderOutline::Raised(value) => {
                        Under::Leaving(Err(Interrupted::Raised(value)).into())
                    }
                };
                if frames.is_empty() && under.is_nothing() {
                    return Err(names.refuse("a segment is empty"));
                }
                let (below, extent) = chain(below, names)?;
                let this = Extent {
                    frames: frames.len(),
                    segments: 1,
                    winders: matches!(under, Under::Inside(_)).into(),
                };
                let extent = extent.and(this, names)?;
                let held = Held::of(&names.home().0, frames, marks, under, below);
                (Self(Kind::Segment(held)), extent)
            }
            Outline::Rest { first, next } => {
                let (first, extent) = position(first, names)?;
                if first.is_empty() {
                    return Err(names.refuse("a rest has nothing in it"));
                }
                let (next, below) = rest(next, names)?;
                let extent = extent.and(below, names)?;
                (Self(Kind::Rest(RestNode::new(first, next))), extent)
            }
            Outline::Winder { thunks } => {
                let Ok([before, after]) = <[F; 2]>::try_from(thunks) else {
                    return Err(names.refuse("a winder has two thunks"));
                };
                let winder = Winder::new(before, after, &names.home().0);
                (Self(Kind::Winder(winder)), Extent::default())
            }
            Outline::Winders {
                winder: number,
                at,
                below,
            } => {
                let winder = winder(number, names)?;
                let (at, extent) = position(at, names)?;
                let below = winders(below, names)?;
                if depth(&below) != extent.winders {
                    return Err(names.refuse("a winder is not in its list"));
                }
                if below.as_ref().is_some_and(|below| below.at.size > at.size) {
                    return Err(names.refuse("a winder is above one that is in it"));
                }
                let node = WinderNode::new(winder, at, below);
                (Self(Kind::WinderNode(node)), Extent::default())
            }
            Outline::Entering {
                winder: number,
                body,
            } => {
                let winder = winder(number, names)?;
                let Ok([body]) = <[F; 1]>::try_from(body) else {
                    return Err(names.refuse("a winder has one body"));
                };
                let entering = Entering::new(winder, body);
                (Self(Kind::Entering(entering)), Extent::default())
            }
            Outline::Continuation { levels: outlines } => {
                let mut levels = Vec::new();
                let mut extent = Extent::default();
                let mut wound = 0usize;
                for (index, level) in outlines.into_iter().enumerate() {
                    let (position, more) = position(level.position, names)?;
                    extent = extent.and(more, names)?;
                    let winders = winders(level.winders, names)?;
                    if depth(&winders) != more.winders {
                        return Err(names.refuse("a winder is not in its list"));
                    }
                    is_below(&winders, position.size, names)?;
                    wound = wound.saturating_add(depth(&winders));
                    if wound > names.most().segments {
                        return Err(names.refuse("there are too many winders"));
                    }
                    let boundary = boundary(index, level.prompt, names)?;
                    levels.push(Level {
                        position,
                        winders,
                        boundary,
                    });
                }
                if levels.is_empty() {
                    return Err(names.refuse("a continuation has no level"));
                }
                let piece = Piece::new(levels);
                let k = Continuation::new(piece, &names.home().0);
                (Self(Kind::Continuation(k)), extent)
            }
        })
    }
}

fn chain_outline<F: Frame>(chain: &Chain<F>, names: &mut impl Names<F>) -> Option<ChainOutline> {
    (!chain.is_empty()).then(|| ChainOutline {
        segment: names.part(Part(Kind::Segment(chain.first.clone()))),
        frames: chain.len,
    })
}

fn position_outline<F: Frame>(
    position: &Position<F>,
    names: &mut impl Names<F>,
) -> PositionOutline {
    PositionOutline {
        chain: chain_outline(&position.chain, names),
        rest: rest_outline(&position.rest, names),
    }
}

fn rest_outline<F: Frame>(rest: &Rest<F>, names: &mut impl Names<F>) -> Option<u32> {
    let part = |rest: &Rc<RestNode<F>>| Part(Kind::Rest(rest.clone()));
    rest.as_ref().map(|rest| names.part(part(rest)))
}

fn winders_outline<F: Frame>(winders: &Winders<F>, names: &mut impl Names<F>) -> Option<u32> {
    let part = |node: &Rc<WinderNode<F>>| Part(Kind::WinderNode(node.clone()));
    winders.as_ref().map(|node| names.part(part(node)))
}

fn chain<F: Frame, N: Known<F>>(
    outline: Option<ChainOutline>,
    names: &mut N,
) -> Result<(Chain<F>, Extent), N::Error> {
    let Some(ChainOutline { segment, frames }) = outline else {
        return Ok((Chain::empty(), Extent::default()));
    };
    // Whoever uses no more than the frames that are there does not miss the others.
    let lowest = names.lowest(segment);
    let lowest = lowest.filter(|(lowest, _)| (1..=lowest.frames()).contains(&frames));
    let (Part(Kind::Segment(first)), mut extent) =
        lowest.map_or_else(|| names.part(segment), Ok)?
    else {
        return Err(names.refuse("something is no segment"));
    };
    let all = first.get().map_or(0, |segment| segment.frames.len());
    if frames > all || frames == 0 && all > 0 {
        return Err(names.refuse("a segment has fewer frames"));
    }
    extent.frames -= all - frames;
    let len = frames;
    Ok((Chain { first, len }, extent))
}

fn position<F: Frame, N: Known<F>>(
    outline: PositionOutline,
    names: &mut N,
) -> Result<(Position<F>, Extent), N::Error> {
    let (chain, extent) = chain(outline.chain, names)?;
    let (rest, below) = rest(outline.rest, names)?;
    let extent = extent.and(below, names)?;
    let size = extent.frames;
    Ok((Position { chain, rest, size }, extent))
}

fn rest<F: Frame, N: Known<F>>(
    outline: Option<u32>,
    names: &mut N,
) -> Result<(Rest<F>, Extent), N::Error> {
    match outline.map(|number| names.part(number)).transpose()? {
        None => Ok((None, Extent::default())),
        Some((Part(Kind::Rest(rest)), extent)) => Ok((Some(rest), extent)),
        Some(_) => Err(names.refuse("something is no rest of a stack")),
    }
}

/// What the level with this index is put on.
fn boundary<F: Frame, N: Known<F>>(
    index: usize,
    prompt: Option<PromptOutline>,
    names: &mut N,
) -> Result<Boundary<F>, N::Error> {
    match prompt {
        None if index == 0 => Ok(Boundary::Open),
        None | Some(PromptOutline { times: 0, .. }) => Err(names.refuse("a level has no prompt")),
        Some(PromptOutline { tag, times }) => {
            let tag = names.tag(tag)?;
            Ok(Boundary::Prompt { tag, times })
        }
    }
}

/// Refuses winders that are above a stack of so many frames.
fn is_below<F: Frame, N: Known<F>>(
    winders: &Winders<F>,
    size: usize,
    names: &mut N,
) -> Result<(), N::Error> {
    match winders {
        Some(node) if node.at.size > size => Err(names.refuse("a winder is above its stack")),
        _ => Ok(()),
    }
}

fn winder<F: Frame, N: Known<F>>(number: u32, names: &mut N) -> Result<Rc<Winder<F>>, N::Error> {
    match names.part(number)? {
        (Part(Kind::Winder(winder)), _) => Ok(winder),
        _ => Err(names.refuse("something is no winder")),
    }
}

fn winders<F: Frame, N: Known<F>>(
    outline: Option<u32>,
    names: &mut N,
) -> Result<Winders<F>, N::Error> {
    match outline.map(|number| names.part(number)).transpose()? {
        None => Ok(None),
        Some((Part(Kind::WinderNode(node)), _)) => Ok(Some(node)),
        Some(_) => Err(names.refuse("something is no list of winders")),
    }
}
