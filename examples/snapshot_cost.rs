//! The size of a snapshot and what it takes to write and to read one, beside serde_json and
//! plain postcard of the same data; and what it takes to keep many suspended programs as
//! snapshots, and to go on with one of them.
//!
//! ```text
//! snapshot_cost [--samples N]
//! ```
//!
//! The frames are of two small integers each. The bytes of the programs that are kept are
//! counted: what they have in memory, but for what the allocator adds. Below the table stands
//! a line for each number that a program can read. For numbers that mean something: a release build, on one core of a
//! quiet machine.
//!
//! ```text
//! taskset -c 0 cargo run --release --features serde,derive --example snapshot_cost
//! ```

use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use segno::frame::{Context, Continuation, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{LoadLimits, Loaded, Persist, Registry, Save};
use serde::{Deserialize, Serialize};

#[path = "../benches/medians/mod.rs"]
mod medians;

use medians::{Options, median, operations_in, per_operation, warn_of_debug};

const DEPTHS: [u32; 4] = [100, 1_000, 10_000, 100_000];
/// How many frames are new in an increment.
const NEW: u32 = 10;
/// How many programs are kept, and how many frames each has.
const KEPT: u64 = 100_000;
const KEPT_DEPTH: u32 = 10;

/// Calls itself `left` times, and asks.
#[derive(Clone, Debug, Describe, Persist, Serialize, Deserialize)]
struct Call {
    left: u32,
    small: u32,
}

impl Frame for Call {
    /// How many more calls there are to be.
    type Value = u32;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match input {
            Input::Start if self.left == 0 => Step::Suspend(0),
            Input::Value(left @ 1..) => Step::Call(Self {
                left: left - 1,
                small: self.small,
            }),
            Input::Start => {
                self.left -= 1;
                let call = self.clone();
                self.left %= 100;
                Step::Call(call)
            }
            _ => Step::Return(0),
        }
    }
}

/// Calls itself `left` times, and asks for a number again and again.
#[derive(Clone, Debug, Describe, Persist)]
struct Sum {
    left: u32,
    sum: u64,
}

impl Frame for Sum {
    type Value = u64;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        match input {
            Input::Start if self.left > 0 => Step::Call(Self {
                left: self.left - 1,
                sum: self.sum,
            }),
            Input::Value(number) => {
                self.sum += number;
                Step::Suspend(self.sum)
            }
            _ => Step::Suspend(self.sum),
        }
    }
}

/// Keeps so many programs and goes on with each of them, up to its next question: how many
/// bytes one takes meanwhile, and how many nanoseconds.
fn keep(options: &Options, count: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let registry = Rc::new(Registry::new("cost", 1));
    let save = |machine: &mut Machine<Sum>| -> Result<Box<[u8]>, Box<dyn Error>> {
        let mut save = Save::new(&registry);
        save.machine(machine)?;
        Ok(save.finish()?.into_boxed_slice())
    };
    let mut kept = Vec::new();
    for sum in 0..count {
        let left = KEPT_DEPTH - 1;
        let mut machine = Machine::new(Sum { left, sum });
        assert_eq!(machine.run(&mut ()), Outcome::Suspended(sum));
        kept.push((sum, save(&mut machine)?));
    }
    let sizes = kept
        .iter()
        .map(|(_, bytes)| size_of_val(bytes) + bytes.len());
    let size = sizes.sum::<usize>() as f64 / count as f64;
    let mut times = Vec::new();
    for some in kept.chunks_mut((count as usize).div_ceil(options.samples)) {
        let begun = Instant::now();
        for (sum, bytes) in &mut *some {
            let mut loaded = Loaded::<Sum>::read(bytes, &registry, LoadLimits::default())?;
            let mut machine = loaded.machine(0)?;
            machine.answer(Ok(1))?;
            assert_eq!(machine.run(&mut ()), Outcome::Suspended(*sum + 1));
            *bytes = save(&mut machine)?;
        }
        times.push(per_operation(begun.elapsed(), some.len() as u64));
    }
    Ok((size, median(times)))
}

fn suspended(depth: u32) -> Machine<Call> {
    let left = depth - 1;
    let mut machine = Machine::new(Call { left, small: 7 });
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
    machine
}

fn encode(registry: &Rc<Registry>, k: &Continuation<Call>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut save = Save::new(registry);
    save.continuation(k)?;
    Ok(save.finish()?)
}

fn decode(registry: &Rc<Registry>, bytes: &[u8]) -> Result<Loaded<Call>, Box<dyn Error>> {
    Ok(Loaded::read(bytes, registry, LoadLimits::default())?)
}

/// What a way to encode takes, for each frame.
struct Row {
    name: &'static str,
    bytes: f64,
    encode: f64,
    decode: f64,
}

impl Row {
    fn measure(
        name: &'static str,
        samples: usize,
        sample: Duration,
        frames: u32,
        encode: &dyn Fn() -> Vec<u8>,
        decode: &dyn Fn(&[u8]),
    ) -> Self {
        let frames = f64::from(frames);
        let bytes = encode();
        let time = |run: &dyn Fn()| time(samples, sample, run) / frames;
        Self {
            name,
            bytes: bytes.len() as f64 / frames,
            encode: time(&|| drop(black_box(encode()))),
            decode: time(&|| decode(black_box(&bytes))),
        }
    }
}

/// How many nanoseconds something takes.
fn time(samples: usize, sample: Duration, run: &dyn Fn()) -> f64 {
    let timed = |n: u64| {
        let begun = Instant::now();
        for _ in 0..n {
            run();
        }
        begun.elapsed()
    };
    let n = operations_in(timed, sample);
    let times = (0..samples).map(|_| per_operation(timed(n), n));
    median(times.collect())
}

