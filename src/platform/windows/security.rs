//! Who may do what to a file: owners and access lists.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSidToSidW, GetNamedSecurityInfoW, SE_FILE_OBJECT,
    SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, AdjustTokenPrivileges, DACL_SECURITY_INFORMATION, EqualSid, GetAce,
    GetSecurityDescriptorControl, GetTokenInformation, INHERIT_ONLY_ACE, LookupAccountSidW,
    LookupPrivilegeValueW, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, PSID, SE_DACL_PROTECTED, SE_PRIVILEGE_ENABLED, SE_RESTORE_NAME,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_ELEVATION, TOKEN_INFORMATION_CLASS, TOKEN_PRIVILEGES, TOKEN_QUERY,
    TOKEN_USER, TokenElevation, TokenUser, UNPROTECTED_DACL_SECURITY_INFORMATION,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::core::{PCWSTR, PWSTR};
use windows_sys::{s, w};

use crate::platform::{self, Access, AccessEntry, EntryKind, Privileges};

use super::text::{text_at, wide};

/// Gives a file that is there the access list and the owner of another.
pub fn copy_access(model: &Path, path: &Path) -> io::Result<()> {
    copy_security(model, path)
}

/// Gives a file the access list of another, and its owner if that is somebody else.
pub(super) fn copy_security(model: &Path, path: &Path) -> io::Result<()> {
    let (wanted, own) = (Security::of(model)?, Security::of(path)?);
    // a share may let nobody change lists, and then they are the folder's on both files
    if !wanted.has_same_access_as(&own) {
        wanted.apply_access(path)?;
    }
    // SAFETY: both point into descriptors that live until the end of this function
    if unsafe { EqualSid(wanted.owner, own.owner) } == 0 {
        set_owner(path, wanted.owner)?;
    }
    Ok(())
}

/// The security descriptor of a file, with pointers into it.
struct Security {
    descriptor: PSECURITY_DESCRIPTOR,
    owner: PSID,
    access: *mut ACL,
}

impl Security {
    fn of(path: &Path) -> io::Result<Security> {
        let mut security =
            Security { descriptor: ptr::null_mut(), owner: ptr::null_mut(), access: ptr::null_mut() };
        // SAFETY: the path ends with NUL, and the pointers may be written to
        let status = unsafe {
            GetNamedSecurityInfoW(
                wide(path).as_ptr(),
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &mut security.owner,
                ptr::null_mut(),
                &mut security.access,
                ptr::null_mut(),
                &mut security.descriptor,
            )
        };
        win32_result(status).map(|()| security)
    }

    /// What it says, for people to judge.
    fn access(&self) -> Option<Access> {
        // SAFETY: the owner points into the descriptor
        let owner = unsafe { text_of(self.owner) }?;
        if self.access.is_null() {
            return Some(Access { owner, entries: None });
        }
        // SAFETY: a list that is there is valid
        let count = unsafe { (*self.access).AceCount };
        let mut entries = Vec::new();
        for index in 0..count.into() {
            let mut entry = ptr::null_mut();
            // SAFETY: the list is valid, and the pointer may be written to
            if unsafe { GetAce(self.access, index, &mut entry) } == 0 {
                return None;
            }
            // SAFETY: the function gave an entry of the list, and every one begins with a header
            entries.extend(unsafe { entry_of(entry.cast()) });
        }
        Some(Access { owner, entries: Some(entries) })
    }

    fn is_protected(&self) -> io::Result<bool> {
        let (mut control, mut revision) = (0, 0);
        // SAFETY: the descriptor is valid, and both numbers may be written to
        match unsafe { GetSecurityDescriptorControl(self.descriptor, &mut control, &mut revision) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(control & SE_DACL_PROTECTED != 0),
        }
    }

    fn has_same_access_as(&self, other: &Security) -> bool {
        let bytes = |security: &Security| {
            let list = security.access;
            // SAFETY: a list that is there says how long it is
            (!list.is_null())
                .then(|| unsafe { std::slice::from_raw_parts(list.cast::<u8>(), (*list).AclSize.into()) })
        };
        bytes(self) == bytes(other)
    }

