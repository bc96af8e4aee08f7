//! The steps of a transaction.

/// A step of a transaction. The names appear in errors and in docs/internals/safety.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waits until no MicroSIP uses the ini.
    Wait,
    /// Acquires the lock and removes what a killed run left behind.
    Lock,
    /// Reads the ini.
    Read,
    /// Plans and verifies the new text.
    Plan,
    /// Writes the new text to a file next to the ini, with its owner and access.
    Temp,
    /// Gives the old file a second name.
    Backup,
    /// Checks again whether a MicroSIP has started or the ini has changed.
    LookAgain,
    /// Renames the new file with the actions over the old one; if the ini stops using them, after the ini's.
    Actions,
    /// Renames the new file over the old one.
    Replace,
    /// Syncs the folder, so that the rename is on the disk.
    SyncFolder,
    /// Compares the old file with what was read.
    CompareOld,
    /// Reads the ini again and compares it with the new text.
    ReadBack,
    /// Removes surplus backups.
    Prune,
    /// Checks whether a MicroSIP started during the edit.
    LookLast,
}

impl Step {
    /// All steps in order.
    pub const ALL: &[Step] = &[
        Step::Wait,
        Step::Lock,
        Step::Read,
        Step::Plan,
        Step::Temp,
        Step::Backup,
        Step::LookAgain,
        Step::Actions,
        Step::Replace,
        Step::SyncFolder,
        Step::CompareOld,
        Step::ReadBack,
        Step::Prune,
        Step::LookLast,
    ];

    /// Returns the name in errors and in the docs.
    pub fn name(self) -> &'static str {
        match self {
            Step::Wait => "wait",
            Step::Lock => "lock",
            Step::Read => "read",
            Step::Plan => "plan",
            Step::Temp => "temp",
            Step::Backup => "backup",
            Step::LookAgain => "look-again",
            Step::Actions => "actions",
            Step::Replace => "replace",
            Step::SyncFolder => "sync-folder",
            Step::CompareOld => "compare-old",
            Step::ReadBack => "read-back",
            Step::Prune => "prune",
            Step::LookLast => "look-last",
        }
    }
}
