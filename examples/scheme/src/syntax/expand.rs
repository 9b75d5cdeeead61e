//! Expressions: what is common to all.

use std::rc::Rc;

use segno::snapshot::Shared;

use super::datum::{is_identifier, spelling, split, strip};
use super::expander::{Answer, Expander};
use super::scope::{Contour, Meaning, Outermost, Scope};
use super::{Core, Library, Macro};
use crate::condition::Fault;
use crate::environment::{Binding, Global};
use crate::expr::{Case, Expr, LambdaExpr, Variable};
use crate::places::Places;
use crate::symbol::Symbol;
use crate::value::{Place, Value};

/// The expansion of one form of a program.
pub(super) struct Expansion<'a> {
    pub(super) expander: &'a Expander,
    /// Where the forms are.
    pub(super) places: &'a Places,
    /// The same for those of files that were included meanwhile.
    pub(super) included: Vec<Places>,
    /// Where the innermost form is that is in a source.
    pub(super) here: Option<Place>,
    pub(super) depth: u32,
    steps: u32,
    /// The bodies of libraries that have to run before.
    pub(super) before: Vec<Expr>,
    /// The libraries that they belong to, and their definitions.
    pub(super) loaded: Vec<(String, Value)>,
    /// What binds macros that see it. They are forgotten at the end.
    contours: Vec<Rc<Contour>>,
}

impl Drop for Expansion<'_> {
    fn drop(&mut self) {
        for contour in &self.contours {
            contour.clear();
        }
        // There was a fault, so that their bodies will not run.
        for (name, definition) in self.loaded.drain(..) {
            let libraries = &self.expander.libraries;
            let library = Library::Defined(definition);
            libraries.update(|libraries| libraries.0.insert(name, library));
        }
    }
}

impl<'a> Expansion<'a> {
    pub(super) fn new(expander: &'a Expander, places: &'a Places) -> Self {
        Self {
            expander,
            places,
            included: Vec::new(),
            here: None,
            depth: 0,
            steps: 0,
            before: Vec::new(),
            loaded: Vec::new(),
            contours: Vec::new(),
        }
    }

    /// Puts what has to run before in front of the form.
    pub(super) fn finish(mut self, form: Expr) -> Expr {
        self.loaded.clear();
        let mut all = std::mem::take(&mut self.before);
        all.push(form);
        sequence(all)
    }

    /// A mistake in a form.
    #[cold]
    pub(super) fn fault(&self, message: impl Into<String>, form: &Value) -> Box<Fault> {
        Fault::syntax(message, &strip(form), self.place(form))
    }

    /// Where a form is, as closely as is known.
    pub(super) fn place(&self, form: &Value) -> Option<Place> {
        let included = self.included.iter().rev();
        let found = self.places.of(form).or_else(|| {
            let mut found = included.filter_map(|places| places.of(form));
            found.next()
        });
        found.or_else(|| self.here.clone())
    }

    /// Goes to where a form is; answers where it was before.
    pub(super) fn go(&mut self, form: &Value) -> Option<Place> {
        let place = self.place(form);
        std::mem::replace(&mut self.here, place)
    }

    /// One more expression, or part that a template has put in.
    pub(super) fn step(&mut self, form: &Value) -> Answer<()> {
        self.steps += 1;
        let taken = &self.expander.taken;
        taken.set(taken.get().saturating_add(1));
        if self.steps > self.expander.limits.steps {
            return Err(self.fault("the expansion of this form does not come to an end", form));
        }
        Ok(())
    }

    /// Begins a form, of which counting starts anew.
    pub(super) fn restart(&mut self) {
        self.steps = 0;
    }

    /// One level deeper, which whoever calls this takes back.
    pub(super) fn deeper(&mut self, form: &Value) -> Answer<()> {
        self.depth += 1;
        if self.depth > self.expander.limits.depth {
            return Err(self.fault("expressions are nested too deeply", form));
        }
        Ok(())
    }

