//! The segmented stack: what of a computation is not running.
//!
//! ```text
//!  active frames      a Vec that the machine owns: the top of the stack
//!       │ under       what happens when they are used up: nothing, or a winder's business
//!       ▼
//!  Tail ──▶ Segment   frames, marks, under     sealed: counted, shared, never changed
//!             │ below
//!             ▼
//!           Tail ──▶ Segment ...               a chain ends where its piece was cut off
//!       │ rest
//!       ▼
//!  Rest ──▶ Position ──▶ Tail ...              what the chain was put on top of
//!       │ boundary    a prompt, a host call, a winder of an escape, or the end
//!       ▼
//!  the next level, with a spine and a boundary of its own
//! ```
//!
//! Sealing moves the active frames whole into a segment. Popping into a segment takes the
//! frames back whole if nobody else holds it, and clones some of them if somebody does, in
//! batches that double: who leaves again soon pays for one frame, who returns through all of
//! them for little more than the clones.
//!
//! A chain and its rest are a stack that can be put on top of another in constant time, a
//! catenable list: the one below becomes the last element of the rest of the one above.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::mem;

use super::{Frame, Interrupted, MarkKey, PromptTag, Refusal};

/// The most frames that are cloned at once.
const LARGEST_BATCH: usize = 64;

/// The most frames that a Vec has room for which is kept for its capacity.
const LARGEST_SPARE: usize = 64;

/// A value that is attached to a frame, by its index among the frames beside it.
#[derive(Clone)]
pub(super) struct Mark<V> {
    pub(super) index: usize,
    pub(super) key: MarkKey,
    pub(super) value: V,
}

/// What frames came to.
pub(super) type Came<V> = Result<V, Interrupted<V>>;

/// What happens when the frames above are used up, before the frame below gets the result.
pub(super) enum Under<F: Frame> {
    Nothing,
    /// The frames above are a winder's *before*.
    Entering(Rc<Entering<F>>),
    /// The frames above are a winder's body.
    Inside(Rc<Winder<F>>),
    /// The frames above are a winder's *after*; this is what the body came to.
    Leaving(Box<Came<F::Value>>),
}

/// A winder that is about to be entered, and its body.
pub(super) struct Entering<F: Frame> {
    pub(super) winder: Rc<Winder<F>>,
    /// None once it was taken, which happens to a frame that can be resumed once.
    body: RefCell<Option<F>>,
    /// The kind of such a frame.
    single: Option<&'static str>,
}

impl<F: Frame> Entering<F> {
    pub(super) fn new(winder: Rc<Winder<F>>, body: F) -> Rc<Self> {
        let single = body.one_shot();
        Rc::new(Self {
            winder,
            body: RefCell::new(Some(body)),
            single,
        })
    }

    pub(super) fn trace(&self, visit: &mut dyn FnMut(&F::Value)) {
        if let Some(body) = &*self.body.borrow() {
            body.trace(visit);
        }
    }

    /// The kind of the body, if it can be resumed once.
    pub(super) fn single(&self) -> Option<&'static str> {
        self.single
    }

    /// The kind of the body, if it was taken.
    pub(super) fn spent(&self) -> Option<&'static str> {
        self.single.filter(|_| self.body.borrow().is_none())
    }

    /// The winder and its body, moved if this is the only holder or there is no second copy.
    pub(super) fn open(self: Rc<Self>) -> (Rc<Winder<F>>, Result<F, Refusal>) {
        let (winder, body, single) = match Rc::try_unwrap(self) {
            Ok(entering) => (entering.winder, entering.body.into_inner(), entering.single),
            Err(shared) => {
                let body = match shared.single {
                    Some(_) => shared.body.borrow_mut().take(),
                    None => shared.body.borrow().clone(),
                };
                (shared.winder.clone(), body, shared.single)
            }
        };
        let frame = single.unwrap_or_default();
        (winder, body.ok_or(Refusal::OneShot { frame }))
    }
}

impl<F: Frame> Clone for Under<F> {
    fn clone(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Entering(entering) => Self::Entering(entering.clone()),
            Self::Inside(winder) => Self::Inside(winder.clone()),
            Self::Leaving(result) => Self::Leaving(result.clone()),
        }
    }
}

impl<F: Frame> Under<F> {
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::Nothing)
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// A frame that can be resumed once, taken out by the first who returns into it.
pub(super) struct Single<F> {
    pub(super) kind: &'static str,
    pub(super) frame: RefCell<Option<F>>,
}

