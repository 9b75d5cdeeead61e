//! The overflow of a stack: one line that says whose, and the end. Other faults go where
//! they went before.
//!
//! Each case is a child process.

#![cfg(all(target_os = "linux", feature = "std"))]
#![allow(
    unsafe_code,
    reason = "faults on purpose, and installs signal handlers"
)]

mod child;

use std::ffi::c_void;
use std::hint::black_box;
use std::ptr;
use std::thread;

use segno::stack::{DefaultStack, Pool, Stack, report_overflow};
use segno::{Coroutine, Generator};

const KIB: usize = 1024;

/// Recurses for ever.
#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let room = black_box([depth; 16]);
    if depth == u64::MAX {
        return 0;
    }
    overflow(depth + 1) + black_box(&room)[3]
}

#[inline(never)]
fn write_to_null() {
    // SAFETY: none; it faults.
    unsafe { black_box(ptr::null_mut::<u64>()).write_volatile(1) };
}

/// Takes the line of a report apart: name, size and address.
fn parse(line: &str) -> Option<(Option<&str>, usize, usize)> {
    let line = line.strip_prefix("segno: ")?;
    let (who, rest) = line.split_once(" overflowed its stack of ")?;
    let (size, address) = rest.split_once(" bytes at address 0x")?;
    let name = match who {
        "a coroutine" => None,
        who => Some(who.strip_prefix("coroutine '")?.strip_suffix('\'')?),
    };
    let address = usize::from_str_radix(address, 16).ok()?;
    Some((name, size.parse().ok()?, address))
}

/// Lets a coroutine overflow `stack`.
fn overflow_on(stack: DefaultStack) {
    println!(
        "\nguard {} {} usable {}",
        stack.limit().get(),
        stack.limit().get() + stack.guard_size(),
        stack.base().get() - stack.limit().get() - stack.guard_size(),
    );
    Coroutine::<(), (), u64, _>::with_stack(stack, |_, ()| overflow(0)).resume(());
}

#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer takes the fault for its own"
)]
#[test]
fn overflow_is_reported() {
    for case in ["slot", "own mapping", "other thread", "small pool"] {
        let Some(ended) = child::run("overflow_is_reported", case, || {
            report_overflow().unwrap();
            match case {
                "slot" => overflow_on(DefaultStack::default()),
                "own mapping" => overflow_on(DefaultStack::new(100 * KIB).unwrap()),
                "other thread" => {
                    let thread = thread::spawn(|| overflow_on(DefaultStack::default()));
                    thread.join().unwrap();
                }
                _ => {
                    let pool = Pool::builder().slot_size(64 * KIB).build();
                    let _others: Vec<_> = (0..9).map(|_| pool.take().unwrap()).collect();
                    overflow_on(pool.take().unwrap());
                }
            }
        }) else {
            continue;
        };
        ended.assert_died(libc::SIGABRT, "overflowed");
        let lines: Vec<_> = ended.err.lines().collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let (name, size, address) = parse(lines[0]).expect(lines[0]);
        let bounds = ended
            .out
            .lines()
            .find(|line| line.starts_with("guard"))
            .unwrap();
        let numbers: Vec<usize> = bounds
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        assert_eq!((name, size), (None, numbers[2]));
        assert!(
            (numbers[0]..numbers[1]).contains(&address),
            "{bounds} {address}"
        );
    }
}

#[test]
fn overflow_names_the_coroutine() {
    for (case, name) in [
        ("short", "walker".to_string()),
        ("long", "n".repeat(200)),
        ("odd", "tree\n'walker'\u{7f}".to_string()),
    ] {
        let Some(ended) = child::run("overflow_names_the_coroutine", case, || {
            report_overflow().unwrap();
            let mut coroutine = Coroutine::<(), (), u64>::builder()
                .name(name.clone())
                .stack_size(200 * KIB)
                .build(|yielder, ()| {
                    yielder.suspend(());
                    overflow(0)
                })
                .unwrap();
            coroutine.resume(());
            coroutine.resume(());
        }) else {
            continue;
        };
        let kept = name[..name.len().min(128)].replace(|c: char| c.is_ascii_control(), "?");
        ended.assert_died(
            libc::SIGABRT,
            &format!("segno: coroutine '{kept}' overflowed its stack of "),
        );
        assert_eq!(ended.err.lines().count(), 1);
        let size = parse(ended.err.trim_end()).unwrap().1;
        assert!((200 * KIB..264 * KIB).contains(&size));
    }
}

#[test]
fn overflow_of_the_innermost_is_reported() {
    for case in ["coroutine", "generator", "call"] {
        let Some(ended) = child::run("overflow_of_the_innermost_is_reported", case, || {
            report_overflow().unwrap();
            let mut outer = Coroutine::<(), (), ()>::builder()
                .name("outer")
                .build(move |_, ()| match case {
                    "coroutine" => {
                        let builder = Coroutine::<(), (), u64>::builder().name("inner");
                        builder.build(|_, ()| overflow(0)).unwrap().resume(());
                    }
                    "generator" => {
                        let stack = DefaultStack::new(100 * KIB).unwrap();
                        Generator::with_stack(stack, |y| y.suspend(overflow(0))).next();
                    }
                    _ => {
                        let stack = DefaultStack::new(100 * KIB).unwrap();
                        segno::on_stack(stack, || overflow(0));
                    }
                })
                .unwrap();
            outer.resume(());
        }) else {
            continue;
        };
        ended.assert_died(libc::SIGABRT, "overflowed");
        let (name, size, _) = parse(ended.err.trim_end()).expect(&ended.err);
        match case {
            "coroutine" => assert_eq!((name, size >= 1024 * KIB), (Some("inner"), true)),
            _ => assert_eq!((name, size < 200 * KIB), (None, true)),
        }
    }
}