    /// What an identifier means.
    pub(super) fn meaning(&mut self, identifier: &Value, scope: &Scope) -> Answer<Meaning> {
        let (environment, name) = match scope.find(identifier) {
            Ok(meaning) => return Ok(meaning),
            Err(Outermost::Defined(binding)) => return Ok(binding.into()),
            Err(Outermost::Name(environment, name)) => (environment, name),
        };
        let (found, standard) = environment.with(|environment| {
            let found = environment.bindings.get(&name).cloned();
            (found, environment.standard)
        });
        if let Some(binding) = found {
            return Ok(binding.into());
        }
        if standard {
            if let Some(binding) = self.expander.standard(&name) {
                return Ok(binding.into());
            }
            if let Some(library) = self.expander.names.elsewhere.get(&name) {
                let binding = self.import_one(library, &name)?;
                let bound = binding.clone();
                environment.update(|environment| environment.bindings.insert(name, bound));
                return Ok(binding.into());
            }
        }
        Ok(Meaning::Unbound(name))
    }

    /// Whether a form is an identifier that means this.
    pub(super) fn is(&mut self, form: &Value, core: Core, scope: &Scope) -> Answer<bool> {
        if !is_identifier(form) {
            return Ok(false);
        }
        let meaning = self.meaning(form, scope)?;
        Ok(meaning.is(&Meaning::Core(core)))
    }

    /// A standard procedure, whatever its name means in the program.
    pub(super) fn primitive(&self, name: &str) -> Answer {
        let found = self.expander.host.primitive(name);
        found.map(Expr::Constant).ok_or_else(|| {
            let message = "the interpreter has no such procedure, which this syntax needs";
            self.fault(message, &Value::symbol(name))
        })
    }

    /// A call of a standard procedure.
    pub(super) fn call(&self, name: &str, arguments: Vec<Expr>) -> Answer {
        let operator = Box::new(self.primitive(name)?);
        Ok(Expr::Call(operator, arguments, self.here.clone()))
    }

    /// The items of a form that has to be a proper list, of at least so many items with its
    /// keyword.
    pub(super) fn items(&self, form: &Value, least: usize) -> Answer<Vec<Value>> {
        match split(form) {
            Some((items, Value::Null)) if items.len() >= least => Ok(items),
            Some((_, Value::Null)) => Err(self.malformed(form)),
            _ => Err(self.fault("this form is not a proper list", form)),
        }
    }

    /// The items of a part of a form.
    pub(super) fn list(&self, part: &Value, whole: &Value) -> Answer<Vec<Value>> {
        match split(part) {
            Some((items, Value::Null)) => Ok(items),
            _ => Err(self.malformed(whole)),
        }
    }

    /// A form that does not look as its keyword wants.
    #[cold]
    pub(super) fn malformed(&self, form: &Value) -> Box<Fault> {
        let keyword = form.as_pair().map(|(keyword, _)| keyword);
        match keyword.filter(is_identifier) {
            Some(keyword) => self.fault(format!("this {} is malformed", spelling(&keyword)), form),
            None => self.fault("this form is malformed", form),
        }
    }

    pub(super) fn expand(&mut self, form: &Value, scope: &Scope) -> Answer {
        self.expand_named(form, scope, None)
    }

    /// An expression, whose value is given this name if it is a procedure.
    pub(super) fn expand_named(
        &mut self,
        form: &Value,
        scope: &Scope,
        name: Option<&Symbol>,
    ) -> Answer {
        self.deeper(form)?;
        let outer = self.go(form);
        let expr = self.expand_here(form, scope, name)?;
        self.here = outer;
        self.depth -= 1;
        Ok(expr)
    }

    fn expand_here(&mut self, form: &Value, scope: &Scope, name: Option<&Symbol>) -> Answer {
        let (core, form) = self.head(form, scope)?;
        match core {
            Some(core) => self.core(core, &form, scope, name),
            None if is_identifier(&form) => self.reference(&form, scope),
            None => match &form {
                Value::Pair(_) => self.application(&form, scope),
                Value::Null => Err(self.fault("() is not an expression: quote it", &form)),
                _ => Ok(Expr::Constant(strip(&form))),
            },
        }
    }

