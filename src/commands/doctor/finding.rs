//! What doctor finds: a problem, its place, its severity, and how to fix it.

use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::plan::{self, Edit};
use crate::ini::document::{IniDocument, Line};
use crate::microsip::keys::setting_path;
use crate::page::Count;

/// How bad a problem is, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It works, but not as it seems, or with a risk.
    Warning,
    /// Something doesn't work, or will be lost.
    Error,
}

impl Severity {
    /// Every severity, the worst first.
    pub const WORST_FIRST: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// The only sensible fix of a problem.
#[derive(Clone, Debug, PartialEq)]
pub enum Fix {
    /// Write the ini in MicroSIP's own encoding, which every edit does.
    Encoding,
    /// Change a key.
    Edit(Edit),
    /// Remove a file that a killed run left, which every edit does.
    Leftover,
    /// Give this backup the owner and the access rights of the ini.
    Access(PathBuf),
}

/// A command line that fixes a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixCommand {
    /// The arguments of msipcfg.
    pub args: Vec<String>,
    /// Whether an argument is a word such as VALUE that stands for what the user must decide.
    pub is_template: bool,
}

/// A problem that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what it means; the hint says what the user can do.
    pub diagnostic: Diagnostic,
    /// The file, if it isn't the ini.
    pub file: Option<PathBuf>,
    /// The line number, from 1.
    pub line: Option<usize>,
    /// The key as `[SECTION/]KEY`.
    pub key: Option<String>,
    /// The fix, if there is only one sensible fix.
    pub fix: Option<Fix>,
    /// The commands that the user can run, before what the hint says.
    pub commands: Vec<FixCommand>,
}

impl Finding {
    /// Returns a problem of the ini as a whole.
    pub fn new(severity: Severity, problem: &impl ToDiagnostic) -> Finding {
        let diagnostic = Diagnostic::from(problem);
        Finding { severity, diagnostic, file: None, line: None, key: None, fix: None, commands: Vec::new() }
    }

    /// Returns a problem because of which something doesn't work.
    pub fn error(code: Code, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Error, &Diagnostic::new(code, message))
    }

    /// Returns a problem with a risk.
    pub fn warning(code: Code, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, &Diagnostic::new(code, message))
    }

    /// Returns a problem that is only worth knowing.
    pub fn info(code: Code, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Info, &Diagnostic::new(code, message))
    }

    /// Sets what the user can do.
    pub fn with_hint(self, hint: impl Into<String>) -> Finding {
        Finding { diagnostic: self.diagnostic.with_hint(hint), ..self }
    }

    /// Adds a command that the user can run.
    pub fn with_command<T: ToString>(self, args: impl IntoIterator<Item = T>) -> Finding {
        self.with_fix_command(args, false)
    }

    /// Adds a command in which the user replaces a word such as VALUE.
    pub fn with_template<T: ToString>(self, args: impl IntoIterator<Item = T>) -> Finding {
        self.with_fix_command(args, true)
    }

    fn with_fix_command<T: ToString>(
        mut self,
        args: impl IntoIterator<Item = T>,
        is_template: bool,
    ) -> Finding {
        let args = args.into_iter().map(|arg| arg.to_string()).collect();
        self.commands.push(FixCommand { args, is_template });
        self
    }

    /// Sets the line of the problem.
    pub fn at(self, document: &IniDocument, line: &Line) -> Finding {
        Finding { line: Some(plan::line_number(document, line)), ..self }
    }

    /// Sets the key of the problem.
    pub fn of(self, section: &str, key: &str) -> Finding {
        Finding { key: Some(setting_path(section, key)), ..self }
    }

    /// Sets the file of the problem.
    pub fn in_file(self, file: PathBuf) -> Finding {
        Finding { file: Some(file), ..self }
    }

    /// Sets the fix of the problem.
    pub fn fixed_by(self, fix: impl Into<Option<Fix>>) -> Finding {
        Finding { fix: fix.into(), ..self }
    }
}

/// Whether `--fix` can fix a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixable {
    /// Always.
    Yes,
    /// If the intention is clear.
    Sometimes,
    /// Never: the user must decide.
    No,
}

/// What holds for all problems of a code.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The code.
    pub code: Code,
    /// How bad it can be.
    pub severities: &'static [Severity],
    /// Whether `--fix` can fix it.
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

/// Every code that doctor reports, in the order of the documentation. Tests compare it with what is found.
pub const RULES: &[Rule] = rules! {
    FileRead: Error Warning Info, No;
    NotAnIni: Error, No;
    NotMicrosip: Error, No;
    EncodingUnknown: Error, No;
    EncodingInvalid: Error, No;
    FileReadOnly: Warning, No;
    FileWrite: Warning, No;
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
    HookShellWords: Error, No;
    HookComment: Warning, Sometimes;
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
    HookTargetMissing: Error, Sometimes;
    HookTargetFolder: Error, No;
    HookTargetUnreadable: Error, No;
    HookTargetEmpty: Error, No;
    HookTargetNotProgram: Error, Sometimes;
    HookTargetBatch: Warning, No;
    HookTargetShell: Warning, No;
    HookTargetOptions: Warning, No;
    HookInterpreterMissing: Error, No;
    HookTargetUnchecked: Info, No;
    HookTargetNetwork: Warning, No;
    HookTargetOtherUser: Warning, No;
    HookTargetTemporary: Warning, No;
    HookTargetBlocked: Error Warning, No;
    HookTargetWritable: Warning, No;

    IniWritable: Warning, No;
    HooksFileInvalid: Error, No;
    HooksFileWritable: Error, No;
    RunnerUnset: Error, Sometimes;
    RunnerUnneeded: Info, Yes;
    EventHasProgram: Warning, No;
    ActionFailed: Warning Info, No;
    HooksNotFired: Warning Info, No;

    IniNotRead: Error, No;
    IniStaleCopy: Info, No;
    IniTwoPlaces: Info, No;
    Leftover: Info, Yes;
    BackupExposed: Warning, Yes;
};

/// Returns `2 errors, 1 warning`; empty if nothing was found.
pub fn counted<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> String {
    let counts = Severity::WORST_FIRST.iter().filter_map(|severity| {
        let count = count(findings.clone(), *severity);
        (count > 0).then(|| Count(count, severity.name()).to_string())
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// Returns how many problems have this severity.
pub fn count<'a>(findings: impl Iterator<Item = &'a Finding>, severity: Severity) -> usize {
    findings.filter(|finding| finding.severity == severity).count()
}
