//! Code.
use segno::snapshot::Object;
use serde::{Deserialize, Serialize};
/// Code of a procedure.
#[derive(Clone, Serialize, Deserialize)]
pub struct Lambda {}
impl Object for Lambda {
    const NAME: &'static str = "code";
}
