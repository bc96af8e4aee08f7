//! Reads any text as a desired-state file of each format, as a table of users and as a DSC instance. None may panic,
//! and a message may not contain a password.

#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use msipcfg::desired::instance::{self, Passwords};
use msipcfg::desired::source::{Format, Hidden, Source};
use msipcfg::desired::state;
use msipcfg::desired::users::Users;
use msipcfg::desired::vars::Variables;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding;
use msipcfg::request::ValueSource;

fuzz_target!(|text: &str| {
    let read = |_: &ValueSource| -> io::Result<String> { Ok("value".into()) };
    let variables = Variables::new(&[], &read);
    let folder = Path::new("folder");
    for format in [Format::Toml, Format::Json, Format::Ini] {
        let source = Source::parse("file".into(), text.into(), format, Hidden::Passwords);
        let Ok(source) = source else { continue };
        if let Ok(desired) = state::resolve(&source, &variables, folder) {
            let _ = desired.edits(&IniDocument::from_utf16le(encoding::encode("")));
        }
    }
    if let Ok(source) = Source::parse("users".into(), text.into(), Format::Csv, Hidden::Values) {
        let _ = Users::new(source);
    }
    let _ = instance::read(text.into(), Passwords::Unread);
});
