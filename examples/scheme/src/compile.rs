//! From expressions to code: where variables are, which calls are primitives, and what is simple.
//!
//! Variables that are bound together are a *rib*, found by how many ribs up and which slot. The
//! procedures of a `letrec` that nobody assigns to take no slots: they are *known*, and a closure
//! of one is made where it is named, of the same variables. So a loop is no cycle of references.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use crate::code::{Address, CONSTANT, Case, Code, Id, Node, One, Parts, Procedure, Two};
use crate::condition::Fault;
use crate::control::Control;
use crate::environment::Global;
use crate::expr::{self, Expr, LambdaExpr, Variable};
use crate::primitive::{Action, Primitive};
use crate::value::{Place, Value};
use crate::writer;
use segno::snapshot::Shared;

/// Compiles a form.
///
/// # Errors
///
/// If it has more of something than an index can count.
pub fn compile(form: &Expr) -> Result<Code, Box<Fault>> {
    let mut compiler = Compiler::default();
    let case = Case {
        required: 0,
        rest: false,
        entry: 0,
        boxed: Vec::new(),
    };
    compiler.code.procedures.push(Procedure {
        name: None,
        place: None,
        within: 0,
        hash: hash_of(form),
        cases: vec![case],
        nodes: (0, 0),
    });
    compiler.procedure(0, &[(form, None)])?;
    while let Some((index, lambda, scope)) = compiler.queue.pop_front() {
        let mut bodies = Vec::new();
        for case in &lambda.cases {
            let variables: Vec<_> = case.required.iter().chain(&case.rest).cloned().collect();
            bodies.push((&case.body, Scope::rib(&scope, variables, false)));
        }
        compiler.procedure(index, &bodies)?;
    }
    Ok(compiler.code)
}

/// What code can see of the variables around it.
type Scope = Option<Rc<Around>>;

struct Around {
    bound: Bound,
    parent: Scope,
}

enum Bound {
    /// A rib, and whether all of it is in boxes.
    Rib(Vec<Rc<Variable>>, bool),
    /// Procedures that are known.
    Known(Vec<(Rc<Variable>, u32)>),
}

trait Extend {
    fn rib(&self, variables: Vec<Rc<Variable>>, boxes: bool) -> Scope;
    fn known(&self, procedures: Vec<(Rc<Variable>, u32)>) -> Scope;
}

impl Extend for Scope {
    fn rib(&self, variables: Vec<Rc<Variable>>, boxes: bool) -> Scope {
        if variables.is_empty() {
            return self.clone();
        }
        Some(Rc::new(Around {
            bound: Bound::Rib(variables, boxes),
            parent: self.clone(),
        }))
    }

    fn known(&self, procedures: Vec<(Rc<Variable>, u32)>) -> Scope {
        if procedures.is_empty() {
            return self.clone();
        }
        Some(Rc::new(Around {
            bound: Bound::Known(procedures),
            parent: self.clone(),
        }))
    }
}

/// Where a variable is.
enum Found {
    Slot(Address, bool),
    Known(u32, u16),
}

#[derive(Default)]
struct Compiler<'a> {
    code: Code,
    /// How deep each of the nodes is, if it is simple.
    depths: Vec<Option<u16>>,
    /// The procedure that is compiled.
    within: u32,
    /// Procedures whose bodies are to be compiled.
    queue: VecDeque<(usize, &'a LambdaExpr, Scope)>,
    /// The procedures that variables are known to be.
    lambdas: HashMap<u32, &'a LambdaExpr>,
    globals: HashMap<usize, u32>,
    primitives: HashMap<&'static str, u32>,
}

type Compiled = Result<Id, Box<Fault>>;

const TOO_MANY: &str = "a form has more parts than can be counted";

fn count<T: TryFrom<usize>>(count: usize) -> Result<T, Box<Fault>> {
    let too_many = |_| Fault::limit(TOO_MANY);
    T::try_from(count).map_err(too_many)
}

