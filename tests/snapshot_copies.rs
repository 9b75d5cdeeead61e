//! Frames that recurse on the native stack are saved and loaded as frames that are data: at
//! every suspension and wherever the fuel ends, of random programs.

mod frame_programs;

use frame_programs::recurse::Style;
use frame_programs::saved::{Stop, stops_are_not_noticed};

#[test]
fn a_recursion_that_is_carried_at_every_stop_is_the_straight_run() {
    stops_are_not_noticed(3_000, Stop::Saved, |_| Some(Style::State));
    stops_are_not_noticed(3_000, Stop::Saved, |_| Some(Style::Keep));
}

#[test]
fn a_recursion_that_is_carried_by_increments_is_the_straight_run() {
    stops_are_not_noticed(1_000, Stop::Increment, |_| Some(Style::State));
    stops_are_not_noticed(1_000, Stop::Increment, |_| Some(Style::Keep));
}

/// What frames of one style have left behind, frames of another go on with.
#[test]
fn all_ways_to_hold_frames_take_turns() {
    fn style(stop: usize) -> Option<Style> {
        [None, Some(Style::State), Some(Style::Keep)][stop % 3]
    }

    stops_are_not_noticed(2_000, Stop::Saved, style);
    stops_are_not_noticed(1_000, Stop::Now(2), style);
}
