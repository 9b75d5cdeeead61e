//! How many arguments procedures take, in words.

use crate::value::{Closure, Value};
use crate::writer::procedure_name;

/// What is wrong with a call of this that has so many arguments.
pub(crate) fn wrong(operator: &Value, got: usize) -> String {
    let name = match operator {
        Value::Parameter(_) => "a parameter",
        operator => procedure_name(operator).unwrap_or("a procedure"),
    };
    let wanted = match operator {
        Value::Closure(closure) => cases(closure),
        Value::Primitive(primitive) => range(primitive.least, primitive.most),
        _ => range(0, Some(0)),
    };
    message(name, &wanted, got)
}

/// The same of a procedure of this name, which takes as many as are wanted.
pub(crate) fn message(name: &str, wanted: &str, got: usize) -> String {
    let plural = if wanted.ends_with(" 1") || wanted == "1" {
        ""
    } else {
        "s"
    };
    // The arguments themselves follow.
    let end = if got == 0 { "" } else { ":" };
    format!("{name}: expected {wanted} argument{plural}, got {got}{end}")
}

fn cases(closure: &Closure) -> String {
    let procedure = closure.code.procedures.get(closure.procedure as usize);
    let cases = procedure.map_or(&[][..], |procedure| &procedure.cases);
    let cases = cases.iter().map(|case| {
        let least = usize::from(case.required);
        range(least, (!case.rest).then_some(least))
    });
    cases.collect::<Vec<_>>().join(" or ")
}

fn range(least: usize, most: Option<usize>) -> String {
    match most {
        None => format!("at least {least}"),
        Some(most) if most == least => format!("{least}"),
        Some(most) if most == least + 1 => format!("{least} or {most}"),
        Some(most) => format!("{least} to {most}"),
    }
}
