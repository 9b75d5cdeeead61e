//! A stack up to the next boundary: chains of segments, and what is done with them.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use super::Frame;
use super::ledger::Ledger;
use super::segment::{Mark, Segment, Single, Tail};
use super::winder::Under;

/// The most frames that are cloned at once.
const LARGEST_BATCH: usize = 64;

/// What follows when a chain is used up.
pub(super) type Rest<F> = Option<Rc<RestNode<F>>>;

pub(super) struct RestNode<F: Frame> {
    pub(super) first: Position<F>,
    pub(super) next: Rest<F>,
}

impl<F: Frame> RestNode<F> {
    fn new(first: Position<F>, next: Rest<F>) -> Rc<Self> {
        Rc::new(Self { first, next })
    }
}

impl<F: Frame> Drop for RestNode<F> {
    fn drop(&mut self) {
        // By a loop: each of the two may lead to many more.
        let mut left: Vec<Rc<Self>> = Vec::new();
        left.extend(self.first.rest.take());
        left.extend(self.next.take());
        while let Some(node) = left.pop() {
            if let Some(mut node) = Rc::into_inner(node) {
                left.extend(node.first.rest.take());
                left.extend(node.next.take());
            }
        }
    }
}

/// `upper`, then `lower`.
fn append<F: Frame>(upper: Rest<F>, lower: Rest<F>) -> Rest<F> {
    match (upper, lower) {
        (None, rest) | (rest, None) => rest,
        (upper, lower) => {
            let upper = Position {
                chain: None,
                rest: upper,
                size: 0,
            };
            Some(RestNode::new(upper, lower))
        }
    }
}

/// A place in a stack, and all that is below it up to the next boundary.
pub(super) struct Position<F: Frame> {
    pub(super) chain: Option<Tail<F>>,
    pub(super) rest: Rest<F>,
    /// How many frames that is.
    pub(super) size: usize,
}

impl<F: Frame> Clone for Position<F> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            rest: self.rest.clone(),
            size: self.size,
        }
    }
}