    fn apply_access(&self, path: &Path) -> io::Result<()> {
        // inherited entries are made anew from the folder, unless the list is cut off from it
        let inheritance = match self.is_protected()? {
            true => PROTECTED_DACL_SECURITY_INFORMATION,
            false => UNPROTECTED_DACL_SECURITY_INFORMATION,
        };
        match self.apply(path, DACL_SECURITY_INFORMATION | inheritance) {
            // a disk without access lists has none to keep
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            applied => applied,
        }
    }

    fn apply(&self, path: &Path, what: u32) -> io::Result<()> {
        // SAFETY: the path ends with NUL, and the pointers are into a valid descriptor
        win32_result(unsafe {
            SetNamedSecurityInfoW(
                wide(path).as_ptr(),
                SE_FILE_OBJECT,
                what,
                self.owner,
                ptr::null_mut(),
                self.access,
                ptr::null(),
            )
        })
    }
}

impl Drop for Security {
    fn drop(&mut self) {
        // SAFETY: GetNamedSecurityInfoW allocated it, and says to free it so
        unsafe { LocalFree(self.descriptor) };
    }
}

fn win32_result(status: u32) -> io::Result<()> {
    if status == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(status.cast_signed())) }
}

/// An entry of a list, if it is one that counts for files.
///
/// # Safety
/// It is an entry of a valid list.
unsafe fn entry_of(entry: *const ACCESS_ALLOWED_ACE) -> Option<AccessEntry> {
    // of winnt.h
    const ALLOWED: u8 = 0;
    const DENIED: u8 = 1;
    const ALLOWED_ON_CONDITION: u8 = 9;
    // SAFETY: the caller's promise
    let header = unsafe { (*entry).Header };
    let kind = match header.AceType {
        // a condition may hold
        ALLOWED | ALLOWED_ON_CONDITION => EntryKind::Allow,
        DENIED => EntryKind::Deny,
        // a denial on a condition may not hold, and others are not about access to files
        _ => return None,
    };
    // SAFETY: these kinds are laid out alike, the SID being where `SidStart` is
    let (mask, sid) = unsafe { ((*entry).Mask, text_of((&raw const (*entry).SidStart).cast_mut().cast())) };
    let is_inherit_only = u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0;
    Some(AccessEntry { kind, is_inherit_only, sid: sid?, mask })
}

/// A SID as text.
///
/// # Safety
/// It is valid.
unsafe fn text_of(sid: PSID) -> Option<platform::Sid> {
    let mut text: PWSTR = ptr::null_mut();
    // SAFETY: the SID is valid, and the pointer may be written to
    if unsafe { ConvertSidToStringSidW(sid, &mut text) } == 0 {
        return None;
    }
    // SAFETY: the function gave a text that ends with NUL
    let sid = unsafe { text_at(text) }.to_string_lossy().into_owned();
    // SAFETY: the function allocated it, and says to free it so
    unsafe { LocalFree(text.cast()) };
    Some(platform::Sid(sid))
}

/// A user or a group of Windows.
pub type Account = platform::Sid;

/// The owner of a file, if that is a user: what the machine or its administrators own tells nobody's name.
pub(in crate::platform) fn owner_of(path: &Path) -> Option<Account> {
    let security = Security::of(path).ok()?;
    // SAFETY: the owner points into the descriptor
    let owner = unsafe { text_of(security.owner) }?;
    owner.is_user().then_some(owner)
}

pub(in crate::platform) fn account_of(sid: platform::Sid) -> Option<Account> {
    Some(sid)
}

/// Makes somebody the owner of a file of ours.
pub(in crate::platform) fn give_to(_file: &File, path: &Path, account: &Account) -> io::Result<()> {
    give(path, account)
}

/// The same by the path alone, of a folder too.
pub(super) fn give(path: &Path, account: &Account) -> io::Result<()> {
    let present = Security::of(path)?;
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the user's number is none");
    let owner = Sid::parse(&account.0).ok_or_else(invalid)?;
    // SAFETY: both are valid until the end of this function
    if unsafe { EqualSid(owner.0, present.owner) } != 0 {
        return Ok(());
    }
    set_owner(path, owner.0)
}

