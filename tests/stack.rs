//! Stacks and pools: what is promised about memory, seen from outside.
//!
//! What depends on the limits or the mappings of the whole process runs in a child process,
//! which is this test binary again, told to run one test.

#![cfg(all(unix, feature = "std"))]
#![allow(
    unsafe_code,
    reason = "writes to stacks, and asks the system what it thinks of an address"
)]

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::mem;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::{Mutex, mpsc};
use std::thread;

use proptest::prelude::*;
use segno::error::StackError;
use segno::stack::{
    DefaultStack, GuardKind, MIN_STACK_SIZE, Pool, PoolBuilder, STACK_ALIGNMENT, Stack,
    report_overflow,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn page() -> usize {
    // SAFETY: always allowed.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// A pool with slots of 16 pages.
fn small() -> PoolBuilder {
    Pool::builder().slot_size(16 * page())
}

fn usable(stack: &DefaultStack) -> Range<usize> {
    stack.limit().get() + stack.guard_size()..stack.base().get()
}

/// Lets the kernel write zeros there; answers how many bytes it could write, or the error
/// number.
fn kernel_writes(start: usize, bytes: usize) -> Result<usize, i32> {
    // SAFETY: the kernel checks the address, and what lies there is an unused stack's.
    unsafe {
        let zero = libc::open(c"/dev/zero".as_ptr(), libc::O_RDONLY);
        assert!(zero >= 0);
        let read = libc::read(zero, start as *mut libc::c_void, bytes);
        let error = std::io::Error::last_os_error().raw_os_error().unwrap();
        libc::close(zero);
        if read < 0 {
            Err(error)
        } else {
            Ok(read as usize)
        }
    }
}

fn assert_guarded(stack: &DefaultStack) {
    assert!(stack.guard_size() >= page());
    let guard = stack.limit().get()..usable(stack).start;
    for address in [guard.start, guard.end - 1]
        .into_iter()
        .chain(guard.step_by(page()))
    {
        assert_eq!(kernel_writes(address, 1), Err(libc::EFAULT), "{stack:?}");
    }
    let usable = usable(stack);
    assert_eq!(
        kernel_writes(usable.start, usable.len()),
        Ok(usable.len()),
        "{stack:?}"
    );
}

fn fill(stack: &DefaultStack, byte: u8) {
    let usable = usable(stack);
    // SAFETY: nobody uses the stack.
    unsafe { std::ptr::write_bytes(usable.start as *mut u8, byte, usable.len()) };
}

fn byte(address: usize) -> u8 {
    // SAFETY: the callers ask about stacks that they hold.
    unsafe { (address as *const u8).read_volatile() }
}

/// Never drops the stack. A static knows it for ever, since a checker for leaks would
/// rightly report what is forgotten altogether.
fn forget(stack: DefaultStack) {
    static FORGOTTEN: Mutex<Vec<DefaultStack>> = Mutex::new(Vec::new());
    FORGOTTEN.lock().unwrap().push(stack);
}

/// Runs `body` in a child process and asserts that it succeeds there.
fn in_child(test: &str, body: impl FnOnce()) {
    if let Some(output) = child(test, "", body) {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Runs `body`, one case of a test, in a child process, and answers how that ended. In the
/// child itself there is nothing to answer.
fn child(test: &str, case: &str, body: impl FnOnce()) -> Option<Output> {
    const VARIABLE: &str = "SEGNO_TEST_CASE";
    let name = format!("{test} {case}");
    if let Some(wanted) = std::env::var_os(VARIABLE) {
        if wanted == *name {
            body();
        }
        return None;
    }
    let output = this_program()
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, name)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        report.contains("running 1 test"),
        "no test of this name: {report}"
    );
    Some(output)
}

/// This test binary, to be started through the same emulator if it runs under one.
fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    let Some(emulator) = emulator() else {
        return Command::new(program);
    };
    let mut words = emulator.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(program);
    command
}

/// The qemu that emulates this process, as cargo was told of it. What it only pretends, the
/// limits of the process and of its mappings, cannot be tested under it.
fn emulator() -> Option<String> {
    let variable = format!("CARGO_TARGET_{}", std::env::consts::ARCH.to_uppercase());
    std::env::vars()
        .find(|(name, value)| {
            name.starts_with(&variable) && name.ends_with("_RUNNER") && value.contains("qemu")
        })
        .map(|(_, runner)| runner)
}

fn limit_address_space(bytes: usize) {
    let limit = libc::rlimit {
        rlim_cur: bytes as libc::rlim_t,
        rlim_max: bytes as libc::rlim_t,
    };
    // SAFETY: `limit` can be read.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[cfg(target_os = "linux")]
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}

#[cfg(target_os = "linux")]
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * page()
}