impl<F: Frame> Position<F> {
    pub(super) const fn empty() -> Self {
        Self {
            chain: None,
            rest: None,
            size: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chain.is_none() && self.rest.is_none()
    }

    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::empty())
    }

    /// The topmost segments of all chains, from the top down.
    pub(super) fn chains(&self) -> impl Iterator<Item = &Tail<F>> {
        let mut left: Vec<&Position<F>> = alloc::vec![self];
        let mut rests: Vec<&RestNode<F>> = Vec::new();
        core::iter::from_fn(move || {
            loop {
                if let Some(position) = left.pop() {
                    rests.extend(position.rest.as_deref());
                    if let Some(tail) = &position.chain {
                        return Some(tail);
                    }
                } else {
                    let node = rests.pop()?;
                    rests.extend(node.next.as_deref());
                    left.push(&node.first);
                }
            }
        })
    }

    /// This, on top of `lower`.
    pub(super) fn on(self, lower: Self) -> Self {
        if lower.is_empty() {
            return self;
        }
        if self.is_empty() {
            return lower;
        }
        let size = self.size + lower.size;
        let lower = Some(RestNode::new(lower, None));
        Self {
            chain: self.chain,
            rest: append(self.rest, lower),
            size,
        }
    }

    /// Goes on to the next chain once this one is used up. Answers whether there is one.
    pub(super) fn next_chain(&mut self) -> bool {
        let mut pending = self.rest.take();
        let mut later: Rest<F> = None;
        while let Some(node) = pending {
            let (mut first, next) = match Rc::try_unwrap(node) {
                Ok(mut node) => (node.first.take(), node.next.take()),
                Err(node) => (node.first.clone(), node.next.clone()),
            };
            later = append(next, later);
            let inner = first.rest.take();
            if first.chain.is_some() {
                self.chain = first.chain;
                self.rest = append(inner, later);
                return true;
            }
            // A node without a chain is a list inside of the list. It must not be appended to
            // again before its first chain is out, or this would go round in circles.
            pending = inner.or_else(|| later.take());
        }
        false
    }

    /// Puts the active frames away. Nothing is left of them.
    #[inline]
    pub(super) fn seal(&mut self, active: &mut Active<F>, ledger: &Rc<Ledger<F>>) {
        let count = active.frames.len();
        if count == 0 && active.under.is_nothing() {
            return;
        }
        if active.singles {
            ledger.note_singles();
            self.seal_singles(active, ledger);
            return;
        }
        ledger.note(count);
        let mut segment = match active.spare.take() {
            Some(spare) => spare,
            None => Rc::new(Segment::empty(ledger, ledger.spare.take())),
        };
        if let Some(segment) = Rc::get_mut(&mut segment) {
            if !Rc::ptr_eq(&segment.ledger, ledger) {
                segment.ledger = ledger.clone();
            }
            mem::swap(&mut segment.frames, &mut active.frames);
            if !active.marks.is_empty() {
                segment.marks = mem::take(&mut active.marks);
                active.floor = 0;
            }
            if !active.under.is_nothing() {
                segment.under = active.under.take();
            }
            segment.below = self.chain.take();
        }
        let len = count;
        self.chain = Some(Tail { segment, len });
        self.size += count;
    }

    /// The same where some frames can be resumed only once: each gets a segment of its own.
    #[cold]
    fn seal_singles(&mut self, active: &mut Active<F>, ledger: &Rc<Ledger<F>>) {
        let mut under = active.under.take();
        let mut marks = mem::take(&mut active.marks).into_iter().peekable();
        let mut many = Vec::new();
        let mut first = 0;
        let mut push = |frames: Vec<F>, single: Option<Single<F>>, below: usize, under| {
            let mut segment = Segment::empty(ledger, frames);
            segment.single = single.map(Box::new);
            segment.under = under;
            segment.below = self.chain.take();
            let len = segment.len();
            while let Some(mut mark) = marks.next_if(|mark| mark.index < below + len) {
                mark.index -= below;
                segment.marks.push(mark);
            }
            ledger.note(len);
            let segment = Rc::new(segment);
            self.chain = Some(Tail { segment, len });
            self.size += len;
        };
        for (index, frame) in active.frames.drain(..).enumerate() {
            match frame.one_shot() {
                None => many.push(frame),
                Some(kind) => {
                    if !many.is_empty() {
                        push(mem::take(&mut many), None, first, under.take());
                    }
                    let frame = RefCell::new(Some(frame));
                    push(
                        Vec::new(),
                        Some(Single { kind, frame }),
                        index,
                        under.take(),
                    );
                    first = index + 1;
                }
            }
        }
        if !many.is_empty() || !under.is_nothing() {
            push(many, None, first, under);
        }
        active.floor = 0;
        active.singles = false;
    }

    /// Takes frames back from the topmost segment, where there is one and no frame is active.
    pub(super) fn unseal(&mut self, active: &mut Active<F>) -> Unsealed {
        let Some(mut tail) = self.chain.take() else {
            return Unsealed::Nothing;
        };
        if Rc::get_mut(&mut tail.segment).is_some() {
            return self.take_whole(active, tail);
        }
        let segment = &*tail.segment;
        if let Some(single) = &segment.single {
            self.size -= 1;
            active.under = segment.under.clone();
            let frame = single.frame.borrow_mut().take();
            let kind = single.kind;
            if frame.is_some() {
                active.marks.extend_from_slice(&segment.marks);
            }
            self.chain = segment.below.clone();
            return active.push_single(kind, frame);
        }
        let count = active.batch.min(tail.len);
        active.batch = active.batch.saturating_mul(2).min(LARGEST_BATCH);
        let first = tail.len - count;
        active
            .frames
            .extend_from_slice(&segment.frames[first..tail.len]);
        if !segment.marks.is_empty() {
            let marks = &segment.marks;
            let from = marks.partition_point(|mark| mark.index < first);
            let to = marks.partition_point(|mark| mark.index < tail.len);
            active.marks.extend(marks[from..to].iter().map(|mark| Mark {
                index: mark.index - first,
                ..mark.clone()
            }));
            active.refloor();
        }
        self.size -= count;
        if first == 0 {
            active.under = segment.under.clone();
            self.chain = segment.below.clone();
        } else {
            tail.len = first;
            self.chain = Some(tail);
        }
        Unsealed::Frames
    }

    /// Takes back all frames of a segment that nobody else holds.
    #[inline]
    fn take_whole(&mut self, active: &mut Active<F>, tail: Tail<F>) -> Unsealed {
        let Tail {
            segment: mut shared,
            len,
        } = tail;
        let Some(segment) = Rc::get_mut(&mut shared) else {
            unreachable!("it was seen to be unique")
        };
        segment.ledger.forget(segment.len());
        self.size -= len;
        self.chain = segment.below.take();
        if !segment.under.is_nothing() {
            active.under = segment.under.take();
        }
        if !segment.marks.is_empty() {
            active.marks = mem::take(&mut segment.marks);
            while active.marks.pop_if(|mark| mark.index >= len).is_some() {}
            active.refloor();
        }
        if let Some(single) = segment.single.take() {
            return active.push_single(single.kind, single.frame.into_inner());
        }
        mem::swap(&mut active.frames, &mut segment.frames);
        active.frames.truncate(len);
        active.spare = Some(shared);
        Unsealed::Frames
    }

    /// Drops the frames of the topmost segment down to one that catches, without cloning
    /// any. Answers whether there is one; if not, the segment is gone, and what was under it
    /// is under the active frames, of which there are none.
    pub(super) fn drop_to_catching(&mut self, active: &mut Active<F>) -> bool {
        let Some(tail) = &mut self.chain else {
            return false;
        };
        let catching = match &tail.segment.single {
            None => tail.segment.frames[..tail.len]
                .iter()
                .rposition(Frame::catches),
            Some(single) => {
                let frame = single.frame.borrow();
                frame.as_ref().is_some_and(Frame::catches).then_some(0)
            }
        };
        if let Some(index) = catching {
            self.size -= tail.len - (index + 1);
            tail.len = index + 1;
            return true;
        }
        self.size -= tail.len;
        let mut tail = self.chain.take();
        if let Some(tail) = &mut tail {
            match Rc::get_mut(&mut tail.segment) {
                Some(segment) => {
                    active.under = segment.under.take();
                    self.chain = segment.below.take();
                }
                None => {
                    active.under = tail.segment.under.clone();
                    self.chain = tail.segment.below.clone();
                }
            }
        }
        false
    }
}

