//! The command line between the ini and the program, in both directions.
//!
//! What MicroSIP does with a command (3.19 to 3.22.16, lib/MSIP.cpp RunCmd): the profile functions remove one pair of
//! outer quotes and cut the value at 255 characters; CommandLineToArgvW splits it; the first part is the file, the
//! others are joined again with single spaces and **without quotes**; a space and the caller's text are appended
//! unquoted; ShellExecuteEx opens the file with that text. When MicroSIP saves its settings, it writes the value back:
//! bare up to 3.21.4, between quotes from 3.21.6.
//!
//! [`run`], [`received`], [`save`] and [`read`] are a model of that. [`encode`] is the inverse: it makes candidates and
//! keeps those for which the model says that the program receives what was asked for, now and after any number of
//! saves. [`decode`] runs the model on a text and reports where the result probably isn't what its author meant.

mod decode;
mod encode;
mod foreign;
mod model;
#[cfg(test)]
mod round_trip;
mod text_error;

pub use decode::{Decoded, decode, literal_errors};
pub use encode::{Encoded, HookError, encode};
pub use foreign::refused_program;
pub use model::{
    HookCommand, MAX_WAIT, READ_LIMIT, Run, WRITE_LIMIT, command_line_to_argv, read, received, run, save,
    with_caller,
};
pub use text_error::HookTextError;