#[cfg(target_os = "linux")]
fn is_mapped(address: usize) -> bool {
    // SAFETY: it only asks.
    unsafe { libc::msync((address & !(page() - 1)) as *mut _, page(), libc::MS_ASYNC) == 0 }
}

#[test]
fn stacks_may_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<DefaultStack>();
    anywhere::<Pool>();
    assert_eq!(size_of::<DefaultStack>(), 3 * size_of::<usize>());
    assert_eq!(size_of::<Option<DefaultStack>>(), 3 * size_of::<usize>());
}

#[test]
fn default_is_a_mebibyte() {
    let stack = DefaultStack::default();
    assert!(usable(&stack).len() >= MIB);
    assert!(Pool::global().stack_size() >= MIB);
    assert_guarded(&stack);
    assert_guarded(&DefaultStack::try_default().unwrap());
}

#[test]
fn own_mappings_have_the_size_asked_for() {
    for size in [0, 1, MIN_STACK_SIZE, 5 * page() + 1, MIB, 64 * MIB] {
        let stack = DefaultStack::new(size).unwrap();
        assert!(usable(&stack).len() >= size.max(MIN_STACK_SIZE));
        assert_eq!(stack.base().get() % STACK_ALIGNMENT, 0);
        assert_eq!(stack.limit().get() % STACK_ALIGNMENT, 0);
        assert_guarded(&stack);
    }
    for guard in [0, 1, page(), 3 * page() + 1] {
        let stack = DefaultStack::with_guard(MIB, guard).unwrap();
        assert!(stack.guard_size() >= guard);
        assert!(usable(&stack).len() >= MIB);
        assert_guarded(&stack);
    }
}

#[test]
fn guards_of_slots_fault() {
    for kind in [GuardKind::Region, GuardKind::Mprotect] {
        let pool = small().guard(kind).build();
        let stacks: Vec<_> = (0..40).map(|_| pool.take().unwrap()).collect();
        stacks.iter().for_each(assert_guarded);
        if kind == GuardKind::Mprotect {
            assert_eq!(pool.stats().guard, kind);
        }
    }
}

#[test]
fn guards_outlive_every_way_of_giving_back() {
    for kind in [GuardKind::Region, GuardKind::Mprotect] {
        let pool = small()
            .guard(kind)
            .guard_size(2 * page())
            .max_idle(4)
            .keep_resident(0)
            .build();
        assert!(pool.guard_size() == 2 * page());
        let stacks: Vec<_> = (0..40).map(|_| pool.take().unwrap()).collect();
        stacks.iter().for_each(|stack| fill(stack, 1));
        drop(stacks);
        let held = pool.take().unwrap();
        pool.trim();
        let stacks: Vec<_> = (0..40).map(|_| pool.take().unwrap()).collect();
        stacks.iter().for_each(assert_guarded);
        assert_guarded(&held);
    }
}

