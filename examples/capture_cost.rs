//! The price of a continuation against the depth of the stack, beside that of copying the
//! stack, and against what lies between the frames; in a quarter of a minute.
//!
//! ```text
//! capture_cost [--samples N] [--svg FILE]
//! ```
//!
//! The table shows medians. Below it stands a line for each row that a program can read: of
//! how many nanoseconds, and for what is compared, of the ratio. The measured programs are in
//! `benches/captures`.
//!
//! For numbers that mean something: a release build, on one core of a quiet machine.
//!
//! ```text
//! taskset -c 0 cargo run --release --example capture_cost
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plotters::prelude::*;

#[path = "../benches/captures/mod.rs"]
mod captures;
#[path = "../benches/medians/mod.rs"]
mod medians;

use captures::shapes::{self, Shape};
use captures::{Task, copying};
use medians::{Options, median, operations_in, per_operation, warn_of_debug};

const DEPTHS: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// So many prompts to be crossed in a stack of the last of these depths, and as many
/// segments in one of the last of those.
const PROMPTS: [u64; 4] = [1, 10, 100, 1_000];
const SEGMENTS: [u64; 5] = [1, 10, 100, 1_000, 10_000];

/// How the time goes with the depth, or with what lies between the frames.
struct Curve {
    name: &'static str,
    text: &'static str,
    against: &'static [u64],
    /// An operation, against such a number: so many times, how long.
    run: fn(u64, u64) -> Duration,
    /// How long a sample takes, about.
    sample: Duration,
    /// Nanoseconds.
    times: Vec<f64>,
}

impl Curve {
    fn new(
        name: &'static str,
        text: &'static str,
        against: &'static [u64],
        run: fn(u64, u64) -> Duration,
        sample: Duration,
    ) -> Self {
        Self {
            name,
            text,
            against,
            run,
            sample,
            times: Vec::new(),
        }
    }

    /// Measures, and prints a line of the table.
    fn measure(&mut self, samples: usize) {
        for &number in self.against {
            let time = sampled(|n| (self.run)(number, n), samples, self.sample);
            self.times.push(time);
        }
        let times = self.times.iter().map(|time| format!("{time:9.1}"));
        let times: Vec<_> = times.collect();
        println!("{:38} {}", self.text, times.join(" "));
    }

    /// What a program can read.
    fn print(&self) {
        for (number, time) in self.against.iter().zip(&self.times) {
            println!("ns {}_{number} {time:.2}", self.name);
        }
        let slope = self.times[self.times.len() - 1] / self.times[0];
        println!("ratio {}_slope {slope:.4}", self.name);
    }
}

/// The median of samples that each take about so long.
fn sampled(run: impl Fn(u64) -> Duration, samples: usize, sample: Duration) -> f64 {
    let n = operations_in(&run, sample);
    median((0..samples).map(|_| per_operation(run(n), n)).collect())
}

/// The medians of two ways, taken by turns.
fn both(samples: usize, ways: [&dyn Fn() -> f64; 2]) -> [f64; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for i in 0..samples {
        for which in [i % 2, 1 - i % 2] {
            times[which].push(ways[which]());
        }
    }
    times.map(median)
}

fn header(text: &str, against: &[u64]) {
    let against: Vec<_> = against.iter().map(|n| format!("{n:>9}")).collect();
    println!("\n{text:38} {}", against.join(" "));
}

