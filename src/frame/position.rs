//! A stack up to the next boundary: chains of segments, and what is done with them.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{OnceCell, RefCell};
use core::mem::{self, ManuallyDrop};

use super::Frame;
use super::ledger::Ledger;
use super::segment::{Chain, Held, Mark, Segment, Single};
use super::winder::Under;

/// The most frames that are cloned at once.
const LARGEST_BATCH: usize = 64;

/// What follows when a chain is used up.
pub(super) type Rest<F> = Option<Rc<RestNode<F>>>;

pub(super) struct RestNode<F: Frame> {
    pub(super) first: Position<F>,
    pub(super) next: Rest<F>,
    /// Whether a frame in it may be one that can be resumed only once.
    pub(super) singles: bool,
    /// The first chain in it, and what follows, once somebody looked for that who was not the
    /// only holder: so nobody has to dig again.
    opened: OnceCell<(Chain<F>, Rest<F>)>,
}

impl<F: Frame> RestNode<F> {
    pub(super) fn new(first: Position<F>, next: Rest<F>) -> Rc<Self> {
        Rc::new(Self {
            singles: first.singles() || next.as_ref().is_some_and(|next| next.singles),
            first,
            next,
            opened: OnceCell::new(),
        })
    }

    /// The first chain in it, and what follows; an empty one if there is none.
    fn open(self: Rc<Self>) -> (Chain<F>, Rest<F>) {
        let mut later: Rest<F> = None;
        // The first node that others hold too, and what follows it.
        let mut shared: Option<(Rc<Self>, Rest<F>)> = None;
        let mut pending = Some(self);
        let mut found = (Chain::empty(), None);
        while let Some(node) = pending {
            if let Some((chain, rest)) = node.opened.get()
                && !chain.is_empty()
            {
                found = (chain.clone(), append(rest.clone(), later));
                break;
            }
            if shared.is_none() && Rc::strong_count(&node) > 1 {
                shared = Some((node.clone(), later.take()));
            }
            let (mut first, next) = match Rc::try_unwrap(node) {
                Ok(mut node) => (node.first.take(), node.next.take()),
                Err(node) => (node.first.clone(), node.next.clone()),
            };
            later = append(next, later);
            let inner = first.rest.take();
            if !first.chain.is_empty() {
                found = (first.chain, append(inner, later));
                break;
            }
            // A node without a chain is a list inside of the list. It must not be appended to
            // again before its first chain is out, or this would go round in circles.
            pending = inner.or_else(|| later.take());
        }
        match shared {
            Some((_, Some(after))) if found.0.is_empty() => after.open(),
            Some((node, after)) => {
                // Where it is set, it is so to the same.
                let _ = node.opened.set(found.clone());
                (found.0, append(found.1, after))
            }
            None => found,
        }
    }
}

impl<F: Frame> Drop for RestNode<F> {
    fn drop(&mut self) {
        // By a loop: each of them may lead to many more.
        let mut left: Vec<Rc<Self>> = Vec::new();
        left.extend(self.first.rest.take());
        left.extend(self.next.take());
        left.extend(self.opened.take().and_then(|(_, rest)| rest));
        while let Some(node) = left.pop() {
            if let Some(mut node) = Rc::into_inner(node) {
                left.extend(node.first.rest.take());
                left.extend(node.next.take());
                left.extend(node.opened.take().and_then(|(_, rest)| rest));
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
                chain: Chain::empty(),
                rest: upper,
                size: 0,
            };
            Some(RestNode::new(upper, lower))
        }
    }
}