/// What part of the bytes and of the time of a snapshot one takes that was taken since, of the
/// same stack with so many new frames.
fn increment(
    options: &Options,
    sample: Duration,
    depth: u32,
    new: u32,
) -> Result<(f64, f64), Box<dyn Error>> {
    let registry = Rc::new(Registry::new("cost", 1));
    let mut machine = suspended(depth);
    let k = machine.continuation().ok_or("it is suspended")?;
    let mut save = Save::new(&registry);
    save.continuation(&k)?;
    let (first, base) = save.finish_as_base()?;
    // The frame that is on top calls the new ones.
    machine.answer(Ok(new))?;
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
    let since = machine.continuation().ok_or("it is suspended")?;
    let again = || -> Result<Vec<u8>, Box<dyn Error>> {
        let mut save = Save::since(&base, &registry);
        save.continuation(&since)?;
        Ok(save.finish_as_base()?.0)
    };
    let second = again()?;
    let all =
        Loaded::<Call>::read_increments(&[&first, &second], &registry, LoadLimits::default())?;
    let mut frames = 0;
    machine.inspector().frames(&all.continuation(0)?, |_| {
        frames += 1;
        true
    });
    assert_eq!(frames, depth + new);
    let time = |run: &dyn Fn()| time(options.samples, sample, run);
    let whole = time(&|| drop(black_box(encode(&registry, &k).expect("is encoded"))));
    let part = time(&|| drop(black_box(again().expect("is encoded"))));
    Ok((second.len() as f64 / first.len() as f64, part / whole))
}

fn rows(options: &Options, sample: Duration, depth: u32) -> Vec<Row> {
    let registry = Rc::new(Registry::new("cost", 1));
    let mut machine = suspended(depth);
    let inspector = machine.inspector();
    let k = machine.continuation().expect("it is suspended");
    let mut frames = Vec::new();
    inspector.frames(&k, |frame: &Call| {
        frames.push(frame.clone());
        true
    });
    let measure = |name, encode: &dyn Fn() -> Vec<u8>, decode: &dyn Fn(&[u8])| {
        Row::measure(name, options.samples, sample, depth, encode, decode)
    };
    let frames = &frames;
    vec![
        measure(
            "segno",
            &|| encode(&registry, &k).expect("is encoded"),
            &|bytes| drop(black_box(decode(&registry, bytes).expect("is decoded"))),
        ),
        measure(
            "postcard",
            &|| postcard::to_stdvec(frames).expect("is encoded"),
            &|bytes| {
                drop(black_box(
                    postcard::from_bytes::<Vec<Call>>(bytes).expect("is decoded"),
                ));
            },
        ),
        measure(
            "json",
            &|| serde_json::to_vec(frames).expect("is encoded"),
            &|bytes| {
                drop(black_box(
                    serde_json::from_slice::<Vec<Call>>(bytes).expect("is decoded"),
                ));
            },
        ),
    ]
}

fn run(
    options: &Options,
    sample: Duration,
    depths: &[u32],
    kept: u64,
) -> Result<(), Box<dyn Error>> {
    warn_of_debug();
    let registry = Rc::new(Registry::new("cost", 1));
    let nothing = Save::<Call>::new(&registry).finish()?.len();
    let one = {
        let mut save = Save::new(&registry);
        save.machine(&mut suspended(1))?;
        save.finish()?.len()
    };
    println!("a snapshot of nothing: {nothing} bytes; of a machine with one frame: {one}\n");
    println!("for each frame           bytes   ns to encode   ns to decode");
    let mut lines = vec![
        format!("bytes nothing {nothing}"),
        format!("bytes one {one}"),
    ];
    for &depth in depths {
        for row in rows(options, sample, depth) {
            let Row {
                name,
                bytes,
                encode,
                decode,
            } = row;
            println!("{depth:>8} {name:10} {bytes:10.2} {encode:14.2} {decode:14.2}");
            lines.push(format!("bytes {name}_{depth} {bytes:.3}"));
            lines.push(format!("ns encode_{name}_{depth} {encode:.2}"));
            lines.push(format!("ns decode_{name}_{depth} {decode:.2}"));
        }
    }
    let deepest = depths.last().copied().unwrap_or(1);
    let (bytes, share) = increment(options, sample, deepest, NEW)?;
    println!(
        "\n{deepest} frames, and {NEW} more since: an increment has {:.3} % of the bytes and takes \
         {:.2} % of the time",
        100.0 * bytes,
        100.0 * share
    );
    lines.push(format!("share increment_bytes {bytes:.5}"));
    lines.push(format!("share increment_time {share:.5}"));
    let (size, ns) = keep(options, kept)?;
    println!(
        "\n{kept} suspended programs of {KEPT_DEPTH} frames, kept as snapshots: {size:.0} bytes each; \
         to load one, answer it, run it to its next question and save it: {:.2} µs",
        ns / 1000.0
    );
    lines.push(format!("bytes kept_{KEPT_DEPTH} {size:.1}"));
    lines.push(format!("ns continue_{KEPT_DEPTH} {ns:.0}"));
    println!("\n{}", lines.join("\n"));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(11)?;
    run(&options, Duration::from_millis(20), &DEPTHS, KEPT)
}

#[test]
fn snapshot_cost() {
    let options = Options {
        samples: 1,
        svg: None,
    };
    run(&options, Duration::from_micros(1), &[100], 100).expect("measures");
}
