//! Recognizes MicroSIP's ini by its settings.

use crate::diagnostic::{Code, ToDiagnostic};
use crate::ini::document::{IniDocument, Section};

use super::keys;

/// The sections that MicroSIP creates at its first start.
const FIRST_SECTIONS: [&str; 2] = ["Settings", "Global"];

/// An ini is another program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this seems to be another program's ini: it has no setting that MicroSIP knows")]
pub struct NotMicrosip;

impl ToDiagnostic for NotMicrosip {
    fn code(&self) -> Code {
        Code::NotMicrosip
    }

    fn hint(&self) -> Option<String> {
        Some("check the path".into())
    }
}

/// Returns whether an ini can be MicroSIP's. Many programs have a section `[Settings]`, so that proves nothing, unless
/// it's empty: this is what MicroSIP creates at its first start.
pub fn is_microsip(document: &IniDocument) -> bool {
    let is_own = |section: &Section<'_>| {
        let name = section.name.to_string();
        let known = keys::of_section(&name);
        let mut keys = document.keys(section).peekable();
        let is_empty = keys.peek().is_none();
        is_empty && FIRST_SECTIONS.iter().any(|first| first.eq_ignore_ascii_case(&name))
            || keys.any(|line| known.find(&line.name.to_string()).is_some())
    };
    document.is_empty() || document.sections().any(|section| is_own(&section))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    #[test]
    fn one_known_setting_in_its_section_is_enough() {
        let is_own = |text: &str| is_microsip(&IniDocument::from_utf16le(encode(text)));
        let own = [
            "",
            "[Settings]",
            "[settings]\r\n; nothing yet\r\n",
            "[Global]\r\n",
            "[Settings]\r\nmine=1\r\nvad=1\r\n",
            "[Account3]\r\ndomain=example.com\r\n",
            "[Calls]\r\n0=100;Ann;1;1700000000;5;\r\n",
            "[PHP]\r\nengine=On\r\n[Settings]\r\n",
        ];
        for text in own {
            assert!(is_own(text), "{text:?}");
        }
        let foreign = [
            "[PHP]\r\nengine = On\r\n",
            "[user]\n\tname = A\n[core]\n\tautocrlf = true\n",
            "[Settings]\r\ntheme=dark\r\n",
            "[Window]\r\nVAD=1\r\n",
            "[Account1]\r\n",
            "VAD=1\r\n[Other]\r\n",
        ];
        for text in foreign {
            assert!(!is_own(text), "{text:?}");
        }
    }
}
