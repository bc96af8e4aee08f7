//! What is asked of DSC's resource manifest.

use std::path::PathBuf;

/// The resource manifest of DSC.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// How DSC runs a what-if.
    pub what_if: WhatIf,
    /// How the manifest names this program.
    pub executable: Executable,
    /// The folder to write it to; without one, it is printed.
    pub folder: Option<PathBuf>,
}

/// How DSC runs a what-if.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhatIf {
    /// With an additional argument of `set`, since DSC 3.2.
    Argument,
    /// As a separate operation, as in DSC 3.1.
    Operation,
}

/// How the manifest names this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// By name: DSC looks on the PATH and next to the manifest.
    ByName,
    /// By its full path.
    Absolute,
}
