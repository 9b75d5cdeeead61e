//! The price of a continuation against the depth of the stack, beside that of copying the
//! stack, in a quarter of a minute.
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
use std::path::{Path, PathBuf};
use std::time::Duration;

use plotters::prelude::*;

#[path = "../benches/captures/mod.rs"]
mod captures;

use captures::{Task, copying};

const DEPTHS: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// An operation at a depth: so many times, how long.
type Run = fn(u64, u64) -> Duration;

/// How the time goes with the depth.
struct Curve {
    name: &'static str,
    text: &'static str,
    run: Run,
    /// How long a sample takes, about.
    sample: Duration,
    /// Nanoseconds, for each depth.
    times: Vec<f64>,
}

impl Curve {
    fn new(name: &'static str, text: &'static str, run: Run, sample: Duration) -> Self {
        Self {
            name,
            text,
            run,
            sample,
            times: Vec::new(),
        }
    }

    fn measure(&mut self, samples: usize) {
        for depth in DEPTHS {
            let n = operations_in(|n| (self.run)(depth, n), self.sample);
            let times = (0..samples).map(|_| per_operation((self.run)(depth, n), n));
            self.times.push(median(times.collect()));
        }
    }

    /// The last as a multiple of the first.
    fn slope(&self) -> f64 {
        self.times[self.times.len() - 1] / self.times[0]
    }
}

fn per_operation(taken: Duration, n: u64) -> f64 {
    taken.as_nanos() as f64 / n as f64
}

/// How many operations take about as long as a sample should.
fn operations_in(run: impl Fn(u64) -> Duration, sample: Duration) -> u64 {
    let mut n = 1;
    loop {
        let taken = run(n);
        if taken * 4 >= sample {
            return 1 + (sample.as_nanos() as f64 / per_operation(taken, n)) as u64;
        }
        n *= 2;
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Two ways, sample by sample in turns, and the ratio of their medians.
fn compare(samples: usize, runs: [&dyn Fn() -> f64; 2]) -> [f64; 3] {
    let mut times = [Vec::new(), Vec::new()];
    for i in 0..samples {
        for which in [i % 2, 1 - i % 2] {
            times[which].push(runs[which]());
        }
    }
    let [ours, other] = times.map(median);
    [ours, other, ours / other]
}

struct Options {
    samples: usize,
    svg: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            samples: 31,
            svg: None,
        };
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{option} what?"));
            match &*option {
                "--samples" => options.samples = value()?.parse()?,
                "--svg" => options.svg = Some(value()?.into()),
                _ => return Err("usage: capture_cost [--samples N] [--svg FILE]".into()),
            }
        }
        if options.samples == 0 {
            return Err("at least one sample".into());
        }
        Ok(options)
    }
}

fn run(options: &Options, sample: Duration, deep: u64) -> Result<Vec<Curve>, Box<dyn Error>> {
    let samples = options.samples;
    println!("Nanoseconds, medians of {samples}.");
    if cfg!(debug_assertions) {
        println!("This is a debug build, whose numbers mean little: use --release.");
    }
    println!(
        "\n{:38} {}",
        "at a depth of",
        DEPTHS.map(|depth| format!("{depth:>9}")).join(" ")
    );
    let mut curves = [
        Curve::new("capture", "capture", captures::capture, sample),
        Curve::new(
            "resume",
            "resume and escape",
            captures::resume_and_escape,
            sample,
        ),
        Curve::new(
            "copy_capture",
            "capture by copying",
            copying::capture,
            sample / 4,
        ),
        Curve::new(
            "copy_resume",
            "resume and escape by copying",
            copying::resume_and_escape,
            sample / 4,
        ),
    ];
    for curve in &mut curves {
        curve.measure(samples);
        let times: Vec<_> = curve
            .times
            .iter()
            .map(|time| format!("{time:9.1}"))
            .collect();
        println!("{:38} {}", curve.text, times.join(" "));
    }

    let per_frame = |taken: Duration| per_operation(taken, deep);
    let [captured, never, _] = compare(
        samples,
        [
            &|| per_frame(captures::through(deep, Task::CaptureAndReturn)),
            &|| per_frame(captures::through(deep, Task::Return)),
        ],
    );
    let [abort, raise, abort_ratio] = compare(
        samples,
        [&|| per_frame(captures::through(deep, Task::Abort)), &|| {
            per_frame(captures::through(deep, Task::Raise))
        }],
    );
    let [calls, bare, calls_ratio] = compare(
        samples,
        [
            &|| per_operation(captures::calls(1000, 100), 100_000),
            &|| per_operation(copying::calls(1000, 100), 100_000),
        ],
    );
    let items = {
        let n = operations_in(captures::items, sample);
        median(
            (0..samples)
                .map(|_| per_operation(captures::items(n), n))
                .collect(),
        )
    };
    println!("\na frame returned through: never captured {never:.2}, captured {captured:.2}");
    println!("a frame left: by a raise {raise:.2}, by an abort {abort:.2}");
    println!("a call and its return: {calls:.2}, on a bare Vec {bare:.2}");
    println!("an item of a generator by capture: {items:.1}\n");

    for curve in &curves {
        for (depth, time) in DEPTHS.iter().zip(&curve.times) {
            println!("ns {}_{depth} {time:.2}", curve.name);
        }
        println!("ratio {}_slope {:.4}", curve.name, curve.slope());
    }
    println!("ns return_captured_extra {:.2}", captured - never);
    println!("ns item {items:.2}");
    println!("ratio abort_to_raise {abort_ratio:.4}");
    println!("ratio calls_to_vec {calls_ratio:.4}");
    if let Some(file) = &options.svg {
        draw(file, &curves)?;
    }
    Ok(curves.into())
}

/// Draws time against depth, both by powers of ten.
fn draw(file: &Path, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    const COLOURS: [RGBColor; 4] = [
        RGBColor(38, 98, 158),
        RGBColor(46, 139, 87),
        RGBColor(178, 34, 34),
        RGBColor(218, 140, 30),
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
    let options = Options::parse(std::env::args().skip(1))?;
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