impl<'a> Compiler<'a> {
    fn procedure(&mut self, index: usize, bodies: &[(&'a Expr, Scope)]) -> Result<(), Box<Fault>> {
        let first = count(self.code.nodes.len())?;
        self.within = count(index)?;
        for (at, (body, scope)) in bodies.iter().enumerate() {
            let entry = self.expression(body, scope)?;
            self.code.procedures[index].cases[at].entry = entry;
        }
        self.code.procedures[index].nodes = (first, count(self.code.nodes.len())?);
        Ok(())
    }

    fn node(&mut self, node: Node, simple: bool) -> Compiled {
        let id = count(self.code.nodes.len())?;
        if id >= CONSTANT {
            return Err(Fault::limit(TOO_MANY));
        }
        // One that is too deep for recursion takes a frame.
        let depth = self.code.depth(node, &self.depths);
        debug_assert!(
            simple || depth.is_none(),
            "only what takes steps is not simple"
        );
        self.code.nodes.push(node);
        self.code.simple.push(depth.is_some());
        self.depths.push(depth);
        Ok(id)
    }

    fn placed(&mut self, node: Node, simple: bool, place: Option<&Place>) -> Compiled {
        let id = self.node(node, simple)?;
        if let Some(place) = place {
            self.code.places.push((id, place.clone()));
        }
        Ok(id)
    }

    fn is_simple(&self, id: Id) -> bool {
        self.code.is_simple(id)
    }

    /// Parts whose values are wanted.
    fn parts(&mut self, ids: &[Id]) -> Result<Parts, Box<Fault>> {
        let parts: Vec<_> = ids.iter().map(|id| self.code.part(*id)).collect();
        self.sequence(&parts)
    }

    /// Parts that are run.
    fn sequence(&mut self, ids: &[Id]) -> Result<Parts, Box<Fault>> {
        let first = count(self.code.parts.len())?;
        self.code.parts.extend_from_slice(ids);
        Ok(Parts {
            first,
            count: count(ids.len())?,
        })
    }

    fn constant(&mut self, value: &Value) -> Result<u32, Box<Fault>> {
        if let Value::Primitive(primitive) = value
            && let Some(known) = self.primitives.get(primitive.name)
        {
            return Ok(*known);
        }
        let index = count(self.code.constants.len())?;
        self.code.constants.push(value.clone());
        if let Value::Primitive(primitive) = value {
            self.primitives.insert(primitive.name, index);
        }
        Ok(index)
    }

    fn global(&mut self, global: &Shared<Global>) -> Result<u32, Box<Fault>> {
        let index = count(self.code.globals.len())?;
        let known = *self.globals.entry(global.address()).or_insert(index);
        if known == index {
            self.code.globals.push(global.clone());
        }
        Ok(known)
    }

    fn find(&self, variable: &Rc<Variable>, scope: &Scope) -> Result<Found, Box<Fault>> {
        let (mut depth, mut around) = (0, scope);
        while let Some(here) = around {
            match &here.bound {
                Bound::Rib(variables, boxes) => {
                    if let Some(index) = variables.iter().position(|v| Rc::ptr_eq(v, variable)) {
                        let address = Address {
                            depth: count(depth)?,
                            index: count(index)?,
                        };
                        return Ok(Found::Slot(address, *boxes || variable.assigned.get()));
                    }
                    depth += 1;
                }
                Bound::Known(procedures) => {
                    let found = procedures.iter().find(|(v, _)| Rc::ptr_eq(v, variable));
                    if let Some((_, procedure)) = found {
                        return Ok(Found::Known(*procedure, count(depth)?));
                    }
                }
            }
            around = &here.parent;
        }
        let name = Value::Symbol(variable.name.clone());
        Err(Fault::syntax(
            "a variable is used outside of its scope",
            &name,
            None,
        ))
    }

    fn expressions(
        &mut self,
        all: impl IntoIterator<Item = &'a Expr>,
        scope: &Scope,
    ) -> Result<(Vec<Id>, bool), Box<Fault>> {
        let mut ids = Vec::new();
        let mut simple = true;
        for expression in all {
            let id = self.expression(expression, scope)?;
            simple &= self.is_simple(id);
            ids.push(id);
        }
        Ok((ids, simple))
    }

    fn expression(&mut self, expression: &'a Expr, scope: &Scope) -> Compiled {
        match expression {
            Expr::Constant(value) => {
                let index = self.constant(value)?;
                self.node(Node::Constant(index), true)
            }
            Expr::Local(variable) => match self.find(variable, scope)? {
                Found::Slot(address, true) => self.node(Node::Boxed(address), true),
                Found::Slot(Address { depth: 0, index }, _) => self.node(Node::Local(index), true),
                Found::Slot(address, false) => self.node(Node::Outer(address), true),
                Found::Known(procedure, depth) => {
                    self.node(Node::Closure { procedure, depth }, true)
                }
            },
            Expr::Global(global, place) => {
                let index = self.global(global)?;
                self.placed(Node::Global(index), true, place.as_ref())
            }
            Expr::SetLocal(variable, value) => {
                let value = self.expression(value, scope)?;
                let Found::Slot(to, _) = self.find(variable, scope)? else {
                    let name = Value::Symbol(variable.name.clone());
                    return Err(Fault::syntax(
                        "a procedure that is known is assigned to",
                        &name,
                        None,
                    ));
                };
                match self.is_simple(value) {
                    true => self.node(Node::SetBoxed { to, value }, true),
                    false => self.node(Node::SetBoxedWait { to, value }, false),
                }
            }
            Expr::SetGlobal(global, value, place) => {
                self.set_global(global, value, false, place.as_ref(), scope)
            }
            Expr::Define(global, value) => self.set_global(global, value, true, None, scope),
            Expr::If(parts) => {
                let test = self.expression(&parts[0], scope)?;
                let yes = self.expression(&parts[1], scope)?;
                let no = self.expression(&parts[2], scope)?;
                if self.is_simple(test) {
                    let simple = self.is_simple(yes) && self.is_simple(no);
                    self.node(Node::If { test, yes, no }, simple)
                } else {
                    self.node(Node::IfWait { test, yes, no }, false)
                }
            }
            Expr::Lambda(lambda) => {
                let procedure = self.lambda(lambda, scope)?;
                self.node(
                    Node::Closure {
                        procedure,
                        depth: 0,
                    },
                    true,
                )
            }
            Expr::Begin(all) => {
                let (ids, simple) = self.expressions(all, scope)?;
                if let [only] = ids[..] {
                    return Ok(only);
                }
                let parts = self.sequence(&ids)?;
                self.node(Node::Begin(parts), simple)
            }
            Expr::Let(bindings, body) => {
                let (variables, values): (Vec<_>, Vec<_>) =
                    bindings.iter().map(|(v, e)| (v.clone(), e)).unzip();
                self.bind(variables, &values, body, scope)
            }
            Expr::Letrec(bindings, body) => self.letrec(bindings, body, scope),
            Expr::Call(operator, arguments, place) => {
                self.call(operator, arguments, place.as_ref(), scope)
            }
            Expr::Mark(parts) => self.mark(parts, scope),
        }
    }

    fn set_global(
        &mut self,
        global: &Shared<Global>,
        value: &'a Expr,
        define: bool,
        place: Option<&Place>,
        scope: &Scope,
    ) -> Compiled {
        let value = self.expression(value, scope)?;
        let global = self.global(global)?;
        match self.is_simple(value) {
            true => self.placed(
                Node::SetGlobal {
                    global,
                    value,
                    define,
                },
                true,
                place,
            ),
            false => self.placed(
                Node::SetGlobalWait {
                    global,
                    value,
                    define,
                },
                false,
                place,
            ),
        }
    }

    /// `let`.
    fn bind(
        &mut self,
        variables: Vec<Rc<Variable>>,
        values: &[&'a Expr],
        body: &'a Expr,
        scope: &Scope,
    ) -> Compiled {
        if variables.is_empty() {
            return self.expression(body, scope);
        }
        let (ids, simple) = self.expressions(values.iter().copied(), scope)?;
        let values = self.parts(&ids)?;
        let boxed: Vec<_> = boxed(&variables)?.into_iter().map(u32::from).collect();
        self.code.parts.push(count(boxed.len())?);
        self.code.parts.extend(boxed);
        let body = self.expression(body, &scope.rib(variables, false))?;
        match simple {
            true => {
                let simple = self.is_simple(body);
                self.node(Node::Let { values, body }, simple)
            }
            false => self.node(Node::LetWait { values, body }, false),
        }
    }

    /// A procedure, whose body is compiled later.
    fn lambda(&mut self, lambda: &'a LambdaExpr, scope: &Scope) -> Result<u32, Box<Fault>> {
        let mut cases = Vec::new();
        for case in &lambda.cases {
            let variables: Vec<_> = case.required.iter().chain(&case.rest).cloned().collect();
            cases.push(Case {
                required: count(case.required.len())?,
                rest: case.rest.is_some(),
                entry: 0,
                boxed: boxed(&variables)?,
            });
        }
        let index = self.code.procedures.len();
        let mut hasher = DefaultHasher::new();
        feed_lambda(lambda, &mut hasher);
        self.code.procedures.push(Procedure {
            name: lambda.name.clone(),
            place: lambda.place.clone(),
            within: self.within,
            hash: hasher.finish(),
            cases,
            nodes: (0, 0),
        });
        self.queue.push_back((index, lambda, scope.clone()));
        let index = count(index)?;
        self.lambdas.insert(index, lambda);
        Ok(index)
    }

    /// Procedures that are known in `scope`, which is answered.
    fn known(
        &mut self,
        procedures: &[(&Rc<Variable>, &'a LambdaExpr)],
        scope: &Scope,
    ) -> Result<Scope, Box<Fault>> {
        // Their bodies see each other, so the scope is made before they are compiled.
        let first = self.code.procedures.len();
        let known = procedures.iter().enumerate();
        let known: Result<Vec<_>, Box<Fault>> = known
            .map(|(at, (variable, _))| Ok(((*variable).clone(), count(first + at)?)))
            .collect();
        let scope = scope.known(known?);
        for (_, lambda) in procedures {
            self.lambda(lambda, &scope)?;
        }
        Ok(scope)
    }

    fn letrec(
        &mut self,
        bindings: &'a [(Rc<Variable>, Expr)],
        body: &'a Expr,
        scope: &Scope,
    ) -> Compiled {
        let mut procedures = Vec::new();
        let mut values = Vec::new();
        for (variable, value) in bindings {
            match value {
                Expr::Lambda(lambda) if !variable.assigned.get() => {
                    procedures.push((variable, &**lambda));
                }
                value => values.push((variable, value)),
            }
        }
        if let Some(levels) = levels(&procedures, &values) {
            return self.nested(&levels, &procedures, &values, body, scope);
        }
        // Somebody may look at a variable before it has its value, or go back to before it had.
        let variables: Vec<_> = values
            .iter()
            .map(|(variable, _)| (*variable).clone())
            .collect();
        let inner = scope.rib(variables, true);
        let inner = self.known(&procedures, &inner)?;
        let mut ids = Vec::new();
        for (variable, value) in &values {
            let value = self.expression(value, &inner)?;
            let Found::Slot(to, _) = self.find(variable, &inner)? else {
                continue;
            };
            ids.push(match self.is_simple(value) {
                true => self.node(Node::SetBoxed { to, value }, true)?,
                false => self.node(Node::SetBoxedWait { to, value }, false)?,
            });
        }
        ids.push(self.expression(body, &inner)?);
        let simple = ids.iter().all(|id| self.is_simple(*id));
        let parts = self.sequence(&ids)?;
        let body = self.node(Node::Begin(parts), simple)?;
        let count = count(values.len())?;
        self.node(Node::Boxes { count, body }, false)
    }

    /// A `letrec` whose values can be bound one after the other: the procedures of a level are
    /// known as soon as so many values are there.
    fn nested(
        &mut self,
        levels: &[usize],
        procedures: &[(&Rc<Variable>, &'a LambdaExpr)],
        values: &[(&Rc<Variable>, &'a Expr)],
        body: &'a Expr,
        scope: &Scope,
    ) -> Compiled {
        let mut scope = scope.clone();
        let mut bound = Vec::new();
        for level in 0..=values.len() {
            let here = procedures.iter().zip(levels);
            let here: Vec<_> = here
                .filter(|(_, l)| **l == level)
                .map(|(p, _)| *p)
                .collect();
            scope = self.known(&here, &scope)?;
            let Some((variable, value)) = values.get(level) else {
                break;
            };
            let id = self.expression(value, &scope)?;
            let parts = self.parts(&[id])?;
            let boxes = u32::from(variable.assigned.get());
            self.code.parts.push(boxes);
            self.code.parts.extend((boxes == 1).then_some(0));
            bound.push(parts);
            scope = scope.rib(vec![(*variable).clone()], false);
        }
        let mut id = self.expression(body, &scope)?;
        for values in bound.into_iter().rev() {
            let simple = self.is_simple(id);
            id = self.node(Node::Let { values, body: id }, simple)?;
        }
        Ok(id)
    }

    fn call(
        &mut self,
        operator: &'a Expr,
        arguments: &'a [Expr],
        place: Option<&Place>,
        scope: &Scope,
    ) -> Compiled {
        match operator {
            Expr::Constant(value @ Value::Primitive(primitive))
                if matches!(primitive.action, Action::Plain(_))
                    && primitive.takes(arguments.len()) =>
            {
                let (ids, simple) = self.expressions(arguments, scope)?;
                let index = self.constant(value)?;
                return self.primitive(primitive, index, &ids, simple, place);
            }
            Expr::Constant(Value::Primitive(primitive))
                if matches!(primitive.action, Action::Control(Control::CallCc))
                    && let [receiver @ Expr::Lambda(lambda)] = arguments
                    && let [case] = &lambda.cases[..]
                    && case.rest.is_none()
                    && case.required.len() == 1 =>
            {
                let receiver = self.expression(receiver, scope)?;
                return self.placed(Node::CallCc(receiver), false, place);
            }
            Expr::Lambda(lambda)
                if let [case] = &lambda.cases[..]
                    && case.rest.is_none()
                    && case.required.len() == arguments.len() =>
            {
                let values: Vec<_> = arguments.iter().collect();
                return self.bind(case.required.clone(), &values, &case.body, scope);
            }
            Expr::Local(variable) => {
                if let Found::Known(procedure, depth) = self.find(variable, scope)?
                    && let Some(LambdaExpr { cases, .. }) = self.lambdas.get(&procedure).copied()
                    && let [case] = &cases[..]
                    && case.rest.is_none()
                    && case.required.len() == arguments.len()
                {
                    let (ids, simple) = self.expressions(arguments, scope)?;
                    let arguments = self.parts(&ids)?;
                    let node = match simple {
                        true => Node::Known {
                            procedure,
                            depth,
                            arguments,
                        },
                        false => Node::KnownWait {
                            procedure,
                            depth,
                            arguments,
                        },
                    };
                    return self.placed(node, false, place);
                }
            }
            _ => {}
        }
        let first = self.expression(operator, scope)?;
        let (ids, simple) = self.expressions(arguments, scope)?;
        if self.is_simple(first) {
            let operator = self.code.part(first);
            let arguments = self.parts(&ids)?;
            let node = match simple {
                true => Node::Call {
                    operator,
                    arguments,
                },
                false => Node::CallWait {
                    operator,
                    arguments,
                },
            };
            return self.placed(node, false, place);
        }
        let all: Vec<_> = std::iter::once(first).chain(ids).collect();
        let parts = self.parts(&all)?;
        self.placed(Node::CallAllWait(parts), false, place)
    }

    fn primitive(
        &mut self,
        what: &Primitive,
        primitive: u32,
        ids: &[Id],
        simple: bool,
        place: Option<&Place>,
    ) -> Compiled {
        match *ids {
            [a] if let Some(op) = one(what.name) => {
                let a = self.code.part(a);
                let node = match simple {
                    true => Node::One { op, a, primitive },
                    false => Node::OneWait { op, a, primitive },
                };
                return self.placed(node, simple, place);
            }
            [a, b] if let Some(op) = two(what.name) => {
                let [a, b] = [a, b].map(|id| self.code.part(id));
                let node = match simple {
                    true => Node::Two {
                        op,
                        a,
                        b,
                        primitive,
                    },
                    false => Node::TwoWait {
                        op,
                        a,
                        b,
                        primitive,
                    },
                };
                return self.placed(node, simple, place);
            }
            _ => {}
        }
        let arguments = self.parts(ids)?;
        let node = match simple {
            true => Node::Primitive {
                primitive,
                arguments,
            },
            false => Node::PrimitiveWait {
                primitive,
                arguments,
            },
        };
        self.placed(node, simple, place)
    }

    /// A mark. What its key and value are computed of is bound first, if it takes steps.
    fn mark(&mut self, parts: &'a [Expr; 3], scope: &Scope) -> Compiled {
        let [key, value, body] = parts;
        let (ids, simple) = self.expressions([key, value], scope)?;
        if simple {
            let body = self.expression(body, scope)?;
            let [key, value] = ids[..] else {
                unreachable!("two expressions are two nodes")
            };
            return self.node(Node::Mark { key, value, body }, false);
        }
        let values = self.parts(&ids)?;
        self.code.parts.push(0);
        let names = ["key", "value"].map(|name| Variable::new(crate::symbol::Symbol::new(name)));
        let body = self.expression(body, &scope.rib(names.to_vec(), false))?;
        let key = self.node(Node::Local(0), true)?;
        let value = self.node(Node::Local(1), true)?;
        let body = self.node(Node::Mark { key, value, body }, false)?;
        self.node(Node::LetWait { values, body }, false)
    }
}

fn boxed(variables: &[Rc<Variable>]) -> Result<Vec<u16>, Box<Fault>> {
    let all = variables.iter().enumerate();
    let assigned = all.filter(|(_, variable)| variable.assigned.get());
    assigned.map(|(index, _)| count(index)).collect()
}

fn one(name: &str) -> Option<One> {
    Some(match name {
        "car" => One::Car,
        "cdr" => One::Cdr,
        "null?" => One::IsNull,
        "pair?" => One::IsPair,
        "not" => One::Not,
        "zero?" => One::IsZero,
        _ => return None,
    })
}

fn two(name: &str) -> Option<Two> {
    Some(match name {
        "+" => Two::Add,
        "-" => Two::Subtract,
        "*" => Two::Multiply,
        "=" => Two::Equal,
        "<" => Two::Less,
        ">" => Two::Greater,
        "<=" => Two::AtMost,
        ">=" => Two::AtLeast,
        "cons" => Two::Cons,
        "eq?" | "eqv?" => Two::IsEq,
        "vector-ref" => Two::VectorRef,
        _ => return None,
    })
}

/// After how many of the values each procedure can be known, if the values can be bound one
/// after the other: none of them takes steps, in which a continuation could be captured that goes
/// back to before it was bound; and none leads to one that comes later, or to itself.
fn levels(
    procedures: &[(&Rc<Variable>, &LambdaExpr)],
    values: &[(&Rc<Variable>, &Expr)],
) -> Option<Vec<usize>> {
    if values.is_empty() {
        return Some(vec![0; procedures.len()]);
    }
    let address = |variable: &Rc<Variable>| Rc::as_ptr(variable).addr();
    let numbered = procedures.iter().enumerate();
    let procedure_at: HashMap<_, _> = numbered.map(|(at, (v, _))| (address(v), at)).collect();
    let numbered = values.iter().enumerate();
    let value_at: HashMap<_, _> = numbered.map(|(at, (v, _))| (address(v), at)).collect();
    let mut refers = Vec::new();
    let mut levels = Vec::new();
    for (_, lambda) in procedures {
        let mut names = HashSet::new();
        names_of_lambda(lambda, &mut names);
        let level = names.iter().filter_map(|name| value_at.get(name)).max();
        levels.push(level.map_or(0, |level| level + 1));
        let refs = names.iter().filter_map(|name| procedure_at.get(name));
        refers.push(refs.copied().collect::<Vec<_>>());
    }
    loop {
        let mut changed = false;
        for (at, refs) in refers.iter().enumerate() {
            let level = refs.iter().map(|r| levels[*r]).max().unwrap_or(0);
            if level > levels[at] {
                levels[at] = level;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for (at, (_, value)) in values.iter().enumerate() {
        if !takes_no_steps(value) {
            return None;
        }
        let mut names = HashSet::new();
        names_of(value, &mut names);
        let too_late = |name: &usize| {
            value_at.get(name).is_some_and(|value| *value >= at)
                || procedure_at.get(name).is_some_and(|p| levels[*p] > at)
        };
        if names.iter().any(too_late) {
            return None;
        }
    }
    Some(levels)
}

/// Whether an expression is simple, whatever is around it.
fn takes_no_steps(expression: &Expr) -> bool {
    match expression {
        Expr::Constant(_) | Expr::Local(_) | Expr::Global(..) | Expr::Lambda(_) => true,
        Expr::SetLocal(_, value) | Expr::SetGlobal(_, value, _) | Expr::Define(_, value) => {
            takes_no_steps(value)
        }
        Expr::If(parts) => parts.iter().all(takes_no_steps),
        Expr::Begin(all) => all.iter().all(takes_no_steps),
        Expr::Let(bindings, body) => {
            bindings.iter().all(|(_, value)| takes_no_steps(value)) && takes_no_steps(body)
        }
        Expr::Call(operator, arguments, _) => {
            matches!(
                &**operator,
                Expr::Constant(Value::Primitive(primitive))
                    if matches!(primitive.action, Action::Plain(_))
                        && primitive.takes(arguments.len())
            ) && arguments.iter().all(takes_no_steps)
        }
        Expr::Letrec(..) | Expr::Mark(_) => false,
    }
}

fn names_of_lambda(lambda: &LambdaExpr, names: &mut HashSet<usize>) {
    for case in &lambda.cases {
        names_of(&case.body, names);
    }
}

/// The addresses of all local variables that are named.
fn names_of(expression: &Expr, names: &mut HashSet<usize>) {
    match expression {
        Expr::Constant(_) | Expr::Global(..) => {}
        Expr::Local(variable) => {
            names.insert(Rc::as_ptr(variable).addr());
        }
        Expr::SetLocal(variable, value) => {
            names.insert(Rc::as_ptr(variable).addr());
            names_of(value, names);
        }
        Expr::SetGlobal(_, value, _) | Expr::Define(_, value) => names_of(value, names),
        Expr::If(parts) | Expr::Mark(parts) => parts.iter().for_each(|part| names_of(part, names)),
        Expr::Lambda(lambda) => names_of_lambda(lambda, names),
        Expr::Begin(all) => all.iter().for_each(|part| names_of(part, names)),
        Expr::Let(bindings, body) | Expr::Letrec(bindings, body) => {
            bindings
                .iter()
                .for_each(|(_, value)| names_of(value, names));
            names_of(body, names);
        }
        Expr::Call(operator, arguments, _) => {
            names_of(operator, names);
            arguments.iter().for_each(|part| names_of(part, names));
        }
    }
}

/// A hash of what an expression says, wherever it stands in the source.
fn hash_of(expression: &Expr) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(expression, &mut hasher);
    hasher.finish()
}

fn feed_lambda(lambda: &LambdaExpr, hasher: &mut DefaultHasher) {
    lambda.name.as_ref().map(|name| name.as_str()).hash(hasher);
    for expr::Case {
        required,
        rest,
        body,
    } in &lambda.cases
    {
        for variable in required.iter().chain(rest) {
            variable.name.as_str().hash(hasher);
        }
        rest.is_some().hash(hasher);
        feed(body, hasher);
    }
}

fn feed(expression: &Expr, hasher: &mut DefaultHasher) {
    std::mem::discriminant(expression).hash(hasher);
    match expression {
        // Those of the standard library, which are written without their names.
        Expr::Constant(Value::Closure(closure)) => {
            let procedure = closure.code.procedures.get(closure.procedure as usize);
            let name = procedure.and_then(|procedure| procedure.name.as_ref());
            name.map(|name| name.as_str()).hash(hasher);
        }
        Expr::Constant(value) => {
            let text = writer::to_text(value, writer::Style::Shared, usize::MAX);
            text.unwrap_or_default().hash(hasher);
        }
        Expr::Local(variable) => variable.name.as_str().hash(hasher),
        Expr::Global(global, _) => global.with(|global| global.name.as_str().hash(hasher)),
        Expr::SetLocal(variable, value) => {
            variable.name.as_str().hash(hasher);
            feed(value, hasher);
        }
        Expr::SetGlobal(global, value, _) | Expr::Define(global, value) => {
            global.with(|global| global.name.as_str().hash(hasher));
            feed(value, hasher);
        }
        Expr::If(parts) | Expr::Mark(parts) => parts.iter().for_each(|part| feed(part, hasher)),
        Expr::Lambda(lambda) => feed_lambda(lambda, hasher),
        Expr::Begin(all) => all.iter().for_each(|part| feed(part, hasher)),
        Expr::Let(bindings, body) | Expr::Letrec(bindings, body) => {
            for (variable, value) in bindings {
                variable.name.as_str().hash(hasher);
                feed(value, hasher);
            }
            feed(body, hasher);
        }
        Expr::Call(operator, arguments, _) => {
            feed(operator, hasher);
            arguments.len().hash(hasher);
            arguments.iter().for_each(|part| feed(part, hasher));
        }
    }
}
