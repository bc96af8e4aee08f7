//! Stable names for everything that can go wrong or deserves a warning, and the exit status each leads to.
//!
//! Each room has its own error enum; what they share is here: a code that scripts may rely on, a message
//! (their `Display`), and a hint that says what to do next. The table of codes is the contract;
//! `docs/exit-statuses.md` shows it and a test keeps both the same.

use serde::Serialize;

/// How the program ends. Scripts depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done, or already so.
    Done = 0,
    /// The answer is no: no such key, no backup to restore, problems found.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The hook target or a value was refused.
    Refused = 3,
    /// No ini was found, or several.
    NoIni = 4,
    /// MicroSIP was still running when the time was up.
    StillRunning = 5,
    /// A file could not be read, locked or written.
    File = 6,
    /// Not an ini, encoding unknown, or the edit could not be verified; nothing was written.
    NotAnIni = 7,
    /// Of many inis some failed.
    SomeFailed = 8,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl ExitStatus {
    /// Every one, in order.
    pub const ALL: &[ExitStatus] = &[
        ExitStatus::Done,
        ExitStatus::No,
        ExitStatus::Usage,
        ExitStatus::Refused,
        ExitStatus::NoIni,
        ExitStatus::StillRunning,
        ExitStatus::File,
        ExitStatus::NotAnIni,
        ExitStatus::SomeFailed,
        ExitStatus::Interrupted,
    ];

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitStatus::Done => "Done, or already so",
            ExitStatus::No => "The answer is no",
            ExitStatus::Usage => "The command line or the input is wrong",
            ExitStatus::Refused => "A hook's program or a value was refused",
            ExitStatus::NoIni => "No MicroSIP.ini was found, or several",
            ExitStatus::StillRunning => "MicroSIP was still running when the time was up",
            ExitStatus::File => "A file could not be read, locked or written",
            ExitStatus::NotAnIni => "Not an ini, or its encoding is not known; nothing was written",
            ExitStatus::SomeFailed => "Some of several inis failed",
            ExitStatus::Interrupted => "Interrupted",
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:ident, $meaning:literal;)*) => {
        /// The stable, kebab-case name of an error or a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The code as scripts see it.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The exit status when this code stops a command. `Done`: it is only ever a warning.
            pub fn exit_status(self) -> ExitStatus {
                match self { $(Code::$variant => ExitStatus::$status,)* }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    Usage = "usage", Usage, "the command line is wrong";
    EventUnknown = "event-unknown", Usage, "there is no such event";
    SecretInline = "secret-inline", Usage, "a password was given on the command line, where others can read it";
    SecretUnreadable = "secret-unreadable", File, "the password could not be read from where it was said to be";
    KeyNotFound = "key-not-found", No, "there is no such key, section or setting";
    NoBackup = "no-backup", No, "there is no backup, or none of that name or number";

    IniNotFound = "ini-not-found", NoIni, "no MicroSIP ini was found";
    IniAmbiguous = "ini-ambiguous", NoIni, "several MicroSIP inis were found and none was named";
    NotAnIni = "not-an-ini", NotAnIni, "the file is not empty and has no section header, or it is over 16 MiB";
    EncodingUnknown = "encoding-unknown", NotAnIni, "8-bit text that is not UTF-8, and the code page is not known";
    EncodingInvalid = "encoding-invalid", NotAnIni, "the file holds bytes that its encoding does not have";
    EditUnverified = "edit-unverified", NotAnIni, "a second reading of the edit did not show what was wanted";
    IniEncoding = "ini-encoding", Done, "the ini is not UTF-16LE with BOM; an edit writes it so";
    SectionDuplicate = "section-duplicate", Done, "the section is there more than once; MicroSIP reads only the first";
    KeyDuplicate = "key-duplicate", Done, "the key is there more than once; MicroSIP reads only the first";

    SectionUnreadable = "section-unreadable", Done, "rubbish stands before the first header, so its section is not read";
    SectionUnknown = "section-unknown", Done, "MicroSIP does not know this section, but one of nearly that name";
    TextNul = "text-nul", Done, "a NUL character stands in the text; what follows it in its line is not read";

    KeyMisplaced = "key-misplaced", Done, "the key stands in a section, or before any, where MicroSIP does not look for it";
    KeyWithoutValue = "key-without-value", Done, "a line without = hides a later one of the same key";
    KeyUnknown = "key-unknown", Done, "MicroSIP does not know this key";
    NameRefused = "name-refused", Refused, "a section or key name that could not be found again, or would plant another line";
    ValueRefused = "value-refused", Refused, "the value is not one that this key can have";
    ValueTooLong = "value-too-long", Refused, "MicroSIP would cut the value";
    ValueUnstable = "value-unstable", Refused, "the value would not be the same after MicroSIP has saved it";
    ValueNormalised = "value-normalised", Done, "the value was written as MicroSIP would save it";
    ValueUnknownWord = "value-unknown-word", Done, "the list has a word that MicroSIP does not know and will ignore";
    ValueOldWord = "value-old-word", Done, "a word of an older MicroSIP, which this one does not know";
    ShortcutGap = "shortcut-gap", Done, "a number is missing among the shortcuts, and those behind it are not shown";
    ShortcutOverrun = "shortcut-overrun", Done, "a shortcut longer than 255 characters, which overruns the memory of MicroSIP 3.20";
    AccountMissing = "account-missing", Done, "accountId names an account that is not there, or has no domain";
    AccountUnused = "account-unused", Done, "there is an account, but without accountId MicroSIP does not use it";
    AccountGap = "account-gap", Done, "a number is missing among the accounts, and those behind it cannot be chosen";
    AccountNoUsername = "account-no-username", Done, "an account has a password and no username; its next save drops the password";
    PasswordPlain = "password-plain", Done, "a password stands in clear until MicroSIP loads its account";
    PasswordLength = "password-length", Done, "a plain password of this length may be taken for an encrypted one";

    InputInvalid = "input-invalid", Usage, "what was given to a DSC operation on standard input is no instance";
    DesiredInvalid = "desired-invalid", Refused, "the desired-state file is not what it should be";
    VariableUndefined = "variable-undefined", Refused, "the desired-state file names a variable that is not there";
    FalseIsAbsent = "false-is-absent", Done, "false removes the key, and its default is on";
    PasswordUnconfirmed = "password-unconfirmed", Done, "the password was changed once since it was set, to what may be its encryption";
    PasswordUnnoted = "password-unnoted", Done, "what is known of a password could not be noted, so it may be set again";
    MicrosipTooOld = "microsip-too-old", Refused, "the MicroSIP that uses the ini is older than the desired-state file allows";
    MicrosipVersionUnknown = "microsip-version-unknown", Done, "nothing tells the version of MicroSIP, so it was not compared";

    ProfileLink = "profile-link", File, "in a user's folder a link stands in the way to the ini, or no file";
    ProfileMoved = "profile-moved", File, "the settings of a user's programs lie outside of the user's folder";
    UserNotListed = "user-not-listed", Refused, "the table of users has no line for the user whose ini it is";
    UserWithoutFolder = "user-without-folder", Done, "the table of users lists some who have no folder where it was looked";
    ProfilesNone = "profiles-none", NoIni, "there are no users' folders";
    FirstRunSkipped = "first-run-skipped", Done, "MicroSIP will not take its first start for one, and not set itself to start with Windows";
    SomeFailed = "some-failed", SomeFailed, "of many inis some failed; the report says which";
    ReportUnwritable = "report-unwritable", File, "the file for the report could not be written";

    EventUnsupported = "event-unsupported", Refused, "this version of MicroSIP does not have the event";
    DialectUncertain = "dialect-uncertain", Done, "the version is not known for sure, and an older one would not keep this command";
    HookTooLong = "hook-too-long", Refused, "the command is longer than MicroSIP safely reads";
    HookUnstable = "hook-unstable", Refused, "the command would be another one after MicroSIP has saved it";
    HookArgumentRefused = "hook-argument-refused", Refused, "an argument that cannot reach the program unchanged";
    HookMaskSecret = "hook-mask-secret", Refused, "a mask would put the account's password on a command line";
    HookMaskConstant = "hook-mask-constant", Done, "a mask that has the same text at every outgoing call";
    HookMaskIgnored = "hook-mask-ignored", Done, "this event, or this version, expands no masks in braces";
    HookArgumentSplit = "hook-argument-split", Refused, "an argument with blanks loses its quotes and arrives in pieces";
    HookQuotesLost = "hook-quotes-lost", Refused, "the first and the last quote of the value are lost when it is read";
    HookPathUnquoted = "hook-path-unquoted", Refused, "a path with blanks stands without quotes; MicroSIP runs only its first word";
    HookPlaceholder = "hook-placeholder", Refused, "MicroSIP replaces no such placeholder; the number comes as the last argument";
    HookUrl = "hook-url", Refused, "the value is a web address, not a program";
    HookBlank = "hook-blank", Refused, "the value is blank but not empty; MicroSIP would start itself";
    HookNumberDetached = "hook-number-detached", Done, "the number comes as an argument of its own, not joined to the option before it";
    HookNumberJoined = "hook-number-joined", Done, "an open quote takes the number into the argument before it";
    HookUserStandIn = "hook-user-stand-in", Done, "a path without quotes holds a stand-in for a user's name, and breaks where that has blanks";
    HookDecayed = "hook-decayed", Refused, "the command has lost its first and last quote in a save of an older MicroSIP";
    HookMisplaced = "hook-misplaced", Done, "a command stands where MicroSIP does not look for it, so it never runs";
    HookTwice = "hook-twice", Done, "two events of one call run the same command";
    HookBusyMissing = "hook-busy-missing", Done, "a command for end and none for busy: calls that were declined or busy give no end";
    HookCut = "hook-cut", Refused, "the value is longer than MicroSIP reads; the end is lost";

    HookNotSet = "hook-not-set", No, "no hook is set for the event";
    HookNotStarted = "hook-not-started", No, "in a test, the program of the hook could not be started";
    HookFailed = "hook-failed", No, "in a test, the program of the hook ended with an exit status that is not 0";
    HookTimeout = "hook-timeout", No, "in a test, the hook ran on after the 10 seconds that MicroSIP waits";
    HookSlow = "hook-slow", Done, "in a test, the hook took more than a second, for which MicroSIP would be frozen";
    HookMaskUntested = "hook-mask-untested", Done, "in a test, a mask was not replaced by what MicroSIP would put there";
    HookStartedOtherwise = "hook-started-otherwise", Done, "in a test, the program was not started in the way in which MicroSIP does";

    HookTargetRelative = "hook-target-relative", Refused, "the program is not named by its full Windows path, and was not found by name";
    HookTargetBadPath = "hook-target-bad-path", Refused, "the path has wildcards, quotes, control characters or a device name";
    HookTargetMissing = "hook-target-missing", Refused, "the program is not there";
    HookTargetFolder = "hook-target-folder", Refused, "the path names a folder";
    HookTargetUnreadable = "hook-target-unreadable", Refused, "the program cannot be read by this user";
    HookTargetEmpty = "hook-target-empty", Refused, "the program's file is empty";
    HookTargetNotProgram = "hook-target-not-program", Refused, "Windows would open this file in another program, or it is no real .exe";
    HookTargetBatch = "hook-target-batch", Refused, "a batch file gets the caller's text unquoted: a caller can run commands";
    HookTargetShell = "hook-target-shell", Refused, "a shell reads the caller's text as part of a command: a caller can run commands";
    HookInterpreterMissing = "hook-interpreter-missing", Refused, "the program that runs scripts of this kind was not found";
    HookTargetUnchecked = "hook-target-unchecked", Done, "the program could not be checked on this machine";
    HookTargetNetwork = "hook-target-network", Done, "the program lies on a network drive";
    HookTargetOtherUser = "hook-target-other-user", Done, "the program lies in another user's folder";
    HookTargetBlocked = "hook-target-blocked", Refused, "the program is marked as come from the internet, so Windows asks before it starts it";
    HookTargetUnblocked = "hook-target-unblocked", Done, "the mark of the web was taken off the program, or would be";
    HookTargetWritable = "hook-target-writable", Refused, "others than its user and administrators may put another program in its place; refused only when elevated, as SYSTEM or for another user's ini";
    HookTargetTemporary = "hook-target-temporary", Done, "the program lies in a folder that is cleaned up, or where downloads land";

    MicrosipOutdated = "microsip-outdated", Done, "this MicroSIP has faults with commands that a newer one does not have";
    IniNotRead = "ini-not-read", Done, "the ini lies where its MicroSIP does not look";
    IniStaleCopy = "ini-stale-copy", Done, "another ini of this name lies where MicroSIP does not look any more";
    IniTwoPlaces = "ini-two-places", Done, "a portable copy and an installed MicroSIP each have an ini";
    Leftover = "leftover", Done, "a file that a killed run of msipcfg left";
    BackupExposed = "backup-exposed", Done, "others than those of the ini can read a backup, which holds passwords as the ini does";

    MicrosipNotFound = "microsip-not-found", NoIni, "MicroSIP's program was not found";
    MicrosipRefused = "microsip-refused", Refused, "what was named as MicroSIP is no program, or its path cannot stand in a command";
    WindowsOnly = "windows-only", No, "this is a matter of Windows, and this is not Windows";
    RegistryFailed = "registry-failed", File, "the registry could not be read or written";
    NumberRefused = "number-refused", Refused, "the number, or what is to be keyed in, would not reach MicroSIP as it is";
    OrderUnsupported = "order-unsupported", Refused, "this version of MicroSIP cannot be told to do that";
    LinksChosen = "links-chosen", Done, "the user chose another program for these links in Windows' settings, and that wins";
    LinksMayAsk = "links-may-ask", Done, "Windows may still ask the user which program is to open such a link";
    LinksChangedSince = "links-changed-since", Done, "another program registered for these links since, so they were left alone";

    MicrosipRunning = "microsip-running", StillRunning, "MicroSIP is running and uses this ini";
    MicrosipNotRunning = "microsip-not-running", No, "there is no running MicroSIP to drive";
    InstanceAmbiguous = "instance-ambiguous", NoIni, "several MicroSIPs are running and none was named";
    MicrosipUnreachable = "microsip-unreachable", No, "a running MicroSIP has no window here, has more rights, or does not answer";
    MicrosipNotReady = "microsip-not-ready", No, "a running MicroSIP cannot make calls yet";
    StartFailed = "start-failed", File, "MicroSIP could not be started";
    CloseImpossible = "close-impossible", Done, "a running MicroSIP could not be asked to close; it is waited for";
    RestartFailed = "restart-failed", Done, "a MicroSIP that was closed could not be started again";
    EditMayBeUndone = "edit-may-be-undone", StillRunning, "written, but a MicroSIP came up meanwhile and may save its old settings";
    FileNotRegular = "file-not-regular", File, "a folder, a device or a pipe stands in the file's place";
    FileRead = "file-read", File, "the file could not be read";
    FileWrite = "file-write", File, "the file could not be written";
    FileReadOnly = "file-read-only", File, "the file is marked read-only";
    FileLocked = "file-locked", File, "another msipcfg works on this ini";
    BackupFailed = "backup-failed", File, "a backup could not be made or removed";
    Interrupted = "interrupted", Interrupted, "stopped by the user; the ini is whole";
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What every error and warning can say of itself beside its message.
pub trait ToDiagnostic: std::fmt::Display {
    /// The stable name.
    fn code(&self) -> Code;
    /// What to do next, one sentence.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// A problem as it is reported: its text is fixed, its kind is the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable name.
    pub code: Code,
    /// What happened, to which file.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl<P: ToDiagnostic> From<&P> for Diagnostic {
    fn from(problem: &P) -> Self {
        Diagnostic { code: problem.code(), message: problem.to_string(), hint: problem.hint() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_names_are_kebab_case_and_unique() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            let name = code.name();
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            assert!(seen.insert(name), "{name} stands twice");
        }
    }
}