    /// A form after all macros that are at its head, and the syntax that it is then, if it is
    /// such.
    pub(super) fn head(&mut self, form: &Value, scope: &Scope) -> Answer<(Option<Core>, Value)> {
        let mut form = form.clone();
        loop {
            self.step(&form)?;
            let Some((keyword, _)) = form.as_pair() else {
                return Ok((None, form));
            };
            if !is_identifier(&keyword) {
                return Ok((None, form));
            }
            match self.meaning(&keyword, scope)? {
                Meaning::Core(core) => return Ok((Some(core), form)),
                Meaning::Macro(rules) => form = self.transcribe(&rules, &form, scope)?,
                _ => return Ok((None, form)),
            }
        }
    }

    fn reference(&mut self, identifier: &Value, scope: &Scope) -> Answer {
        match self.meaning(identifier, scope)? {
            Meaning::Variable(variable) => Ok(Expr::Local(variable)),
            Meaning::Constant(value) => Ok(Expr::Constant(value)),
            Meaning::Global(global) | Meaning::Imported(global) => {
                Ok(Expr::Global(global, self.here.clone()))
            }
            Meaning::Macro(_) | Meaning::Core(_) => {
                Err(self.fault("this is syntax, and has no value", identifier))
            }
            Meaning::Unbound(_) => {
                let global = self.forward(identifier, scope);
                Ok(Expr::Global(global, self.here.clone()))
            }
        }
    }

    /// A variable that may be defined later.
    fn forward(&mut self, identifier: &Value, scope: &Scope) -> Shared<Global> {
        let global = |name: Symbol| {
            Shared::new(Global {
                name,
                value: Value::Unassigned,
            })
        };
        let Err(Outermost::Name(environment, name)) = scope.find(identifier) else {
            return global(spelling(identifier));
        };
        let global = global(name.clone());
        let binding = Binding::Variable(global.clone());
        environment.update(|environment| environment.bindings.insert(name, binding));
        global
    }

    #[inline(never)]
    fn application(&mut self, form: &Value, scope: &Scope) -> Answer {
        let place = self.here.clone();
        let items = self.items(form, 1)?;
        let (mut exprs, mut at) = (Vec::with_capacity(items.len()), form.clone());
        for item in &items {
            // What is no pair is where the pair is that has it.
            if !matches!(item, Value::Pair(_)) {
                self.here = self.place(&at);
            }
            exprs.push(self.expand(item, scope)?);
            self.here.clone_from(&place);
            at = at.as_pair().map_or(Value::Null, |(_, cdr)| cdr);
        }
        let operator = exprs.remove(0);
        Ok(apply(operator, exprs, place))
    }

    /// All of some expressions, one after the other. There is at least one.
    pub(super) fn all(&mut self, forms: &[Value], scope: &Scope) -> Answer {
        let exprs: Result<_, _> = forms.iter().map(|form| self.expand(form, scope)).collect();
        Ok(sequence(exprs?))
    }

    /// Has a contour cleared at the end, since it binds a macro that sees it.
    pub(super) fn clear_later(&mut self, contour: &Rc<Contour>) {
        if !self
            .contours
            .iter()
            .rev()
            .any(|known| Rc::ptr_eq(known, contour))
        {
            self.contours.push(contour.clone());
        }
    }

    /// What `set!` assigns to.
    pub(super) fn assign(&mut self, form: &Value, scope: &Scope) -> Answer {
        let items = self.items(form, 3)?;
        let [_, target, value] = &items[..] else {
            return Err(self.malformed(form));
        };
        if !is_identifier(target) {
            return Err(self.fault("set! wants the name of a variable", form));
        }
        match self.meaning(target, scope)? {
            Meaning::Variable(variable) => {
                variable.assigned.set(true);
                let value = self.expand_named(value, scope, Some(&variable.name))?;
                Ok(Expr::SetLocal(variable, Box::new(value)))
            }
            Meaning::Global(global) => self.assign_global(global, value, scope),
            Meaning::Constant(old) => {
                let global = self.replace(target, &old, scope)?;
                self.assign_global(global, value, scope)
            }
            Meaning::Unbound(_) => {
                let global = self.forward(target, scope);
                self.assign_global(global, value, scope)
            }
            Meaning::Imported(_) => Err(self.fault("set! of a variable that was imported", target)),
            Meaning::Macro(_) | Meaning::Core(_) => {
                Err(self.fault("set! of syntax, which is no variable", target))
            }
        }
    }

