//! The commands to a MicroSIP.

use std::time::Duration;

use clap::Subcommand;

use super::UsageError;
use super::write::duration;
use crate::microsip::control::{Calls, PhoneCommand};
use crate::request::Drive;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start MicroSIP, if it does not run
    #[command(after_help = examples!(
        r"msipcfg start"
        r"msipcfg start --minimized"
    ))]
    Start {
        /// With its window hidden
        #[arg(long)]
        minimized: bool,
    },

    /// Ask MicroSIP to exit, and wait until it has; that may end a call
    #[command(after_help = examples!(
        r"msipcfg exit"
        r"msipcfg exit --timeout 2m"
    ))]
    Exit {
        /// How long to wait: 90s, 5m, 0
        #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
        #[arg(allow_negative_numbers = true)]
        timeout: Duration,
    },

    /// Have MicroSIP dial a number
    #[command(after_help = examples!(
        r"msipcfg call 0123456789"
        r"msipcfg call ann@sip.example.com"
    ))]
    Call {
        /// A number, or a name at a server; no blanks, no scheme
        number: String,
    },

    /// Have MicroSIP answer the call that rings
    #[command(after_help = examples!(
        r"msipcfg answer"
    ))]
    Answer,

    /// Have MicroSIP hang up; calls that ring here go on ringing unless --incoming is given
    #[command(after_help = examples!(
        r"msipcfg hangup"
        r"msipcfg hangup --incoming"
    ))]
    Hangup {
        /// Only calls that ring here
        #[arg(long, conflicts_with_all = ["calling", "all"])]
        incoming: bool,

        /// Only calls that ring at the other end
        #[arg(long, conflicts_with = "all")]
        calling: bool,

        /// All but those that ring here, as without an option
        #[arg(long)]
        all: bool,
    },

    /// Key in digits during a call
    #[command(after_help = examples!(
        r"msipcfg dtmf 1234#"
        r"msipcfg dtmf 1,,2"
    ))]
    Dtmf {
        /// 0 to 9, A to D, *, #, and a comma for a pause
        digits: String,
    },

    /// Hand the call over to a number
    #[command(after_help = examples!(
        r"msipcfg transfer 201"
    ))]
    Transfer {
        /// A number, or a name at a server; no blanks, no scheme
        number: String,
    },

    /// Put the call on hold
    #[command(after_help = examples!(
        r"msipcfg hold"
    ))]
    Hold,

    /// Turn the microphone off
    #[command(after_help = examples!(
        r"msipcfg mute"
    ))]
    Mute,

    /// Turn the microphone on again
    #[command(after_help = examples!(
        r"msipcfg unmute"
    ))]
    Unmute,
}

impl Command {
    pub fn into_drive(self) -> Result<Drive, UsageError> {
        Ok(match self {
            Command::Start { minimized } => Drive::Start { minimized },
            Command::Exit { timeout } => Drive::Exit { timeout },
            Command::Call { number } => Drive::Order(PhoneCommand::Call(number.parse()?)),
            Command::Answer => Drive::Order(PhoneCommand::Answer),
            Command::Hangup { incoming, calling, .. } => {
                Drive::Order(PhoneCommand::Hangup(match (incoming, calling) {
                    (true, _) => Calls::Incoming,
                    (_, true) => Calls::Calling,
                    _ => Calls::All,
                }))
            }
            Command::Dtmf { digits } => Drive::Order(PhoneCommand::Dtmf(digits.parse()?)),
            Command::Transfer { number } => Drive::Order(PhoneCommand::Transfer(number.parse()?)),
            Command::Hold => Drive::Order(PhoneCommand::Hold),
            Command::Mute => Drive::Order(PhoneCommand::Mute),
            Command::Unmute => Drive::Order(PhoneCommand::Unmute),
        })
    }
}
