//! The state that a MicroSIP is meant to have, as a file.
//!
//! [`source`] reads the file as a tree with positions ([`tree`]), whatever its format. [`variables`] fills in what the
//! file leaves open, [`users`] holds the variables of each user, and [`schema`] knows which keys there can be, with
//! [`hooks`] for programs and actions.
//! [`resolve`] turns all of that into edits of an ini. [`export`] writes the state of an ini as such a file, and
//! [`instance`] exchanges states with Microsoft's DSC. [`json_schema`] describes both for other programs. [`passwords`]
//! shows whether a password was changed after it was set, and [`preflight`] finds likely mistakes in a table of users.
//!
//! A mistake is reported with its file, line and column before any ini is touched. A message never contains a password:
//! [`redact`] decides what may be shown.

mod accounts;
mod csv;
pub mod error;
pub mod export;
pub mod hooks;
mod ini;
pub mod instance;
mod json;
pub mod json_schema;
pub mod passwords;
pub mod preflight;
pub mod redact;
pub mod resolve;
pub mod schema;
pub mod source;
mod toml;
pub mod tree;
pub mod users;
pub mod variables;
