//! What is there to know of the system.

use std::env;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::arguments::string;
use super::{Table, fixed};
use crate::number::Number;
use crate::value::Value;
use crate::world::{Files, World};

/// The answer of `features`, and what `cond-expand` knows.
pub const FEATURES: &[&str] = &[
    "r7rs",
    "exact-closed",
    "exact-complex",
    "ieee-float",
    "full-unicode",
    "ratios",
    "segno-scheme",
    env::consts::OS,
    env::consts::ARCH,
    env::consts::FAMILY,
];

pub(super) const TABLE: Table = &[
    fixed("features", 0, |_, _| {
        Ok(Value::list(FEATURES.iter().map(|name| Value::symbol(name))))
    }),
    fixed("current-second", 0, |_, _| {
        Ok(Number::Flonum(now().as_secs_f64()).into())
    }),
    fixed("current-jiffy", 0, |_, _| {
        let jiffies = i64::try_from(now().as_nanos());
        Ok(Value::integer(jiffies.unwrap_or(i64::MAX)))
    }),
    fixed("jiffies-per-second", 0, |_, _| {
        Ok(Value::integer(1_000_000_000))
    }),
    fixed("command-line", 0, |world, _| {
        let words = world.arguments.iter().map(|word| Value::string(word));
        Ok(Value::cons(
            Value::string("segno-scheme"),
            Value::list(words),
        ))
    }),
    fixed("get-environment-variable", 1, |world, args| {
        let name = string(&args[0], "get-environment-variable")?;
        let name: String = name.with(|name| name.characters.iter().collect());
        let value = env::var_os(&name).filter(|_| is_shown(&name, world));
        Ok(value.map_or(Value::False, |value| {
            Value::string(&value.to_string_lossy())
        }))
    }),
    fixed("get-environment-variables", 0, |world, _| {
        let variables = env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            let shown = is_shown(&name, world);
            shown.then(|| Value::cons(Value::string(&name), Value::string(&value)))
        });
        Ok(Value::list(variables.collect::<Vec<_>>()))
    }),
];

/// Whether a program may see a variable of the environment, which often has secrets in it. Within
/// a sandbox there is only the one that every system has.
fn is_shown(name: &str, world: &World) -> bool {
    world.sandbox.files == Files::All || name == "PATH"
}

/// The time since 1970. In a process it does not go back, even if the clock is put back; and
/// with that clock, a program that goes on elsewhere sees time go on.
fn now() -> Duration {
    static BEGIN: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (begin, since) = BEGIN.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        (Instant::now(), since.unwrap_or_default())
    });
    *since + begin.elapsed()
}
