//! Gives the Windows programs their icon, version and manifest, and tells the linker how to protect them.

#![expect(clippy::disallowed_methods, reason = "cargo passes everything in the environment")]

use std::env;
use std::error::Error;

use embed_resource::ParamsMacrosAndIncludeDirs;

fn main() -> Result<(), Box<dyn Error>> {
    for name in ["msipcfg.ico", "msipcfg.manifest", "msipcfg.rc", "msipcfg-run.rc", "resources.rc"] {
        println!("cargo::rerun-if-changed=packaging/{name}");
    }
    let version = env::var("CARGO_PKG_VERSION")?;
    let part = |name: &str| env::var(format!("CARGO_PKG_VERSION_{name}"));
    let macros = [
        format!("VERSION={version}"),
        format!("VERSION_NUMBERS={},{},{},0", part("MAJOR")?, part("MINOR")?, part("PATCH")?),
    ];
    if env::var("CARGO_CFG_TARGET_ENV")? == "msvc" {
        // Windows loads the DLLs that the programs name only from its system folder (LOAD_LIBRARY_SEARCH_SYSTEM32), even
        // before the first line of code runs. So nobody can plant one next to a program.
        println!("cargo::rustc-link-arg-bins=/DEPENDENTLOADFLAG:0x800");
        // the same bytes from the same source
        println!("cargo::rustc-link-arg-bins=/Brepro");
    }
    for program in ["msipcfg", "msipcfg-run"] {
        let script = format!("packaging/{program}.rc");
        let parameters = ParamsMacrosAndIncludeDirs(&macros, &["packaging"]);
        embed_resource::compile_for(script, [program], parameters).manifest_required()?;
    }
    Ok(())
}
