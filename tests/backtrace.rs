//! A backtrace inside a coroutine goes on into whoever resumed it.

#![cfg(unix)]
#![allow(unsafe_code, reason = "stops on purpose, and reads frame records")]

use std::backtrace::Backtrace;
use std::process::Command;
use std::{env, hint};

use segno::stack::DefaultStack;
use segno::{Coroutine, Generator, on_stack};

const STOP: &str = "SEGNO_BACKTRACE_STOP";

#[inline(never)]
fn names_here() -> String {
    Backtrace::force_capture().to_string()
}

/// Names that are looked for in a backtrace. The two differ, lest the compiler merge them.
#[inline(never)]
fn look_for_me<T>(f: impl FnOnce() -> T) -> T {
    let result = f();
    hint::black_box((&result, "one"));
    result
}

#[inline(never)]
fn and_for_me<T>(f: impl FnOnce() -> T) -> T {
    let result = f();
    hint::black_box((&result, "another"));
    result
}

fn assert_in_order(backtrace: &str, names: &[&str]) {
    let mut rest = backtrace;
    for name in names {
        let place = rest.find(name);
        let place = place.unwrap_or_else(|| panic!("no {name} in its place in\n{backtrace}"));
        rest = &rest[place + name.len()..];
    }
}

#[test]
fn backtrace_traces_to_host() {
    let mut coroutine = Coroutine::<(), (), String>::new(|yielder, ()| {
        yielder.suspend(());
        names_here()
    });
    look_for_me(|| coroutine.resume(()));
    // The second resumer is the one that counts.
    let backtrace = and_for_me(|| coroutine.resume(())).as_return().unwrap();
    assert_in_order(&backtrace, &["names_here", "and_for_me"]);
    assert!(!backtrace.contains("look_for_me"), "{backtrace}");
}

#[test]
fn backtrace_through_nested_coroutines() {
    let mut outer = Coroutine::<(), (), String>::new(|_, ()| {
        let mut inner = Coroutine::<(), (), String>::new(|_, ()| names_here());
        and_for_me(|| inner.resume(())).as_return().unwrap()
    });
    let backtrace = look_for_me(|| outer.resume(())).as_return().unwrap();
    assert_in_order(&backtrace, &["names_here", "and_for_me", "look_for_me"]);
}

#[test]
fn backtrace_on_other_stacks() {
    let stack = DefaultStack::default();
    let backtrace = look_for_me(|| on_stack(stack, || and_for_me(names_here)));
    assert_in_order(&backtrace, &["names_here", "and_for_me", "look_for_me"]);

    let mut coroutine = Coroutine::<(), (), String>::new(|yielder, ()| {
        and_for_me(|| yielder.on_parent_stack(names_here))
    });
    let backtrace = look_for_me(|| coroutine.resume(())).as_return().unwrap();
    assert_in_order(&backtrace, &["names_here", "and_for_me", "look_for_me"]);
}

#[test]
fn backtrace_in_a_generator() {
    let mut names = Generator::new(|y| y.suspend(names_here()));
    let backtrace = look_for_me(|| names.next()).unwrap();
    assert_in_order(&backtrace, &["names_here", "look_for_me"]);
}

#[cfg(feature = "unwind")]
#[test]
fn backtrace_while_unwinding() {
    struct Capture(std::rc::Rc<std::cell::RefCell<String>>);
    impl Drop for Capture {
        fn drop(&mut self) {
            *self.0.borrow_mut() = names_here();
        }
    }
    let names = std::rc::Rc::default();
    let capture = Capture(std::rc::Rc::clone(&names));
    let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
        let _capture = capture;
        yielder.suspend(());
    });
    coroutine.resume(());
    look_for_me(move || drop(coroutine));
    assert_in_order(&names.borrow(), &["names_here", "look_for_me"]);
}

/// Whether frame records are there depends on how the program was built, except for those
/// that a switch writes: from the root frame of the coroutine on, they lead to the resumer.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn frame_records_lead_through_the_link() {
    #[inline(always)]
    fn frame_pointer() -> usize {
        let frame;
        // SAFETY: reads a register.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack));
            #[cfg(target_arch = "aarch64")]
            std::arch::asm!("mov {}, x29", out(reg) frame, options(nomem, nostack));
        }
        frame
    }
    let mut coroutine = Coroutine::<(), (), [usize; 3]>::new(|yielder, ()| {
        // The yielder is the parent link, which the root frame's record begins with: what
        // it holds is the parent's record.
        let link = std::ptr::from_ref(yielder).cast::<usize>();
        // SAFETY: the link leads to the parent's frame record, which stands still.
        unsafe {
            let parent = *link as *const usize;
            [*parent, *parent.add(1), *link]
        }
    });
    let mut frame = 0;
    let [saved, address, record] = look_for_me(|| {
        frame = frame_pointer();
        coroutine.resume(()).as_return().unwrap()
    });
    assert_eq!(record % 8, 0);
    assert_ne!(address, 0);
    if cfg!(target_arch = "aarch64") {
        // AArch64 programs keep frame records.
        assert!(saved > record, "{saved:#x} {record:#x} {frame:#x}");
    }
}

/// What gdb is shown.
#[test]
fn stop() {
    if env::var_os(STOP).is_some() {
        let mut coroutine = Coroutine::<(), (), ()>::new(|_, ()| {
            and_for_me(|| std::process::abort());
        });
        look_for_me(|| coroutine.resume(()));
    }
}

#[test]
fn gdb_traces_to_host() {
    let found = Command::new("gdb").arg("--version").output();
    let emulated = env::vars().any(|(name, value)| {
        name.ends_with("_RUNNER") && name.starts_with("CARGO_TARGET_") && value.contains("qemu")
    });
    if found.is_err() || emulated {
        // The unwinder's view was tested above; the machines that build this crate have gdb.
        assert!(env::var_os("CI").is_none() || emulated, "gdb is missing");
        println!("not tested: there is no gdb for this program here");
        return;
    }
    let output = Command::new("gdb")
        .args(["-nx", "-batch", "-ex", "run", "-ex", "bt", "--args"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "stop", "--test-threads=1", "--nocapture"])
        .env(STOP, "1")
        .env_remove("CI")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("SIGABRT"), "{stdout}");
    assert_in_order(&stdout, &["and_for_me", "look_for_me"]);
}
