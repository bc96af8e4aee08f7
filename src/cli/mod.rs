//! The command line: [`args`] parses it, [`clap_error`] corrects typos in it, [`completion`] completes it in shells,
//! [`prompt`] and [`line`] ask the user, [`wizard`] asks for everything that should happen on calls, [`output`] and
//! [`progress`] print.

pub mod args;
pub mod clap_error;
pub mod completion;
pub mod interrupt;
pub mod line;
pub mod output;
pub mod progress;
pub mod prompt;
pub mod report_file;
pub mod session;
pub mod side_effects;
pub mod terminal;
pub mod trace;
pub mod wizard;
