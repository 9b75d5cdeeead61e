//! The switch on x86_64, System V: the architecture that tells the story. `aarch64.rs`
//! tells the differences. The contract that both meet is written in `src/switch.rs`.
//!
//! Three facts of the ABI to hold in mind. The stack grows down and is aligned to 16 bytes
//! *before* a `call` pushes the return address. A frame record is the pair (saved `rbp`,
//! return address) at rising addresses, and `rbp` points to the innermost one. `rbx` and
//! `rbp` cannot be named as clobbers of an `asm!` block, since the compiler may be using
//! them itself, so they are saved by hand; all other registers are declared clobbered, and
//! the compiler saves those of them, and only those, that it is using.
//!
//! A coroutine that is *suspended*:
//!
//! ```text
//! link + 8  | entry        |  the word above the link; read by the first resume only
//! link      | stale        |
//!           ~ frames       ~
//!           | saved rbp    |
//!           | saved rbx    |
//! sp        | saved rip    |  where `resume` jumps to
//! ```
//!
//! A *fresh* one:
//!
//! ```text
//! link + 8  | entry        |
//! link      |              |
//!           ~ body         ~  aligned to 16
//! sp        | start        |
//! ```
//!
//! And its parent, while the coroutine is *running*:
//!
//! ```text
//!           ~ frames       ~
//!           | saved rbx    |
//!           | saved rip    |  ┐ together a frame record,
//! [link]    | saved rbp    |  ┘ to which the link points
//! ```
//!
//! The root frame of a coroutine, `start`, keeps `rbp` at the link. So the chain of frame
//! records leads from the coroutine through the link into the parent: a profiler that walks
//! frame pointers takes the link for a saved `rbp` and the entry for a return address.
//!
//! Both directions leave by an indirect *jump*. The obvious alternative, a `call` in
//! `resume` that is paired with a `ret` in `suspend`, is predicted right only as long as a
//! coroutine suspends at the depth of calls where it was resumed; a generator that recurses
//! does not, and then each `ret`, of the switch and of the recursion, is mispredicted.
//! Jumps leave the return predictor alone: the calls that a coroutine made are still on it
//! when the coroutine comes back.
//!
//! What is saved is written by moves below the stack pointer and read back through other
//! registers, not pushed and popped. A pop behind a change of the stack pointer waits for
//! the push to reach the cache; a load through another register is forwarded, on recent
//! processors within a cycle. That halves the price of a round trip. The three words lie in
//! the red zone, the 128 bytes below the stack pointer which the ABI keeps signal handlers
//! out of, and which is free within an `asm!` block that may push.

use core::arch::{asm, naked_asm};
use core::mem::MaybeUninit;

/// What travels with a switch: two machine words, either of which may hold nothing.
pub(crate) type Words = [MaybeUninit<usize>; 2];

/// The first function on a stack. It may not return and may not unwind.
pub(crate) type Entry = unsafe extern "C" fn(
    word0: MaybeUninit<usize>,
    word1: MaybeUninit<usize>,
    body: *mut u8,
    link: *mut usize,
    signal: usize,
) -> !;

/// A function to be run on another stack. It may not unwind.
pub(crate) type Call = unsafe extern "C" fn(data: *mut u8);

/// The function that a trap handler lets a coroutine leave through.
pub(crate) type TrapEntry = unsafe extern "C" fn(body: *mut u8, link: *mut usize) -> !;

// Mach-O's unwinder refuses signal frames, and nothing there needs them.
#[cfg(target_vendor = "apple")]
macro_rules! cfi_signal_frame {
    () => {
        ""
    };
}
#[cfg(not(target_vendor = "apple"))]
macro_rules! cfi_signal_frame {
    () => {
        ".cfi_signal_frame"
    };
}

// How to unwind from a root frame into the parent, given the register that holds the link,
// as DW_OP_bregN: 0x72 is rcx, 0x76 is rbp. The canonical frame address is what the parent's
// rsp is outside of its `asm!` block: three words above what the link holds.
// DW_CFA_def_cfa_expression (0x0f), 5 bytes: DW_OP_bregN +0, DW_OP_deref (0x06),
// DW_OP_plus_uconst 24 (0x23, 24).
macro_rules! cfi_parent {
    ($breg:literal) => {
        concat!(
            ".cfi_escape 0x0f, 5, ",
            $breg,
            ", 0, 0x06, 0x23, 24\n",
            ".cfi_offset rbx, -8\n",
            ".cfi_offset rip, -16\n",
            ".cfi_offset rbp, -24",
        )
    };
}