/// A name does not outlive its coroutine on a stack that is used again.
#[test]
fn overflow_of_a_stack_used_again() {
    if let Some(ended) = child::run("overflow_of_a_stack_used_again", "", || {
        report_overflow().unwrap();
        let builder = Coroutine::<(), (), ()>::builder().name("earlier");
        let mut earlier = builder.build(|_, ()| ()).unwrap();
        earlier.resume(());
        overflow_on(earlier.into_stack());
    }) {
        ended.assert_died(libc::SIGABRT, "segno: a coroutine overflowed");
        assert!(!ended.err.contains("earlier"));
    }
}

#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer takes the fault for its own"
)]
#[test]
fn overflow_without_the_report() {
    if let Some(ended) = child::run("overflow_without_the_report", "", || {
        overflow_on(DefaultStack::default());
    }) {
        // The handler of the standard library does not know the stack.
        ended.assert_died(libc::SIGSEGV, "");
        assert_eq!(ended.err, "");
    }
}

#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer takes the fault for its own"
)]
#[test]
fn overflow_of_a_threads_own_stack() {
    if let Some(ended) = child::run("overflow_of_a_threads_own_stack", "", || {
        report_overflow().unwrap();
        thread::Builder::new()
            .name("own".into())
            .spawn(|| overflow(0))
            .unwrap()
            .join()
            .unwrap();
    }) {
        // The report is that of the standard library.
        ended.assert_died(libc::SIGABRT, "'own'");
        assert!(!ended.err.contains("segno"));
    }
}

fn say(words: &str) {
    // SAFETY: the words can be read.
    unsafe { libc::write(2, words.as_ptr().cast(), words.len()) };
}

extern "C" fn earlier_handler(signal: i32) {
    assert_eq!(signal, libc::SIGSEGV);
    say("the earlier handler\n");
    // SAFETY: always allowed.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

extern "C" fn earlier_handler_with_info(
    signal: i32,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    // SAFETY: the kernel passes both.
    if unsafe { (*info).si_addr() }.is_null() && !context.is_null() {
        say("at null: ");
    }
    earlier_handler(signal);
}

fn install(handler: usize, flags: i32) {
    // SAFETY: the handlers above write a line, and nothing else.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, ptr::null_mut()), 0);
    }
}

#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "the sanitizer takes the fault for its own"
)]
#[test]
fn other_faults_are_left_to_the_earlier_handler() {
    let plain: extern "C" fn(i32) = earlier_handler;
    let with_info: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) =
        earlier_handler_with_info;
    for (case, words) in [
        ("std", ""),
        ("default", ""),
        ("ignore", ""),
        ("plain", "the earlier handler\n"),
        ("with info", "at null: the earlier handler\n"),
        ("in a coroutine", "at null: the earlier handler\n"),
    ] {
        let Some(ended) = child::run("other_faults_are_left_to_the_earlier_handler", case, || {
            match case {
                "std" => {}
                "default" => install(libc::SIG_DFL, 0),
                "ignore" => install(libc::SIG_IGN, 0),
                "plain" => install(plain as usize, 0),
                _ => install(with_info as usize, libc::SA_SIGINFO | libc::SA_ONSTACK),
            }
            report_overflow().unwrap();
            let mut coroutine = Coroutine::<(), (), ()>::new(|_, ()| write_to_null());
            if case == "in a coroutine" {
                coroutine.resume(());
            } else {
                write_to_null();
            }
        }) else {
            continue;
        };
        ended.assert_died(libc::SIGSEGV, words);
        assert_eq!(ended.err, words, "{case}");
    }
}

#[test]
fn faults_that_were_sent_are_left_to_the_earlier_handler() {
    let plain: extern "C" fn(i32) = earlier_handler;
    for (case, words) in [
        ("ignore", "goes on\n"),
        ("plain", "the earlier handler\ngoes on\n"),
        ("default", ""),
    ] {
        let name = "faults_that_were_sent_are_left_to_the_earlier_handler";
        let Some(ended) = child::run(name, case, || {
            install(
                if case == "plain" {
                    plain as usize
                } else if case == "ignore" {
                    libc::SIG_IGN
                } else {
                    libc::SIG_DFL
                },
                0,
            );
            report_overflow().unwrap();
            // SAFETY: always allowed.
            unsafe { libc::raise(libc::SIGSEGV) };
            say("goes on\n");
        }) else {
            continue;
        };
        assert_eq!(
            (ended.err.as_str(), ended.signal),
            (words, (case == "default").then_some(libc::SIGSEGV)),
            "{case}"
        );
    }
}
