//! Ribs that nobody holds any more, kept to be filled again: most calls need one, and most of
//! those are gone when the call returns.

use segno::snapshot::Constant;

use crate::value::{Rib, Scope, Slots};

/// So many are kept.
const MOST: usize = 64;

/// Empty ribs. No snapshot has them.
#[derive(Debug, Default)]
pub struct Ribs(Vec<Constant<Rib>>);

impl Ribs {
    /// An empty rib.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Constant<Rib> {
        #[cold]
        #[inline(never)]
        fn allocate() -> Constant<Rib> {
            let (slots, parent) = (Slots::new(), None);
            Constant::new(Rib { slots, parent })
        }
        self.0.pop().unwrap_or_else(allocate)
    }

    /// Gives up variables, and those around them: what nobody else holds is kept.
    #[inline(always)]
    pub(crate) fn give(&mut self, scope: Scope) {
        let mut next = scope;
        while let Some(mut rib) = next {
            let Some(content) = rib.get_mut() else {
                return;
            };
            for value in content.slots.drain(..) {
                value.discard();
            }
            next = content.parent.take();
            if self.0.len() < MOST && !content.slots.spilled() {
                self.0.push(rib);
            }
        }
    }
}