/// What unsealing came to.
pub(super) enum Unsealed {
    /// There is at least one active frame.
    Frames,
    /// There is no segment.
    Nothing,
    /// The next frame can be resumed once, and was.
    Spent(&'static str),
}

/// The frames on top of the stack.
pub(super) struct Active<F: Frame> {
    pub(super) frames: Vec<F>,
    pub(super) marks: Vec<Mark<F::Value>>,
    pub(super) under: Under<F>,
    /// When the frames become as few, there is more to do than to pop one: the topmost mark
    /// goes, or the frames are used up.
    pub(super) floor: usize,
    /// Whether there may be a frame that can be resumed only once.
    pub(super) singles: bool,
    /// How many frames of a shared segment are cloned next.
    pub(super) batch: usize,
    /// A segment without frames, to be used again.
    spare: Option<Rc<Segment<F>>>,
}

impl<F: Frame> Active<F> {
    pub(super) fn new() -> Self {
        Self {
            frames: Vec::new(),
            marks: Vec::new(),
            under: Under::Nothing,
            floor: 0,
            singles: false,
            batch: 1,
            spare: None,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, frame: F) {
        // Looked at where it lies, so that it is moved once.
        self.frames.push(frame);
        if self.frames.last().and_then(Frame::one_shot).is_some() {
            self.singles = true;
        }
    }

    #[cold]
    fn push_single(&mut self, kind: &'static str, frame: Option<F>) -> Unsealed {
        self.refloor();
        match frame {
            Some(frame) => {
                self.frames.push(frame);
                self.singles = true;
                Unsealed::Frames
            }
            None => Unsealed::Spent(kind),
        }
    }

    /// Drops the marks of frames that are gone.
    pub(super) fn drop_marks(&mut self) {
        let len = self.frames.len();
        while self.marks.pop_if(|mark| mark.index >= len).is_some() {}
        self.refloor();
    }

    pub(super) fn refloor(&mut self) {
        self.floor = self.marks.last().map_or(0, |mark| mark.index);
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.marks.clear();
        self.under = Under::Nothing;
        self.floor = 0;
        self.singles = false;
    }
}
