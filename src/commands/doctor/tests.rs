//! Each code of doctor has a text that triggers it and one that almost does.

use super::examine::check_text;
use super::finding::{Finding, Fixable, RULES, Severity};
use super::fix::edits_of;
use crate::commands::error::Error;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::plan;
use crate::hook::dialect::SaveDialect;
use crate::hook::target::{FileProbe, TargetContext, TargetError};
use crate::hook::trust::Trust;
use crate::ini::encoding::{self, encode};
use crate::platform::{Access, AccessEntry, EntryKind, Privileges, Sid, WindowsPaths, WinePrefix};

/// What raises each problem, and what nearly does.
const CASES: &str = include_str!("../../../fixtures/doctor.tsv");

/// Codes of files next to the ini, or of its place: tests/suite/doctor.rs and tests/suite/actions show them.
const SHOWN_BY_THE_SUITE: &[Code] = &[
    Code::FileRead,
    Code::FileReadOnly,
    Code::FileWrite,
    Code::IniNotRead,
    Code::IniStaleCopy,
    Code::IniTwoPlaces,
    Code::Leftover,
    Code::BackupExposed,
    Code::IniWritable,
    Code::HooksFileInvalid,
    Code::HooksFileWritable,
    Code::RunnerUnset,
    Code::RunnerUnneeded,
    Code::EventHasProgram,
    Code::ActionFailed,
    Code::HooksNotFired,
];

struct Case {
    code: String,
    severity: Severity,
    fixable: bool,
    raises: Vec<u8>,
    nearly: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let mut lines = CASES.lines();
    assert_eq!(lines.next(), Some("code\tseverity\tfixable\traises\tnearly"));
    let case = |line: &str| {
        let [code, severity, fixable, raises, nearly] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not five columns: {line}")
        };
        let known = [Severity::Error, Severity::Warning, Severity::Info];
        Case {
            code: code.to_string(),
            severity: known.into_iter().find(|known| known.name() == severity).unwrap(),
            fixable: fixable == "yes",
            raises: bytes(raises),
            nearly: bytes(nearly),
        }
    };
    lines.map(case).collect()
}

/// `@FILE` is a fixture; else a text with `\n`, `\\`, `\0`, `\q` for `\"` and `\b` for a byte order mark.
fn bytes(text: &str) -> Vec<u8> {
    if let Some(name) = text.strip_prefix('@') {
        return std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    }
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push_str(&match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => "\r\n".to_string(),
            ('\\', Some('\\')) => "\\".into(),
            ('\\', Some('0')) => "\0".into(),
            ('\\', Some('q')) => "\\\"".into(),
            ('\\', Some('b')) => "\u{FEFF}".into(),
            (c, None) => c.to_string(),
            (_, Some(other)) => panic!("\\{other} in {text}"),
        });
    }
    encode(&plain)
}

fn found_in(bytes: &[u8], targets: &TargetContext) -> Vec<Finding> {
    match encoding::decode(bytes.to_vec(), None) {
        Ok(decoded) => {
            let save_dialect = SaveDialect::determine(None, None, Some(&decoded.document));
            check_text(&decoded, &save_dialect, targets)
        }
        Err(source) => {
            let error = Error::Encoding { ini: "x.ini".into(), source };
            vec![Finding::new(Severity::Error, &error)]
        }
    }
}

/// What `--fix` makes of it.
fn apply_fixes(bytes: &[u8], findings: &[Finding]) -> Vec<u8> {
    let decoded = encoding::decode(bytes.to_vec(), None).unwrap();
    plan::make(&decoded, &edits_of(findings)).document.into_bytes()
}

