//! What programs may use.

use segno::snapshot::LoadLimits;
use segno_scheme::interpreter::Interpreter;
use segno_scheme::value::{ConditionKind, Value};
use segno_scheme::world::{Files, Heap, Sandbox};

use super::arguments::{Options, Teleport};
use super::stop::Stop;
use crate::MEMORY;

/// An interpreter within limits, which finds sources in these files.
pub(super) fn interpreter(options: &Options, sources: &Files) -> Result<Interpreter, Stop> {
    let default = Sandbox::default();
    // So that there is room for a product and its factors, an integer takes a sixteenth at most.
    let sandbox = Sandbox {
        heap: Some(Heap {
            limit: options.heap,
            used: || MEMORY.allocated(),
        }),
        files: options.files.clone(),
        number_bits: default.number_bits.min(options.heap as u64 / 2),
        fuel_at_once: default.fuel_at_once.min(options.fuel),
    };
    let interpreter = Interpreter::new(sandbox);
    let mut interpreter = interpreter
        .map_err(|fault| Stop::failed(format!("the interpreter does not start: {fault:?}")))?;
    interpreter.set_depth(options.depth);
    *interpreter.world.host.sources.borrow_mut() = sources.clone();
    interpreter.world.teleports = options.teleport != Teleport::No;
    Ok(interpreter)
}

/// How much a snapshot may have that goes on within limits.
pub(super) fn load_limits(options: &Options) -> LoadLimits {
    // What there may be many of takes so many bytes at least.
    const EACH: usize = 16;
    let many = options.heap / EACH;
    LoadLimits {
        bytes: options.heap,
        frames: options.depth,
        parts: many,
        objects: many,
        elements: many as u64,
        ..LoadLimits::default()
    }
}

/// Whether a program was stopped by a limit.
pub(super) fn is_limit(raised: &Value) -> bool {
    matches!(raised, Value::Condition(condition) if condition.kind == ConditionKind::Limit)
}
