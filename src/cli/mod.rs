//! The command line: [`args`] parses it, [`suggestions`] corrects typos in it, [`completion`] completes it in shells,
//! [`prompt`] asks the user, [`wizard`] asks for everything that a hook needs, [`report`] prints.

pub mod args;
pub mod completion;
pub mod prompt;
pub mod report;
pub mod suggestions;
pub mod wizard;
