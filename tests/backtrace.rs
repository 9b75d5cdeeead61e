//! A backtrace goes on from a coroutine into its resumer.

#![cfg(all(unix, feature = "std"))]
#![allow(unsafe_code, reason = "reads frame pointers, and stops for a debugger")]

mod child;

use std::backtrace::Backtrace;
use std::hint::black_box;
use std::process::Command;

use segno::stack::DefaultStack;
use segno::{Coroutine, Generator, ScopedCoroutine, Yielder, on_stack};

/// What a backtrace shows from here.
#[inline(never)]
fn captured_here() -> String {
    black_box(Backtrace::force_capture().to_string())
}

/// Calls `f` from a frame that stays.
macro_rules! frame {
    ($name:ident) => {
        #[inline(never)]
        fn $name<T>(f: impl FnOnce() -> T) -> T {
            let answer = f();
            black_box(());
            answer
        }
    };
}

frame!(in_the_outermost);
frame!(in_the_middle);
frame!(in_the_innermost);

/// Asserts that the functions are there, the innermost first, each once.
#[track_caller]
fn assert_shows(backtrace: &str, functions: &[&str]) {
    let mut rest = backtrace;
    for function in functions {
        let (_, after) = rest
            .split_once(function)
            .unwrap_or_else(|| panic!("no {function} in its place in\n{backtrace}"));
        rest = after;
    }
}

fn resume<Y>(coroutine: &mut Coroutine<(), Y, String>) -> String {
    coroutine.resume(()).as_return().unwrap()
}

#[test]
fn backtrace_traces_to_host() {
    let backtrace = in_the_outermost(|| {
        let mut coroutine = Coroutine::<(), (), _>::new(|_, ()| in_the_innermost(captured_here));
        resume(&mut coroutine)
    });
    assert_shows(
        &backtrace,
        &["captured_here", "in_the_innermost", "in_the_outermost"],
    );
}

#[test]
fn after_a_switch_the_latest_resumer_is_shown() {
    let mut coroutine = Coroutine::new(|yielder: &Yielder<(), ()>, ()| {
        in_the_innermost(|| {
            yielder.suspend(());
            captured_here()
        })
    });
    in_the_middle(|| coroutine.resume(()));
    let backtrace = in_the_outermost(|| resume(&mut coroutine));
    assert_shows(
        &backtrace,
        &["captured_here", "in_the_innermost", "in_the_outermost"],
    );
    assert!(!backtrace.contains("in_the_middle"), "{backtrace}");
}

#[test]
fn through_many_stacks() {
    let backtrace = in_the_outermost(|| {
        let mut outer = Coroutine::<(), (), _>::new(|_, ()| {
            in_the_middle(|| {
                let mut inner =
                    Coroutine::<(), (), _>::new(|_, ()| in_the_innermost(captured_here));
                resume(&mut inner)
            })
        });
        resume(&mut outer)
    });
    let order = [
        "captured_here",
        "in_the_innermost",
        "in_the_middle",
        "in_the_outermost",
    ];
    assert_shows(&backtrace, &order);

    // The stacks need not lie in any order of addresses.
    fn nested(mut stacks: Vec<DefaultStack>) -> String {
        match stacks.pop() {
            None => captured_here(),
            Some(stack) => {
                let mut coroutine = Coroutine::<(), (), _>::with_stack(stack, move |_, ()| {
                    in_the_middle(|| nested(stacks))
                });
                resume(&mut coroutine)
            }
        }
    }
    let mut stacks: Vec<_> = (0..6).map(|_| DefaultStack::default()).collect();
    stacks.swap(0, 3);
    stacks.swap(1, 4);
    let backtrace = in_the_outermost(|| nested(stacks));
    let order = ["captured_here"]
        .into_iter()
        .chain(["in_the_middle"; 6])
        .chain(["in_the_outermost"]);
    assert_shows(&backtrace, &order.collect::<Vec<_>>());
}

#[test]
fn through_an_outer_coroutine_resumed_again() {
    let mut outer = Coroutine::<(), (), String>::new(|outer, ()| {
        let inner = ScopedCoroutine::<(), (), String>::new(|_, ()| {
            outer.suspend(());
            in_the_innermost(captured_here)
        });
        in_the_middle(|| inner.scope(|mut inner| inner.resume(()).as_return().unwrap()))
    });
    outer.resume(());
    let backtrace = in_the_outermost(|| resume(&mut outer));
    let order = [
        "captured_here",
        "in_the_innermost",
        "in_the_middle",
        "in_the_outermost",
    ];
    assert_shows(&backtrace, &order);
}

#[test]
fn calls_on_other_stacks() {
    let stack = DefaultStack::default();
    let backtrace = in_the_outermost(|| on_stack(stack, || in_the_innermost(captured_here)));
    assert_shows(
        &backtrace,
        &["captured_here", "in_the_innermost", "in_the_outermost"],
    );

    let backtrace = in_the_outermost(|| {
        let mut coroutine = Coroutine::new(|yielder: &Yielder<(), ()>, ()| {
            in_the_middle(|| yielder.on_parent_stack(|| in_the_innermost(captured_here)))
        });
        resume(&mut coroutine)
    });
    let order = [
        "captured_here",
        "in_the_innermost",
        "in_the_middle",
        "in_the_outermost",
    ];
    assert_shows(&backtrace, &order);
}

