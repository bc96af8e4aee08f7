//! Reads any bytes as an ini and edits one key: every other byte must survive.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use msipcfg::edit::plan::{self, Edit};
use msipcfg::edit::verify;
use msipcfg::ini::encoding::{self, CodePage, Encoding};
use msipcfg::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use msipcfg::ini::{lookup, wide};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    code_page: Option<u16>,
    section: &'a str,
    key: &'a str,
    /// The new value; `None` removes the key.
    value: Option<&'a str>,
    bytes: &'a [u8],
}

fuzz_target!(|input: Input| {
    let code_page = input.code_page.and_then(CodePage::from_number);
    let Ok(decoded) = encoding::decode(input.bytes.to_vec(), code_page) else { return };
    plan::values(&decoded.document, None);
    if let (Ok(section), Ok(key)) = (SectionName::new(input.section), KeyName::new(input.key)) {
        let path = KeyPath { section, key };
        let edit = match input.value.map(|value| (value, ValueText::new(value))) {
            Some((value, Ok(text))) => Some(Edit::Set { path, value: value.to_string(), text }),
            Some((_, Err(_))) => None,
            None => Some(Edit::Unset { path }),
        };
        if let Some(edit) = edit.filter(keeps_its_value) {
            let plan = plan::make(&decoded, std::slice::from_ref(&edit));
            verify::check(&decoded.document, &plan.document, &[edit]).unwrap();
        }
    }
    if decoded.encoding == (Encoding::Utf16Le { bom: true }) {
        assert_eq!(decoded.document.into_bytes(), input.bytes);
    }
});

/// Returns whether the value is read as it was written. Commands check that before they make an edit.
fn keeps_its_value(edit: &Edit) -> bool {
    match edit {
        Edit::Set { value, .. } => {
            let value = wide(value);
            value.len() < 200 && lookup::read_text(&value, lookup::NO_LIMIT) == value
        }
        Edit::Unset { .. } => true,
    }
}
