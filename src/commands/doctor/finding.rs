//! What doctor finds: a problem, where it is, how bad, and what mends it.

use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::plan::{self, Edit};
use crate::ini::document::{IniDocument, Line};

/// How bad a problem is; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It works, but otherwise than it seems, or with a risk.
    Warning,
    /// Something does not work, or will be lost.
    Error,
}

impl Severity {
    /// All of them.
    pub const WORST_FIRST: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// What mends a problem without a decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Mend {
    /// The ini is written as MicroSIP keeps it, which every edit does.
    Encoding,
    /// A key changes.
    Edit(Edit),
    /// A file of a killed run goes, as it does with every edit.
    Leftover,
    /// This backup gets the owner and the access of the ini.
    Access(PathBuf),
}

/// A problem that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what that means; the hint is what the user can do.
    pub notice: Diagnostic,
    /// The file, where it is another than the ini.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The key as `[SECTION/]KEY`.
    pub key: Option<String>,
    /// What mends it, if that takes no decision.
    pub mend: Option<Mend>,
}

impl Finding {
    /// A problem of the ini as a whole.
    pub fn new(severity: Severity, problem: &impl ToDiagnostic) -> Finding {
        let notice = Diagnostic::from(problem);
        Finding { severity, notice, file: None, line: None, key: None, mend: None }
    }

    /// Found in a line.
    pub fn at(self, document: &IniDocument, line: &Line) -> Finding {
        Finding { line: Some(plan::line_number(document, line)), ..self }
    }

    /// Found in a key.
    pub fn of(self, section: &str, key: &str) -> Finding {
        Finding { key: Some(path_text(section, key)), ..self }
    }

    /// Found in another file.
    pub fn in_file(self, file: PathBuf) -> Finding {
        Finding { file: Some(file), ..self }
    }

    /// With what mends it.
    pub fn mended_by(self, mend: impl Into<Option<Mend>>) -> Finding {
        Finding { mend: mend.into(), ..self }
    }
}

/// A key as it is written on the command line. Unlike a `KeyPath` it may hold anything that stands in an ini.
pub(super) fn path_text(section: &str, key: &str) -> String {
    if section.eq_ignore_ascii_case("Settings") { key.to_string() } else { format!("{section}/{key}") }
}

/// Whether `--fix` mends a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixable {
    /// Always.
    Yes,
    /// Where it can be told what was meant.
    Sometimes,
    /// It takes a decision.
    No,
}

/// What can be said of all problems of a code.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The code.
    pub code: Code,
    /// How bad it can be.
    pub severities: &'static [Severity],
    /// Whether it can be mended.
    pub fixable: Fixable,
}

macro_rules! rules {
    ($($code:ident: $($severity:ident)+, $fixable:ident;)*) => {
        &[$(Rule {
            code: Code::$code,
            severities: &[$(Severity::$severity),+],
            fixable: Fixable::$fixable,
        }),*]
    };
}

/// Every code that doctor gives, in the order of the documentation. Tests hold what is found to it.
pub const RULES: &[Rule] = rules! {
    FileRead: Error, No;
    NotAnIni: Error, No;
    EncodingUnknown: Error, No;
    EncodingInvalid: Error, No;
    FileReadOnly: Warning, No;
    IniEncoding: Error, Yes;
    SectionUnreadable: Error, No;
    TextNul: Warning, No;
    SectionDuplicate: Warning, No;
    SectionUnknown: Warning, No;
    KeyDuplicate: Warning Info, No;
    KeyWithoutValue: Warning, No;
    KeyMisplaced: Warning, No;
    KeyUnknown: Error Warning Info, No;
    ValueTooLong: Warning, No;
    ValueRefused: Warning, Sometimes;
    ValueUnstable: Warning, Yes;
    ValueUnknownWord: Warning Info, No;
    ValueOldWord: Warning, Yes;
    ShortcutGap: Warning, No;
    ShortcutOverrun: Error, No;

    AccountMissing: Error Warning, No;
    AccountUnused: Warning, No;
    AccountGap: Warning, No;
    AccountNoUsername: Warning, No;
    PasswordPlain: Warning, No;
    PasswordLength: Warning, No;

    HookMisplaced: Error, No;
    EventUnsupported: Error, No;
    HookCut: Error, No;
    HookBlank: Error, Yes;
    HookUrl: Error, No;
    HookPathUnquoted: Error, Sometimes;
    HookQuotesLost: Error, Sometimes;
    HookDecayed: Error, Sometimes;
    HookArgumentSplit: Error, Sometimes;
    HookUnstable: Error, Sometimes;
    HookPlaceholder: Error, Sometimes;
    HookMaskIgnored: Error, Sometimes;
    HookMaskSecret: Warning, No;
    HookMaskConstant: Warning, No;
    HookNumberDetached: Error, No;
    HookNumberJoined: Error, No;
    DialectUncertain: Info, No;
    MicrosipOutdated: Info, No;
    HookTwice: Warning, No;
    HookBusyMissing: Info, No;
    HookTargetRelative: Error Warning, No;
    HookTargetBadPath: Error, No;
    HookTargetMissing: Error, No;
    HookTargetFolder: Error, No;
    HookTargetUnreadable: Error, No;
    HookTargetEmpty: Error, No;
    HookTargetNotProgram: Error, Sometimes;
    HookTargetBatch: Warning, No;
    HookTargetShell: Warning, No;
    HookInterpreterMissing: Error, No;
    HookTargetUnchecked: Info, No;
    HookTargetNetwork: Warning, No;
    HookTargetOtherUser: Warning, No;
    HookTargetTemporary: Warning, No;
    HookTargetBlocked: Error Warning, No;
    HookTargetWritable: Warning, No;

    IniNotRead: Error, No;
    IniStaleCopy: Info, No;
    IniTwoPlaces: Info, No;
    Leftover: Info, Yes;
    BackupExposed: Warning, Yes;
};
