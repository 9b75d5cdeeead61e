//! The switch on AArch64. `x86_64.rs` tells the story; this file tells the differences.
//!
//! The stack pointer is aligned to 16 bytes at all times, so that what is saved takes 32
//! bytes and has a word of padding. `x19` and `x29`, the frame pointer, cannot be named as
//! clobbers and are saved by hand. A frame record is the pair (saved `x29`, return address).
//!
//! Suspended, fresh, and the parent while the coroutine is running:
//!
//! ```text
//! link + 8  | entry        |    | entry        |              ~ frames       ~
//! link      | stale        |    |              |              | padding      |
//!           ~ frames       ~    ~ body         ~              | saved x19    |
//!           | padding      |    | padding      |              | saved pc     |  ┐ frame
//!           | saved x19    |    | start        |  sp  [link]  | saved x29    |  ┘ record
//!           | saved x29    |
//! sp        | saved pc     |
//! ```
//!
//! Jumps go through `x16`, and each place that is jumped to has a landing pad (`hint #38`,
//! which is `bti jc` where that exists and nothing elsewhere), so that the file works in
//! programs that enforce branch target identification. The addresses that are saved here
//! are not signed: they are read by nobody but the other half of a switch and by unwinders.

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
// as DW_OP_bregN: 0x73 is x3, 0x8d is x29. See `x86_64.rs`; here it is four words.
macro_rules! cfi_parent {
    ($breg:literal) => {
        concat!(
            ".cfi_escape 0x0f, 5, ",
            $breg,
            ", 0, 0x06, 0x23, 32\n",
            ".cfi_offset x19, -16\n",
            ".cfi_offset lr, -24\n",
            ".cfi_offset x29, -32",
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
    let sp = body - 16;
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

/// Continues on the stack that is suspended at `sp`; see `x86_64.rs`.
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
            "adr x5, 2f",
            "stp x29, x5, [sp, #-32]!",
            "str x19, [sp, #16]",
            "mov x5, sp",
            "str x5, [x3]",
            "ldr x16, [x2]",
            "mov sp, x2",
            "br x16",
            // Back, with x29 restored.
            "2:",
            "hint #38",
            "ldr x19, [sp, #16]",
            "add sp, sp, #32",
            inlateout("x0") words[0] => word0,
            inlateout("x1") words[1] => word1,
            inlateout("x2") sp => state,
            in("x3") link,
            in("x4") signal,
            lateout("x20") _, lateout("x21") _, lateout("x22") _, lateout("x23") _,
            lateout("x24") _, lateout("x25") _, lateout("x26") _, lateout("x27") _,
            lateout("x28") _,
            clobber_abi("C"),
        );
    }
    (state, [word0, word1])
}

/// Leaves this stack for the parent that `link` leads to; see `x86_64.rs`.
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
            "adr x5, 2f",
            "stp x5, x29, [sp, #-32]!",
            "str x19, [sp, #16]",
            "mov x2, sp",
            "ldr x5, [x3]",
            "mov sp, x5",
            "ldp x29, x16, [x5]",
            "br x16",
            // Resumed.
            "2:",
            "hint #38",
            "ldp x29, x19, [sp, #8]",
            "add sp, sp, #32",
            inlateout("x0") words[0] => word0,
            inlateout("x1") words[1] => word1,
            in("x3") link,
            lateout("x4") signal,
            lateout("x20") _, lateout("x21") _, lateout("x22") _, lateout("x23") _,
            lateout("x24") _, lateout("x25") _, lateout("x26") _, lateout("x27") _,
            lateout("x28") _,
            clobber_abi("C"),
        );
    }
    (signal, [word0, word1])
}

/// Leaves this stack for the parent for the last time; see `x86_64.rs`.
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
            "ldr x5, [x3]",
            "mov sp, x5",
            "ldp x29, x16, [x5]",
            "br x16",
            in("x0") words[0],
            in("x1") words[1],
            in("x2") state,
            in("x3") link,
            options(noreturn),
        );
    }
}

/// The stack pointer.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

/// The root frame of a coroutine. Entered once, by the jump in `resume`.
///
/// - x0, x1: the words; x4: the signal
/// - x2, sp: the stack pointer of the fresh stack, 16 less than the body
/// - x3: the link
#[unsafe(naked)]
unsafe extern "C" fn start() {
    naked_asm!(
        ".cfi_startproc",
        cfi_signal_frame!(),
        cfi_parent!("0x73"),
        "hint #38",
        "mov x29, x3",
        cfi_parent!("0x8d"),
        "add sp, sp, #16",
        "mov x2, sp",
        "ldr x16, [x3, #8]",
        "adr x30, 2f",
        "br x16",
        "2:",
        "brk #0x5e9",
        ".cfi_endproc",
    )
}

/// The root frame of a coroutine that a trap handler has taken by the hand; see
/// `x86_64.rs`.
///
/// - x0, x1: the arguments of the `TrapEntry`
/// - x29: the link, which has the `TrapEntry` above it
#[unsafe(naked)]
unsafe extern "C" fn start_trap() {
    naked_asm!(
        ".cfi_startproc",
        cfi_signal_frame!(),
        cfi_parent!("0x8d"),
        "hint #38",
        "ldr x16, [x29, #8]",
        "blr x16",
        "brk #0x5e9",
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
/// # #[cfg(target_arch = "aarch64")] {
/// # use segno::trap::TrapHandlerRegs;
/// # let regs = TrapHandlerRegs { pc: 0, sp: 0, x0: 0, x1: 0, x29: 0, lr: 0 };
/// let TrapHandlerRegs { pc, sp, x0, x1, x29, lr } = regs;
/// # }
/// ```
#[allow(missing_docs, reason = "the fields are named by the registers")]
#[derive(Clone, Copy, Debug)]
pub struct TrapHandlerRegs {
    pub pc: u64,
    pub sp: u64,
    pub x0: u64,
    pub x1: u64,
    pub x29: u64,
    pub lr: u64,
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
        pc: start_trap as *const () as u64,
        sp: body as u64,
        x0: body as u64,
        x1: link as u64,
        x29: link as u64,
        lr: start_trap as *const () as u64,
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
        "hint #34",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset x29, -16",
        ".cfi_offset x30, -8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "mov sp, x1",
        "blr x2",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        ".cfi_restore x29",
        ".cfi_restore x30",
        "ret",
        ".cfi_endproc",
    )
}
