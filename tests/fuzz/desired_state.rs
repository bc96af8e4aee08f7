//! Reads any text as a desired-state file of each format, as a table of users and as a DSC instance. None may panic,
//! and a message may not contain a password.

#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use msipcfg::desired::instance::{self, Passwords};
use msipcfg::desired::redact::Redaction;
use msipcfg::desired::resolve;
use msipcfg::desired::source::{Format, Source};
use msipcfg::desired::users::Users;
use msipcfg::desired::variables::Variables;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding;
use msipcfg::microsip::privacy::Guarded;
use msipcfg::request::ValueSource;

fuzz_target!(|text: &str| {
    let read = |_: &ValueSource| -> io::Result<Guarded> { Ok(Guarded::password("value")) };
    let variables = Variables::new(&[], &read);
    let folder = Path::new("folder");
    for format in [Format::Toml, Format::Json, Format::Ini] {
        let source = Source::parse("file".into(), text.into(), format, Redaction::Passwords);
        let Ok(source) = source else { continue };
        if let Ok(desired) = resolve::resolve(&source, &variables, folder) {
            let _ = desired.edits(&IniDocument::from_utf16le(encoding::encode("")));
        }
    }
    if let Ok(source) = Source::parse("users".into(), text.into(), Format::Csv, Redaction::Everything) {
        let _ = Users::new(source);
    }
    let _ = instance::read(text.into(), Passwords::Unread);
});
