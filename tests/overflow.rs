//! What a program says when a coroutine overflows its stack. Each case runs in a child
//! process, since it dies.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "faults on purpose, and a signal handler")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::{env, mem, ptr, thread};

use segno::stack::{Pool, report_overflow};
use segno::{Coroutine, on_stack};

const CASE: &str = "SEGNO_OVERFLOW_CASE";

#[allow(unconditional_recursion, reason = "overflows on purpose")]
#[inline(never)]
fn recurse(filling: &mut [u8; 200]) -> u8 {
    let mut more = [filling[0]; 200];
    recurse(std::hint::black_box(&mut more)) + more[7]
}

fn null() {
    // SAFETY: none; that is the point.
    unsafe { ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
}

extern "C" fn earlier(_: libc::c_int) {
    // SAFETY: both calls may be made in a handler.
    unsafe {
        let line = b"the earlier handler\n";
        libc::write(2, line.as_ptr().cast(), line.len());
        libc::_exit(7);
    }
}

/// Runs one case, in the child.
fn run(case: &str) {
    if case == "null_with_earlier_handler" {
        // SAFETY: a handler with the right signature.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_flags = libc::SA_ONSTACK;
            action.sa_sigaction = earlier as *const () as usize;
            libc::sigaction(libc::SIGSEGV, &action, ptr::null_mut());
        }
    }
    report_overflow().unwrap();
    let named = || Coroutine::<(), (), u8>::builder().name("deep diver");
    let overflow = |_: &segno::Yielder<(), ()>, ()| recurse(&mut [1; 200]);
    match case {
        "pooled" => {
            named().build(overflow).unwrap().resume(());
        }
        "unnamed" => {
            Coroutine::new(overflow).resume(());
        }
        "own_mapping" => {
            let builder = named().stack_size(128 * 1024);
            builder.build(overflow).unwrap().resume(());
        }
        "small_pool" => {
            let pool = Pool::builder().slot_size(64 * 1024).build();
            let _others: Vec<_> = (0..20).map(|_| pool.take().unwrap()).collect();
            named().pool(&pool).build(overflow).unwrap().resume(());
        }
        "thread" => thread::spawn(move || {
            named().build(overflow).unwrap().resume(());
        })
        .join()
        .unwrap(),
        "bare_thread" => {
            // A thread that the standard library did not make has no alternate stack until
            // it asks for the report itself.
            extern "C" fn body(_: *mut libc::c_void) -> *mut libc::c_void {
                report_overflow().unwrap();
                let mut coroutine = Coroutine::<(), (), u8>::builder()
                    .name("deep diver")
                    .build(|_, ()| recurse(&mut [1; 200]))
                    .unwrap();
                coroutine.resume(());
                ptr::null_mut()
            }
            // SAFETY: the thread is joined.
            unsafe {
                let mut id = mem::zeroed();
                libc::pthread_create(&mut id, ptr::null(), body, ptr::null_mut());
                libc::pthread_join(id, ptr::null_mut());
            }
        }
        "nested" => {
            let mut outer = Coroutine::<(), (), ()>::builder()
                .name("outer")
                .build(move |_, ()| {
                    named().build(overflow).unwrap().resume(());
                })
                .unwrap();
            outer.resume(());
        }
        "on_stack" => {
            let stack = segno::stack::DefaultStack::new(64 * 1024).unwrap();
            on_stack(stack, || recurse(&mut [1; 200]));
        }
        "large_frame" => {
            // The frame is larger than stack and guard together; the compiler probes it.
            let mut coroutine = named()
                .stack_size(64 * 1024)
                .build(|_, ()| {
                    let mut large = [1u8; 512 * 1024];
                    std::hint::black_box(&mut large)[99]
                })
                .unwrap();
            coroutine.resume(());
        }
        "null" | "null_with_earlier_handler" => {
            let mut coroutine = named()
                .build(|_, ()| {
                    null();
                    1
                })
                .unwrap();
            coroutine.resume(());
        }
        other => panic!("no case {other}"),
    }
    unreachable!("{case} survived");
}

fn child(case: &str) -> Output {
    let me = env::current_exe().unwrap();
    // Under emulation the program is no program of this machine.
    let runner = env::vars()
        .find(|(name, _)| name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER"))
        .map(|(_, value)| value)
        .filter(|_| !cfg!(target_arch = "x86_64"));
    let mut command = match &runner {
        Some(runner) => {
            let mut words = runner.split_whitespace();
            let mut command = Command::new(words.next().unwrap());
            command.args(words).arg(me);
            command
        }
        None => Command::new(me),
    };
    command
        .args([
            "--exact",
            "overflow_child",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(CASE, case)
        .output()
        .unwrap()
}

/// What the others start.
#[test]
fn overflow_child() {
    if let Ok(case) = env::var(CASE) {
        run(&case);
    }
}

fn report(case: &str) -> String {
    let output = child(case);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.signal(),
        Some(libc::SIGABRT),
        "{case}: {:?}\n{stderr}",
        output.status
    );
    let lines: Vec<_> = stderr.lines().filter(|l| l.contains("segno")).collect();
    let [line] = lines[..] else {
        panic!("{case}: one line expected:\n{stderr}")
    };
    line.to_owned()
}

#[test]
fn overflow_names_coroutine_size_and_address() {
    for case in [
        "pooled",
        "own_mapping",
        "small_pool",
        "thread",
        "bare_thread",
        "nested",
    ] {
        let line = report(case);
        assert!(line.contains("'deep diver'"), "{case}: {line}");
        assert!(line.contains(" 0x"), "{case}: {line}");
        let size: usize = line
            .split_whitespace()
            .find_map(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{case}: {line}"));
        let least = match case {
            "own_mapping" => 128 * 1024,
            "small_pool" => 32 * 1024,
            _ => 1024 * 1024,
        };
        assert!(
            (least..least + 256 * 1024).contains(&size),
            "{case}: {line}"
        );
    }
}

#[test]
fn overflow_without_a_name() {
    for case in ["unnamed", "on_stack"] {
        let line = report(case);
        assert!(!line.contains('\''), "{line}");
    }
}

#[test]
fn overflow_by_a_frame_larger_than_the_guard() {
    assert!(report("large_frame").contains("'deep diver'"));
}

#[test]
fn fault_that_is_no_overflow_goes_to_the_earlier_handler() {
    let output = child("null_with_earlier_handler");
    assert_eq!(output.status.code(), Some(7));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("the earlier handler") && !stderr.contains("segno:"),
        "{stderr}"
    );

    let output = child("null");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{stderr}");
    assert!(!stderr.contains("segno:"), "{stderr}");
}