#[test]
fn what_raises_a_problem_does_and_what_nearly_does_does_not() {
    let nowhere = TargetContext::path_only();
    for Case { code, severity, fixable, raises, nearly } in cases() {
        let shown = String::from_utf8_lossy(&raises).replace('\0', "");
        let findings = found_in(&raises, &nowhere);
        let is_it = |finding: &&Finding| {
            (finding.diagnostic.code.name(), finding.severity, finding.fix.is_some())
                == (&*code, severity, fixable)
        };
        let found = findings.iter().find(is_it);
        assert!(found.is_some(), "{code} {severity:?} {fixable}: {shown}: {findings:#?}");
        let in_nearly = found_in(&nearly, &nowhere);
        let is_raised = in_nearly
            .iter()
            .any(|finding| finding.diagnostic.code.name() == code && finding.severity == severity);
        assert!(!is_raised, "{code}: {}: {in_nearly:#?}", String::from_utf8_lossy(&nearly).replace('\0', ""));
    }
}

#[test]
fn a_mend_leaves_nothing_to_mend_and_changes_nothing_else() {
    let nowhere = TargetContext::path_only();
    for Case { raises, .. } in cases() {
        let before = found_in(&raises, &nowhere);
        if before.iter().all(|finding| finding.fix.is_none()) {
            continue;
        }
        let after = apply_fixes(&raises, &before);
        let left = found_in(&after, &nowhere);
        assert!(left.iter().all(|finding| finding.fix.is_none()), "{left:#?}");
        let old = encoding::decode(raises, None).unwrap().document;
        let new = encoding::decode(after, None).unwrap().document;
        let edits = edits_of(&before);
        for change in plan::differences(&old, &new) {
            let is_planned =
                edits.iter().any(|edit| edit.path().key.as_str().eq_ignore_ascii_case(&change.key));
            assert!(is_planned, "{change:?}");
        }
        // what was not fixed is unchanged
        let codes = |findings: &[Finding]| -> Vec<Code> {
            let unfixed = findings.iter().filter(|finding| finding.fix.is_none());
            unfixed.map(|finding| finding.diagnostic.code).collect()
        };
        for code in codes(&before) {
            assert!(codes(&left).contains(&code), "{code:?} went too: {left:#?}");
        }
    }
}

#[test]
fn every_code_has_its_pair_and_keeps_its_rule() {
    let nowhere = TargetContext::path_only();
    let listed: Vec<String> = cases().into_iter().map(|case| case.code).collect();
    for rule in RULES {
        let is_shown = listed.iter().any(|code| code == rule.code.name())
            || SHOWN_BY_THE_SUITE.contains(&rule.code)
            || ON_DISK.iter().any(|case| case.code == rule.code)
            || rule.code == UNREADABLE.code();
        assert!(is_shown, "{} has no pair", rule.code.name());
    }
    for Case { raises, nearly, .. } in cases() {
        for finding in [found_in(&raises, &nowhere), found_in(&nearly, &nowhere)].concat() {
            keeps_its_rule(&finding);
        }
    }
}

#[track_caller]
fn keeps_its_rule(finding: &Finding) {
    let name = finding.diagnostic.code.name();
    let Some(rule) = RULES.iter().find(|rule| rule.code == finding.diagnostic.code) else {
        panic!("{name} is in no rule: {finding:?}")
    };
    assert!(rule.severities.contains(&finding.severity), "{name}: {:?}", finding.severity);
    let is_allowed = match rule.fixable {
        Fixable::Yes => finding.fix.is_some(),
        Fixable::No => finding.fix.is_none(),
        Fixable::Sometimes => true,
    };
    assert!(is_allowed, "{name}: {finding:?}");
}

