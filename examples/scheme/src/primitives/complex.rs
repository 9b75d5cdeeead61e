//! Complex numbers: their parts, and how they are made of them.

use super::arguments::{number, real};
use super::numbers::{answer, limits, pay_whole};
use super::reals::pay_root;
use super::{Table, fixed};
use crate::number::Number;

/// What a number has.
macro_rules! part {
    ($name:literal, $part:ident) => {
        fixed($name, 1, |_, args| {
            Ok(number(&args[0], $name)?.$part().into())
        })
    };
}

pub(super) const TABLE: Table = &[
    part!("real-part", real_part),
    part!("imag-part", imag_part),
    part!("angle", angle),
    fixed("magnitude", 1, |world, args| {
        let number = number(&args[0], "magnitude")?;
        if !number.is_real() {
            pay_root(world, &number)?;
        }
        answer(number.magnitude(limits(world)), "magnitude", args)
    }),
    fixed("make-rectangular", 2, |_, args| {
        let by = "make-rectangular";
        let (x, y) = (real(&args[0], by)?, real(&args[1], by)?);
        answer(Number::rectangular(x, y), by, args)
    }),
    fixed("make-polar", 2, |world, args| {
        pay_whole(world, args)?;
        let by = "make-polar";
        let (size, angle) = (real(&args[0], by)?, real(&args[1], by)?);
        answer(Number::polar(&size, &angle, limits(world)), by, args)
    }),
];
