//! Expressions as they would be written.

use std::collections::HashMap;
use std::rc::Rc;

use segno_scheme::expr::{Case, Expr, Variable};
use segno_scheme::value::Value;

/// Variables are told apart by a number, if there is more than one of a name.
#[derive(Default)]
struct Names {
    of: HashMap<*const Variable, String>,
    counts: HashMap<String, usize>,
}

/// An expression in one line. A variable of the program is its name; a procedure of the
/// interpreter's own has a dot before it.
pub(crate) fn show(expr: &Expr) -> String {
    Names::default().expr(expr)
}

/// A datum.
pub(crate) fn datum(value: &Value) -> String {
    match value {
        Value::Null => "()".into(),
        Value::Unspecified => "#!void".into(),
        Value::Unassigned => "#!none".into(),
        Value::True => "#t".into(),
        Value::False => "#f".into(),
        Value::Fixnum(n) => n.to_string(),
        Value::Symbol(symbol) => symbol.to_string(),
        Value::Alias(_) => "#!alias".into(),
        Value::String(text) => {
            let text: String = text.with(|text| text.characters.iter().collect());
            format!("{text:?}")
        }
        Value::Primitive(primitive) => format!(".{}", primitive.name),
        Value::Vector(vector) => {
            let items: Vec<_> = vector.with(|vector| vector.elements.iter().map(datum).collect());
            format!("#({})", items.join(" "))
        }
        Value::Pair(_) => {
            let (mut text, mut rest) = (String::from("("), value.clone());
            while let Some((car, cdr)) = rest.as_pair() {
                text += &datum(&car);
                rest = cdr;
                if matches!(rest, Value::Pair(_)) {
                    text.push(' ');
                }
            }
            if !matches!(rest, Value::Null) {
                text += &format!(" . {}", datum(&rest));
            }
            text + ")"
        }
        _ => "#!other".into(),
    }
}

impl Names {
    fn name(&mut self, variable: &Rc<Variable>) -> String {
        let Self { of, counts } = self;
        let entry = of.entry(Rc::as_ptr(variable)).or_insert_with(|| {
            let name = variable.name.to_string();
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            if *count == 1 {
                name
            } else {
                format!("{name}.{count}")
            }
        });
        entry.clone()
    }

    fn all(&mut self, exprs: &[Expr]) -> String {
        let exprs: Vec<_> = exprs.iter().map(|expr| self.expr(expr)).collect();
        exprs.join(" ")
    }

    fn case(&mut self, case: &Case) -> String {
        let mut names: Vec<_> = case.required.iter().map(|name| self.name(name)).collect();
        if let Some(rest) = &case.rest {
            names.push(format!(". {}", self.name(rest)));
        }
        format!("({}) {}", names.join(" "), self.expr(&case.body))
    }

    fn bindings(&mut self, keyword: &str, bound: &[(Rc<Variable>, Expr)], body: &Expr) -> String {
        let bound: Vec<_> = bound
            .iter()
            .map(|(name, value)| format!("({} {})", self.name(name), self.expr(value)))
            .collect();
        format!("({keyword} ({}) {})", bound.join(" "), self.expr(body))
    }

    fn expr(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Constant(value @ (Value::Symbol(_) | Value::Pair(_) | Value::Null)) => {
                format!("'{}", datum(value))
            }
            Expr::Constant(value) => datum(value),
            Expr::Local(variable) => self.name(variable),
            Expr::Global(global, _) => global.with(|global| global.name.to_string()),
            Expr::SetLocal(variable, value) => {
                format!("(set! {} {})", self.name(variable), self.expr(value))
            }
            Expr::SetGlobal(global, value, _) => {
                let name = global.with(|global| global.name.to_string());
                format!("(set! {name} {})", self.expr(value))
            }
            Expr::Define(global, value) => {
                let name = global.with(|global| global.name.to_string());
                format!("(define {name} {})", self.expr(value))
            }
            Expr::If(parts) => format!("(if {})", self.all(&parts[..])),
            Expr::Lambda(lambda) => match &lambda.cases[..] {
                [case] => format!("(lambda {})", self.case(case)),
                cases => {
                    let cases: Vec<_> = cases
                        .iter()
                        .map(|case| format!("({})", self.case(case)))
                        .collect();
                    format!("(case-lambda {})", cases.join(" "))
                }
            },
            Expr::Begin(exprs) => format!("(begin {})", self.all(exprs)),
            Expr::Let(bound, body) => self.bindings("let", bound, body),
            Expr::Letrec(bound, body) => self.bindings("letrec*", bound, body),
            Expr::Call(operator, arguments, _) => {
                let operator = self.expr(operator);
                match &arguments[..] {
                    [] => format!("({operator})"),
                    arguments => format!("({operator} {})", self.all(arguments)),
                }
            }
            Expr::Mark(parts) => format!("(mark {})", self.all(&parts[..])),
        }
    }
}
