//! The price of a yield, beside corosensei's, in a quarter of a minute.
//!
//! ```text
//! yield_cost [--samples N] [--svg FILE]
//! ```
//!
//! Each operation is measured on both crates by turns, at many places on the stack; the
//! table shows the medians, and the ratio of the two. Below it stands a line for each row
//! that a program can read. The measured programs are in `benches/workload`, the account of
//! what they show and do not show is in `benches/README.md`.
//!
//! For numbers that mean something: a release build, on one core of a quiet machine.
//!
//! ```text
//! taskset -c 0 cargo run --release --example yield_cost
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use segno::stack::Pool;

#[path = "../benches/medians/mod.rs"]
mod medians;
#[path = "../benches/workload/mod.rs"]
mod workload;

use medians::{Options, median, operations_in, per_operation, warn_of_debug};
use workload::{Run, at_place, corosensei, generator, segno as ours};

/// How long a sample takes, about: shorter than the time for which a scheduler lets it run.
const SAMPLE: Duration = Duration::from_millis(1);

/// An operation, and how each crate does it.
struct Operation {
    name: &'static str,
    text: &'static str,
    segno: Run,
    corosensei: Run,
}

#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "unit", text: "round trip, ()",
        segno: |n| ours::round_trip((), n),
        corosensei: |n| corosensei::round_trip((), n),
    },
    Operation {
        name: "usize", text: "round trip, usize",
        segno: |n| ours::round_trip(1usize, n),
        corosensei: |n| corosensei::round_trip(1usize, n),
    },
    Operation {
        name: "bytes16", text: "round trip, 16 bytes",
        segno: |n| ours::round_trip((1u64, 2u64), n),
        corosensei: |n| corosensei::round_trip((1u64, 2u64), n),
    },
    Operation {
        name: "bytes64", text: "round trip, 64 bytes",
        segno: |n| ours::round_trip([1u64; 8], n),
        corosensei: |n| corosensei::round_trip([1u64; 8], n),
    },
    Operation {
        name: "generator", text: "item in a for loop, from a loop",
        segno: generator::items,
        corosensei: corosensei::items,
    },
    Operation {
        name: "buffered64", text: "the same, buffered(64)",
        segno: |n| generator::buffered(64, n),
        corosensei: corosensei::items,
    },
    Operation {
        name: "recursion", text: "item in a for loop, from a recursion",
        segno: generator::recursion,
        corosensei: corosensei::recursion,
    },
    Operation {
        name: "create_at_hand", text: "create + run + drop: default / stack at hand",
        segno: ours::create,
        corosensei: corosensei::create_with_stack,
    },
    Operation {
        name: "create_stack", text: "create + run + drop: stack at hand, both",
        segno: ours::create_with_stack,
        corosensei: corosensei::create_with_stack,
    },
    Operation {
        name: "create_default", text: "create + run + drop: default, both",
        segno: ours::create,
        corosensei: corosensei::create,
    },
    Operation {
        name: "hundred", text: "round trip, 100 coroutines in turn",
        segno: |n| hundred(true, n),
        corosensei: |n| corosensei::Turns::once((0..100).map(|_| Default::default()), n),
    },
    Operation {
        name: "hundred_uncoloured", text: "the same, stacks not coloured",
        segno: |n| hundred(false, n),
        corosensei: |n| corosensei::Turns::once((0..100).map(|_| Default::default()), n),
    },
];

/// 100 coroutines in turn, on stacks of a pool that differs from the global one in its
/// colours at most.
fn hundred(coloured: bool, n: u64) -> Duration {
    let pool = Pool::builder().colour(coloured).build();
    let stacks = (0..100).map(|_| pool.take().expect("there is room for a hundred stacks"));
    ours::Turns::once(stacks, n)
}

/// Medians, in nanoseconds.
struct Row {
    name: &'static str,
    text: &'static str,
    segno: f64,
    corosensei: f64,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.segno / self.corosensei
    }
}

