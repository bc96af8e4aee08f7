//! What programs need that run without a user who looks at them.

/// How long the computer has been running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootTime {
    /// What distinguishes this start of the computer from others, if that is known.
    pub boot: Option<String>,
    /// The time since then in milliseconds, which no change of the clock affects.
    pub ms: Option<i64>,
}

/// The command line of this program without its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// One text, as Windows passes it on.
    Text(String),
    /// Arguments that are already separate.
    Args(Vec<String>),
}
