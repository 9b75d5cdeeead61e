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
    for flag in flags.split('\x1f') {
        let flag = flag.trim_start_matches("-C");
        let of_target = flag.starts_with("target-cpu=") || flag.starts_with("target-feature=");
        assert!(
            !(of_target
                && ["apx", "egpr", "diamondrapids", "novalake"]
                    .iter()
                    .any(|apx| flag.contains(apx))),
            "segno cannot switch the registers of APX, which {flag} enables"
        );
    }
    for (sanitizer, cfg) in [("address", "segno_asan"), ("thread", "segno_tsan")] {
        if sanitizers.split(',').any(|s| s == sanitizer) {
            println!("cargo::rustc-cfg={cfg}");
        }
    }
}