#[test]
fn generators() {
    let items = || Generator::new(|y| y.suspend(in_the_innermost(captured_here)));
    let order = ["captured_here", "in_the_innermost", "in_the_outermost"];
    let mut plain = items();
    let backtrace = in_the_outermost(|| plain.next());
    assert_shows(&backtrace.unwrap(), &order);
    assert!(plain.next().is_none());
    let mut buffered = items().buffered(2);
    let backtrace = in_the_outermost(|| buffered.next());
    assert_shows(&backtrace.unwrap(), &order);
    assert!(buffered.next().is_none());
    let mut backtrace = String::new();
    in_the_outermost(|| items().for_each(|item| backtrace = item));
    assert_shows(&backtrace, &order);
}

#[cfg(feature = "unwind")]
#[test]
fn in_a_destructor_that_a_drop_runs() {
    use std::cell::RefCell;
    use std::rc::Rc;

    struct AtDrop(Rc<RefCell<String>>);
    impl Drop for AtDrop {
        fn drop(&mut self) {
            self.0.replace(in_the_innermost(captured_here));
        }
    }

    let shown = Rc::new(RefCell::new(String::new()));
    let at_drop = AtDrop(shown.clone());
    let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
        let _at_drop = at_drop;
        yielder.suspend(());
    });
    coroutine.resume(());
    in_the_outermost(|| drop(coroutine));
    let backtrace = shown.take();
    assert_shows(
        &backtrace,
        &["captured_here", "in_the_innermost", "in_the_outermost"],
    );
}

/// The frame pointer of the function that this is inlined into.
#[inline(always)]
fn frame_pointer() -> *const usize {
    let pointer: *const usize;
    // SAFETY: reads a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!("mov {}, rbp", out(reg) pointer, options(nomem, nostack));
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!("mov {}, x29", out(reg) pointer, options(nomem, nostack));
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            pointer = std::ptr::null();
        }
    }
    pointer
}

/// A profiler's way from frame to frame, without any tables.
#[test]
fn frame_pointers() {
    /// The frame pointers from this function outwards.
    #[inline(never)]
    fn walk() -> Vec<usize> {
        let mut found = Vec::new();
        let mut frame = frame_pointer();
        while !frame.is_null() && frame.is_aligned() && found.len() < 100 {
            found.push(frame.addr());
            // SAFETY: the test is built with frame pointers, and stops at a function that
            // has one.
            unsafe {
                if frame.addr() == black_box(OUTERMOST.get()) {
                    break;
                }
                frame = *frame as *const usize;
            }
        }
        found
    }
    #[inline(never)]
    fn outermost() -> (usize, Vec<usize>) {
        let here = frame_pointer().addr();
        OUTERMOST.set(here);
        let mut coroutine = Coroutine::<(), (), _>::new(|_, ()| {
            let mut inner = Coroutine::<(), (), _>::new(|_, ()| in_the_innermost(walk));
            inner.resume(()).as_return().unwrap()
        });
        let found = coroutine.resume(()).as_return().unwrap();
        (here, black_box(found))
    }
    thread_local! {
        static OUTERMOST: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    let flags = option_env!("RUSTFLAGS").unwrap_or_default();
    if !flags.contains("force-frame-pointers=yes") && !flags.contains("force-frame-pointers=true") {
        println!("not walked: this is built without -Cforce-frame-pointers=yes");
        return;
    }
    if frame_pointer().is_null() {
        println!("not walked: not on this architecture");
        return;
    }
    let (outermost, found) = outermost();
    assert_eq!(found.last(), Some(&outermost), "{found:#x?}");
    assert!(found.len() > 5);
}

#[inline(never)]
fn stops_here() {
    // SAFETY: always allowed.
    unsafe { libc::raise(libc::SIGTRAP) };
    black_box(());
}

#[test]
fn child_under_gdb() {
    let name = "child_under_gdb";
    let Some(ended) = child::run(name, "", || {
        in_the_outermost(|| {
            let mut outer = Coroutine::<(), (), ()>::new(|_, ()| {
                in_the_middle(|| {
                    let mut inner =
                        Coroutine::<(), (), ()>::new(|_, ()| in_the_innermost(stops_here));
                    inner.resume(());
                });
            });
            outer.resume(());
        });
    }) else {
        return;
    };
    ended.assert_died(libc::SIGTRAP, "");

    if child::emulator().is_some() {
        println!("not tried with gdb: this process is emulated");
        return;
    }
    let child = child::command(name, "");
    let mut gdb = Command::new("gdb");
    for setting in [
        "debuginfod enabled off",
        "startup-with-shell off",
        "height 0",
        "width 0",
    ] {
        gdb.args(["-iex", &format!("set {setting}")]);
    }
    gdb.args(["-nx", "-batch", "-ex", "run", "-ex", "bt", "--args"]);
    gdb.arg(child.get_program()).args(child.get_args());
    gdb.envs(
        child
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = match gdb.output() {
        Ok(output) => output,
        Err(error) => {
            println!("not tried with gdb: {error}");
            return;
        }
    };
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("Operation not permitted") {
        println!("not tried with gdb, which may not trace here: {errors}");
        return;
    }
    let order = [
        "stops_here",
        "in_the_innermost",
        "in_the_middle",
        "in_the_outermost",
    ];
    assert_shows(&shown, &order);
    assert!(
        !errors.contains("Backtrace stopped") && !shown.contains("Backtrace stopped"),
        "{shown}\n{errors}"
    );
}