/// Frames that are no longer on top. Nothing in a segment changes while it is shared, but
/// that its single frame is taken.
pub(super) struct Segment<F: Frame> {
    pub(super) frames: Vec<F>,
    /// In place of the frames, one that can be resumed only once.
    pub(super) single: Option<Box<Single<F>>>,
    pub(super) marks: Vec<Mark<F::Value>>,
    pub(super) under: Under<F>,
    pub(super) below: Option<Tail<F>>,
    ledger: Rc<Ledger<F>>,
}

impl<F: Frame> Segment<F> {
    fn empty(ledger: &Rc<Ledger<F>>, frames: Vec<F>) -> Self {
        Self {
            frames,
            single: None,
            marks: Vec::new(),
            under: Under::Nothing,
            below: None,
            ledger: ledger.clone(),
        }
    }

    fn len(&self) -> usize {
        self.frames.len() + usize::from(self.single.is_some())
    }
}

impl<F: Frame> Drop for Segment<F> {
    #[inline]
    fn drop(&mut self) {
        if self.len() > 0 || self.below.is_some() || !self.under.is_nothing() {
            self.bury();
        }
    }
}

impl<F: Frame> Segment<F> {
    /// Drops what the segment holds; what other segments hold that this drops, too.
    #[inline(never)]
    fn bury(&mut self) {
        let ledger = &*self.ledger;
        ledger.forget(self.frames.len() + usize::from(self.single.is_some()));
        let Some(burial) = ledger.begin() else {
            ledger.remains.borrow_mut().push(Remains::Segment {
                _frames: mem::take(&mut self.frames),
                _single: self.single.take(),
                _marks: mem::take(&mut self.marks),
                _under: self.under.take(),
                _below: self.below.take(),
            });
            return;
        };
        self.frames.clear();
        self.single = None;
        self.marks.clear();
        self.under = Under::Nothing;
        self.below = None;
        burial.end();
        if (1..=LARGEST_SPARE).contains(&self.frames.capacity()) {
            ledger.spare.set(mem::take(&mut self.frames));
        }
    }
}

/// What a segment or a winder leaves when it is dropped.
enum Remains<F: Frame> {
    Segment {
        _frames: Vec<F>,
        _single: Option<Box<Single<F>>>,
        _marks: Vec<Mark<F::Value>>,
        _under: Under<F>,
        _below: Option<Tail<F>>,
    },
    Winder {
        _thunks: (F, F),
    },
}

/// What the segments of a machine have in common.
///
/// A frame may hold a continuation whose frames hold continuations, and so on. Dropping them
/// one inside the other would need a Rust stack as deep. So a segment or a winder hands what
/// it held to a queue, which the outermost drop empties.
pub(super) struct Ledger<F: Frame> {
    /// How many frames are in segments.
    sealed: Cell<usize>,
    /// Whether one of them could ever be resumed only once.
    singles: Cell<bool>,
    burying: Cell<bool>,
    remains: RefCell<Vec<Remains<F>>>,
    /// A Vec without elements, for its capacity.
    spare: Cell<Vec<F>>,
}

impl<F: Frame> Ledger<F> {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            sealed: Cell::new(0),
            singles: Cell::new(false),
            burying: Cell::new(false),
            remains: RefCell::new(Vec::new()),
            spare: Cell::new(Vec::new()),
        })
    }

    pub(super) fn sealed(&self) -> usize {
        self.sealed.get()
    }

    fn note(&self, frames: usize) {
        self.sealed.set(self.sealed.get() + frames);
    }

    fn forget(&self, frames: usize) {
        self.sealed.set(self.sealed.get() - frames);
    }

    pub(super) fn singles(&self) -> bool {
        self.singles.get()
    }

    pub(super) fn note_singles(&self) {
        self.singles.set(true);
    }

    /// Begins to drop what may hold segments and winders, unless that is under way.
    fn begin(&self) -> Option<Burial<'_, F>> {
        (!self.burying.replace(true)).then(|| Burial(self))
    }
}

/// The outermost drop, by which all others are done.
struct Burial<'a, F: Frame>(&'a Ledger<F>);

impl<F: Frame> Burial<'_, F> {
    /// Drops what was left meanwhile.
    fn end(self) {
        loop {
            let next = self.0.remains.borrow_mut().pop();
            match next {
                Some(remains) => drop(remains),
                None => break,
            }
        }
    }
}

impl<F: Frame> Drop for Burial<'_, F> {
    fn drop(&mut self) {
        self.0.burying.set(false); // by a panic too
    }
}

/// The first `len` frames of a segment, and all that is below it.
pub(super) struct Tail<F: Frame> {
    pub(super) segment: Rc<Segment<F>>,
    pub(super) len: usize,
}

impl<F: Frame> Clone for Tail<F> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment.clone(),
            len: self.len,
        }
    }
}

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
        if frame.one_shot().is_some() {
            self.singles = true;
        }
        self.frames.push(frame);
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

