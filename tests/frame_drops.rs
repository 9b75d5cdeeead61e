//! How continuations are dropped that lead to one another, where a frame panics meanwhile.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use segno::frame::{
    Context, Continuation, Frame, Input, Machine, Operator, Outcome, Place, PromptTag, Step,
};

const P: PromptTag = PromptTag::named("p");

thread_local!(static LIVE: Cell<usize> = const { Cell::new(0) });

/// Counts how many of it there are, and panics where it is told to.
struct Live {
    panics: bool,
}

impl Live {
    fn new(panics: bool) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self { panics }
    }
}

impl Clone for Live {
    fn clone(&self) -> Self {
        Self::new(self.panics)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
        if self.panics {
            panic!("told to");
        }
    }
}

#[derive(Clone)]
enum Does {
    /// Calls the next one under a prompt.
    Prompts {
        panics: bool,
    },
    /// Is captured, with the continuation that was captured before.
    #[expect(dead_code, reason = "they are there to be dropped")]
    Holds(Option<Continuation<Does>>, Live),
    Keeps,
}

impl Frame for Does {
    type Value = ();
    type World = Option<Continuation<Does>>;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match (self, input) {
            (Self::Prompts { panics }, Input::Start) => Step::Prompt {
                tag: P,
                body: Self::Holds(cx.world.take(), Live::new(*panics)),
            },
            (Self::Holds(..), Input::Start) => Step::Capture {
                tag: P,
                operator: Operator::Shift,
                place: Place::Prompt,
                body: Self::Keeps,
            },
            (Self::Keeps, Input::Continuation(k)) => {
                *cx.world = Some(k);
                Step::Return(())
            }
            _ => Step::Return(()),
        }
    }
}

/// So many continuations, each of which has a frame that holds the next one; one frame panics.
fn chain(
    len: usize,
    panics: Option<usize>,
    machine: &mut Machine<Does>,
) -> Option<Continuation<Does>> {
    let mut kept = None;
    for at in (0..len).rev() {
        let panics = panics == Some(at);
        machine.start(Does::Prompts { panics }).unwrap();
        assert!(matches!(machine.run(&mut kept), Outcome::Done(())));
    }
    kept
}

/// What is left is dropped at once, not with whatever comes next.
#[test]
fn a_panic_leaves_nothing_behind() {
    let mut machine = Machine::idle();
    for at in [0, 1, 40, 999] {
        let kept = chain(1_000, Some(at), &mut machine);
        assert_eq!(LIVE.get(), 1_000);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(kept))).is_err());
        assert_eq!(LIVE.get(), 0, "the panic is in frame {at}");
        drop(chain(1_000, None, &mut machine));
        assert_eq!(LIVE.get(), 0, "after a panic in frame {at}");
        assert_eq!(machine.sealed_frames(), 0);
    }
}
