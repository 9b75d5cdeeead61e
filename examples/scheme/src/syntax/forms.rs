//! Which syntax is expanded where.

use super::Core;
use super::datum::strip;
use super::expand::{Expansion, choose};
use super::expander::Answer;
use super::scope::Scope;
use crate::condition::Fault;
use crate::expr::Expr;
use crate::symbol::Symbol;
use crate::value::Value;

impl Expansion<'_> {
    /// An expression that begins with syntax of the interpreter's own.
    pub(super) fn core(
        &mut self,
        core: Core,
        form: &Value,
        scope: &Scope,
        name: Option<&Symbol>,
    ) -> Answer {
        match core {
            Core::Quote => self.quote(form),
            Core::Quasiquote => self.quasiquote(form, scope),
            Core::Lambda => self.lambda(form, scope, name),
            Core::CaseLambda => self.case_lambda(form, scope, name),
            Core::Set => self.assign(form, scope),
            Core::If => self.if_(form, scope),
            Core::Cond => self.cond(form, scope),
            Core::Case => self.case(form, scope),
            Core::And => self.and(form, scope),
            Core::Or => self.or(form, scope),
            Core::When | Core::Unless => self.when(core, form, scope),
            Core::Let => self.let_(form, scope),
            Core::LetStar => self.let_star(form, scope),
            Core::Letrec | Core::LetrecStar => self.letrec(core, form, scope),
            Core::LetValues | Core::LetStarValues => self.let_values(core, form, scope),
            Core::Receive => self.receive(form, scope),
            Core::Do => self.do_(form, scope),
            Core::Delay | Core::DelayForce => self.delay(core, form, scope),
            Core::Parameterize => self.parameterize(form, scope),
            Core::Guard => self.guard(form, scope),
            Core::LetSyntax | Core::LetrecSyntax => self.let_syntax(core, form, scope),
            Core::SyntaxError => Err(self.syntax_error(form)),
            Core::Begin | Core::Include | Core::IncludeCi | Core::CondExpand => {
                self.spliced(core, form, scope)
            }
            Core::Assert => self.assert(form, scope),
            Core::WithContinuationMark => self.mark(form, scope),
            Core::Reset | Core::ResetAt => self.reset(core, form, scope),
            Core::Shift
            | Core::ShiftAt
            | Core::Shift0
            | Core::Shift0At
            | Core::Control
            | Core::ControlAt
            | Core::Control0
            | Core::Control0At => self.shift(core, form, scope),
            Core::LetCc | Core::LetEc => self.let_cc(core, form, scope),
            Core::Cut | Core::Cute => self.cut(core, form, scope),
            _ => Err(self.misplaced(core, form)),
        }
    }

    fn quote(&self, form: &Value) -> Answer {
        match &self.items(form, 2)?[..] {
            [_, datum] => Ok(Expr::Constant(strip(datum))),
            _ => Err(self.malformed(form)),
        }
    }

    /// Expressions that stand in the place of a form.
    fn spliced(&mut self, core: Core, form: &Value, scope: &Scope) -> Answer {
        let forms = self.forms_of(core, form)?;
        if forms.is_empty() && core == Core::Begin {
            return Err(self.malformed(form));
        }
        self.all(&forms, scope)
    }

    fn assert(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 2)?;
        let [_, test] = &items[..] else {
            return Err(self.malformed(form));
        };
        let message = Expr::Constant(Value::string("this is not so"));
        let no = vec![message, Expr::Constant(strip(test))];
        let test = self.expand(test, scope)?;
        let no = self.call("error", no)?;
        Ok(choose(test, Expr::Constant(Value::Unspecified), no))
    }

    /// Syntax that is no expression.
    #[cold]
    fn misplaced(&self, core: Core, form: &Value) -> Box<Fault> {
        match core {
            Core::Define
            | Core::DefineValues
            | Core::DefineRecordType
            | Core::DefineSyntax
            | Core::Import
            | Core::DefineLibrary => {
                self.fault("a definition stands where an expression should", form)
            }
            core => self.fault(format!("{} means nothing here", core.name()), form),
        }
    }
}