fn run(options: &Options, sample: Duration, deep: u64) -> Result<Vec<Curve>, Box<dyn Error>> {
    let samples = options.samples;
    println!("Nanoseconds, medians of {samples}.");
    warn_of_debug();
    header("at a depth of", &DEPTHS);
    // Of a stack that was never captured there is one for each capture, and it takes far
    // longer to build than to capture.
    let (few, fewer) = (sample / 4, sample / 2_000);
    let against_depth = |name, text, run, sample| Curve::new(name, text, &DEPTHS, run, sample);
    let mut curves = [
        against_depth("capture", "capture", captures::capture as _, sample),
        against_depth(
            "capture_instead",
            "capture in tail position",
            captures::capture_instead,
            sample,
        ),
        against_depth(
            "resume",
            "resume and escape",
            captures::resume_and_escape,
            sample,
        ),
        against_depth("copy_capture", "capture by copying", copying::capture, few),
        against_depth(
            "copy_resume",
            "resume and escape by copying",
            copying::resume_and_escape,
            few,
        ),
        against_depth(
            "first_capture",
            "capture for the first time",
            shapes::first_capture,
            fewer,
        ),
    ];
    for curve in &mut curves {
        curve.measure(samples);
    }

    header("with so many of them in a stack", &SEGMENTS);
    let mut between = [
        Curve::new(
            "prompts",
            "capture across prompts",
            &PROMPTS,
            |prompts, n| {
                let (depth, segments) = (PROMPTS[PROMPTS.len() - 1], 0);
                let shape = Shape {
                    depth,
                    prompts,
                    segments,
                };
                shapes::capture(shape, n)
            },
            sample,
        ),
        Curve::new(
            "segments",
            "capture of segments",
            &SEGMENTS,
            |segments, n| {
                let (depth, prompts) = (SEGMENTS[SEGMENTS.len() - 1], 0);
                let shape = Shape {
                    depth,
                    prompts,
                    segments,
                };
                shapes::capture(shape, n)
            },
            sample,
        ),
    ];
    for curve in &mut between {
        curve.measure(samples);
    }

    let through = |task| move || per_operation(captures::through(deep, task), deep);
    let [captured, never] = both(
        samples,
        [&through(Task::CaptureAndReturn), &through(Task::Return)],
    );
    let [abort, raise] = both(samples, [&through(Task::Abort), &through(Task::Raise)]);
    let [calls, bare] = both(
        samples,
        [
            &|| per_operation(captures::calls(1000, 100), 100_000),
            &|| per_operation(copying::calls(1000, 100), 100_000),
        ],
    );
    let by_hand = || per_operation(copying::calls_by_hand(1000, 100), 100_000);
    let by_hand = median((0..samples).map(|_| by_hand()).collect());
    let items = sampled(captures::items, samples, sample);
    println!("\na frame returned through: never captured {never:.2}, captured {captured:.2}");
    println!("a frame left: by a raise {raise:.2}, by an abort {abort:.2}");
    println!(
        "a call and its return: {calls:.2}, by the same steps on a bare Vec {bare:.2}, by hand {by_hand:.2}"
    );
    println!("an item of a generator by capture: {items:.1}\n");

    for curve in curves.iter().chain(&between) {
        curve.print();
    }
    println!("ns return_captured_extra {:.2}", captured - never);
    println!("ns item {items:.2}");
    println!("ratio abort_to_raise {:.4}", abort / raise);
    println!("ratio calls_to_vec {:.4}", calls / bare);
    println!("ratio calls_to_hand {:.4}", calls / by_hand);
    if let Some(file) = &options.svg {
        draw(file, &curves)?;
    }
    Ok(curves.into())
}

/// Draws time against depth, both by powers of ten.
fn draw(file: &Path, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    const COLOURS: [RGBColor; 6] = [
        RGBColor(38, 98, 158),
        RGBColor(72, 163, 198),
        RGBColor(46, 139, 87),
        RGBColor(178, 34, 34),
        RGBColor(218, 140, 30),
        RGBColor(110, 110, 110),
    ];
    let area = SVGBackend::new(file, (900, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "What a continuation costs, in nanoseconds",
            ("sans-serif", 20),
        )
        .margin(20)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(
            (DEPTHS[0] as f64..DEPTHS[DEPTHS.len() - 1] as f64).log_scale(),
            (1f64..1e8f64).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("frames")
        .y_desc("ns")
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS) {
        let points = DEPTHS.iter().zip(&curve.times);
        let points: Vec<_> = points.map(|(&depth, &time)| (depth as f64, time)).collect();
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(curve.text)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(31)?;
    run(&options, Duration::from_micros(500), 100_000)?;
    Ok(())
}

#[test]
fn capture_cost() {
    let svg = std::env::temp_dir().join(format!("capture_cost-{}.svg", std::process::id()));
    let options = Options {
        samples: 1,
        svg: Some(svg.clone()),
    };
    let curves = run(&options, Duration::from_micros(1), 1000).expect("measures and draws");
    let drawing = std::fs::read_to_string(&svg).expect("was written");
    std::fs::remove_file(&svg).expect("is there");
    assert!(curves.iter().all(|curve| drawing.contains(curve.text)));
}
