//! Frames: what a call has to remember to go on. Each says what it is, so that it can be saved.

use std::fmt;

use segno::frame::{Context, Continuation, Describe, Frame, Input, Operator, Step};
use segno::snapshot::{Constant, Persist};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::program::Program;
use crate::rib::{Kept, Rib, Scope};
use crate::value::{Tag, Value};
use crate::world::World;
use crate::{control, fuel, run};

/// A frame. It is at most 48 bytes, since many are copied where a continuation is resumed again.
#[derive(Clone, Describe, Persist)]
pub enum Activation {
    /// Computes a node of code.
    Run {
        /// The code.
        #[slot(shared)]
        code: Constant<Code>,
        /// Its variables.
        scope: Kept,
        /// The node.
        at: u32,
        /// Which of its parts this waits for.
        part: u16,
        /// Whether the program has attached marks.
        marked: bool,
        /// What was computed of the parts before.
        partial: Value,
    },
    /// The same, once it has its marks again.
    Remark {
        /// The marks.
        marks: Value,
        /// The code.
        #[slot(shared)]
        code: Constant<Code>,
        /// Its variables.
        scope: Kept,
        /// The node.
        at: u32,
    },
    /// Has failed, in code that had needed no frame until then.
    Failed {
        /// The code.
        #[slot(shared)]
        code: Constant<Code>,
        /// Its variables.
        scope: Kept,
        /// The node.
        at: u32,
        /// What is to be raised.
        condition: Value,
    },
    /// Answers what it gets.
    Pass {},
    /// Applies a procedure.
    Apply {
        /// The procedure.
        operator: Value,
        /// Its arguments: the slots.
        #[slot(shared)]
        arguments: Constant<Rib>,
    },
    /// Gets a continuation, and applies a procedure to it.
    Receive {
        /// The procedure.
        receiver: Value,
        /// The prompt that it was captured up to.
        #[slot(shared)]
        tag: Constant<Tag>,
        /// What it will be.
        kind: Reception,
        /// Whether the frame below applies the procedure in its own place: it has marks, which
        /// the continuation has too.
        hands_over: bool,
    },
    /// Has got a continuation, and the machine was stopped to be saved.
    Deliver {
        /// The procedure.
        receiver: Value,
        /// The continuation.
        continuation: Value,
        /// See `Receive`.
        hands_over: bool,
    },
    /// Has got a continuation before, whichever it gets, and applies a procedure to the former: the
    /// rest of a capture, in a continuation that a winder captures on the way to the prompt.
    Given {
        /// The procedure.
        receiver: Value,
        /// The continuation.
        continuation: Value,
        /// The prompt.
        #[slot(shared)]
        tag: Constant<Tag>,
        /// How it has to leave for the prompt before.
        leaves: Option<Leaves>,
    },
    /// Applies a procedure under a prompt.
    Prompting {
        /// Which, and what to.
        #[slot(shared)]
        prompt: Constant<Prompt>,
    },
    /// Waits for what that comes to.
    Prompted {
        /// See `Prompting`.
        #[slot(shared)]
        prompt: Constant<Prompt>,
    },
    /// Applies a procedure without arguments, with a mark on the frame.
    Marked {
        /// What the mark is for.
        key: Key,
        /// The mark.
        mark: Value,
        /// The procedure.
        thunk: Value,
    },
    /// Calls a handler, with the handlers around it.
    Handle {
        /// What was raised.
        payload: Value,
        /// The handler, and those around it.
        handlers: Value,
        /// Whether the handler may return.
        continuable: bool,
    },
    /// Waits for what the handler answers.
    Handled {
        /// What was raised.
        payload: Value,
        /// Whether the handler may return.
        continuable: bool,
    },
    /// Leaves for a prompt: the rest of an escape, in a continuation that one of its winders has
    /// captured.
    Escape {
        /// What the prompt is aborted with.
        value: Value,
    },
    /// Calls a procedure for values, and applies another to them.
    Consume {
        /// The first procedure; `#f` once it was called.
        producer: Value,
        /// The procedure.
        consumer: Value,
    },
    /// Forces a promise.
    Force {
        /// The promise.
        promise: Value,
    },
    /// Makes a parameter, of a value that is to be converted.
    Parameter {
        /// The value; `#f` once the converter was called.
        value: Value,
        /// Its converter.
        converter: Value,
    },
    /// Waits for the converted values of parameters, one after the other.
    Parameterize {
        /// Parameters and values in turn, and the thunk.
        #[slot(shared)]
        arguments: Constant<Rib>,
        /// Which value.
        at: u16,
        /// Those before, converted: an association list.
        bindings: Value,
    },
    /// Runs a program, under the prompt that `exit` leaves for.
    Top {
        /// The program.
        #[slot(shared)]
        program: Constant<Program>,
    },
    /// Runs the forms of a program, one after the other.
    Program {
        /// The forms.
        #[slot(shared)]
        program: Constant<Program>,
        /// The next one.
        next: u32,
    },
    /// Applies a procedure under a prompt, on so much fuel.
    Fueled {
        /// Which, and what to; the handler gets what is left.
        #[slot(shared)]
        prompt: Constant<Prompt>,
        /// How much.
        fuel: u64,
        /// How much it has used before.
        used: u64,
    },
}

