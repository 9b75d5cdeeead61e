//! What copy-stack mode is measured by: a recursive evaluator with and without the protocol, and
//! one deep recursion in each way to hold frames.

pub(crate) mod depth;
pub(crate) mod lambda;