    fn assign_global(&mut self, global: Shared<Global>, value: &Value, scope: &Scope) -> Answer {
        let name = global.with(|global| global.name.clone());
        let place = self.here.clone();
        let value = self.expand_named(value, scope, Some(&name))?;
        Ok(Expr::SetGlobal(global, Box::new(value), place))
    }

    /// Makes a variable of a standard procedure.
    fn replace(&mut self, target: &Value, old: &Value, scope: &Scope) -> Answer<Shared<Global>> {
        let Err(Outermost::Name(environment, name)) = scope.find(target) else {
            return Err(self.fault("set! of a standard procedure", target));
        };
        if environment.with(|environment| environment.sealed) {
            return Err(self.fault("set! in an environment that does not change", target));
        }
        let global = Shared::new(Global {
            name: name.clone(),
            value: old.clone(),
        });
        let binding = Binding::Variable(global.clone());
        environment.update(|environment| environment.bindings.insert(name, binding));
        Ok(global)
    }

    /// The expansion of a use of a macro.
    fn transcribe(&mut self, rules: &Shared<Macro>, form: &Value, scope: &Scope) -> Answer<Value> {
        rules.with(|rules| rules.expand(form, scope, self))
    }
}

/// A sequence of expressions, of which there is at least one.
pub(super) fn sequence(mut exprs: Vec<Expr>) -> Expr {
    match exprs.len() {
        0 => Expr::Constant(Value::Unspecified),
        1 => exprs.swap_remove(0),
        _ => Expr::Begin(exprs),
    }
}

/// A call, which is a `let` if the operator is a `lambda` that takes just these arguments.
pub(super) fn apply(operator: Expr, arguments: Vec<Expr>, place: Option<Place>) -> Expr {
    match operator {
        Expr::Lambda(mut lambda) if takes(&lambda, arguments.len()) => {
            let case = lambda.cases.swap_remove(0);
            let bindings = case.required.into_iter().zip(arguments).collect();
            bind(bindings, case.body)
        }
        operator => Expr::Call(Box::new(operator), arguments, place),
    }
}

/// Whether it is a plain `lambda` of just so many arguments.
fn takes(lambda: &LambdaExpr, count: usize) -> bool {
    matches!(&lambda.cases[..], [case] if case.rest.is_none() && case.required.len() == count)
}

/// A `let`.
pub(super) fn bind(bindings: Vec<(Rc<Variable>, Expr)>, body: Expr) -> Expr {
    if bindings.is_empty() {
        return body;
    }
    Expr::Let(bindings, Box::new(body))
}

/// A `lambda`.
pub(super) fn procedure(
    name: Option<&Symbol>,
    place: Option<Place>,
    required: Vec<Rc<Variable>>,
    rest: Option<Rc<Variable>>,
    body: Expr,
) -> Expr {
    Expr::Lambda(Box::new(LambdaExpr {
        name: name.cloned(),
        place,
        cases: vec![Case {
            required,
            rest,
            body,
        }],
    }))
}

/// A procedure of no arguments.
pub(super) fn thunk(place: Option<Place>, body: Expr) -> Expr {
    procedure(None, place, Vec::new(), None, body)
}

/// A choice.
pub(super) fn choose(test: Expr, yes: Expr, no: Expr) -> Expr {
    Expr::If(Box::new([test, yes, no]))
}

/// A fresh variable that no identifier names.
pub(super) fn fresh(name: &str) -> Rc<Variable> {
    Variable::new(Symbol::new(name))
}
