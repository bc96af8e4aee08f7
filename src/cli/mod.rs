//! The command line: [`args`] are its words, [`ask`] puts questions, [`wizard`] asks for all that a hook needs,
//! [`report`] is the only printer.

pub mod args;
pub mod ask;
pub mod report;
pub mod wizard;
