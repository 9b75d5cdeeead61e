//! What operations on exact numbers of so many bits cost, in products of two words, each of which
//! takes about a nanosecond. It is known before they begin. The estimates are on the safe side, by
//! a factor of two or three.

use super::{Limits, Number};

/// From so many words on, products take less time than the square of their size.
const LARGE: u64 = 64;

/// Up to so many words, divisors are divided by as in school.
const SCHOOL: u64 = 128;

fn words(bits: u64) -> u64 {
    bits.div_ceil(64)
}

/// What goes through all words: a sum, a copy, a comparison of integers.
pub(crate) fn linear(bits: u64) -> u64 {
    2 * words(bits)
}

/// A product.
pub(crate) fn product(a: u64, b: u64) -> u64 {
    let (long, short) = (words(a.max(b)), words(a.min(b)));
    long.saturating_mul(short.min((LARGE * short).isqrt()))
}

/// A division with a remainder.
pub(crate) fn division(dividend: u64, divisor: u64) -> u64 {
    let quotient = dividend.saturating_sub(divisor);
    let (long, short) = (words(quotient.max(divisor)), words(quotient.min(divisor)));
    if short <= SCHOOL {
        return long.saturating_mul(short.max(1));
    }
    let digit = 4 * product(64 * short, 64 * short);
    digit.saturating_mul(long.div_ceil(short))
}

/// A square root.
pub(crate) fn root(bits: u64) -> u64 {
    2 * division(bits, bits / 2)
}

/// The digits of a number, written.
pub(crate) fn writing(bits: u64) -> u64 {
    3 * division(bits, bits / 2)
}

/// A greatest common divisor. None is looked for beyond what can be [reduced](Limits::REDUCIBLE).
pub(crate) fn divisor(a: u64, b: u64) -> u64 {
    match a.saturating_add(b) {
        bits if bits > Limits::REDUCIBLE => 0,
        bits => words(bits) * words(bits),
    }
}

/// A product, or what is found by products and reduced then: a sum of ratios, say.
pub(crate) fn operation(a: &Number, b: &Number) -> u64 {
    let (x, y) = (a.size_bits(), b.size_bits());
    if a.is_exact_integer() && b.is_exact_integer() {
        return product(x, y);
    }
    let reduced = words(x.saturating_add(y).min(Limits::REDUCIBLE));
    // Parts of complex numbers are multiplied each with each.
    2 * product(x, y) + reduced * reduced
}

/// A quotient, reduced.
pub(crate) fn quotient(a: &Number, b: &Number) -> u64 {
    let (x, y) = (a.size_bits(), b.size_bits());
    let divided = division(x.max(y), x.min(y));
    if a.is_exact_integer() && b.is_exact_integer() {
        return divided + divisor(x, y);
    }
    divided + operation(a, b)
}

/// What takes a number as it is, or divides it out if it is a ratio.
pub(crate) fn whole(number: &Number) -> u64 {
    match number {
        Number::Ratio(ratio) => division(ratio.numerator().bits(), ratio.denominator().bits()),
        number => linear(number.size_bits()),
    }
}

/// What may be a number, as a text.
pub(crate) fn reading(text: &str, radix: u32, limits: Limits) -> u64 {
    // A prefix may say another radix, which is sixteen at most.
    let radix = match text.starts_with('#') {
        true => radix.max(16),
        false => radix,
    };
    let count = text.chars().filter(|c| c.is_digit(radix)).count();
    let bits = (count as f64 * f64::from(radix).log2()) as u64;
    // What is too large is not read, but looked at.
    let bits = bits.min(limits.bits());
    2 * text.len() as u64 + division(bits, bits / 2)
}