/// Lays out a fresh stack below `body`, an address aligned to 16, and answers its stack
/// pointer.
///
/// # Safety
///
/// The memory below `body` belongs to the stack, and nobody is using it.
#[inline(always)]
pub(crate) unsafe fn init_stack(body: usize) -> usize {
    let sp = body - 8;
    // SAFETY: the caller lends the memory below `body`.
    unsafe { (sp as *mut usize).write(start as *const () as usize) };
    sp
}

/// Whether `sp` is what `init_stack` answered, and the stack was not resumed since.
///
/// # Safety
///
/// `sp` came from `init_stack`, `resume` or `suspend`, and its stack is suspended.
#[inline]
pub(crate) unsafe fn is_fresh(sp: usize) -> bool {
    // SAFETY: a suspended stack has the address to continue at on its top.
    unsafe { (sp as *const usize).read() == start as *const () as usize }
}

/// Continues on the stack that is suspended at `sp`, and comes back when that stack
/// suspends or finishes.
///
/// Answers the stack pointer to continue at next time, or what `finish` was given; and the
/// words that were sent.
///
/// # Safety
///
/// `sp` is the latest stack pointer of a suspended stack, `link` is that stack's parent
/// link. What the words mean is between sender and receiver.
#[inline(always)]
pub(crate) unsafe fn resume(
    sp: usize,
    link: *mut usize,
    words: Words,
    signal: usize,
) -> (usize, Words) {
    let (state, word0, word1);
    // SAFETY: the other stack was left by one of the blocks of this file, which continue
    // with the registers as they are described here; every register is declared clobbered.
    unsafe {
        asm!(
            // Below the stack pointer, in the red zone, where no signal handler writes: a
            // frame record for whoever walks the stack from the other side, and rbx.
            "lea r10, [rip + 2f]",
            "mov [rsp - 8], rbx",
            "mov [rsp - 16], r10",
            "mov [rsp - 24], rbp",
            "lea r10, [rsp - 24]",
            "mov [rcx], r10",
            // To `start`, or behind the jump in `suspend`.
            "jmp [rax]",
            // Back: rbp has been restored, and r9 is what the link held. The unwinder looks
            // at this very address, since `start` is a signal frame, so that the block must
            // not end on it.
            "2:",
            "mov rbx, [r9 + 16]",
            "lea rsp, [r9 + 24]",
            inlateout("rdi") words[0] => word0,
            inlateout("rsi") words[1] => word1,
            // In: where to continue. Out: where to continue next time.
            inlateout("rax") sp => state,
            in("rcx") link,
            in("r8") signal,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            clobber_abi("sysv64"),
        );
    }
    (state, [word0, word1])
}

/// Leaves this stack for the parent that `link` leads to, and comes back when this stack is
/// resumed.
///
/// Answers the signal and the words that the resumer sent.
///
/// # Safety
///
/// `link` is the parent link of a stack that is running. What the words mean is between
/// sender and receiver.
#[inline(always)]
pub(crate) unsafe fn suspend(link: *mut usize, words: Words) -> (usize, Words) {
    let (signal, word0, word1);
    // SAFETY: see `resume`.
    unsafe {
        asm!(
            "lea rax, [rip + 2f]",
            "mov [rsp - 8], rbp",
            "mov [rsp - 16], rbx",
            "mov [rsp - 24], rax",
            // The parent gets our stack pointer as the state, and its own rbp back.
            "lea rax, [rsp - 24]",
            "mov r9, [rdx]",
            "mov rbp, [r9]",
            "jmp [r9 + 8]",
            // Resumed: rax is our stack pointer, and the words and the signal are where this
            // block's outputs are.
            "2:",
            "mov rbx, [rax + 8]",
            "mov rbp, [rax + 16]",
            "lea rsp, [rax + 24]",
            inlateout("rdi") words[0] => word0,
            inlateout("rsi") words[1] => word1,
            in("rdx") link,
            lateout("r8") signal,
            lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
            clobber_abi("sysv64"),
        );
    }
    (signal, [word0, word1])
}

