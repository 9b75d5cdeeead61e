//! The greatest common divisor by Lehmer's method.
//!
//! Euclid's algorithm on large integers is mostly decided by their leading digits. So it is run on
//! the leading 126 bits alone for as long as the quotients are certain, and the steps are then
//! applied to the whole integers at once. The library's binary algorithm shifts whole integers at
//! every bit, and is many times slower at our sizes.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

/// The greatest common divisor, which is not negative; of two zeros, zero.
pub(super) fn gcd(a: &BigInt, b: &BigInt) -> BigInt {
    let (mut a, mut b) = (a.abs(), b.abs());
    if a < b {
        std::mem::swap(&mut a, &mut b);
    }
    while b.bits() > 64 {
        let shift = a.bits().saturating_sub(126);
        let Some((x, y)) = (&a >> shift).to_i128().zip((&b >> shift).to_i128()) else {
            unreachable!("126 bits fit")
        };
        (a, b) = match leading_steps(x, y) {
            [_, 0, _, _] => {
                let remainder = &a % &b;
                (b, remainder)
            }
            [p, q, r, s] => (&a * p + &b * q, &a * r + &b * s),
        };
    }
    match b.to_u64() {
        Some(small) if small != 0 => {
            let Some(rest) = (a % small).to_u64() else {
                unreachable!("a remainder is less than its divisor")
            };
            small.gcd(&rest).into()
        }
        _ => a,
    }
}

/// Euclid's algorithm on two integers that begin with the bits `x` and `y`, `x ≥ y`, as far as
/// these determine it: the matrix `[p, q, r, s]` that takes `(a, b)` to `(p a + q b, r a + s b)`,
/// with `q` zero if not one step is certain.
///
/// The integers' true quotient lies between the quotients at the two ends of what the unknown bits
/// allow.
fn leading_steps(mut x: i128, mut y: i128) -> [i128; 4] {
    let [mut p, mut q, mut r, mut s] = [1, 0, 0, 1];
    while y + r != 0 && y + s != 0 {
        let quotient = (x + p) / (y + r);
        if quotient != (x + q) / (y + s) {
            break;
        }
        (p, r) = (r, p - quotient * r);
        (q, s) = (s, q - quotient * s);
        (x, y) = (y, x - quotient * y);
    }
    [p, q, r, s]
}

/// The fraction in lowest terms, with a positive denominator. The denominator given is not zero.
pub(super) fn reduce(numerator: BigInt, denominator: BigInt) -> (BigInt, BigInt) {
    debug_assert!(!denominator.is_zero());
    let mut divisor = gcd(&numerator, &denominator);
    if denominator.is_negative() {
        divisor = -divisor;
    }
    (numerator / &divisor, denominator / divisor)
}
