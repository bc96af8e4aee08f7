//! The commands that control a running MicroSIP.

use std::time::Duration;

use clap::Subcommand;

use super::error::UsageError;
use super::write::duration;
use crate::microsip::control::{Calls, PhoneCommand};
use crate::request::ControlRequest;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start MicroSIP if it isn't running
    #[command(after_help = examples!(
        r"msipcfg start"
        r"msipcfg start --minimized"
    ))]
    Start {
        /// Start with the window hidden
        #[arg(long)]
        minimized: bool,
    },

    /// Ask MicroSIP to exit and wait until it does (can end a call)
    #[command(after_help = examples!(
        r"msipcfg exit"
        r"msipcfg exit --timeout 2m"
    ))]
    Exit {
        /// How long to wait, for example 90s, 5m or 0
        #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
        #[arg(allow_negative_numbers = true)]
        timeout: Duration,
    },

    /// Call a number
    #[command(after_help = examples!(
        r"msipcfg call 0123456789"
        r#"msipcfg call "+49 30 1234567""#
        r"msipcfg call ann@sip.example.com"
    ))]
    Call {
        /// Number or name@server, without a scheme such as tel:; spaces in a number are removed
        number: String,
    },

    /// Answer the ringing call
    #[command(after_help = examples!(
        r"msipcfg answer"
    ))]
    Answer,

    /// Hang up; incoming calls keep ringing unless --incoming is given
    #[command(after_help = examples!(
        r"msipcfg hangup"
        r"msipcfg hangup --incoming"
    ))]
    Hangup {
        /// Only incoming calls that are ringing
        #[arg(long, conflicts_with_all = ["calling", "all"])]
        incoming: bool,

        /// Only outgoing calls that aren't answered yet
        #[arg(long, conflicts_with = "all")]
        calling: bool,

        /// All calls except incoming calls that are ringing (the default)
        #[arg(long)]
        all: bool,
    },

    /// Send digits (DTMF tones) during a call
    #[command(after_help = examples!(
        r"msipcfg dtmf 1234#"
        r"msipcfg dtmf 1,,2"
    ))]
    Dtmf {
        /// Digits to send: 0-9, A-D, *, #, and a comma for a pause
        digits: String,
    },

    /// Transfer the call to a number
    #[command(after_help = examples!(
        r"msipcfg transfer 201"
    ))]
    Transfer {
        /// Number or name@server, without a scheme such as tel:; spaces in a number are removed
        number: String,
    },

    /// Put the call on hold
    #[command(after_help = examples!(
        r"msipcfg hold"
    ))]
    Hold,

    /// Mute the microphone
    #[command(after_help = examples!(
        r"msipcfg mute"
    ))]
    Mute,

    /// Unmute the microphone
    #[command(after_help = examples!(
        r"msipcfg unmute"
    ))]
    Unmute,
}

impl Command {
    pub fn into_control(self) -> Result<ControlRequest, UsageError> {
        Ok(match self {
            Command::Start { minimized } => ControlRequest::Start { minimized },
            Command::Exit { timeout } => ControlRequest::Exit { timeout },
            Command::Call { number } => ControlRequest::Command(PhoneCommand::Call(number.parse()?)),
            Command::Answer => ControlRequest::Command(PhoneCommand::Answer),
            Command::Hangup { incoming, calling, .. } => {
                ControlRequest::Command(PhoneCommand::Hangup(match (incoming, calling) {
                    (true, _) => Calls::Incoming,
                    (_, true) => Calls::Calling,
                    _ => Calls::All,
                }))
            }
            Command::Dtmf { digits } => ControlRequest::Command(PhoneCommand::Dtmf(digits.parse()?)),
            Command::Transfer { number } => ControlRequest::Command(PhoneCommand::Transfer(number.parse()?)),
            Command::Hold => ControlRequest::Command(PhoneCommand::Hold),
            Command::Mute => ControlRequest::Command(PhoneCommand::Mute),
            Command::Unmute => ControlRequest::Command(PhoneCommand::Unmute),
        })
    }
}
