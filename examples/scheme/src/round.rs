//! Walks along chains that an honest program never closes, and a forged snapshot may have closed.

/// Tells when a walk has come round, after Brent: it remembers where it was, and after twice as
/// many steps as before takes a new place to remember.
pub(crate) struct Round {
    mark: usize,
    since: usize,
    limit: usize,
}

impl Round {
    /// The walk begins.
    pub(crate) fn new() -> Self {
        Self {
            mark: 0,
            since: 0,
            limit: 1,
        }
    }

    /// Takes a step, to what has this address. Whether it was there before.
    #[inline]
    pub(crate) fn closes(&mut self, address: usize) -> bool {
        if address == self.mark {
            return true;
        }
        self.since += 1;
        if self.since == self.limit {
            self.mark = address;
            self.limit *= 2;
            self.since = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Round;

    /// A walk along so many that leads back to the one at `back` is told to have come round, after
    /// a few rounds at most; one along as many that does not, never.
    #[test]
    fn closed_chains_are_told_from_open_ones() {
        for length in 1..200_usize {
            let mut round = Round::new();
            assert!((1..=length).all(|at| !round.closes(at)));
            for back in 0..length {
                let mut round = Round::new();
                let place = |step: usize| match step < length {
                    true => step,
                    false => back + (step - back) % (length - back),
                };
                let closed = (0..).position(|step| round.closes(1 + place(step)));
                assert!(closed.is_some_and(|steps| steps >= length && steps <= 4 * length + 4));
            }
        }
    }
}