/// What is run whenever control enters and leaves a body.
pub(super) struct Winder<F: Frame> {
    /// Before and after; none once they are moved out.
    thunks: Option<(F, F)>,
    ledger: Rc<Ledger<F>>,
}

impl<F: Frame> Winder<F> {
    pub(super) fn new(before: F, after: F, ledger: &Rc<Ledger<F>>) -> Rc<Self> {
        Rc::new(Self {
            thunks: Some((before, after)),
            ledger: ledger.clone(),
        })
    }

    fn both(&self) -> &(F, F) {
        let Some(thunks) = &self.thunks else {
            unreachable!("the thunks are moved out of a winder that is not shared")
        };
        thunks
    }

    pub(super) fn trace(&self, visit: &mut dyn FnMut(&F::Value)) {
        let (before, after) = self.both();
        before.trace(visit);
        after.trace(visit);
    }

    pub(super) fn before(&self) -> F {
        self.both().0.clone()
    }

    pub(super) fn after(&self) -> F {
        self.both().1.clone()
    }

    /// Both, moved if this is the only holder.
    pub(super) fn open(mut self: Rc<Self>) -> (F, F) {
        match Rc::get_mut(&mut self).and_then(|winder| winder.thunks.take()) {
            Some(thunks) => thunks,
            None => self.both().clone(),
        }
    }
}

impl<F: Frame> Drop for Winder<F> {
    fn drop(&mut self) {
        // They may hold continuations that go through winders, and so on.
        if let Some(thunks) = self.thunks.take() {
            match self.ledger.begin() {
                None => {
                    let remains = Remains::Winder { _thunks: thunks };
                    self.ledger.remains.borrow_mut().push(remains);
                }
                Some(burial) => {
                    drop(thunks);
                    burial.end();
                }
            }
        }
    }
}

/// The winders between here and the next boundary, innermost first.
pub(super) type Winders<F> = Option<Rc<WinderNode<F>>>;

pub(super) struct WinderNode<F: Frame> {
    pub(super) winder: Rc<Winder<F>>,
    /// Where the winder's frame is: its thunks run on top of that.
    pub(super) at: Position<F>,
    pub(super) below: Winders<F>,
    /// How many winders these are.
    pub(super) depth: usize,
}

impl<F: Frame> WinderNode<F> {
    pub(super) fn new(winder: Rc<Winder<F>>, at: Position<F>, below: Winders<F>) -> Rc<Self> {
        let depth = depth(&below) + 1;
        Rc::new(Self {
            winder,
            at,
            below,
            depth,
        })
    }
}

impl<F: Frame> Drop for WinderNode<F> {
    fn drop(&mut self) {
        let mut next = self.below.take();
        while let Some(mut node) = next.and_then(Rc::into_inner) {
            next = node.below.take();
        }
    }
}

pub(super) fn depth<F: Frame>(winders: &Winders<F>) -> usize {
    winders.as_ref().map_or(0, |node| node.depth)
}

/// What lies between a level and the one below it.
pub(super) enum Boundary<F: Frame> {
    /// Nothing is below.
    Bottom,
    /// Nothing: the level is a part of a continuation, to be put on top of another.
    Open,
    /// So many prompts with this tag, with nothing between them.
    Prompt { tag: PromptTag, times: usize },
    /// A host call that re-entered the machine, and the marks of the frames that wait for it.
    Barrier(Box<Barrier<F>>),
    /// The frames above are a winder's, on the way to a goal.
    Winding(Box<super::winding::Goal<F>>),
}

pub(super) struct Barrier<F: Frame> {
    pub(super) host_call: &'static str,
    pub(super) marks: Vec<Mark<F::Value>>,
}

/// What lies between two boundaries, and the lower one of them.
pub(super) struct Level<F: Frame> {
    pub(super) position: Position<F>,
    pub(super) winders: Winders<F>,
    pub(super) boundary: Boundary<F>,
}

impl<F: Frame> Level<F> {
    pub(super) fn empty(boundary: Boundary<F>) -> Self {
        Self {
            position: Position::empty(),
            winders: None,
            boundary,
        }
    }

    pub(super) fn prompt(tag: PromptTag) -> Self {
        Self::empty(Boundary::Prompt { tag, times: 1 })
    }

    /// A copy for a continuation, with another boundary where one is given.
    pub(super) fn share(&self, boundary: Option<Boundary<F>>) -> Self {
        Self {
            position: self.position.clone(),
            winders: self.winders.clone(),
            boundary: boundary.unwrap_or(match self.boundary {
                Boundary::Prompt { tag, times } => Boundary::Prompt { tag, times },
                _ => Boundary::Open,
            }),
        }
    }
}