/// A place in a stack, and all that is below it up to the next boundary.
pub(super) struct Position<F: Frame> {
    pub(super) chain: Chain<F>,
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
            chain: Chain::empty(),
            rest: None,
            size: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chain.is_empty() && self.rest.is_none()
    }

    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::empty())
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.chain.clear();
        if self.rest.is_some() {
            self.rest = None;
        }
        self.size = 0;
    }

    /// Puts a chain on top.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn put(&mut self, chain: Chain<F>, size: usize) {
        if self.is_empty() {
            self.chain.set(chain);
            self.size = size;
        } else {
            let upper = Self {
                chain,
                rest: None,
                size,
            };
            *self = upper.on(self.take());
        }
    }

    /// Whether a frame in it may be one that can be resumed only once.
    #[inline]
    pub(super) fn singles(&self) -> bool {
        self.chain.singles() || self.rest.as_ref().is_some_and(|rest| rest.singles)
    }

    /// All chains, from the top down.
    pub(super) fn chains(&self) -> impl Iterator<Item = &Chain<F>> {
        self.chains_where(|_| true)
    }

    /// The chains that are not in rests that are to be left out. A rest may be in a position
    /// again and again, as a stack that is put on top of itself is.
    pub(super) fn chains_where(
        &self,
        mut want: impl FnMut(&Rc<RestNode<F>>) -> bool,
    ) -> impl Iterator<Item = &Chain<F>> {
        let mut want = move |rest: &&Rc<RestNode<F>>| want(rest);
        let mut left: Vec<&Position<F>> = alloc::vec![self];
        let mut rests: Vec<&Rc<RestNode<F>>> = Vec::new();
        core::iter::from_fn(move || {
            loop {
                if let Some(position) = left.pop() {
                    rests.extend(position.rest.as_ref().filter(&mut want));
                    if !position.chain.is_empty() {
                        return Some(&position.chain);
                    }
                } else {
                    let node = rests.pop()?;
                    rests.extend(node.next.as_ref().filter(&mut want));
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
        let lower = if lower.chain.is_empty() {
            lower.rest
        } else {
            Some(RestNode::new(lower, None))
        };
        Self {
            chain: self.chain,
            rest: append(self.rest, lower),
            size,
        }
    }

    /// Goes on to the next chain once this one is used up. Answers whether there is one.
    pub(super) fn next_chain(&mut self) -> bool {
        if let Some(rest) = self.rest.take() {
            (self.chain, self.rest) = rest.open();
        }
        !self.chain.is_empty()
    }

    /// Puts the active frames away. Nothing is left of them.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn seal(
        &mut self,
        frames: &mut Vec<F>,
        attached: &mut Attached<F>,
        ledger: &Rc<Ledger<F>>,
    ) {
        if frames.is_empty() && attached.under.is_nothing() {
            return;
        }
        if attached.singles {
            self.seal_singles(frames, attached, ledger);
            return;
        }
        let len = frames.len();
        let mut first = Held::new(ledger);
        if let Some(segment) = first.get_mut() {
            mem::swap(&mut segment.frames, frames);
            if !attached.marks.is_empty() {
                segment.marks = mem::take(&mut attached.marks);
                attached.floor = 0;
            }
            segment.singles = self.chain.singles();
            if !attached.under.is_nothing() {
                segment.singles |= attached.under.single().is_some();
                segment.under = attached.under.take();
            }
            mem::swap(&mut segment.below, &mut self.chain);
        }
        ledger.note(len);
        self.chain.set(Chain { first, len });
        self.size += len;
    }

    /// The same where some frames can be resumed only once: each gets a segment of its own.
    #[cold]
    fn seal_singles(
        &mut self,
        frames: &mut Vec<F>,
        attached: &mut Attached<F>,
        ledger: &Rc<Ledger<F>>,
    ) {
        let mut under = attached.under.take();
        let mut marks = mem::take(&mut attached.marks).into_iter().peekable();
        let mut many = Vec::new();
        let mut below = 0;
        let mut push = |frames: Vec<F>, single: Option<Single<F>>, under: Under<F>| {
            let len = frames.len() + usize::from(single.is_some());
            let mut first = Held::new(ledger);
            if let Some(segment) = first.get_mut() {
                segment.singles =
                    self.chain.singles() || single.is_some() || under.single().is_some();
                segment.frames = frames;
                segment.single = single.map(Box::new);
                segment.under = under;
                segment.below = self.chain.take();
                while let Some(mut mark) = marks.next_if(|mark| mark.index < below + len) {
                    mark.index -= below;
                    segment.marks.push(mark);
                }
            }
            ledger.note(len);
            below += len;
            self.chain = Chain { first, len };
            self.size += len;
        };
        for frame in frames.drain(..) {
            match frame.one_shot() {
                None => many.push(frame),
                Some(kind) => {
                    if !many.is_empty() {
                        push(mem::take(&mut many), None, under.take());
                    }
                    let frame = RefCell::new(Some(frame));
                    push(Vec::new(), Some(Single { kind, frame }), under.take());
                }
            }
        }
        if !many.is_empty() || !under.is_nothing() {
            push(many, None, under);
        }
        attached.floor = 0;
        attached.singles = false;
    }

    /// Takes frames back from the topmost segment, where there is one and no frame is active.
    pub(super) fn unseal(&mut self, frames: &mut Vec<F>, attached: &mut Attached<F>) -> Unsealed {
        let Some(segment) = self.chain.first.get() else {
            return Unsealed::Nothing;
        };
        if segment.single.is_some() {
            return self.unseal_single(frames, attached);
        }
        self.unseal_some(frames, attached);
        Unsealed::Frames
    }

    /// The same where there is a segment, and its frames can be resumed more than once.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn unseal_some(&mut self, frames: &mut Vec<F>, attached: &mut Attached<F>) {
        let Chain { first, len } = &mut self.chain;
        let len = *len;
        let Some(segment) = first.get_mut() else {
            let batch = attached.batch;
            attached.batch = batch.saturating_mul(2).min(LARGEST_BATCH);
            self.unseal_shared(frames, attached, batch);
            return;
        };
        self.size -= len;
        segment.captured.clear();
        if !segment.under.is_nothing() {
            attached.under = segment.under.take();
        }
        if !segment.marks.is_empty() {
            attached.marks = mem::take(&mut segment.marks);
            while attached.marks.pop_if(|mark| mark.index >= len).is_some() {}
            attached.refloor();
        }
        mem::swap(frames, &mut segment.frames);
        self.chain.step_down(frames.len());
        if len < frames.len() {
            frames.truncate(len);
        }
    }

    /// The same where others hold the segment too: so many frames are cloned, or all.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn unseal_shared(
        &mut self,
        frames: &mut Vec<F>,
        attached: &mut Attached<F>,
        batch: usize,
    ) {
        let Some(segment) = self.chain.first.get() else {
            return;
        };
        let len = self.chain.len;
        let count = batch.min(len);
        let first = len - count;
        if count == 1 {
            frames.push(segment.frames[first].clone());
        } else {
            frames.extend_from_slice(&segment.frames[first..len]);
        }
        if !segment.marks.is_empty() {
            let marks = &segment.marks;
            let from = marks.partition_point(|mark| mark.index < first);
            let to = marks.partition_point(|mark| mark.index < len);
            let copies = marks[from..to].iter().map(|mark| Mark {
                index: mark.index - first,
                ..mark.clone()
            });
            attached.marks.extend(copies);
            attached.refloor();
        }
        self.size -= count;
        if first == 0 {
            if !segment.under.is_nothing() {
                attached.under = segment.under.clone();
            }
            self.chain = segment.below.clone();
        } else {
            self.chain.len = first;
        }
    }

    /// The same where the segment is a frame that can be resumed once.
    #[cold]
    fn unseal_single(&mut self, frames: &mut Vec<F>, attached: &mut Attached<F>) -> Unsealed {
        let first = &self.chain.first;
        let (Some(segment), Some(single)) = (first.get(), first.get().and_then(Segment::single))
        else {
            return Unsealed::Nothing;
        };
        self.size -= 1;
        // Who looks at it meanwhile has it.
        let frame = single
            .frame
            .try_borrow_mut()
            .ok()
            .and_then(|mut frame| frame.take());
        let kind = single.kind;
        attached.under = segment.under.clone();
        if frame.is_some() {
            attached.marks.extend_from_slice(&segment.marks);
        }
        self.chain = segment.below.clone();
        attached.refloor();
        match frame {
            Some(frame) => {
                frames.push(frame);
                attached.singles = true;
                Unsealed::Frames
            }
            None => Unsealed::Spent(kind),
        }
    }

    /// Drops the frames of the topmost segment down to one that catches.
    pub(super) fn drop_to_catching(&mut self, attached: &mut Attached<F>) -> bool {
        self.drop_to(Frame::catches, attached)
    }

    /// Drops the frames of the topmost segment down to one that is wanted, without cloning
    /// any. Answers whether there is one; if not, the segment is gone, and what was under it
    /// is under the active frames, of which there are none.
    pub(super) fn drop_to(
        &mut self,
        is_wanted: impl Fn(&F) -> bool,
        attached: &mut Attached<F>,
    ) -> bool {
        let Chain { first, len } = &mut self.chain;
        let Some(segment) = first.get() else {
            return false;
        };
        let catching = match &segment.single {
            None => segment.frames[..*len].iter().rposition(is_wanted),
            Some(single) => {
                let frame = single.frame.borrow();
                frame.as_ref().is_some_and(is_wanted).then_some(0)
            }
        };
        if let Some(index) = catching {
            self.size -= *len - (index + 1);
            *len = index + 1;
            return true;
        }
        self.size -= *len;
        let below = match first.get_mut() {
            Some(segment) => {
                attached.under = segment.under.take();
                segment.below.take()
            }
            None => match first.get() {
                Some(segment) => {
                    attached.under = segment.under.clone();
                    segment.below.clone()
                }
                None => Chain::empty(),
            },
        };
        self.chain = below;
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

/// What belongs to the active frames, those on top of the stack.
pub(super) struct Attached<F: Frame> {
    pub(super) marks: Vec<Mark<F::Value>>,
    pub(super) under: Under<F>,
    /// When the frames become as few, there is more to do than to pop one: the topmost mark
    /// goes, or the frames are used up.
    pub(super) floor: usize,
    /// Whether there may be a frame that can be resumed only once.
    singles: bool,
    /// How many frames of a shared segment are cloned next.
    pub(super) batch: usize,
}

impl<F: Frame> Attached<F> {
    pub(super) fn new() -> Self {
        Self {
            marks: Vec::new(),
            under: Under::Nothing,
            floor: 0,
            singles: false,
            batch: 1,
        }
    }

    /// Whether a frame, or the body of a winder under them, may be one that can be resumed only
    /// once.
    #[inline(always)]
    pub(super) fn singles(&self) -> bool {
        self.singles || !self.under.is_nothing() && self.under.single().is_some()
    }

    /// Takes note of a frame that becomes active.
    #[inline(always)]
    pub(super) fn note(&mut self, frame: &F) {
        if frame.one_shot().is_some() {
            self.singles = true;
        }
    }

    /// Drops the marks of frames that are gone, where so many are left.
    #[inline]
    pub(super) fn drop_marks(&mut self, frames: usize) {
        while self.marks.pop_if(|mark| mark.index >= frames).is_some() {}
        self.refloor();
    }

    pub(super) fn refloor(&mut self) {
        self.floor = self.marks.last().map_or(0, |mark| mark.index);
    }

    /// Drops everything.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        if !self.marks.is_empty() {
            self.marks.clear();
        }
        if !self.under.is_nothing() {
            self.under = Under::Nothing;
        }
        self.floor = 0;
        self.singles = false;
    }
}

/// Makes a frame active. It is moved once: to be dropped if room cannot be had it would need
/// an address, and a frame that is written there in pieces is slow to be copied from there as
/// a whole. So in that case, in which the process is about to end, it is not dropped.
#[inline(always)]
pub(super) fn push_frame<F>(frames: &mut Vec<F>, frame: F) {
    #[cold]
    fn make_room<F>(frames: &mut Vec<F>) {
        frames.reserve(1);
    }
    let frame = ManuallyDrop::new(frame);
    if frames.len() == frames.capacity() {
        make_room(frames);
    }
    if frames.len() < frames.capacity() {
        frames.push(ManuallyDrop::into_inner(frame));
    }
}