fn measure(operation: &Operation, samples: usize, sample: Duration) -> Row {
    let runs = [operation.segno, operation.corosensei];
    let counts = runs.map(|run| operations_in(run, sample));
    let mut times = [Vec::new(), Vec::new()];
    for i in 0..samples {
        // By turns, and by turns first.
        for which in [i % 2, 1 - i % 2] {
            let taken = at_place(i, || runs[which](counts[which]));
            times[which].push(per_operation(taken, counts[which]));
        }
    }
    let [segno, corosensei] = times.map(median);
    Row {
        name: operation.name,
        text: operation.text,
        segno,
        corosensei,
    }
}

fn run(options: &Options, sample: Duration) -> Result<(), Box<dyn Error>> {
    println!(
        "A round trip is a resume and a suspend. Nanoseconds, medians of {}.",
        options.samples
    );
    warn_of_debug();
    println!();
    println!(
        "{:45} {:>9} {:>11} {:>8}",
        "operation", "segno", "corosensei", "ratio"
    );
    let mut rows = Vec::new();
    for operation in OPERATIONS {
        let row = measure(operation, options.samples, sample);
        let (segno, corosensei, ratio) = (row.segno, row.corosensei, row.ratio());
        println!("{:45} {segno:9.2} {corosensei:11.2} {ratio:8.4}", row.text);
        rows.push(row);
    }
    println!();
    for row in &rows {
        println!("ratio {} {:.4}", row.name, row.ratio());
    }
    match &options.svg {
        Some(file) => draw(file, &rows),
        None => Ok(()),
    }
}

/// Draws a bar for each row, as long as segno's share of the time that corosensei takes.
fn draw(file: &Path, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    const LEFT: i32 = 350; // of which the names take up all but a margin
    const UNIT: i32 = 420; // how long corosensei's bar is
    const TOP: i32 = 76;
    const STEP: i32 = 44;
    const LONGEST: f64 = 1.5;
    const GREY: RGBColor = RGBColor(208, 208, 208);
    const BLUE: RGBColor = RGBColor(38, 98, 158);
    const INK: RGBColor = RGBColor(40, 40, 40);

    let bottom = TOP + STEP * rows.len() as i32;
    let size = (LEFT + UNIT + 260, bottom + 30);
    let area = SVGBackend::new(file, (size.0 as u32, size.1 as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let font = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let write = |text: &str, at, size, to| {
        let style = font(size).pos(Pos::new(to, VPos::Center));
        area.draw(&Text::new(text.to_owned(), at, style))
    };
    let bar = |at: (i32, i32), length, height, colour: RGBColor| {
        let corners = [at, (at.0 + length, at.1 + height)];
        area.draw(&Rectangle::new(corners, colour.filled()))
    };

    write(
        "What an operation takes, in nanoseconds: medians of one run",
        (24, 26),
        20,
        HPos::Left,
    )?;
    bar((24, 46), 14, 10, BLUE)?;
    write("segno", (44, 51), 14, HPos::Left)?;
    bar((104, 46), 14, 10, GREY)?;
    write(
        "corosensei, each row drawn to its length",
        (124, 51),
        14,
        HPos::Left,
    )?;
    for (i, row) in rows.iter().enumerate() {
        let y = TOP + STEP * i as i32;
        let length = (row.ratio().min(LONGEST) * f64::from(UNIT)).round() as i32;
        write(row.text, (LEFT - 12, y + 16), 15, HPos::Right)?;
        bar((LEFT, y), length.max(1), 16, BLUE)?;
        bar((LEFT, y + 17), UNIT, 16, GREY)?;
        let text = format!("{:.2} ns (ratio {:.4})", row.segno, row.ratio());
        write(&text, (LEFT + length.max(1) + 8, y + 8), 13, HPos::Left)?;
        let text = format!("{:.2} ns", row.corosensei);
        write(&text, (LEFT + UNIT + 8, y + 26), 13, HPos::Left)?;
    }
    area.present()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&Options::parse(4 * workload::PLACES)?, SAMPLE)
}

#[test]
fn yield_cost() {
    let svg = std::env::temp_dir().join(format!("yield_cost-{}.svg", std::process::id()));
    let options = Options {
        samples: 2,
        svg: Some(svg.clone()),
    };
    run(&options, Duration::from_micros(20)).expect("measures and draws");
    let drawing = std::fs::read_to_string(&svg).expect("was written");
    std::fs::remove_file(&svg).expect("is there");
    assert!(
        OPERATIONS
            .iter()
            .all(|operation| drawing.contains(operation.text))
    );
}
