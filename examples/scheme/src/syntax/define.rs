//! Definitions, and forms that are outside of all procedures.

use segno::snapshot::Shared;

use super::Core;
use super::datum::{is_identifier, spelling};
use super::expand::{Expansion, sequence};
use super::expander::Answer;
use super::program::keyword;
use super::scope::{Meaning, Scope};
use super::several::Target;
use crate::environment::{Binding, Environment, Global};
use crate::expr::Expr;
use crate::symbol::Symbol;
use crate::value::Value;

/// What a name is defined as.
pub(super) enum Definition {
    /// The value of an expression.
    Value(Value),
    /// A procedure: its formal arguments, its body, and the form.
    Procedure(Value, Vec<Value>, Value),
}

impl Expansion<'_> {
    /// The parts of a `define`.
    pub(super) fn definition(&self, form: &Value) -> Answer<(Value, Definition)> {
        let items = self.items(form, 3)?;
        if let Some((name, formals)) = items[1].as_pair() {
            if !is_identifier(&name) {
                return Err(self.malformed(form));
            }
            let procedure = Definition::Procedure(formals, items[2..].to_vec(), form.clone());
            return Ok((name, procedure));
        }
        match &items[..] {
            [_, name, value] if is_identifier(name) => {
                Ok((name.clone(), Definition::Value(value.clone())))
            }
            _ => Err(self.malformed(form)),
        }
    }

    pub(super) fn value_of(
        &mut self,
        definition: Definition,
        scope: &Scope,
        name: &Symbol,
    ) -> Answer {
        match definition {
            Definition::Value(form) => self.expand_named(&form, scope, Some(name)),
            Definition::Procedure(formals, body, form) => {
                self.lambda_of(&formals, &body, scope, Some(name), &form)
            }
        }
    }

    /// The name and the rules of a `define-syntax`.
    pub(super) fn syntax_definition(&self, form: &Value) -> Answer<(Value, Value)> {
        let items = self.items(form, 3)?;
        match &items[..] {
            [_, name, rules] if is_identifier(name) => Ok((name.clone(), rules.clone())),
            _ => Err(self.malformed(form)),
        }
    }

    /// A form outside of all procedures.
    pub(super) fn toplevel(&mut self, form: &Value, scope: &Scope) -> Answer {
        self.deeper(form)?;
        let outer = self.go(form);
        let (core, form) = self.head(form, scope)?;
        let core = core.or_else(|| self.unbound(&form, scope));
        let expr = self.toplevel_core(core, &form, scope)?;
        self.here = outer;
        self.depth -= 1;
        Ok(expr)
    }

    fn toplevel_core(&mut self, core: Option<Core>, form: &Value, scope: &Scope) -> Answer {
        match core {
            Some(core @ (Core::Begin | Core::Include | Core::IncludeCi | Core::CondExpand)) => {
                let forms = self.forms_of(core, form)?;
                self.toplevels(&forms, scope)
            }
            Some(Core::Define) => self.define_one(form, scope),
            Some(Core::DefineValues) => self.define_values(form, scope),
            Some(Core::DefineRecordType) => self.define_record(form, scope),
            Some(Core::DefineSyntax) => self.define_syntax(form, scope),
            Some(Core::Import) => self.import(form, &scope.environment),
            Some(Core::DefineLibrary) => self.define_library(form),
            // Its head is looked at once again.
            _ => self.expand(form, scope),
        }
    }

    /// The forms that stand in the place of a form which is of forms.
    pub(super) fn forms_of(&mut self, core: Core, form: &Value) -> Answer<Vec<Value>> {
        match core {
            Core::CondExpand => self.cond_expand(form),
            Core::Include | Core::IncludeCi => self.include(core, form),
            _ => {
                let mut items = self.items(form, 1)?;
                items.remove(0);
                Ok(items)
            }
        }
    }

    fn define_one(&mut self, form: &Value, scope: &Scope) -> Answer {
        let (name, definition) = self.definition(form)?;
        let global = self.define(&name, scope)?;
        let value = self.value_of(definition, scope, &spelling(&name))?;
        Ok(Expr::Define(global, Box::new(value)))
    }

    fn define_values(&mut self, form: &Value, scope: &Scope) -> Answer {
        let parts = self.items(form, 3)?;
        let [_, formals, values] = &parts[..] else {
            return Err(self.malformed(form));
        };
        let (names, rest) = self.targets(formals, scope, form)?;
        let names = names.iter();
        let targets = names.map(|name| self.define(name, scope).map(Target::Global));
        let targets = targets.collect::<Result<_, _>>()?;
        let values = self.expand(values, scope)?;
        self.assign_values(values, targets, rest)
    }

    fn define_record(&mut self, form: &Value, scope: &Scope) -> Answer {
        let record = self.record_form(form)?;
        let names = record.names.iter();
        let globals = names.map(|name| self.define(name, scope));
        let globals = globals.collect::<Result<Vec<_>, _>>()?;
        let of = || Expr::Global(globals[0].clone(), self.here.clone());
        let values = self.record_values(&record, of)?;
        let define = |(global, value)| Expr::Define(global, Box::new(value));
        Ok(sequence(
            globals.iter().cloned().zip(values).map(define).collect(),
        ))
    }

    fn define_syntax(&mut self, form: &Value, scope: &Scope) -> Answer {
        let (name, rules) = self.syntax_definition(form)?;
        let binding = match self.transformer(&name, &rules, scope)? {
            Meaning::Core(core) => Binding::Core(core),
            Meaning::Macro(rules) => Binding::Macro(rules),
            _ => return Err(self.malformed(form)),
        };
        self.define_as(&name, binding, scope)?;
        Ok(Expr::Constant(Value::Unspecified))
    }

    /// The syntax of a form that begins with `import` or `define-library` where these are not
    /// bound: at the beginning of a program.
    fn unbound(&self, form: &Value, scope: &Scope) -> Option<Core> {
        let core = keyword(form)?;
        let name = Symbol::new(core.name());
        let bound = |environment: &Environment| {
            environment.standard || environment.bindings.contains_key(&name)
        };
        (!scope.environment.with(bound)).then_some(core)
    }

    /// Forms one after the other, each of which sees what those before it define, and also what
    /// those after it define under names that a macro has made up for them.
    pub(super) fn toplevels(&mut self, forms: &[Value], scope: &Scope) -> Answer {
        for form in forms {
            self.announce(form, scope)?;
        }
        let forms = forms.iter().map(|form| self.toplevel(form, scope));
        Ok(sequence(forms.collect::<Result<_, _>>()?))
    }

    /// Defines the names that a macro has made up, if the form is a definition of any.
    fn announce(&mut self, form: &Value, scope: &Scope) -> Answer<()> {
        let Some((head @ Value::Alias(_), rest)) = form.as_pair() else {
            return Ok(());
        };
        let Meaning::Core(core @ (Core::Define | Core::DefineValues)) =
            self.meaning(&head, scope)?
        else {
            return Ok(());
        };
        let Some((target, _)) = rest.as_pair() else {
            return Ok(());
        };
        let names = match core {
            Core::DefineValues => target.as_list().unwrap_or_default(),
            _ => vec![target.as_pair().map_or(target, |(name, _)| name)],
        };
        for name in names.iter().filter(|name| matches!(name, Value::Alias(_))) {
            self.define(name, scope)?;
        }
        Ok(())
    }

    /// The variable that a name is defined as. An alias is defined as a variable of its own.
    pub(super) fn define(&mut self, name: &Value, scope: &Scope) -> Answer<Shared<Global>> {
        if !is_identifier(name) {
            return Err(self.fault("the name of a variable is expected", name));
        }
        if let Value::Alias(alias) = name
            && let Some(Binding::Variable(global)) = alias.with(|alias| alias.defined.clone())
        {
            return Ok(global);
        }
        // Until the definition is evaluated it has what it had before.
        let value = match self.meaning(name, scope)? {
            Meaning::Global(global) if !matches!(name, Value::Alias(_)) => return Ok(global),
            Meaning::Global(global) | Meaning::Imported(global) => {
                global.with(|global| global.value.clone())
            }
            Meaning::Constant(value) => value,
            _ => Value::Unassigned,
        };
        let global = Shared::new(Global {
            name: spelling(name),
            value,
        });
        self.define_as(name, Binding::Variable(global.clone()), scope)?;
        Ok(global)
    }

    /// Gives a name a meaning outside of all procedures.
    fn define_as(&self, name: &Value, binding: Binding, scope: &Scope) -> Answer<()> {
        let environment = &scope.environment;
        if environment.with(|environment| environment.sealed) {
            return Err(self.fault("a definition in an environment that does not change", name));
        }
        match name {
            Value::Alias(alias) => alias.update(|alias| alias.defined = Some(binding)),
            name => put(environment, spelling(name), binding),
        }
        Ok(())
    }
}

/// Gives a name a meaning in an environment.
pub(super) fn put(environment: &Shared<Environment>, name: Symbol, binding: Binding) {
    environment.update(|environment| environment.bindings.insert(name, binding));
}