#[test]
fn usable_bytes_and_colours_are_as_said() {
    for colour in [true, false] {
        let pool = small().colour(colour).build();
        let stacks: Vec<_> = (0..64).map(|_| pool.take().unwrap()).collect();
        for stack in &stacks {
            assert_eq!(stack.base().get() % STACK_ALIGNMENT, 0);
            assert_eq!(stack.limit().get() % page(), 0);
            assert_eq!(stack.guard_size(), pool.guard_size());
            assert!(usable(stack).len() >= pool.stack_size());
            assert!(stack.base().get() - stack.limit().get() <= 16 * page());
        }
        let colours: HashSet<_> = stacks
            .iter()
            .map(|stack| stack.base().get() % page())
            .collect();
        assert_eq!(colours.len(), if colour { 16 } else { 1 });
    }
}

#[test]
fn a_slot_is_never_too_small() {
    for bytes in [0, 1, page(), 2 * page()] {
        let pool = Pool::builder()
            .slot_size(bytes)
            .guard_size(page() + 1)
            .build();
        assert!(pool.stack_size() >= MIN_STACK_SIZE);
        let stack = pool.take().unwrap();
        assert_eq!(stack.guard_size(), 2 * page());
        assert_guarded(&stack);
    }
}

#[test]
fn absurd_sizes_are_too_large() {
    for size in [
        usize::MAX,
        usize::MAX - page(),
        isize::MAX as usize,
        isize::MAX as usize + 1,
    ] {
        let error = DefaultStack::new(size).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let inner = error.get_ref().unwrap().downcast_ref::<StackError>();
        assert!(
            matches!(inner, Some(StackError::TooLarge { requested, .. }) if *requested == size)
        );
        assert!(matches!(
            DefaultStack::with_guard(MIB, size),
            Err(StackError::TooLarge { .. })
        ));
        let pool = Pool::builder().slot_size(size).build();
        assert!(matches!(pool.take(), Err(StackError::TooLarge { .. })));
        assert_eq!(
            (pool.stack_size(), pool.guard_size(), pool.trim()),
            (0, 0, 0)
        );
        let pool = Pool::builder().guard_size(size).build();
        assert!(matches!(pool.take(), Err(StackError::TooLarge { .. })));
    }
    // A size that can be thought of, but that no address space has room for.
    #[cfg(target_pointer_width = "64")]
    for size in [1 << 60, 1 << 62] {
        assert_eq!(
            DefaultStack::new(size).unwrap_err().kind(),
            ErrorKind::OutOfMemory
        );
        assert!(Pool::builder().slot_size(size).build().take().is_err());
        assert!(
            Pool::builder()
                .keep_resident(usize::MAX)
                .build()
                .take()
                .is_ok()
        );
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Take(usize),
    Drop(usize),
    DropElsewhere(usize),
    Forget(usize),
    Trim(usize),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        12 => (0..2_usize).prop_map(Action::Take),
        8 => any::<usize>().prop_map(Action::Drop),
        1 => any::<usize>().prop_map(Action::DropElsewhere),
        1 => any::<usize>().prop_map(Action::Forget),
        1 => (0..2_usize).prop_map(Action::Trim),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is taken, given back, forgotten and trimmed: no two stacks that are out
    /// overlap, and the statistics know how many there are.
    #[test]
    fn live_stacks_never_overlap(
        actions in proptest::collection::vec(action(), 1..200),
        idle in 0..20_usize,
    ) {
        let pools = [
            small().max_idle(idle).build(),
            Pool::builder().slot_size(5 * page()).guard(GuardKind::Mprotect).build(),
        ];
        let mut held: Vec<(usize, DefaultStack)> = Vec::new();
        let mut live: BTreeMap<usize, usize> = BTreeMap::new();
        let mut out = [0; 2];
        for action in actions {
            match action {
                Action::Take(pool) => {
                    let stack = pools[pool].take().unwrap();
                    let (limit, base) = (stack.limit().get(), stack.base().get());
                    let below = live.range(..base).next_back();
                    prop_assert!(below.is_none_or(|(_, &end)| end <= limit));
                    live.insert(limit, base);
                    out[pool] += 1;
                    held.push((pool, stack));
                }
                Action::Trim(pool) => {
                    pools[pool].trim();
                    prop_assert_eq!(pools[pool].stats().in_use, out[pool]);
                }
                Action::Drop(n) | Action::DropElsewhere(n) | Action::Forget(n) => {
                    if held.is_empty() {
                        continue;
                    }
                    let (pool, stack) = held.swap_remove(n % held.len());
                    if let Action::Forget(_) = action {
                        forget(stack);
                        continue;
                    }
                    live.remove(&stack.limit().get());
                    out[pool] -= 1;
                    if let Action::DropElsewhere(_) = action {
                        thread::spawn(move || drop(stack)).join().unwrap();
                    } else {
                        drop(stack);
                    }
                }
            }
            for (pool, &out) in pools.iter().zip(&out) {
                prop_assert_eq!(pool.stats().in_use, out);
            }
        }
    }
}

#[test]
fn a_thread_gets_the_stack_back_that_it_gave_last() {
    let pool = small().build();
    let mut before = None;
    for _ in 0..100 {
        let stacks = [pool.take().unwrap(), pool.take().unwrap()];
        let bases = stacks.each_ref().map(Stack::base);
        assert_eq!(*before.get_or_insert(bases), bases);
        // Dropped in the reverse order, they are taken in the same.
        let [first, second] = stacks;
        drop(second);
        drop(first);
    }
    assert_eq!(pool.stats().idle, 2);

    // Of the global pool as well, through the type.
    let base = DefaultStack::default().base();
    assert_eq!(DefaultStack::default().base(), base);
}

#[test]
fn more_pools_than_a_thread_caches() {
    let pools: Vec<_> = (0..10).map(|_| small().build()).collect();
    for _ in 0..3 {
        for pool in &pools {
            let stacks: Vec<_> = (0..20).map(|_| pool.take().unwrap()).collect();
            assert_eq!(pool.stats().in_use, 20);
            drop(stacks);
        }
    }
    for pool in &pools {
        assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 20));
    }
}