/// Leaves this stack for the parent for the last time; `state` is what the parent's
/// `resume` answers. The stack may be reused as soon as the parent has read what the words
/// lead to.
///
/// # Safety
///
/// `link` is the parent link of the running stack, and nothing on the stack waits to be
/// dropped.
#[inline(always)]
pub(crate) unsafe fn finish(link: *mut usize, words: Words, state: usize) -> ! {
    // SAFETY: see `resume`.
    unsafe {
        asm!(
            "mov r9, [rdx]",
            "mov rbp, [r9]",
            "jmp [r9 + 8]",
            in("rdi") words[0],
            in("rsi") words[1],
            in("rdx") link,
            in("rax") state,
            options(noreturn),
        );
    }
}

/// The stack pointer.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// The root frame of a coroutine. Entered once, by the jump in `resume`.
///
/// - rdi, rsi: the words; r8: the signal
/// - rax: the stack pointer, 8 less than the body; rsp: still the parent's
/// - rcx: the link
#[unsafe(naked)]
unsafe extern "C" fn start() {
    naked_asm!(
        ".cfi_startproc",
        // gdb refuses frames whose addresses do not rise, unless one is a signal frame.
        cfi_signal_frame!(),
        cfi_parent!("0x72"),
        "mov rbp, rcx",
        cfi_parent!("0x76"),
        // The body is the third argument of the entry. The others are in their places.
        "lea rdx, [rax + 8]",
        // A call by hand, so that the return predictor has nothing to expect from here.
        "lea rax, [rip + 2f]",
        "mov [rdx - 8], rax",
        "lea rsp, [rdx - 8]",
        "jmp [rcx + 8]",
        // The entry never returns; but the return address has to lie within `start`.
        "2:",
        "ud2",
        ".cfi_endproc",
    )
}

/// The root frame of a coroutine that a trap handler has taken by the hand: like `start`,
/// but already on the stack, with nothing to keep.
///
/// - rdi, rsi: the arguments of the `TrapEntry`
/// - rbp: the link, which has the `TrapEntry` above it
#[unsafe(naked)]
unsafe extern "C" fn start_trap() {
    naked_asm!(
        ".cfi_startproc",
        cfi_signal_frame!(),
        cfi_parent!("0x76"),
        // What was interrupted may have been running backwards.
        "cld",
        "call [rbp + 8]",
        "ud2",
        ".cfi_endproc",
    )
}

/// Registers that a trap handler must set in the context it was interrupted in, *all* of
/// them.
///
/// The set depends on the target; taking the struct apart by pattern makes the compiler
/// tell where a program forgets one.
///
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// # use segno::trap::TrapHandlerRegs;
/// # let regs = TrapHandlerRegs { rip: 0, rsp: 0, rbp: 0, rdi: 0, rsi: 0 };
/// let TrapHandlerRegs { rip, rsp, rbp, rdi, rsi } = regs;
/// # }
/// ```
#[allow(missing_docs, reason = "the fields are named by the registers")]
#[derive(Clone, Copy, Debug)]
pub struct TrapHandlerRegs {
    pub rip: u64,
    pub rsp: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
}

/// Sets the stack of `link` up for `entry`, so that an interrupted context continues there
/// once it has the registers of the answer.
///
/// # Safety
///
/// `link` is the parent link of the interrupted stack, whose contents from `body`, an
/// address aligned to 16, downwards are given up.
pub(crate) unsafe fn enter_from_trap(
    link: *mut usize,
    body: usize,
    entry: TrapEntry,
) -> TrapHandlerRegs {
    // SAFETY: the word above the link is the entry, no longer needed.
    unsafe { link.add(1).write(entry as usize) };
    TrapHandlerRegs {
        rip: start_trap as *const () as u64,
        rsp: body as u64,
        rbp: link as u64,
        rdi: body as u64,
        rsi: link as u64,
    }
}

/// Calls `f(data)` on the stack that begins at `base`, an address aligned to 16, and comes
/// back when it returns.
///
/// # Safety
///
/// The memory below `base` is a stack that nobody is using.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn on_stack(data: *mut u8, base: usize, f: Call) {
    naked_asm!(
        ".cfi_startproc",
        cfi_signal_frame!(),
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "mov rsp, rsi",
        "call rdx",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}
