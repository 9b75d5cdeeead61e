//! Procedures that do something to the continuation, or call back.

/// What such a procedure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `apply`
    Apply,
    /// `call-with-current-continuation`
    CallCc,
    /// `call/1cc`
    CallOnce,
    /// `call-with-composable-continuation`
    CallComposable,
    /// Captures as one of the four operators, and leaves for the prompt.
    Shift,
    /// See `Shift`.
    Shift0,
    /// See `Shift`.
    Control,
    /// See `Shift`.
    Control0,
    /// `call-with-continuation-prompt`
    Prompt,
    /// `abort-current-continuation`
    Abort,
    /// `call-with-continuation-barrier`
    Barrier,
    /// `continuation-prompt-available?`
    PromptAvailable,
    /// `call-with-values`
    CallWithValues,
    /// `dynamic-wind`
    DynamicWind,
    /// `with-exception-handler`
    WithHandler,
    /// `raise`
    Raise,
    /// `raise-continuable`
    RaiseContinuable,
    /// `error`
    Error,
    /// `force`
    Force,
    /// `make-parameter`
    MakeParameter,
    /// Runs a thunk, its last argument, with parameters that have other values: the arguments
    /// before are parameters and values, in turn.
    Parameterize,
    /// `current-continuation-marks`
    CurrentMarks,
    /// `continuation-mark-set-first`
    FirstMark,
    /// `call-with-immediate-continuation-mark`
    ImmediateMark,
    /// `eval`
    Eval,
    /// `load`
    Load,
    /// `exit`
    Exit,
    /// `suspend!`
    Suspend,
    /// `call-with-fuel`
    CallWithFuel,
}
