//! Tells the crate which sanitizer the compiler itself was asked for, so that
//! nobody has to switch on a feature that must agree with a compiler flag.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let sanitizers = std::env::var("CARGO_CFG_SANITIZE").unwrap_or_default();
    for unsupported in ["safestack", "shadow-call-stack"] {
        assert!(
            !sanitizers.split(',').any(|s| s == unsupported),
            "segno switches one stack, and {unsupported} has two"
        );
    }
    // Registers that `asm!` cannot name yet, so that a switch would not save them.
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    for apx in ["apx", "+egpr", "diamondrapids", "novalake"] {
        assert!(
            !flags.contains(apx),
            "segno cannot switch the registers of APX, which {apx} enables"
        );
    }
    for (sanitizer, cfg) in [("address", "segno_asan"), ("thread", "segno_tsan")] {
        if sanitizers.split(',').any(|s| s == sanitizer) {
            println!("cargo::rustc-cfg={cfg}");
        }
    }
}
