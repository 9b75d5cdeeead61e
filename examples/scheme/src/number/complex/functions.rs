//! The elementary functions of complex flonums, with the branch cuts of R7RS section 6.2.6.
//!
//! The inverse functions and the tangent go by W. Kahan's "Branch cuts for complex elementary
//! functions": formulas that lose no digits near the real line, near zero and far from it.

use std::f64::consts::PI;

use super::{Complex, Number};

/// A complex flonum.
pub(in crate::number) type Point = (f64, f64);

impl Complex {
    /// What the function makes of it.
    pub(in crate::number) fn map(&self, function: fn(Point) -> Point) -> Number {
        let [x, y] = self.parts().map(Number::to_f64);
        Number::from_point(function((x, y)))
    }

    /// The natural logarithm.
    pub(in crate::number) fn log(&self) -> Number {
        let (scale, x, y) = self.scaled();
        let size = x.hypot(y);
        // Near one the magnitude itself has lost the digits that matter.
        let log = if (0.5..2.0).contains(&size) {
            let (more, less) = (x.abs().max(y.abs()), x.abs().min(y.abs()));
            ((more - 1.0) * (more + 1.0) + less * less).ln_1p() / 2.0
        } else {
            size.ln()
        };
        Number::from_point((scale + log, y.atan2(x)))
    }
}

pub(in crate::number) fn exp((x, y): Point) -> Point {
    let size = x.exp();
    (size * y.cos(), size * y.sin())
}

pub(in crate::number) fn sin((x, y): Point) -> Point {
    (x.sin() * y.cosh(), x.cos() * y.sinh())
}

pub(in crate::number) fn cos((x, y): Point) -> Point {
    (x.cos() * y.cosh(), -(x.sin() * y.sinh()))
}

pub(in crate::number) fn tan((x, y): Point) -> Point {
    // From here on the hyperbolic tangent is one, and the square of the sine overflows some time.
    if y.abs() > 100.0 {
        return (0f64.copysign(x.tan()), 1f64.copysign(y));
    }
    let (tangent, sine) = (x.tan(), y.sinh());
    let slope = 1.0 + tangent * tangent;
    let divisor = 1.0 + slope * sine * sine;
    (tangent / divisor, slope * sine.hypot(1.0) * sine / divisor)
}

pub(in crate::number) fn asin((x, y): Point) -> Point {
    let (a, b) = (root((1.0 - x, -y)), root((1.0 + x, y)));
    (
        x.atan2(a.0 * b.0 - a.1 * b.1),
        (a.0 * b.1 - a.1 * b.0).asinh(),
    )
}

pub(in crate::number) fn acos((x, y): Point) -> Point {
    let (a, b) = (root((1.0 - x, -y)), root((1.0 + x, y)));
    (2.0 * a.0.atan2(b.0), (b.0 * a.1 - b.1 * a.0).asinh())
}

pub(in crate::number) fn atan((x, y): Point) -> Point {
    let above = y.abs() - 1.0;
    let angle = if x == 0.0 && above > 0.0 {
        // On the cuts, whatever the sign of zero.
        PI.copysign(y)
    } else {
        (2.0 * x).atan2(-(x * x + above * (y.abs() + 1.0)))
    };
    let log = (4.0 * y.abs() / (x * x + above * above)).ln_1p();
    (angle / 2.0, log.copysign(y) / 4.0)
}

/// The square root whose real part is not negative.
pub(super) fn root((x, y): Point) -> Point {
    if y.is_infinite() {
        return (f64::INFINITY, y);
    }
    let size = x.hypot(y);
    if size == 0.0 {
        return (0.0, y);
    }
    if x.is_finite() && size.is_infinite() {
        let (x, y) = root((x / 4.0, y / 4.0));
        return (2.0 * x, 2.0 * y);
    }
    let first = (x.abs() / 2.0 + size / 2.0).sqrt();
    let second = y.abs() / 2.0 / first;
    if x.is_sign_negative() {
        (second, first.copysign(y))
    } else {
        (first, second.copysign(y))
    }
}