/// Sets the owner of a file. Who may give files to others has to ask for that right first, once for all.
fn set_owner(path: &Path, owner: PSID) -> io::Result<()> {
    static RIGHT: OnceLock<()> = OnceLock::new();
    RIGHT.get_or_init(|| {
        if let Ok(token) = Token::of_this_process(TOKEN_ADJUST_PRIVILEGES) {
            token.enable(SE_RESTORE_NAME);
        }
    });
    // SAFETY: the path ends with NUL, and the SID is valid
    win32_result(unsafe {
        SetNamedSecurityInfoW(
            wide(path).as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            owner,
            ptr::null_mut(),
            ptr::null(),
            ptr::null(),
        )
    })
}

/// Who may do what to a file or a folder, links followed.
///
/// Not asked under Wine: what it says is made up from the mode of the file, without the sticky bit, so /tmp is
/// everybody's, and every process there is one user who is an administrator.
pub fn access_of(path: &Path) -> Option<Access> {
    if is_wine() { None } else { Security::of(path).ok()?.access() }
}

/// Whether its access list lets somebody read a file who may not read another.
pub fn has_wider_access(file: &Path, model: &Path) -> bool {
    access_of(file).zip(access_of(model)).is_some_and(|(here, there)| here.lets_more_read_than(&there))
}

fn is_wine() -> bool {
    // SAFETY: both names end with NUL, and every process has this module
    unsafe { GetProcAddress(GetModuleHandleW(w!("ntdll.dll")), s!("wine_get_version")) }.is_some()
}

/// As whom this program runs.
pub fn privileges() -> Privileges {
    let Some(token) = Token::own() else { return Privileges::default() };
    Privileges { is_elevated: token.is_elevated().unwrap_or(false), user: token.user() }
}

/// What Windows knows of who runs a process.
#[derive(Debug)]
pub(super) struct Token(OwnedHandle);

impl Token {
    fn own() -> Option<Token> {
        Token::of_this_process(TOKEN_QUERY).ok()
    }

    fn of_this_process(access: u32) -> io::Result<Token> {
        // SAFETY: the handle of this process is always good
        Token::of(unsafe { GetCurrentProcess() }, access)
    }

    /// Makes use of a right that it has; one that it has not stays missing, and shows where it is needed.
    fn enable(&self, right: PCWSTR) {
        let mut rights = TOKEN_PRIVILEGES { PrivilegeCount: 1, ..Default::default() };
        rights.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
        // SAFETY: the name ends with NUL, the token is open, and there is one right as is said
        unsafe {
            if LookupPrivilegeValueW(ptr::null(), right, &mut rights.Privileges[0].Luid) != 0 {
                AdjustTokenPrivileges(self.handle(), 0, &rights, 0, ptr::null_mut(), ptr::null_mut());
            }
        }
    }

    /// That of a process, which is open.
    pub fn of(process: HANDLE, access: u32) -> io::Result<Token> {
        let mut token = ptr::null_mut();
        // SAFETY: a handle that is not good is refused, and the token's may be written to
        match unsafe { OpenProcessToken(process, access, &mut token) } {
            0 => Err(io::Error::last_os_error()),
            // SAFETY: it was just made and is nobody else's
            _ => Ok(Token(unsafe { OwnedHandle::from_raw_handle(token) })),
        }
    }

