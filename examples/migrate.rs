//! A computation that goes back and forth between two processes a thousand times: each runs it
//! for a while, saves it, and sends it to the other.
//!
//! ```text
//! migrate            both: the other process is this program again
//! migrate peer PORT  the other one
//! ```

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;
use std::{env, process, thread};

use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{LoadLimits, Loaded, Object, Persist, Registry, Save, Shared};
use serde::{Deserialize, Serialize};

const TRIPS: usize = 1000;
/// How many steps each does at a time.
const FUEL: u64 = 100;
/// No message is longer.
const LONGEST: u32 = 1 << 20;

/// The Fibonacci numbers by the recursion that is in their definition, and what counts the
/// calls.
#[derive(Clone, Debug, Describe, Persist)]
struct Fibonacci {
    n: u64,
    /// What was computed of it.
    sum: u64,
    /// How many of the two summands that is.
    done: u8,
    #[slot(shared)]
    calls: Shared<Count>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Count(u64);

impl Object for Count {
    const NAME: &'static str = "count";
}

impl Frame for Fibonacci {
    type Value = u64;
    /// How many steps this process has done.
    type World = u64;

    fn resume(&mut self, input: Input<Self>, cx: &mut Context<'_, Self>) -> Step<Self> {
        *cx.world += 1;
        match input {
            Input::Start => self.calls.update(|calls| calls.0 += 1),
            Input::Value(value) => {
                self.sum += value;
                self.done += 1;
            }
            _ => return Step::Raise(0),
        }
        match self.done {
            _ if self.n < 2 => Step::Return(self.n),
            0 | 1 => Step::Call(Self {
                n: self.n - 1 - u64::from(self.done),
                sum: 0,
                done: 0,
                calls: self.calls.clone(),
            }),
            _ => Step::Return(self.sum),
        }
    }
}

fn send(
    to: &mut TcpStream,
    machine: &mut Machine<Fibonacci>,
    registry: &Rc<Registry>,
) -> Result<(), Box<dyn Error>> {
    let mut save = Save::new(registry);
    save.machine(machine)?;
    let bytes = save.finish()?;
    to.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
    to.write_all(&bytes)?;
    Ok(())
}

/// The machine that comes next; none if the other side has closed.
fn receive(
    from: &mut TcpStream,
    registry: &Rc<Registry>,
) -> Result<Option<Machine<Fibonacci>>, Box<dyn Error>> {
    let mut len = [0; 4];
    match from.read_exact(&mut len) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let len = u32::from_le_bytes(len);
    if len > LONGEST {
        return Err(format!("a message of {len} bytes is too long").into());
    }
    let mut bytes = vec![0; len as usize];
    from.read_exact(&mut bytes)?;
    let mut loaded = Loaded::read(&bytes, registry, LoadLimits::default())?;
    Ok(Some(loaded.machine(0)?))
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("migrate", 1))
}

/// Runs whatever comes for a while, and sends it back.
fn peer(port: u16) -> Result<(), Box<dyn Error>> {
    let registry = registry();
    let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    other.set_nodelay(true)?;
    let mut steps = 0;
    while let Some(mut machine) = receive(&mut other, &registry)? {
        match machine.run_for(FUEL, &mut steps)? {
            Outcome::OutOfFuel => send(&mut other, &mut machine, &registry)?,
            outcome => return Err(format!("it came to its end too early: {outcome:?}").into()),
        }
    }
    Ok(())
}

/// Computes with another process, which is told the port.
fn home(start_peer: impl FnOnce(u16) -> Command) -> Result<String, Box<dyn Error>> {
    let registry = registry();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut child = start_peer(listener.local_addr()?.port()).spawn()?;
    listener.set_nonblocking(true)?; // The other process may end before it connects.
    let mut other = loop {
        match listener.accept() {
            Ok((other, _)) => break other,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            Err(_) if child.try_wait()?.is_some() => return Err("nobody has connected".into()),
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    };
    other.set_nonblocking(false)?;
    other.set_nodelay(true)?;
    let calls = Shared::new(Count(0));
    let (n, sum, done) = (25, 0, 0);
    let mut machine = Machine::new(Fibonacci {
        n,
        sum,
        done,
        calls,
    });
    let mut steps = 0;
    for _ in 0..TRIPS / 2 {
        assert_eq!(machine.run_for(FUEL, &mut steps)?, Outcome::OutOfFuel);
        send(&mut other, &mut machine, &registry)?;
        let back = receive(&mut other, &registry)?;
        machine = back.ok_or("the other process has ended")?;
    }
    drop(other);
    if !child.wait()?.success() {
        return Err("the other process has failed".into());
    }
    match machine.run(&mut steps) {
        Outcome::Done(number) => Ok(format!(
            "the Fibonacci number {n} is {number}, after {TRIPS} journeys and {steps} steps of process {}",
            process::id()
        )),
        outcome => Err(format!("{outcome:?}").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            let program = env::current_exe()?;
            let told = home(|port| {
                let mut command = Command::new(program);
                command.args(["peer", &port.to_string()]);
                command
            })?;
            println!("{told}");
            Ok(())
        }
        [word, port] if word == "peer" => peer(port.parse()?),
        _ => Err("usage: migrate [peer PORT]".into()),
    }
}

/// What a child process of the test finds the port in.
#[cfg(test)]
const PORT: &str = "MIGRATE_PORT";

#[test]
fn child() {
    if let Ok(port) = env::var(PORT) {
        peer(port.parse().expect("a port")).expect("runs");
    }
}

#[test]
fn a_thousand_journeys() {
    let program = env::current_exe().expect("is somewhere");
    let told = home(|port| {
        let mut command = Command::new(program);
        command
            .args(["--exact", "child", "--quiet"])
            .env(PORT, port.to_string());
        command
    });
    assert!(told.expect("computes").contains("25 is 75025"));
}
