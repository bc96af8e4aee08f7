//! The command line: [`args`] are its words, [`mistyped`] guesses at those that are none, [`completing`] offers them
//! at Tab, [`ask`] puts questions, [`report`] is the only printer.

pub mod args;
pub mod ask;
pub mod completing;
pub mod mistyped;
pub mod report;