    pub fn handle(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    /// Whether it has an administrator's rights.
    pub fn is_elevated(&self) -> Option<bool> {
        let mut elevation = TOKEN_ELEVATION::default();
        // SAFETY: it is the structure for this question
        unsafe { self.ask(TokenElevation, &mut elevation) }?;
        Some(elevation.TokenIsElevated != 0)
    }

    fn user(&self) -> Option<platform::Sid> {
        /// The structure, and behind it the SID that it points to, which takes 68 bytes at most.
        #[repr(C)]
        struct Room {
            user: TOKEN_USER,
            sid: [u8; 68],
        }
        let mut room = Room { user: TOKEN_USER::default(), sid: [0; 68] };
        // SAFETY: it begins with the structure for this question
        unsafe { self.ask(TokenUser, &mut room) }?;
        // SAFETY: the SID lies in `room`
        unsafe { text_of(room.user.User.Sid) }
    }

    /// # Safety
    /// The answer to this question makes a valid `T`.
    unsafe fn ask<T>(&self, what: TOKEN_INFORMATION_CLASS, room: &mut T) -> Option<()> {
        let size = u32::try_from(size_of::<T>()).ok()?;
        let mut length = 0;
        // SAFETY: the token is open, and `room` is as large as is said
        let is_told =
            unsafe { GetTokenInformation(self.handle(), what, (&raw mut *room).cast(), size, &mut length) };
        (is_told != 0).then_some(())
    }
}

/// The name of an account by its SID, with its domain.
pub fn account_name(sid: &platform::Sid) -> Option<String> {
    const LONGEST: u32 = 256;
    let sid = Sid::parse(&sid.0)?;
    let (mut name, mut domain) = ([0_u16; LONGEST as usize], [0_u16; LONGEST as usize]);
    let (mut name_length, mut domain_length) = (LONGEST, LONGEST);
    let mut kind = 0;
    // SAFETY: the SID is valid, and both texts are as long as is said
    let found = unsafe {
        LookupAccountSidW(
            ptr::null(),
            sid.0,
            name.as_mut_ptr(),
            &mut name_length,
            domain.as_mut_ptr(),
            &mut domain_length,
            &mut kind,
        )
    };
    let text = |units: &[u16], length: u32| String::from_utf16_lossy(&units[..length.min(LONGEST) as usize]);
    let (name, domain) = (text(&name, name_length), text(&domain, domain_length));
    (found != 0).then(|| if domain.is_empty() { name.clone() } else { format!("{domain}\\{name}") })
}

/// The name of a user, with the domain. sysinfo's list of them reads from a null pointer under Wine 8.
pub fn user_name(user: &sysinfo::Uid) -> Option<String> {
    account_name(&platform::Sid(user.to_string()))
}

/// Whether that is the user of this program.
pub fn is_own_user(user: &sysinfo::Uid) -> bool {
    privileges().user.is_some_and(|own| own.0 == user.to_string())
}

/// Windows says so when the file is replaced.
pub fn is_access_denied_by_mode(_path: &Path) -> bool {
    false
}

/// A SID that was made of text.
struct Sid(PSID);

impl Sid {
    fn parse(text: &str) -> Option<Sid> {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut sid: PSID = ptr::null_mut();
        // SAFETY: the text ends with NUL, and the pointer may be written to
        let made = unsafe { ConvertStringSidToSidW(text.as_ptr(), &mut sid) };
        (made != 0).then_some(Sid(sid))
    }
}

impl Drop for Sid {
    fn drop(&mut self) {
        // SAFETY: ConvertStringSidToSidW allocated it, and says to free it so
        unsafe { LocalFree(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_list_is_read_as_it_is() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let access = Security::of(file.path()).unwrap().access().unwrap();
        let own = privileges().user.unwrap();
        assert!(own.0.starts_with("S-1-5-"), "{own:?}");
        let entries = access.entries.unwrap();
        let may_write = |entry: &&AccessEntry| entry.kind == EntryKind::Allow && entry.mask & 2 != 0;
        let writers: Vec<_> = entries.iter().filter(may_write).map(|entry| entry.sid.0.as_str()).collect();
        assert!(writers.contains(&"S-1-5-18"), "{entries:?}");
        // an elevated administrator's files belong to the group
        assert!(writers.contains(&access.owner.0.as_str()), "{entries:?}");
        assert!(access.owner == own || access.owner.0 == "S-1-5-32-544", "{:?}", access.owner);
    }

    #[test]
    fn accounts_have_names() {
        assert!(account_name(&platform::Sid("S-1-5-18".into())).is_some_and(|name| name.contains("SYSTEM")));
        assert_eq!(account_name(&platform::Sid("S-1-5-21-1-2-3-4".into())), None);
        assert_eq!(account_name(&platform::Sid("nobody".into())), None);
    }
}
