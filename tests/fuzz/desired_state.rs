//! Reads any text as a desired-state file of each format, as a table of users and as a DSC instance. Nothing may panic,
//! including the messages, which quote the text.

#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use msipcfg::desired::error::DesiredError;
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
    for format in [Format::Toml, Format::Json, Format::Ini] {
        rendered(resolve_text(text, format));
    }
    let users = Source::parse("users".into(), text.into(), Format::Csv, Redaction::Everything);
    rendered(users.and_then(Users::new));
    rendered(instance::read(text.into(), Passwords::Unread));
});

fn resolve_text(text: &str, format: Format) -> Result<(), DesiredError> {
    let source = Source::parse("file".into(), text.into(), format, Redaction::Passwords)?;
    let read = |_: &ValueSource| -> io::Result<Guarded> { Ok(Guarded::password("password")) };
    let variables = Variables::new(&[], &read);
    let desired = resolve::resolve(&source, &variables, Path::new("folder"))?;
    let _ = desired.edits(&IniDocument::from_utf16le(encoding::encode("")));
    Ok(())
}

fn rendered<T>(result: Result<T, DesiredError>) {
    if let Err(error) = result {
        let _ = error.to_string();
    }
}
