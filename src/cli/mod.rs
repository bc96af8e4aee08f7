//! The command line: [`args`] are its words, [`report`] is the only printer.

pub mod args;
pub mod report;