#[test]
fn the_end_of_a_thread_gives_its_stacks_back() {
    let pool = small().build();
    let shared = pool.clone();
    thread::spawn(move || {
        let stacks: Vec<_> = (0..5).map(|_| shared.take().unwrap()).collect();
        drop(stacks);
        assert_eq!((shared.stats().in_use, shared.stats().idle), (0, 5));
    })
    .join()
    .unwrap();
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 5));
}

#[test]
fn a_stack_may_be_dropped_while_its_thread_ends() {
    use std::cell::RefCell;

    struct Late(Option<DefaultStack>, Pool);

    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.take());
            drop(self.1.take().unwrap());
        }
    }

    thread_local! {
        static EARLY: RefCell<Option<Late>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }

    let pool = small().build();
    let shared = pool.clone();
    thread::spawn(move || {
        // Registered before and after the cache, so that one of the two outlives it.
        EARLY.with(|_| ());
        EARLY.set(Some(Late(None, shared.clone())));
        let stack = shared.take().unwrap();
        EARLY.with_borrow_mut(|late| late.as_mut().unwrap().0 = Some(stack));
        LATE.set(Some(Late(Some(shared.take().unwrap()), shared.clone())));
    })
    .join()
    .unwrap();
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 2));
}

#[test]
fn stacks_wander_between_threads() {
    let pool = small().max_idle(30).build();
    let (send, receive) = mpsc::sync_channel::<DefaultStack>(50);
    let givers: Vec<_> = (0..4)
        .map(|n| {
            let (pool, send) = (pool.clone(), send.clone());
            thread::spawn(move || {
                for _ in 0..2000 {
                    let stack = pool.take().unwrap();
                    fill(&stack, n);
                    assert_eq!(byte(stack.base().get() - 1), n);
                    send.send(stack).unwrap();
                }
            })
        })
        .collect();
    drop(send);
    let dropper = thread::spawn(move || receive.iter().for_each(drop));
    givers.into_iter().for_each(|giver| giver.join().unwrap());
    dropper.join().unwrap();
    let stats = pool.stats();
    assert_eq!(stats.in_use, 0);
    assert!(stats.idle > 0);
    assert_eq!(pool.trim(), stats.idle);
}

