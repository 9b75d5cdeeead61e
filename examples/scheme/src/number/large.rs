//! Square roots of large integers, and their values by their digits, in about the time that some
//! products of that size take. The library divides and writes digits that fast, but finds roots and
//! reads digits in quadratic time.

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::Num;

/// Up to so many bits the library is faster.
const SMALL: u64 = 1 << 13;

/// The largest integer whose square is not greater, and what is left, by Zimmermann's method: the
/// first half of the root is that of the first half, and the rest is a division.
pub(super) fn square_root(n: &BigUint) -> (BigUint, BigUint) {
    if n.bits() <= SMALL {
        let root = n.sqrt();
        let rest = n - &root * &root;
        return (root, rest);
    }
    // The integer gets four quarters, and one of its first two bits is set.
    let quarter = n.bits().div_ceil(4).next_multiple_of(32);
    let shift = (4 * quarter - n.bits()) / 2;
    if shift > 0 {
        let root = square_root(&(n << (2 * shift))).0 >> shift;
        let rest = n - &root * &root;
        return (root, rest);
    }
    let (high, low) = split(n, 2 * quarter);
    let (third, fourth) = split(&low, quarter);
    let (first, rest) = square_root(&high);
    let (second, rest) = ((rest << quarter) | third).div_rem(&(&first << 1));
    let mut root = (first << quarter) + &second;
    let mut rest = (rest << quarter) | fourth;
    let less = &second * &second;
    if rest < less {
        rest += &root * 2u32 - 1u32;
        root -= 1u32;
    }
    (root, rest - less)
}

/// The bits from this index on, a multiple of 32, and those before.
fn split(n: &BigUint, bits: u64) -> (BigUint, BigUint) {
    let low = n.iter_u32_digits().take((bits / 32) as usize).collect();
    (n >> bits, BigUint::new(low))
}

/// The first is a power of a radix by the number of digits that a text of [`SMALL`] bits has, and
/// each of the others is the square of the one before.
struct Powers {
    radix: u32,
    digits: usize,
    squares: Vec<BigUint>,
}

impl Powers {
    /// As many as it takes to put so many digits together.
    fn new(radix: u32, digits: usize) -> Self {
        let few = (SMALL / u64::from(radix.ilog2() + 1)) as usize;
        let mut powers = Self {
            radix,
            digits: few,
            squares: Vec::new(),
        };
        while few << powers.squares.len() < digits {
            let next = match powers.squares.last() {
                Some(last) => last * last,
                None => BigUint::from(radix).pow(few as u32),
            };
            powers.squares.push(next);
        }
        powers
    }

    /// The value of digits, of which the powers before the index `end` are enough.
    fn read(&self, digits: &str, end: usize) -> BigUint {
        let Some(index) = end.checked_sub(1) else {
            return BigUint::from_str_radix(digits, self.radix)
                .unwrap_or_else(|_| unreachable!("these are digits"));
        };
        match digits.len().saturating_sub(self.digits << index) {
            0 => self.read(digits, index),
            first => {
                let (high, low) = digits.split_at(first);
                self.read(high, index) * &self.squares[index] + self.read(low, index)
            }
        }
    }
}

/// The value of digits, of which there is at least one.
pub(super) fn from_digits(digits: &str, radix: u32) -> BigUint {
    let powers = match radix.is_power_of_two() {
        // The library takes no longer for these than there are digits.
        true => Powers::new(radix, 0),
        false => Powers::new(radix, digits.len()),
    };
    powers.read(digits, powers.squares.len())
}
