//! The stable codes of errors and warnings, and the exit status of each.
//!
//! Every module has its own error and warning enums. What they have in common is here: a code that scripts may rely
//! on, a message (their `Display`) and a hint that says what to do next. The table of codes is a contract:
//! `docs/reference/exit-statuses.md` shows it, and a test keeps the two equal.

use serde::Serialize;

macro_rules! exit_statuses {
    ($($(#[doc = $doc:literal])* $variant:ident = $number:literal, $meaning:literal;)*) => {
        /// The exit status of the program. Scripts depend on the numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum ExitStatus { $($(#[doc = $doc])* $variant = $number,)* }

        impl ExitStatus {
            /// All exit statuses in ascending order.
            pub const ALL: &[ExitStatus] = &[$(ExitStatus::$variant,)*];

            /// Returns the meaning as one line of the documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(ExitStatus::$variant => $meaning,)* }
            }
        }
    };
}

exit_statuses! {
    /// The command succeeded, or there was nothing to do.
    Done = 0, "Success, or nothing to do";
    /// The answer is no: the key doesn't exist, there is no backup, problems were found.
    No = 1, "The answer is no: not found, not in the desired state, or problems were found";
    /// The command line, or the input of a DSC operation, is wrong.
    Usage = 2, "The command line, or the input of a DSC operation, is invalid";
    /// A hook or a value was refused.
    Refused = 3, "A hook or a value was refused";
    /// No ini was found, or several were.
    NoIni = 4, "No MicroSIP.ini was found, or several were; for links --set, MicroSIP wasn't found";
    /// MicroSIP was still running when the time was up.
    StillRunning = 5, "MicroSIP was still running at the end of the timeout";
    /// A file couldn't be read, locked or written, or a password couldn't be read.
    File = 6, "A file couldn't be read, locked or written, or a password couldn't be read";
    /// The file isn't an ini, its encoding isn't known, or the edit couldn't be verified. Nothing was written.
    NotAnIni = 7, "Not an ini, unknown encoding, or the edit couldn't be verified; nothing was written";
    /// Some of several inis failed.
    SomeFailed = 8, "Some of several inis failed; the report says which";
    /// The user cancelled the command.
    Interrupted = 130, "Cancelled by the user";
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:ident, $meaning:literal;)*) => {
        /// The stable, kebab-case name of an error or a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant,)* }

        impl Code {
            /// All codes in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// Returns the code as scripts see it.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// Returns the exit status of a command that fails with this code. `Done` means that it's only a warning.
            pub fn exit_status(self) -> ExitStatus {
                match self { $(Code::$variant => ExitStatus::$status,)* }
            }

            /// Returns the meaning as one line of the documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    Usage = "usage", Usage, "the command line is invalid";
    EventUnknown = "event-unknown", Usage, "the event isn't known";
    SecretInline = "secret-inline", Usage,
        "a password was given on the command line, where other programs can read it";
    SecretUnreadable = "secret-unreadable", File, "the password couldn't be read from the given source";
    KeyNotFound = "key-not-found", No, "the key, section or setting wasn't found";
    NoBackup = "no-backup", No, "no backup exists, or none with that name or number";

    IniNotFound = "ini-not-found", NoIni, "no MicroSIP.ini was found";
    IniAmbiguous = "ini-ambiguous", NoIni, "several MicroSIP.ini files were found and none was chosen";
    NotAnIni = "not-an-ini", NotAnIni,
        "the file is a binary or isn't text, has no section header, or is larger than 16 MiB";
    NotMicrosip = "not-microsip", NotAnIni,
        "the ini has no setting that MicroSIP knows, so it's another program's; reading only warns";
    HooksFileInvalid = "hooks-file-invalid", NotAnIni, "the file with the actions of the hooks has a mistake";
    EncodingUnknown = "encoding-unknown", NotAnIni,
        "the file is 8-bit text that isn't UTF-8, and its code page isn't known";
    EncodingInvalid = "encoding-invalid", NotAnIni,
        "the file contains bytes that aren't valid in its encoding";
    EditUnverified = "edit-unverified", NotAnIni,
        "the edited text didn't pass the check that it differs only by the edit";
    HardLink = "hard-link", Done,
        "the ini has other names (hard links), which keep the old content when it is replaced";
    IniEncoding = "ini-encoding", Done, "the ini isn't UTF-16LE with BOM; an edit converts it";
    SectionDuplicate = "section-duplicate", Done,
        "the section appears more than once; MicroSIP reads only the first";
    KeyDuplicate = "key-duplicate", Done, "the key appears more than once; MicroSIP reads only the first";

    SectionUnreadable = "section-unreadable", Done,
        "other text comes before the first section header, so MicroSIP doesn't read that section";
    SectionUnknown = "section-unknown", Done,
        "MicroSIP doesn't know this section, but knows one with a similar name";
    TextNul = "text-nul", Done,
        "the text contains NUL characters; MicroSIP doesn't read the rest of that line";

    KeyMisplaced = "key-misplaced", Done,
        "the key is in the wrong section, or before the first one, so MicroSIP doesn't read it";
    KeyWithoutValue = "key-without-value", Done, "a line without = hides a later line with the same key";
    KeyUnknown = "key-unknown", Done, "the key isn't a MicroSIP setting";
    KeyMisspelled = "key-misspelled", Refused,
        "the key isn't a MicroSIP setting, but almost certainly a misspelled or misplaced one";
    NameRefused = "name-refused", Refused,
        "a section or key with this name couldn't be read back, or would add another line";
    ValueRefused = "value-refused", Refused, "the value isn't valid for this key";
    ValueTooLong = "value-too-long", Refused, "the value is longer than MicroSIP reads";
    ValueUnstable = "value-unstable", Refused,
        "the value would change the next time MicroSIP saves its settings";
    ValueNormalised = "value-normalised", Done, "the value was written the way MicroSIP saves it";
    ValueUnknownWord = "value-unknown-word", Done,
        "the list contains a word that MicroSIP doesn't know and ignores";
    ValueOldWord = "value-old-word", Done,
        "the value is a word from an older MicroSIP that this version doesn't know";
    ShortcutGap = "shortcut-gap", Done,
        "a number is missing in the list of shortcuts, and MicroSIP doesn't show those after it";
    ShortcutOverrun = "shortcut-overrun", Done,
        "a shortcut is longer than 255 characters, which overruns a buffer in MicroSIP 3.20";
    AccountMissing = "account-missing", Done,
        "accountId names an account that doesn't exist or has no domain";
    AccountUnused = "account-unused", Done,
        "an account exists, but MicroSIP doesn't use it because accountId isn't set";
    AccountGap = "account-gap", Done,
        "a number is missing in the list of accounts, and those after it can't be selected";
    AccountNoUsername = "account-no-username", Done,
        "an account has a password but no username, so MicroSIP drops the password when it saves";
    PasswordPlain = "password-plain", Done,
        "a password is stored in plain text until MicroSIP loads its account";
    PasswordLength = "password-length", Done,
        "a plain password of this length may be mistaken for an encrypted one";

    InputInvalid = "input-invalid", Usage, "the standard input of a DSC operation isn't a valid instance";
    DesiredInvalid = "desired-invalid", Refused, "the desired-state file isn't valid";
    DesiredEmpty = "desired-empty", Refused,
        "the desired state names nothing, so there is nothing to apply or to compare";
    VariableUndefined = "variable-undefined", Refused,
        "the desired-state file uses a variable that isn't defined";
    ExportIncomplete = "export-incomplete", Done, "a part of the ini can't be in a desired-state file";
    FalseIsAbsent = "false-is-absent", Done, "false removes the key, but the setting is on by default";
    PasswordUnconfirmed = "password-unconfirmed", Done,
        "the password changed once since it was set, possibly because MicroSIP encrypted it";
    PasswordUnnoted = "password-unnoted", Done,
        "the hash of a password couldn't be saved, so the password may be set again";
    StateVersionUnnoted = "state-version-unnoted", Done,
        "the state-version couldn't be saved, so 'check' and 'detect' will report another one";
    MicrosipTooOld = "microsip-too-old", Refused,
        "the MicroSIP that uses the ini is older than the desired-state file allows";
    MicrosipVersionUnknown = "microsip-version-unknown", Done,
        "the version of MicroSIP isn't known, so it wasn't checked";

    ProfileLink = "profile-link", File,
        "the path to the ini inside a user's folder contains a link, or the ini isn't a regular file";
    ProfileMoved = "profile-moved", File, "a user's AppData folder is outside the user's profile folder";
    ProfileMaybeMoved = "profile-maybe-moved", Done,
        "an ini was changed, but MicroSIP uses another one if the user, who is logged off, has a redirected AppData folder";
    UserNotListed = "user-not-listed", Refused, "the table of users has no row for the user who owns the ini";
    UserAmbiguous = "user-ambiguous", Refused,
        "a row in the table of users could belong to several users' folders, or several rows to one folder";
    UserWithoutFolder = "user-without-folder", Done,
        "the table of users lists users whose profile folder wasn't found";
    CellEmpty = "cell-empty", Done, "a cell in the table of users is empty";
    NumberAltered = "number-altered", Done,
        "a spreadsheet may have altered a number in the table of users: removed zeros at its start, or rounded it";
    ProfilesNone = "profiles-none", NoIni, "no profile folders of users were found";
    FirstRunSkipped = "first-run-skipped", Done,
        "MicroSIP won't do its first-run setup, so it won't register itself to start with Windows";
    UsersSkipped = "users-skipped", SomeFailed,
        "users were skipped: all of them, or with --fail-on-skipped any";
    SomeFailed = "some-failed", SomeFailed, "some of several inis failed; the report says which";
    ReportUnwritable = "report-unwritable", File, "the report file couldn't be written";

    EventUnsupported = "event-unsupported", Refused, "this version of MicroSIP doesn't have the event";
    DialectUncertain = "dialect-uncertain", Done,
        "the version of MicroSIP isn't certain, and an older one wouldn't keep this command";
    HookTooLong = "hook-too-long", Refused, "the command is longer than MicroSIP can safely read";
    HookUnstable = "hook-unstable", Refused,
        "the command would change the next time MicroSIP saves its settings";
    HookArgumentRefused = "hook-argument-refused", Refused, "the argument can't reach the program unchanged";
    HookMaskSecret = "hook-mask-secret", Refused,
        "the mask would put the account's password on a command line";
    HookMaskConstant = "hook-mask-constant", Done, "the mask expands to the same text on every outgoing call";
    HookMaskIgnored = "hook-mask-ignored", Refused,
        "this event, or this version of MicroSIP, doesn't expand masks in braces";
    HookArgumentSplit = "hook-argument-split", Refused,
        "an argument with spaces loses its quotes and arrives in pieces";
    HookQuotesLost = "hook-quotes-lost", Refused,
        "the first and last quote of the value are lost when MicroSIP reads it";
    HookPathUnquoted = "hook-path-unquoted", Refused,
        "a path with spaces isn't quoted; MicroSIP starts only the part before the first space";
    HookPlaceholder = "hook-placeholder", Refused,
        "MicroSIP doesn't substitute this placeholder or variable; it adds the caller's text after the arguments";
    HookShellWords = "hook-shell-words", Refused,
        "the command contains syntax of cmd.exe, but MicroSIP uses no shell";
    HookComment = "hook-comment", Done, "a comment after the command is passed to the program as arguments";
    HookUrl = "hook-url", Refused, "the hook is a web address, not a program";
    HookBlank = "hook-blank", Refused, "the value contains only spaces; MicroSIP would start itself";
    HookNumberDetached = "hook-number-detached", Refused,
        "the number arrives as a separate argument, not joined to the option or address before it";
    HookNumberJoined = "hook-number-joined", Refused,
        "because of an unclosed quote, the number is joined to the argument before it";
    HookUserStandIn = "hook-user-stand-in", Done,
        "an unquoted path contains a placeholder for a user's name and breaks if the name has a space";
    HookDecayed = "hook-decayed", Refused,
        "an older MicroSIP removed the first and last quote of the command when it saved its settings";
    HookMisplaced = "hook-misplaced", Done,
        "the command is in a place where MicroSIP doesn't look, so it never runs";
    HookTwice = "hook-twice", Done, "two events of one call run the same command";
    HookBusyMissing = "hook-busy-missing", Done,
        "a command is set for end but not for busy, and declined or busy calls don't trigger end";
    HookCut = "hook-cut", Refused, "the value is longer than MicroSIP reads, so its end is lost";

    ActionsUnsupported = "actions-unsupported", Refused,
        "this version of MicroSIP can't start the runner, so it has no actions";
    ActionRefused = "action-refused", Refused,
        "the address, text, file or caller of an action isn't valid";
    ActionPrivate = "action-private", Done,
        "an action with a private value isn't set where everyone can read it";
    CountryUnset = "country-unset", Done,
        "an action needs the calling code of your country, which isn't set";
    ActionNotFound = "action-not-found", No, "the event has no action with this number";
    RunnerMissing = "runner-missing", Refused, "msipcfg-run.exe isn't next to msipcfg.exe";
    RunnerUnset = "runner-unset", Done,
        "MicroSIP doesn't start msipcfg-run on an event that actions need";
    RunnerUnneeded = "runner-unneeded", Done, "MicroSIP starts msipcfg-run on an event that no action needs";
    IniWritable = "ini-writable", Done,
        "users other than the ini's owner and administrators can change the ini, and so what MicroSIP runs";
    HooksFileWritable = "hooks-file-writable", Refused,
        "somebody who can't change the ini can change the file with the actions, so msipcfg doesn't carry them out";
    ActionFailed = "action-failed", Done, "actions failed or were interrupted in the last 7 days";
    WorkerRunning = "worker-running", File,
        "msipcfg is still carrying out actions, so the calls database can't be removed yet";
    HooksNotFired = "hooks-not-fired", Done,
        "hooks were set while MicroSIP was running, and it hasn't run any since";
    EventHasProgram = "event-has-program", Done,
        "a program runs on an event on which actions need msipcfg-run";

    HookNotSet = "hook-not-set", No, "no hook is set for the event";
    HookNotStarted = "hook-not-started", No, "during a test, the hook's program couldn't be started";
    HookFailed = "hook-failed", No, "during a test, the hook's program exited with a non-zero status";
    HookTimeout = "hook-timeout", No,
        "during a test, the hook was still running after the 10 seconds that MicroSIP waits";
    HookSlow = "hook-slow", Done,
        "during a test, the hook took more than a second, which would freeze MicroSIP for that time";
    HookMaskUntested = "hook-mask-untested", Done,
        "during a test, a mask wasn't replaced by the text that MicroSIP would use";
    HookStartedOtherwise = "hook-started-otherwise", Done,
        "during a test, the program wasn't started the way MicroSIP starts it";

    HookTargetRelative = "hook-target-relative", Refused,
        "the program isn't given by its full Windows path and wasn't found by name";
    HookTargetBadPath = "hook-target-bad-path", Refused,
        "the path contains wildcards, quotes, control characters or a device name";
    HookTargetMissing = "hook-target-missing", Refused,
        "the program doesn't exist, or MicroSIP, a 32-bit program, finds it only under another path";
    HookTargetFolder = "hook-target-folder", Refused, "the path is a folder";
    HookTargetUnreadable = "hook-target-unreadable", Refused, "this user can't read the program";
    HookTargetEmpty = "hook-target-empty", Refused, "the program's file is empty";
    HookTargetNotProgram = "hook-target-not-program", Refused,
        "the file isn't a program: Windows would open it in another app, or it isn't a valid .exe";
    HookTargetBatch = "hook-target-batch", Refused,
        "a batch file receives the caller's text unquoted, so a caller could run commands";
    HookTargetShell = "hook-target-shell", Refused,
        "a shell reads the caller's text as part of a command, so a caller could run commands";
    HookTargetOptions = "hook-target-options", Done,
        "the program reads options from the caller's text, so a caller can change what it does";
    HookInterpreterMissing = "hook-interpreter-missing", Refused,
        "the interpreter for this kind of script wasn't found";
    HookTargetUnchecked = "hook-target-unchecked", Done, "the program couldn't be checked on this computer";
    HookTargetNetwork = "hook-target-network", Done, "the program is on a network drive";
    HookTargetOtherUser = "hook-target-other-user", Done, "the program is in another user's folder";
    HookTargetBlocked = "hook-target-blocked", Refused,
        "the program is marked as downloaded from the internet, so Windows asks before starting it";
    HookTargetUnblocked = "hook-target-unblocked", Done,
        "the \"downloaded from the internet\" mark was removed from the program, or would be";
    HookTargetWritable = "hook-target-writable", Refused,
        "users other than the ini's user and administrators can replace the program; refused only when \
        elevated, as SYSTEM or for another user's ini";
    HookTargetTemporary = "hook-target-temporary", Done,
        "the program is in a folder for temporary files or downloads";

    MicrosipOutdated = "microsip-outdated", Done,
        "this version of MicroSIP has bugs in running or saving commands; a newer one fixes them";
    IniNotRead = "ini-not-read", Done, "the ini is in a place where MicroSIP doesn't look for it";
    IniStaleCopy = "ini-stale-copy", Done,
        "another MicroSIP.ini is in a place where MicroSIP no longer looks";
    IniTwoPlaces = "ini-two-places", Done, "a portable and an installed MicroSIP each have an ini";
    StreamNotCopied = "stream-not-copied", Done, "alternate data streams of the ini couldn't be copied to the new one";
    Leftover = "leftover", Done, "a file was left behind when msipcfg was killed";
    BackupExposed = "backup-exposed", Done,
        "a backup, which can contain passwords, is readable by more users than its ini";

    MicrosipNotFound = "microsip-not-found", NoIni, "MicroSIP isn't installed, or its program wasn't found";
    MicrosipRefused = "microsip-refused", Refused,
        "the program given as MicroSIP isn't a program, or its path can't be used in a command";
    WindowsOnly = "windows-only", No, "the command works only on Windows";
    RegistryFailed = "registry-failed", File, "the registry couldn't be read or written";
    NumberRefused = "number-refused", Refused, "the number or digits can't be passed to MicroSIP unchanged";
    OrderUnsupported = "order-unsupported", Refused, "this version of MicroSIP doesn't support the command";
    LinksChosen = "links-chosen", Done,
        "in Windows' settings, the user chose another program for these links; that choice takes precedence";
    LinksMayAsk = "links-may-ask", Done, "Windows may still ask the user which program opens such a link";
    LinksChangedSince = "links-changed-since", Done,
        "another program has registered for these links since, so they were left unchanged";

    MicrosipRunning = "microsip-running", StillRunning, "MicroSIP is running and uses this ini";
    ProcessesUnreadable = "processes-unreadable", File,
        "the running programs couldn't be listed, so it isn't known whether MicroSIP is running";
    MicrosipNotRunning = "microsip-not-running", No, "MicroSIP isn't running, so it can't be controlled";
    InstanceAmbiguous = "instance-ambiguous", NoIni,
        "several instances of MicroSIP are running and none was chosen";
    MicrosipUnreachable = "microsip-unreachable", No,
        "a running MicroSIP has no window that msipcfg can reach, has higher privileges, or doesn't respond";
    MicrosipNotReady = "microsip-not-ready", No, "a running MicroSIP can't make calls yet";
    SettingsOfOtherUser = "settings-of-other-user", Done,
        "msipcfg isn't running as the user who is logged on, so it uses the settings of the user that it runs as";
    StartFailed = "start-failed", File, "MicroSIP couldn't be started";
    CloseImpossible = "close-impossible", Done,
        "a running MicroSIP couldn't be asked to close, so msipcfg waits for it to exit";
    RestartFailed = "restart-failed", Done, "a MicroSIP that was closed couldn't be started again";
    EditMayBeUndone = "edit-may-be-undone", StillRunning,
        "the change was written, but MicroSIP started in the meantime and may undo it when it exits";
    InputLostCharacters = "input-lost-characters", Done,
        "standard input contains '?', which Windows PowerShell sends in place of characters that aren't ASCII";
    FileNotRegular = "file-not-regular", File, "the path is a folder, a device or a pipe, not a file";
    FileRead = "file-read", File, "the file couldn't be read";
    FileWrite = "file-write", File, "the file couldn't be written";
    FileReadOnly = "file-read-only", File, "the file is marked read-only";
    FileLocked = "file-locked", File, "another msipcfg is editing this ini";
    BackupFailed = "backup-failed", File, "a backup couldn't be created or removed";
    Interrupted = "interrupted", Interrupted, "cancelled by the user; the ini is intact";
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An error or a warning that can be rendered. Its `Display` is the message: what happened, and to which file.
pub trait ToDiagnostic: std::fmt::Display {
    /// Returns the stable code.
    fn code(&self) -> Code;
    /// Returns what to do next, as one sentence.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An error or a warning as it is shown to people and in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// What happened, and to which file.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Returns a diagnostic without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, message: message.into(), hint: None }
    }

    /// Adds what to do next.
    pub fn with_hint(self, hint: impl Into<String>) -> Diagnostic {
        Diagnostic { hint: Some(hint.into()), ..self }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl ToDiagnostic for Diagnostic {
    fn code(&self) -> Code {
        self.code
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl<P: ToDiagnostic> From<&P> for Diagnostic {
    fn from(source: &P) -> Self {
        Diagnostic { code: source.code(), message: source.to_string(), hint: source.hint() }
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
            assert!(seen.insert(name), "{name} appears twice");
        }
    }
}
