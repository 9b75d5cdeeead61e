//! One recursion, that goes down so many frames and asks its owner there, again and again: by
//! frames as data, and on the native stack in each grade.

#![allow(unsafe_code, reason = "promises what is on the stack of an image")]

use std::fmt;
use std::time::{Duration, Instant};

use segno::copy::{Came, Coop, Image, Keep, Region, enter, enter_keeping};
use segno::frame::{Context, Describe, Frame, FrameDescriptor, Input, Machine, Outcome, Step};

/// So many frames are still to be called; the lowest number that asks is 0. What they answer is
/// their number.
#[derive(Clone)]
pub(crate) enum Down {
    Described(u64),
    Kept(u64),
    Registered(u64),
    Image(Image<Self>),
}

impl From<Image<Self>> for Down {
    fn from(image: Image<Self>) -> Self {
        Self::Image(image)
    }
}

impl Describe for Down {
    fn descriptor(&self) -> &'static FrameDescriptor {
        static DOWN: FrameDescriptor = FrameDescriptor::new("down", &[]);
        &DOWN
    }

    fn slot(&self, _: usize) -> Option<&dyn fmt::Debug> {
        None
    }
}

fn kept(left: u64, mut coop: Keep<'_, '_, Down>) -> Came<Down> {
    if left == 0 {
        return asks(coop);
    }
    Ok(1 + coop.call(
        || Down::Kept(left),
        || Down::Kept(left - 1),
        |coop| kept(left - 1, coop),
    )?)
}

/// The lowest frame of those that keep: it asks until it is told to return.
fn asks(mut coop: Keep<'_, '_, Down>) -> Came<Down> {
    while coop.suspend(0, || Down::Kept(0))? != 0 {}
    Ok(0)
}

fn registered(mut coop: Coop<'_, '_, Down>) -> Came<Down> {
    let Down::Registered(left) = *coop.state else {
        unreachable!("a registered frame");
    };
    if left == 0 {
        while coop.suspend(0)? != 0 {}
        return Ok(0);
    }
    Ok(1 + coop.call(Down::Registered(left - 1), registered)?)
}

impl Frame for Down {
    type Value = u64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        match self {
            Self::Described(left) => match (*left, input) {
                (0, Input::Value(0)) => Step::Return(0),
                (0, _) => Step::Suspend(0),
                (left, Input::Start) => Step::Call(Self::Described(left - 1)),
                (_, Input::Value(below)) => Step::Return(below + 1),
                _ => unreachable!("nothing else was asked for"),
            },
            Self::Kept(_) => enter_keeping(self, input, cx, |frame, mut coop| match frame {
                Self::Kept(0) if coop.entered_again() => match coop.received()? {
                    0 => Ok(0),
                    _ => asks(coop),
                },
                Self::Kept(_) if coop.entered_again() => Ok(1 + coop.received()?),
                Self::Kept(left) => kept(*left, coop),
                _ => unreachable!("a frame that keeps"),
            }),
            Self::Registered(_) => enter(self, input, cx, registered),
            Self::Image(image) => image.resume(input, cx),
        }
    }

    fn catches(&self) -> bool {
        !matches!(self, Self::Described(_))
    }
}

/// A way to hold frames.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Described,
    Kept,
    Registered,
    Duplicated,
}

impl Way {
    /// Whether it is to be had on this target.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Duplicated => self.region().is_some(),
            _ => true,
        }
    }

    fn region(self) -> Option<Region> {
        match self {
            Self::Duplicated => Region::new(256 * 1024).ok(),
            _ => None,
        }
    }

    fn machine(self, depth: u64, region: Option<&Region>) -> Machine<Down> {
        let region = || region.unwrap_or_else(|| panic!("there is no region"));
        Machine::new(match self {
            Self::Described => Down::Described(depth),
            Self::Kept => Down::Kept(depth),
            Self::Registered => Down::Registered(depth),
            Self::Duplicated => {
                // SAFETY: a frame has numbers in its variables, and no reference to its state.
                Down::Image(unsafe { Image::new(region(), Down::Registered(depth), registered) })
            }
        })
    }
}

fn suspended(machine: &mut Machine<Down>) {
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
}

/// Goes down and asks, so many times.
pub(crate) fn go_down(way: Way, depth: u64, times: u64) -> Duration {
    let region = way.region();
    let start = Instant::now();
    for _ in 0..times {
        suspended(&mut way.machine(depth, region.as_ref()));
    }
    start.elapsed()
}

/// Asks again at that depth, in one machine that nobody else has captured.
pub(crate) fn ask_again(way: Way, depth: u64, times: u64) -> Duration {
    let mut machine = way.machine(depth, way.region().as_ref());
    suspended(&mut machine);
    let start = Instant::now();
    for _ in 0..times {
        machine
            .answer(Ok(1))
            .unwrap_or_else(|error| panic!("{error}"));
        suspended(&mut machine);
    }
    start.elapsed()
}

/// Resumes what was captured at that depth once more, to where it asks again; and gives that up.
pub(crate) fn resume_captured(way: Way, depth: u64, times: u64) -> Duration {
    again(way, depth, times, 1, Outcome::Suspended(0))
}

/// The same, to its end.
pub(crate) fn return_captured(way: Way, depth: u64, times: u64) -> Duration {
    again(way, depth, times, 0, Outcome::Done(depth))
}

fn again(way: Way, depth: u64, times: u64, with: u64, outcome: Outcome<u64>) -> Duration {
    let mut machine = way.machine(depth, way.region().as_ref());
    suspended(&mut machine);
    let k = machine
        .continuation()
        .unwrap_or_else(|| unreachable!("it is suspended"));
    let start = Instant::now();
    for _ in 0..times {
        let mut again = machine.beside();
        again
            .start_with(k.clone(), Ok(with))
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.run(&mut ()), outcome);
    }
    start.elapsed()
}
