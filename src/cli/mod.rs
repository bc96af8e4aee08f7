//! The command line: [`args`] are its words, [`mistyped`] guesses at those that are none, [`completing`] offers them
//! at Tab, [`ask`] puts questions, [`wizard`] asks for all that a hook needs, [`report`] is the only printer.

pub mod args;
pub mod ask;
pub mod completing;
pub mod mistyped;
pub mod output;
pub mod progress;
pub mod report_file;
pub mod session;
pub mod side_effects;
pub mod terminal;
pub mod trace;
pub mod wizard;
