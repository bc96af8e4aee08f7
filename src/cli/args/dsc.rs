//! The commands that Microsoft DSC runs.

use std::path::PathBuf;

use clap::Subcommand;

use super::common;
use super::write::WriteArgs;
use crate::hook::target::Allow;
use crate::request::{DscOperation, Executable, IniChoice, Manifest, Request, WhatIf, WriteOptions};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the state of an ini
    #[command(after_help = examples!(r"msipcfg dsc get"))]
    Get,

    /// Print whether an ini is in the state given on standard input, and what differs
    #[command(after_help = examples!(r"msipcfg dsc test"))]
    Test,

    /// Change an ini to the state given on standard input, and print the new state
    #[command(after_help = examples!(
        r"msipcfg dsc set"
        r"msipcfg dsc set --what-if"
        r"msipcfg dsc set --restart --timeout 1m"
    ))]
    Set {
        /// Print the state that the ini would have, without writing anything
        #[arg(long)]
        what_if: bool,

        /// Accept hooks whose program doesn't exist yet
        #[arg(long)]
        allow_missing: bool,

        /// Accept unsafe hooks: a batch file, a shell, a password in the arguments, a program that other users can
        /// replace
        #[arg(long)]
        allow_unsafe: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Print the state of every ini, one per line
    #[command(after_help = examples!(r"msipcfg dsc export"))]
    Export,

    /// Print the JSON Schema of what these commands read and print
    #[command(after_help = examples!(r"msipcfg dsc schema"))]
    Schema,

    /// Print the resource manifest that DSC needs to find these commands
    #[command(after_help = examples!(
        r"msipcfg dsc manifest"
        r"msipcfg dsc manifest --absolute -o C:\Tools\msipcfg"
    ))]
    Manifest {
        /// Oldest DSC version that must accept the manifest [default: 3.2]
        #[arg(long, value_name = "VERSION")]
        compat: Option<Compat>,

        /// Write the manifest to FOLDER, as msipcfg.dsc.resource.json
        #[arg(short, long, value_name = "FOLDER", value_parser = common::path())]
        output: Option<PathBuf>,

        /// Refer to msipcfg by its full path
        #[arg(long)]
        absolute: bool,
    },
}

/// A version of DSC that needs an older form of the manifest.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Compat {
    #[value(name = "3.1")]
    V3_1,
}

impl Command {
    pub fn into_request(self, ini: IniChoice) -> Request {
        let operation = match self {
            Command::Get => DscOperation::Get,
            Command::Test => DscOperation::Test,
            Command::Set { what_if, allow_missing, allow_unsafe, write } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: false };
                let options = WriteOptions::from(write);
                let options = WriteOptions { dry_run: what_if || options.dry_run, ..options };
                DscOperation::Set { allow, options }
            }
            Command::Export => DscOperation::Export,
            Command::Schema => return Request::DscSchema,
            Command::Manifest { compat, output, absolute } => {
                return Request::DscManifest(Manifest {
                    what_if: compat.map_or(WhatIf::Argument, |Compat::V3_1| WhatIf::Operation),
                    executable: if absolute { Executable::Absolute } else { Executable::ByName },
                    folder: output,
                });
            }
        };
        Request::Dsc { ini, operation }
    }
}
