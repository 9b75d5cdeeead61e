//! Syntax of the interpreter's own, by name.

use serde::{Deserialize, Serialize};

macro_rules! core {
    ($($variant:ident $($name:literal)+,)*) => {
        /// Syntax of the interpreter's own.
        ///
        /// New variants go to the end: they are stored by their position.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is the syntax of that name")]
        pub enum Core {
            $($variant,)*
        }

        impl Core {
            /// All of it, by name.
            pub(super) const NAMES: &[(&str, Self)] = &[$($(($name, Self::$variant),)+)*];
        }
    };
}

core! {
    Quote "quote",
    Quasiquote "quasiquote",
    Unquote "unquote",
    UnquoteSplicing "unquote-splicing",
    Lambda "lambda" "λ",
    CaseLambda "case-lambda",
    Define "define",
    DefineValues "define-values",
    DefineRecordType "define-record-type",
    DefineSyntax "define-syntax",
    Set "set!",
    If "if",
    Cond "cond",
    Case "case",
    And "and",
    Or "or",
    When "when",
    Unless "unless",
    Let "let",
    LetStar "let*",
    Letrec "letrec",
    LetrecStar "letrec*",
    LetValues "let-values",
    LetStarValues "let*-values",
    Receive "receive",
    Do "do",
    Begin "begin",
    Delay "delay",
    DelayForce "delay-force" "lazy",
    Parameterize "parameterize",
    Guard "guard",
    LetSyntax "let-syntax",
    LetrecSyntax "letrec-syntax",
    SyntaxRules "syntax-rules",
    SyntaxError "syntax-error",
    Include "include",
    IncludeCi "include-ci",
    CondExpand "cond-expand",
    Import "import",
    DefineLibrary "define-library",
    Else "else",
    Arrow "=>",
    Ellipsis "...",
    Underscore "_",
    Assert "assert",
    WithContinuationMark "with-continuation-mark",
    Reset "reset" "prompt" "reset0" "prompt0",
    ResetAt "reset-at" "prompt-at" "reset0-at" "prompt0-at",
    Shift "shift",
    ShiftAt "shift-at",
    Shift0 "shift0",
    Shift0At "shift0-at",
    Control "control",
    ControlAt "control-at",
    Control0 "control0",
    Control0At "control0-at",
    LetCc "let/cc",
    LetEc "let/ec",
    Cut "cut",
    Cute "cute",
    Slot "<>",
    Slots "<...>",
}

impl Core {
    /// The syntax of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, core)| *core)
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, core)| *core == self);
        found.map_or("", |(name, _)| name)
    }
}