/// A program of a hook on a disk: the command, the files, and what the system says of files.
struct OnDisk {
    code: Code,
    severity: Severity,
    raises: (&'static str, &'static [&'static str], FileProbe),
    nearly: (&'static str, &'static [&'static str], FileProbe),
}

const NOTHING: FileProbe = FileProbe { mark_of: |_| None, can_remove_mark: |_| Ok(()), access_of: |_| None };
const MARKED: FileProbe =
    FileProbe { mark_of: |_| Some(b"[ZoneTransfer]\r\nZoneId=3\r\n".to_vec()), ..NOTHING };
const LOCAL: FileProbe =
    FileProbe { mark_of: |_| Some(b"[ZoneTransfer]\r\nZoneId=1\r\n".to_vec()), ..NOTHING };
const OPEN: FileProbe = FileProbe { access_of: |_| Some(access(0x001F_01FF)), ..NOTHING };
const CLOSED: FileProbe = FileProbe { access_of: |_| Some(access(0x0012_0089)), ..NOTHING };
const UNREADABLE: TargetError = TargetError::Unreadable { path: String::new(), why: String::new() };

/// Of SYSTEM, with an entry for everybody.
fn access(mask: u32) -> Access {
    let everybody = Sid("S-1-1-0".into());
    let entry = AccessEntry { kind: EntryKind::Allow, is_inherit_only: false, sid: everybody, mask };
    Access { owner: Sid("S-1-5-18".into()), entries: Some(vec![entry]) }
}

const ON_DISK: &[OnDisk] = &[
    OnDisk {
        code: Code::HookTargetMissing,
        severity: Severity::Error,
        raises: (r"C:\h\ring.exe", &["h/rign.exe"], NOTHING),
        nearly: (r"C:\h\RING.exe", &["h/ring.exe"], NOTHING),
    },
    OnDisk {
        code: Code::HookTargetFolder,
        severity: Severity::Error,
        raises: (r"C:\h\ring", &["h/ring/x.exe"], NOTHING),
        nearly: (r"C:\h\ring\x.exe", &["h/ring/x.exe"], NOTHING),
    },
    OnDisk {
        code: Code::HookTargetEmpty,
        severity: Severity::Error,
        raises: (r"C:\h\empty.exe", &["h/empty.exe"], NOTHING),
        nearly: (r"C:\h\x.exe", &["h/x.exe"], NOTHING),
    },
    OnDisk {
        code: Code::HookInterpreterMissing,
        severity: Severity::Error,
        raises: (r"C:\Windows\pyw.exe C:\h\x.py", &["h/x.py"], NOTHING),
        nearly: (r"C:\Windows\pyw.exe C:\h\x.py", &["h/x.py", "Windows/pyw.exe"], NOTHING),
    },
    OnDisk {
        code: Code::HookTargetRelative,
        severity: Severity::Warning,
        raises: ("tool", &["tools/tool.exe"], NOTHING),
        nearly: (r"C:\tools\tool.exe", &["tools/tool.exe"], NOTHING),
    },
    OnDisk {
        code: Code::HookTargetOtherUser,
        severity: Severity::Warning,
        raises: (r"C:\users\bob\x.exe", &["users/bob/x.exe"], NOTHING),
        nearly: (r"C:\users\Public\x.exe", &["users/Public/x.exe"], NOTHING),
    },
    OnDisk {
        code: Code::HookTargetBlocked,
        severity: Severity::Error,
        raises: (r"C:\h\x.exe", &["h/x.exe"], MARKED),
        nearly: (r"C:\h\x.exe", &["h/x.exe"], LOCAL),
    },
    OnDisk {
        code: Code::HookTargetBlocked,
        severity: Severity::Warning,
        raises: (r"C:\Windows\pyw.exe C:\h\x.py", &["h/x.py", "Windows/pyw.exe"], MARKED),
        nearly: (r"C:\Windows\pyw.exe C:\h\x.py", &["h/x.py", "Windows/pyw.exe"], LOCAL),
    },
    OnDisk {
        code: Code::HookTargetWritable,
        severity: Severity::Warning,
        raises: (r"C:\h\x.exe", &["h/x.exe"], OPEN),
        nearly: (r"C:\h\x.exe", &["h/x.exe"], CLOSED),
    },
];

fn found_on_disk((command, files, known): (&str, &[&str], FileProbe)) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let path = folder.path().join("drive_c").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let image = [&b"MZ"[..], &[0; 58], &[64, 0, 0, 0], b"PE\0\0"].concat();
        let is_empty = name.contains("empty");
        std::fs::write(path, if is_empty { Vec::new() } else { image }).unwrap();
    }
    let targets = TargetContext {
        paths: WindowsPaths::Prefix(WinePrefix::at(folder.path()).unwrap()),
        ini: folder.path().join("drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini"),
        redirection: None,
        search_folders: vec![r"C:\tools".into()],
        extensions: vec![".EXE".into()],
        trust: Trust::new(Privileges::default(), None),
        probe: known,
    };
    let findings =
        found_in(&encode(&format!("[Settings]\nversion=3.22.3\ncmdCallRing={command}\n")), &targets);
    findings.iter().for_each(keeps_its_rule);
    findings
}

#[test]
fn programs_are_looked_at_on_the_disk() {
    for OnDisk { code, severity, raises, nearly } in ON_DISK {
        let is_it = |finding: &Finding| (finding.diagnostic.code, finding.severity) == (*code, *severity);
        let findings = found_on_disk(*raises);
        assert!(findings.iter().any(is_it), "{code:?}: {findings:#?}");
        let findings = found_on_disk(*nearly);
        assert!(!findings.iter().any(is_it), "{code:?}: {findings:#?}");
    }
}

#[test]
fn nothing_tells_a_password_or_whom_somebody_called() {
    let ini = "[Settings]\nlastCallNumber=5550199\naccountId=1\n[Account1]\ndomain=d\npassword=c0ffee-secret-1\n\
               password=other-secret\n[Calls]\n0=5550102;Ann\n0=5550103;Bob\n[Dialed]\n0=5550104\n";
    let long = ini.replace("Ann", &"x".repeat(300)).replace("5550199", &"7".repeat(300));
    let debug = format!("{:?}", found_in(&encode(&long), &TargetContext::path_only()));
    for secret in ["c0ffee", "other-secret", "55501", "7777"] {
        assert!(!debug.contains(secret), "{debug}");
    }
    assert!(debug.contains("ValueTooLong") && debug.contains("KeyDuplicate"), "{debug}");
}

#[test]
fn commands_that_fail_are_errors_and_others_are_not() {
    let texts = include_str!("../../../fixtures/hook-texts.tsv");
    for line in texts.lines().skip(1) {
        let [key, text, verdict, _] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let ini = encode(&format!("[Settings]\nversion=3.22.3\n{key}={text}\n"));
        let findings = found_in(&ini, &TargetContext::path_only());
        findings.iter().for_each(keeps_its_rule);
        let has_error = findings.iter().any(|finding| finding.severity == Severity::Error);
        assert_eq!(has_error, verdict == "fails", "{line}: {findings:#?}");
    }
}

#[test]
fn fixes_leave_nothing_to_fix_in_any_readable_ini() {
    let folder = format!("{}/fixtures/inis", env!("CARGO_MANIFEST_DIR"));
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let findings = found_in(&bytes, &TargetContext::path_only());
        findings.iter().for_each(keeps_its_rule);
        if encoding::decode(bytes.clone(), None).is_ok() {
            let left = found_in(&apply_fixes(&bytes, &findings), &TargetContext::path_only());
            assert!(left.iter().all(|finding| finding.fix.is_none()), "{left:#?}");
            read += 1;
        }
    }
    assert!(read > 15, "{read}");
}

#[test]
fn inis_as_microsip_saves_them_have_no_problems() {
    for name in
        ["modern-3.22.3", "modern-3.22.16", "quoted-3.21.6", "raw-3.21.3", "raw-3.19.27", "old-3.14.0"]
    {
        let findings = found_in(&bytes(&format!("@inis/{name}.ini")), &TargetContext::path_only());
        assert_eq!(findings, [], "{name}");
    }
}