#[test]
fn statistics_add_up() {
    let pool = small().build();
    let empty = pool.stats();
    assert_eq!(
        (empty.in_use, empty.idle, empty.slabs, empty.reserved),
        (0, 0, 0, 0)
    );
    let mut stacks: Vec<_> = (0..100).map(|_| pool.take().unwrap()).collect();
    let full = pool.stats();
    assert_eq!((full.in_use, full.idle), (100, 0));
    assert!(full.slabs >= 1 && full.reserved >= 100 * 16 * page());
    stacks.truncate(40);
    let part = pool.stats();
    assert_eq!((part.in_use, part.idle), (40, 60));
    assert_eq!((part.slabs, part.reserved), (full.slabs, full.reserved));
    drop(stacks);
    assert_eq!(pool.trim(), 100);
    let trimmed = pool.stats();
    assert_eq!(
        (
            trimmed.in_use,
            trimmed.idle,
            trimmed.slabs,
            trimmed.reserved
        ),
        (0, 0, 0, 0)
    );
    assert_guarded(&pool.take().unwrap());
}

#[test]
fn a_forgotten_stack_is_never_used_again() {
    let pool = small().build();
    let stack = pool.take().unwrap();
    fill(&stack, 0x5a);
    let forgotten = usable(&stack);
    forget(stack);
    for _ in 0..3 {
        let stacks: Vec<_> = (0..100).map(|_| pool.take().unwrap()).collect();
        for stack in &stacks {
            assert!(usable(stack).end <= forgotten.start || forgotten.end <= usable(stack).start);
            fill(stack, 0);
        }
        drop(stacks);
        pool.trim();
    }
    drop(pool);
    assert!(forgotten.step_by(64).all(|address| byte(address) == 0x5a));
}

