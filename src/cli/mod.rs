//! The command line: [`args`] are its words, [`ask`] puts questions, [`report`] is the only printer.

pub mod args;
pub mod ask;
pub mod report;
