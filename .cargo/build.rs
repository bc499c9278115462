//! Tells the linker which functions every command needs: side by side they fill a few pages, and
//! elsewhere each is a page of its own to be read in. `.ci/order` makes the list; what is not in
//! the program any more is passed over.

fn main() {
    const LIST: &str = ".cargo/order";
    println!("cargo::rerun-if-changed={LIST}");
    // Only LLVM's linker takes a list, which the flags of a release ask for anyway.
    if option("CARGO_ENCODED_RUSTFLAGS").contains("--icf=all") {
        let list = format!("--symbol-ordering-file={}/{LIST}", option("CARGO_MANIFEST_DIR"));
        println!("cargo::rustc-link-arg-bins=-Wl,{list},--no-warn-symbol-ordering");
        // `src/sys/entry.rs`.
        if option("CARGO_CFG_TARGET_ARCH") == "x86_64" && option("CARGO_CFG_TARGET_ENV") == "gnu" {
            println!("cargo::rustc-link-arg-bins=-Wl,--entry=strongroom_entry");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "Cargo tells it nowhere else")]
fn option(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