#[cfg(target_os = "linux")]
#[test]
fn a_pool_may_go_before_its_stacks() {
    in_child("a_pool_may_go_before_its_stacks", || {
        let pool = small().build();
        let mut stacks: Vec<_> = (0..100).map(|_| pool.take().unwrap()).collect();
        let first = usable(&stacks[0]);
        let last = usable(&stacks[99]);
        stacks.iter().for_each(|stack| fill(stack, 7));
        stacks.truncate(1);
        drop(pool);
        // The slabs without a stack are unmapped, the one with a stack is not.
        assert!(!is_mapped(last.start));
        assert!(first.clone().all(|address| byte(address) == 7));
        assert_guarded(&stacks[0]);
        thread::spawn(move || drop(stacks)).join().unwrap();
        assert!(!is_mapped(first.start));
    });
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "a sanitizer has memory of its own"
)]
fn trim_gives_memory_back() {
    in_child("trim_gives_memory_back", || {
        let pool = Pool::builder().slot_size(256 * KIB).build();
        let mut stacks: Vec<_> = (0..200).map(|_| pool.take().unwrap()).collect();
        let before = resident();
        stacks.iter().for_each(|stack| fill(stack, 3));
        let touched = resident() - before;
        assert!(touched > 40 * MIB);
        // One of the last is kept: most others are in the same slab, which cannot go.
        let kept = stacks.pop().unwrap();
        drop(stacks);
        assert!(resident() - before > 40 * MIB);
        assert_eq!(pool.trim(), 199);
        assert!(resident().saturating_sub(before) < 2 * MIB);
        assert_eq!((pool.stats().in_use, pool.stats().idle > 0), (1, true));
        assert!(usable(&kept).all(|address| byte(address) == 3));
        drop(kept);
        pool.trim();
        assert_eq!(pool.stats().reserved, 0);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn idle_stacks_keep_what_they_may() {
    // A single slot is taken again and again, so that its contents tell what was done.
    let again = |pool: Pool| {
        let stack = pool.take().unwrap();
        fill(&stack, 9);
        let base = stack.base();
        drop(stack);
        let stack = pool.take().unwrap();
        assert_eq!(stack.base(), base);
        let usable = usable(&stack);
        let kept = usable
            .clone()
            .rev()
            .take_while(|&address| byte(address) == 9)
            .count();
        assert!(
            usable
                .clone()
                .rev()
                .skip(kept)
                .all(|address| byte(address) == 0)
        );
        (kept, usable.len())
    };

    let (kept, all) = again(small().build());
    assert_eq!(kept, all);
    let (kept, _) = again(small().max_idle(0).build());
    assert_eq!(kept, page());
    let (kept, _) = again(small().max_idle(0).keep_resident(0).build());
    assert_eq!(kept, 0);
    let (kept, _) = again(small().max_idle(0).keep_resident(2 * page() + 1).build());
    assert_eq!(kept, 3 * page());
    let (kept, all) = again(small().max_idle(0).keep_resident(usize::MAX).build());
    assert_eq!(kept, all);
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "a sanitizer has memory of its own"
)]
fn only_so_many_idle_stacks_stay_resident() {
    in_child("only_so_many_idle_stacks_stay_resident", || {
        let pool = Pool::builder().slot_size(256 * KIB).max_idle(50).build();
        let stacks: Vec<_> = (0..400).map(|_| pool.take().unwrap()).collect();
        let before = resident();
        stacks.iter().for_each(|stack| fill(stack, 3));
        drop(stacks);
        // 50 in the pool, 16 in the cache, a page for each of the others.
        let most = 66 * 256 * KIB + 400 * page() + MIB;
        let least = 50 * 240 * KIB;
        let kept = resident() - before;
        assert!((least..most).contains(&kept), "{kept} bytes");
    });
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "a sanitizer has memory of its own"
)]
fn guard_regions_take_no_mappings() {
    in_child("guard_regions_take_no_mappings", || {
        let pool = Pool::builder().slot_size(64 * KIB).build();
        if pool.stats().guard != GuardKind::Region {
            return;
        }
        let before = mappings();
        let stacks: Vec<_> = (0..100_000).map(|_| pool.take().unwrap()).collect();
        assert!(mappings() <= before + 64);
        assert_guarded(&stacks[77_777]);
    });
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "a sanitizer has memory of its own"
)]
fn running_out_of_mappings_is_named() {
    if emulator().is_some() {
        return;
    }
    in_child("running_out_of_mappings_is_named", || {
        let most = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
        let most: usize = most.trim().parse().unwrap();
        if most > 100_000 {
            return;
        }
        let pool = small().guard(GuardKind::Mprotect).build();
        let mut stacks = Vec::with_capacity(most);
        let error = loop {
            match pool.take() {
                Ok(stack) => stacks.push(stack),
                Err(error) => break error,
            }
        };
        assert_eq!(error, StackError::Mappings { limit: most });
        assert!(stacks.len() > most / 3);
        // What is there works on, also after giving some back.
        assert_guarded(stacks.last().unwrap());
        stacks.truncate(1000);
        assert_guarded(&pool.take().unwrap());
        pool.trim();
        assert!(DefaultStack::new(MIB).is_ok());
    });
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "a sanitizer has memory of its own"
)]
fn running_out_of_address_space_is_named() {
    if emulator().is_some() {
        return;
    }
    in_child("running_out_of_address_space_is_named", || {
        let first = DefaultStack::default();
        fill(&first, 1);
        let mut stacks = Vec::with_capacity(10_000);
        let mut own = Vec::with_capacity(10_000);
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let size = statm.split(' ').next().unwrap().parse::<usize>().unwrap() * page();
        limit_address_space(size + 256 * MIB);
        let error = loop {
            match DefaultStack::try_default() {
                Ok(stack) => stacks.push(stack),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(error, StackError::AddressSpace { bytes } if bytes >= MIB),
            "{error:?}"
        );
        // Slabs halve on the way, so that little is lost.
        assert!(stacks.len() >= 230, "{} stacks", stacks.len());
        let error = loop {
            match DefaultStack::new(64 * KIB) {
                Ok(stack) => own.push(stack),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        let inner = *error
            .get_ref()
            .unwrap()
            .downcast_ref::<StackError>()
            .unwrap();
        assert!(
            matches!(inner, StackError::AddressSpace { .. }),
            "{inner:?}"
        );
        assert_eq!(error.to_string(), inner.to_string());
        // Earlier stacks can be used, and what is given back can be taken.
        stacks.iter().for_each(|stack| fill(stack, 2));
        assert!(usable(&first).step_by(64).all(|address| byte(address) == 1));
        let base = stacks.pop().unwrap().base();
        assert_eq!(DefaultStack::try_default().unwrap().base(), base);
        drop(own);
        assert!(DefaultStack::new(16 * KIB).is_ok());
    });
}

#[test]
fn every_error_converts() {
    let errors = [
        (
            StackError::AddressSpace { bytes: 1 },
            ErrorKind::OutOfMemory,
        ),
        (StackError::Mappings { limit: 1 }, ErrorKind::OutOfMemory),
        (StackError::Memory { bytes: 1 }, ErrorKind::OutOfMemory),
        (
            StackError::TooLarge {
                requested: 2,
                available: 1,
            },
            ErrorKind::InvalidInput,
        ),
        (StackError::Unsupported, ErrorKind::Unsupported),
        (
            StackError::System { code: libc::EPERM },
            ErrorKind::PermissionDenied,
        ),
    ];
    for (error, kind) in errors {
        let converted = std::io::Error::from(error);
        assert_eq!(converted.kind(), kind);
        assert_eq!(converted.get_ref().unwrap().downcast_ref(), Some(&error));
        assert!(!error.to_string().is_empty());
    }
}

/// Writes one byte to an address, as a frame would that is pushed there.
#[inline(never)]
fn touch(address: usize) {
    // SAFETY: the callers expect to die of it.
    unsafe { (address as *mut u8).write_volatile(1) };
}

/// The lines of standard error that are the program's, and not its emulator's.
fn own_lines(error: &str) -> Vec<&str> {
    error
        .lines()
        .filter(|line| !line.starts_with("qemu: "))
        .collect()
}

#[test]
fn an_overflow_is_reported() {
    for case in ["slot", "own mapping", "other thread"] {
        let output = child("an_overflow_is_reported", case, || {
            report_overflow().unwrap();
            report_overflow().unwrap();
            let stack = match case {
                "slot" => small().build().take().unwrap(),
                "own mapping" => DefaultStack::with_guard(100 * KIB, 3 * page()).unwrap(),
                _ => DefaultStack::default(),
            };
            let address = stack.limit().get() + page() - 8;
            println!(
                "segno: a coroutine overflowed its stack of {} bytes at address {address:#x}",
                usable(&stack).len(),
            );
            if case == "other thread" {
                thread::spawn(move || touch(address)).join().unwrap();
            } else {
                touch(address);
            }
        });
        let Some(output) = output else { continue };
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{case}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let start = printed.find("segno:").unwrap();
        let expected = printed[start..].lines().next().unwrap();
        let reported = String::from_utf8(output.stderr).unwrap();
        assert_eq!(own_lines(&reported), [expected], "{case}");
    }
}

#[test]
fn a_thread_without_an_alternate_stack_gets_one() {
    fn has_one() -> bool {
        // SAFETY: a `stack_t` of zeros is one, and is there to be written to.
        unsafe {
            let mut stack: libc::stack_t = mem::zeroed();
            assert_eq!(libc::sigaltstack(std::ptr::null(), &mut stack), 0);
            stack.ss_flags & libc::SS_DISABLE == 0
        }
    }

    fn take_it_away() {
        // SAFETY: a `stack_t` of zeros is one, and no handler is running.
        unsafe {
            let mut stack: libc::stack_t = mem::zeroed();
            stack.ss_flags = libc::SS_DISABLE;
            stack.ss_size = 64 * KIB;
            assert_eq!(libc::sigaltstack(&stack, std::ptr::null_mut()), 0);
        }
    }

    let output = child("a_thread_without_an_alternate_stack_gets_one", "", || {
        // Once in a thread that ends, then in one that overflows.
        for overflow in [false, true] {
            let thread = thread::spawn(move || {
                take_it_away();
                assert!(!has_one());
                report_overflow().unwrap();
                assert!(has_one());
                if overflow {
                    segno::on_stack(DefaultStack::default(), || println!("{}", deeper(0)));
                }
            });
            thread.join().unwrap();
        }
    });
    if let Some(output) = output {
        assert_eq!(output.status.signal(), Some(libc::SIGABRT));
        let reported = String::from_utf8(output.stderr).unwrap();
        assert!(
            reported.starts_with("segno: a coroutine overflowed"),
            "{reported}"
        );
        assert_eq!(own_lines(&reported).len(), 1);
    }
}

#[inline(never)]
fn deeper(depth: usize) -> usize {
    let frame = std::hint::black_box([depth; 64]);
    if depth == usize::MAX {
        return 0;
    }
    deeper(depth + 1) + frame[depth % 64]
}

/// A handler of the program's own, as it might be there before.
extern "C" fn earlier(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes what is valid; `_exit` may be called from a handler.
    unsafe {
        libc::_exit(if (*info).si_addr().addr() == 16 {
            42
        } else {
            43
        })
    };
}

extern "C" fn earlier_with_one_argument(_: libc::c_int) {
    // SAFETY: `_exit` may be called from a handler.
    unsafe { libc::_exit(44) };
}

#[test]
#[cfg_attr(
    any(segno_asan, segno_tsan),
    ignore = "a sanitizer has handlers of its own"
)]
fn other_faults_are_left_to_the_earlier_handler() {
    const SENT: &str = "sent, default";

    let cases = [
        ("standard library", None),
        ("default", None),
        ("ignored", None),
        (SENT, None),
        ("sent, ignored", Some(45)),
        ("three arguments", Some(42)),
        ("one argument", Some(44)),
    ];
    for (case, code) in cases {
        let output = child("other_faults_are_left_to_the_earlier_handler", case, || {
            let three: extern "C" fn(_, _, _) = earlier;
            let one: extern "C" fn(_) = earlier_with_one_argument;
            let handler = match case {
                "standard library" => None,
                "default" | SENT => Some((libc::SIG_DFL, 0)),
                "ignored" | "sent, ignored" => Some((libc::SIG_IGN, 0)),
                "three arguments" => Some((three as usize, libc::SA_SIGINFO)),
                _ => Some((one as usize, 0)),
            };
            if let Some((handler, flags)) = handler {
                // SAFETY: a `sigaction` of zeros is one, and the handlers keep to what a
                // handler may do.
                unsafe {
                    let mut action: libc::sigaction = mem::zeroed();
                    action.sa_sigaction = handler;
                    action.sa_flags = flags;
                    for signal in [libc::SIGSEGV, libc::SIGBUS] {
                        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
                    }
                }
            }
            report_overflow().unwrap();
            let _stack = DefaultStack::default();
            if case.starts_with("sent") {
                // SAFETY: the process may die of it.
                unsafe {
                    libc::raise(libc::SIGSEGV);
                    libc::_exit(45);
                }
            }
            touch(16);
        });
        let Some(output) = output else { continue };
        assert_eq!(output.status.code(), code, "{case}");
        if code.is_none() {
            assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{case}");
        }
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("segno"),
            "{case}"
        );
    }
}
