//! The options of every command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, PathBufValueParser, TypedValueParser};
use clap::{Args, ColorChoice};

use crate::ini::encoding::CodePage;
use crate::microsip::values::{BACKSLASH_BEFORE_QUOTE, NO_QUOTE_IN_PATHS};
use crate::quote::command_line;
use crate::request::IniChoice;

/// Returns a command line in which `count` arguments are joined to one, which then gets quotes.
pub fn joined(argv: &[OsString], start: usize, count: usize) -> String {
    let mut args: Vec<String> = argv.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let whole = args[start..start + count].join(" ");
    args.splice(start..start + count, [whole]);
    // It may have been started by its path.
    args[0] = "msipcfg".into();
    command_line(&args)
}

/// Where a file is written that is otherwise printed.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Write to FILE, in UTF-8; a shell's > can change the encoding
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    pub output: Option<PathBuf>,
}

/// The options of every command.
#[derive(Debug, Args)]
#[command(version, propagate_version = true, next_help_heading = "Global options")]
pub struct Common {
    /// Use this ini instead of the one that MicroSIP uses
    #[arg(long, global = true, value_name = "PATH", env = "MSIPCFG_INI", hide_env_values = true)]
    #[arg(value_parser = OsStringValueParser::new().try_map(|text| without_quotes(PathBuf::from(text))))]
    ini: Option<PathBuf>,

    /// Code page of an 8-bit ini, for example 1252 or windows-1251
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    codepage: Option<CodePage>,

    /// Print the result as one JSON object
    #[arg(long, global = true)]
    pub json: bool,

    /// Never prompt for input
    #[arg(long, global = true)]
    no_input: bool,

    /// Print only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print each step
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// When to use color
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub color: ColorChoice,
}

impl Common {
    /// Returns the path given with `--ini` or its variable. An empty variable counts as not set.
    fn ini_path(&self) -> Option<&Path> {
        self.ini.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// Returns whether an ini was given.
    pub fn names_ini(&self) -> bool {
        self.ini_path().is_some()
    }

    /// Returns whether the options allow prompts.
    pub fn allows_prompts(&self) -> bool {
        !self.no_input && !self.json
    }

    /// Returns which ini was given, and its code page.
    pub fn ini_choice(&self) -> IniChoice {
        IniChoice { path: self.ini_path().map(Path::to_path_buf), code_page: self.codepage }
    }
}

/// Returns the parser of a path.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(without_quotes)
}

fn without_quotes(path: PathBuf) -> Result<PathBuf, String> {
    let has_quote = path.as_os_str().as_encoded_bytes().contains(&b'"');
    if has_quote { Err(format!("{NO_QUOTE_IN_PATHS}; {BACKSLASH_BEFORE_QUOTE}")) } else { Ok(path) }
}
