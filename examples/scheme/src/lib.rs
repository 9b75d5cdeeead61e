//! R7RS-small Scheme on segno's described leg.

#![forbid(unsafe_code)]
#![allow(
    missing_debug_implementations,
    reason = "values are shown by `write`, which knows of cycles"
)]

pub mod activation;
mod arity;
mod check;
pub mod code;
pub mod compile;
pub mod condition;
pub mod control;
pub mod environment;
pub mod expr;
pub mod fuel;
pub mod host;
pub mod interpreter;
mod keep;
pub mod library;
mod marks;
pub mod number;
pub mod origin;
pub mod places;
pub mod port;
pub mod primitive;
pub mod primitives;
pub mod program;
pub mod reader;
pub mod revision;
pub mod rib;
mod round;
pub mod run;
mod standard;
pub mod symbol;
pub mod syntax;
mod text;
pub mod trace;
pub mod value;
pub mod work;
pub mod world;
pub mod writer;