const _: () = assert!(size_of::<Activation>() <= 48);

/// What a continuation becomes for the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reception {
    /// A procedure that goes back there.
    Full,
    /// The same, once.
    Once,
    /// A procedure that goes on there, and returns.
    Composable,
    /// What is left of an engine that is out of fuel.
    Rest,
}

/// How a capture leaves for its prompt: see [`Operator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leaves {
    /// `shift`
    Shift,
    /// `shift0`
    Shift0,
    /// `control`
    Control,
    /// `control0`
    Control0,
}

impl From<Operator> for Leaves {
    fn from(operator: Operator) -> Self {
        match operator {
            Operator::Shift => Self::Shift,
            Operator::Shift0 => Self::Shift0,
            Operator::Control => Self::Control,
            Operator::Control0 => Self::Control0,
        }
    }
}

impl From<Leaves> for Operator {
    fn from(leaves: Leaves) -> Self {
        match leaves {
            Leaves::Shift => Self::Shift,
            Leaves::Shift0 => Self::Shift0,
            Leaves::Control => Self::Control,
            Leaves::Control0 => Self::Control0,
        }
    }
}

/// What marks are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// Handlers of exceptions: a list.
    Handlers,
    /// Values of parameters: an association list.
    Parameters,
    /// What stands in the way of continuations.
    Barrier,
}

/// A procedure that is applied under a prompt.
#[derive(Clone, Serialize, Deserialize)]
pub struct Prompt {
    /// The name of the prompt.
    pub tag: Constant<Tag>,
    /// What gets what the prompt is aborted with; `#f` for what usually does.
    pub handler: Value,
    /// The procedure.
    pub operator: Value,
    /// Its arguments.
    pub arguments: Vec<Value>,
    /// Whether the frame below applies the handler in its own place: it has marks.
    pub hands_over: bool,
}

impl segno::snapshot::Object for Prompt {
    const NAME: &'static str = "prompt";
}

impl Frame for Activation {
    type Value = Value;
    type World = World;

    #[inline(always)]
    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        if cx.world.fuel.is_up()
            && let Some(step) = fuel::expire(matches!(input, Input::Start), cx)
        {
            return step;
        }
        let Self::Run { .. } = self else {
            return control::resume(self, input, cx);
        };
        // What the input holds is handed over in registers.
        match input {
            Input::Start => run::resume(self, None, cx),
            Input::Value(value) => run::resume(self, Some(value), cx),
            Input::Continuation(continuation) => run::receive(self, continuation, cx),
            input => control::resume(self, input, cx),
        }
    }

    fn escape(step: Step<Self>) -> Option<Self> {
        control::escape(step)
    }

    fn given(body: &Self, continuation: &Continuation<Self>) -> Option<Self> {
        control::given(body, continuation)
    }
}

impl Activation {
    /// A frame that begins to compute a node.
    #[inline(always)]
    #[must_use]
    pub fn run(code: Constant<Code>, at: u32, scope: Scope) -> Self {
        Self::Run {
            code,
            scope: scope.into(),
            at,
            part: 0,
            marked: false,
            partial: Value::Null,
        }
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.tag)
    }
}
