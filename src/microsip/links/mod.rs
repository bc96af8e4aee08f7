//! Which program opens `tel:`, `callto:` and `sip:` links, and registering MicroSIP for them.
//!
//! Pure: the registry is behind a trait, and a change is planned as a value before anything is written.

mod error;
mod opener;
mod registration;
#[cfg(test)]
pub mod tests;

pub use error::LinksError;
pub use opener::{Link, LinkSource, program_of, show, warnings_after_set};
pub use registration::{Plan, ValueChange, apply, plan_set, plan_unset};

/// The kinds of links that MicroSIP can open.
pub const SCHEMES: [&str; 3] = ["tel", "callto", "sip"];

/// The path of the user's classes, as people read it.
pub const CLASSES: &str = r"HKEY_CURRENT_USER\Software\Classes";

/// Our own value with what we wrote. If a value no longer equals it, somebody else wrote since.
const MARK_SET: &str = "msipcfg-set";
/// Our own value with what was there before. If it is missing, there was nothing.
pub const MARK_BEFORE: &str = "msipcfg-before";
/// Our own value in a key that we created.
const MARK_MADE: &str = "msipcfg-made";

/// Returns the key with the command that opens links of a class.
fn command_key(class: &str) -> String {
    format!(r"{class}\shell\open\command")
}
