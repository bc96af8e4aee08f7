//! Desired-state files: apply them, compare inis with them, export them, and answer deployment tools.

pub mod apply;
pub mod detect;
pub mod dsc;
pub mod export;
mod parallel;
pub mod profiles;
mod template;
