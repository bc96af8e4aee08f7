//! Owners and access lists.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSidToSidW, GetSecurityInfo, SE_FILE_OBJECT, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, AdjustTokenPrivileges, DACL_SECURITY_INFORMATION, DuplicateTokenEx, EqualSid,
    GetAce, GetSecurityDescriptorControl, GetTokenInformation, INHERIT_ONLY_ACE, LookupAccountSidW,
    LookupPrivilegeValueW, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, PSID, SE_DACL_PROTECTED, SE_PRIVILEGE_ENABLED, SE_RESTORE_NAME,
    SecurityImpersonation, TOKEN_ADJUST_PRIVILEGES, TOKEN_ALL_ACCESS, TOKEN_ELEVATION,
    TOKEN_INFORMATION_CLASS, TOKEN_PRIVILEGES, TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenPrimary,
    TokenUser, UNPROTECTED_DACL_SECURITY_INFORMATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, READ_CONTROL, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::core::{PCWSTR, PWSTR};
use windows_sys::{s, w};

use crate::platform::access::{Access, AccessEntry, EntryKind, NewOwner, Privileges, Sid};

use super::win32::{check, text_at};

/// Gives an existing file the access list of another one, and its owner if that is a different user.
pub fn copy_access(model: &Path, path: &Path) -> io::Result<()> {
    let model = open_to_examine(model, 0)?;
    // the right to set the owner may be missing where it isn't needed
    let file =
        open_to_examine(path, WRITE_DAC | WRITE_OWNER).or_else(|_| open_to_examine(path, WRITE_DAC))?;
    copy_access_to(&model, &file).map(drop)
}

/// Opens a file or a folder to read its security descriptor, with these additional rights.
fn open_to_examine(path: &Path, rights: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(READ_CONTROL | rights).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

/// Gives an open file the access list of another one, and its owner if this user may do that: only Administrators and
/// SYSTEM may give a file to somebody else. A user whose ini an administrator created can edit it nevertheless.
pub(super) fn copy_access_to(model: &File, file: &File) -> io::Result<NewOwner> {
    let (wanted, present) = (Security::of(model)?, Security::of(file)?);
    // a share may forbid changing lists; then both files inherited the list of the folder
    if !wanted.has_same_access_as(&present) {
        wanted.apply_access(file)?;
    }
    NewOwner::after(set_owner(file, &present, wanted.owner))
}

/// The security descriptor of a file, and pointers into it.
struct Security {
    descriptor: PSECURITY_DESCRIPTOR,
    owner: PSID,
    access: *mut ACL,
}

impl Security {
    /// Reads it (GetSecurityInfo). The file must be open with READ_CONTROL.
    fn of(file: &File) -> io::Result<Security> {
        let mut security =
            Security { descriptor: ptr::null_mut(), owner: ptr::null_mut(), access: ptr::null_mut() };
        // SAFETY: the file is open, and the pointers can be written to
        let status = unsafe {
            GetSecurityInfo(
                file.as_raw_handle(),
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

    fn at(path: &Path) -> io::Result<Security> {
        Security::of(&open_to_examine(path, 0)?)
    }

    /// Converts it; `None` if it contains something invalid.
    fn access(&self) -> Option<Access> {
        // SAFETY: the owner points into the descriptor
        let owner = unsafe { text_of(self.owner) }?;
        if self.access.is_null() {
            return Some(Access { owner, entries: None });
        }
        // SAFETY: it isn't null, so it is a valid list
        let count = unsafe { (*self.access).AceCount };
        let mut entries = Vec::new();
        for index in 0..count.into() {
            let mut entry = ptr::null_mut();
            // SAFETY: the list is valid, and the pointer can be written to
            if unsafe { GetAce(self.access, index, &mut entry) } == 0 {
                return None;
            }
            // SAFETY: the function returned an entry of the list, which begins with a header
            entries.extend(unsafe { entry_of(entry.cast()) });
        }
        Some(Access { owner, entries: Some(entries) })
    }

    fn is_protected(&self) -> io::Result<bool> {
        let (mut control, mut revision) = (0, 0);
        // SAFETY: the descriptor is valid, and both numbers can be written to
        check(unsafe { GetSecurityDescriptorControl(self.descriptor, &mut control, &mut revision) })?;
        Ok(control & SE_DACL_PROTECTED != 0)
    }

    fn has_same_access_as(&self, other: &Security) -> bool {
        let bytes = |security: &Security| {
            let list = security.access;
            // SAFETY: a valid list contains its length
            (!list.is_null())
                .then(|| unsafe { std::slice::from_raw_parts(list.cast::<u8>(), (*list).AclSize.into()) })
        };
        bytes(self) == bytes(other)
    }

    fn apply_access(&self, file: &File) -> io::Result<()> {
        // entries are inherited from the folder again, unless the list is protected from that
        let inheritance = if self.is_protected()? {
            PROTECTED_DACL_SECURITY_INFORMATION
        } else {
            UNPROTECTED_DACL_SECURITY_INFORMATION
        };
        match set_security(file, DACL_SECURITY_INFORMATION | inheritance, ptr::null_mut(), self.access) {
            // the file system has no access lists
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            applied => applied,
        }
    }
}

impl Drop for Security {
    fn drop(&mut self) {
        // SAFETY: GetSecurityInfo allocated it for this function to free
        unsafe { LocalFree(self.descriptor) };
    }
}

fn win32_result(status: u32) -> io::Result<()> {
    if status == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(status.cast_signed())) }
}

/// Converts an entry of an access list; `None` if it doesn't affect the access to files.
///
/// # Safety
/// It belongs to a valid list.
unsafe fn entry_of(entry: *const ACCESS_ALLOWED_ACE) -> Option<AccessEntry> {
    // from winnt.h
    const ALLOWED: u8 = 0;
    const DENIED: u8 = 1;
    const ALLOWED_ON_CONDITION: u8 = 9;
    // SAFETY: the caller's promise
    let header = unsafe { (*entry).Header };
    let kind = match header.AceType {
        // the condition may be true
        ALLOWED | ALLOWED_ON_CONDITION => EntryKind::Allow,
        DENIED => EntryKind::Deny,
        // the condition of a denial may be false, and other types don't affect the access to files
        _ => return None,
    };
    // SAFETY: these types have the same layout, with the SID at `SidStart`
    let (mask, sid) = unsafe { ((*entry).Mask, text_of((&raw const (*entry).SidStart).cast_mut().cast())) };
    let is_inherit_only = u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0;
    Some(AccessEntry { kind, is_inherit_only, sid: sid?, mask })
}

/// Converts a SID to text.
///
/// # Safety
/// It is valid.
unsafe fn text_of(sid: PSID) -> Option<Sid> {
    let mut text: PWSTR = ptr::null_mut();
    // SAFETY: the SID is valid, and the pointer can be written to
    if unsafe { ConvertSidToStringSidW(sid, &mut text) } == 0 {
        return None;
    }
    // SAFETY: the function returned a text that ends with NUL
    let sid = unsafe { text_at(text) }.to_string_lossy().into_owned();
    // SAFETY: ConvertSidToStringSidW allocated it for this function to free
    unsafe { LocalFree(text.cast()) };
    Some(Sid(sid))
}

/// The owner of a file: a Windows user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(Sid);

impl Owner {
    /// Returns the owner of a file or a folder; `None` if it belongs to the machine or its administrators instead of a
    /// user, or if that isn't known.
    pub fn of(path: &Path) -> Option<Owner> {
        let security = Security::at(path).ok()?;
        // SAFETY: the owner points into the descriptor
        let owner = unsafe { text_of(security.owner) }?;
        owner.is_user().then_some(Owner(owner))
    }

    /// Returns a user as an owner.
    pub fn of_sid(sid: Sid) -> Option<Owner> {
        Some(Owner(sid))
    }

    /// Returns whether an open file belongs to this user, to SYSTEM or to the administrators.
    ///
    /// # Errors
    /// Its owner can't be read.
    pub fn may_own(&self, file: &File) -> io::Result<bool> {
        let security = Security::of(file)?;
        // SAFETY: the owner points into the descriptor
        let owner = unsafe { text_of(security.owner) };
        Ok(owner.is_some_and(|owner| owner == self.0 || owner.is_administrative()))
    }

    /// Gives a file or a folder to this owner, unless it is theirs already.
    ///
    /// # Errors
    /// The user of this program may not give files away.
    pub fn take(&self, file: &File) -> io::Result<()> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the SID of the user is invalid");
        let owner = NativeSid::parse(&self.0.0).ok_or_else(invalid)?;
        set_owner(file, &Security::of(file)?, owner.0)
    }
}

/// Sets the owner of an open file, unless it is theirs already. The privilege to give files to others must be enabled
/// first, once per process.
fn set_owner(file: &File, present: &Security, owner: PSID) -> io::Result<()> {
    static PRIVILEGE: OnceLock<()> = OnceLock::new();
    // SAFETY: both are valid
    if unsafe { EqualSid(owner, present.owner) } != 0 {
        return Ok(());
    }
    PRIVILEGE.get_or_init(|| {
        if let Ok(token) = Token::of_this_process(TOKEN_ADJUST_PRIVILEGES) {
            token.enable(SE_RESTORE_NAME);
        }
    });
    set_security(file, OWNER_SECURITY_INFORMATION, owner, ptr::null())
}

/// Sets what `what` names: the owner, or the access list (SetSecurityInfo). Both must be valid or null.
fn set_security(file: &File, what: u32, owner: PSID, access: *const ACL) -> io::Result<()> {
    // SAFETY: the file is open, and the pointers are valid or null
    win32_result(unsafe {
        SetSecurityInfo(
            file.as_raw_handle(),
            SE_FILE_OBJECT,
            what,
            owner,
            ptr::null_mut(),
            access,
            ptr::null(),
        )
    })
}

/// Returns the owner and the access list of a file or a folder, links followed.
///
/// Returns `None` under Wine, which derives the list from the file's mode without the sticky bit, so everybody could
/// write to /tmp, and where each process runs as the same administrator.
pub fn access_of(path: &Path) -> Option<Access> {
    if is_wine() { None } else { Security::at(path).ok()?.access() }
}

/// Returns the owner and the access list of an open file; `None` under Wine, as for [`access_of`].
pub(super) fn access_of_open(file: &File) -> io::Result<Option<Access>> {
    if is_wine() { Ok(None) } else { Ok(Security::of(file)?.access()) }
}

/// Returns whether somebody may read `file` who may not read `model`.
pub fn has_wider_access(file: &Path, model: &Path) -> bool {
    access_of(file).zip(access_of(model)).is_some_and(|(here, there)| here.has_more_readers_than(&there))
}

fn is_wine() -> bool {
    // SAFETY: both names end with NUL, and each process has this module
    unsafe { GetProcAddress(GetModuleHandleW(w!("ntdll.dll")), s!("wine_get_version")) }.is_some()
}

/// Returns the user and the rights of this program.
pub fn privileges() -> Privileges {
    let Ok(token) = Token::of_this_process(TOKEN_QUERY) else { return Privileges::default() };
    Privileges { is_elevated: token.is_elevated().unwrap_or(false), user: token.user() }
}

/// The access token of a process.
#[derive(Debug)]
pub(super) struct Token(OwnedHandle);

impl Token {
    /// Opens the token of this process.
    pub fn of_this_process(access: u32) -> io::Result<Token> {
        // SAFETY: this handle is always valid
        Token::of(unsafe { GetCurrentProcess() }, access)
    }

    /// Enables a privilege. Without it, the operation that needs it will fail.
    pub fn enable(&self, privilege: PCWSTR) {
        let mut privileges = TOKEN_PRIVILEGES { PrivilegeCount: 1, ..Default::default() };
        privileges.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
        // SAFETY: the name ends with NUL, the token is open, and the count of privileges is right
        unsafe {
            if LookupPrivilegeValueW(ptr::null(), privilege, &mut privileges.Privileges[0].Luid) != 0 {
                AdjustTokenPrivileges(
                    self.0.as_raw_handle(),
                    0,
                    &privileges,
                    0,
                    ptr::null_mut(),
                    ptr::null_mut(),
                );
            }
        }
    }

    /// Opens the token of a process.
    pub fn of(process: HANDLE, access: u32) -> io::Result<Token> {
        let mut token = ptr::null_mut();
        // SAFETY: an invalid handle is refused, and the pointer can be written to
        check(unsafe { OpenProcessToken(process, access, &mut token) })?;
        // SAFETY: it was just created and has no other owner
        Ok(Token(unsafe { OwnedHandle::from_raw_handle(token) }))
    }

    /// Returns a copy with which a process can be started.
    pub fn to_primary(&self) -> io::Result<OwnedHandle> {
        let mut primary: HANDLE = ptr::null_mut();
        // SAFETY: the token is open, and the pointer to the new one can be written to
        check(unsafe {
            DuplicateTokenEx(
                self.0.as_raw_handle(),
                TOKEN_ALL_ACCESS,
                ptr::null(),
                SecurityImpersonation,
                TokenPrimary,
                &mut primary,
            )
        })?;
        // SAFETY: it was just created and has no other owner
        Ok(unsafe { OwnedHandle::from_raw_handle(primary) })
    }

    /// Returns whether it has administrator rights.
    pub fn is_elevated(&self) -> Option<bool> {
        let mut elevation = TOKEN_ELEVATION::default();
        // SAFETY: this is the structure for this information class
        unsafe { self.query(TokenElevation, &mut elevation) }?;
        Some(elevation.TokenIsElevated != 0)
    }

    /// Returns its user.
    pub fn user(&self) -> Option<Sid> {
        /// The structure, followed by the SID that it points to, which has at most 68 bytes.
        #[repr(C)]
        struct Buffer {
            user: TOKEN_USER,
            sid: [u8; 68],
        }
        let mut buffer = Buffer { user: TOKEN_USER::default(), sid: [0; 68] };
        // SAFETY: it begins with the structure for this information class
        unsafe { self.query(TokenUser, &mut buffer) }?;
        // SAFETY: the SID is in `buffer`
        unsafe { text_of(buffer.user.User.Sid) }
    }

    /// Queries the token.
    ///
    /// # Safety
    /// `T` is the structure for this information class, or begins with it.
    unsafe fn query<T>(&self, class: TOKEN_INFORMATION_CLASS, buffer: &mut T) -> Option<()> {
        let size = u32::try_from(size_of::<T>()).ok()?;
        let mut length = 0;
        // SAFETY: the token is open, and `buffer` has the given size
        let succeeded = unsafe {
            GetTokenInformation(self.0.as_raw_handle(), class, (&raw mut *buffer).cast(), size, &mut length)
        };
        (succeeded != 0).then_some(())
    }
}

/// Returns the name of an account, with its domain.
pub fn account_name(sid: &Sid) -> Option<String> {
    const MAX_LEN: u32 = 256;
    let sid = NativeSid::parse(&sid.0)?;
    let (mut name, mut domain) = ([0_u16; MAX_LEN as usize], [0_u16; MAX_LEN as usize]);
    let (mut name_length, mut domain_length) = (MAX_LEN, MAX_LEN);
    let mut kind = 0;
    // SAFETY: the SID is valid, and both buffers have the given lengths
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
    let text = |units: &[u16], length: u32| String::from_utf16_lossy(&units[..length.min(MAX_LEN) as usize]);
    let (name, domain) = (text(&name, name_length), text(&domain, domain_length));
    (found != 0).then(|| if domain.is_empty() { name.clone() } else { format!("{domain}\\{name}") })
}

/// A SID that was converted from text.
struct NativeSid(PSID);

impl NativeSid {
    fn parse(text: &str) -> Option<NativeSid> {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut sid: PSID = ptr::null_mut();
        // SAFETY: the text ends with NUL, and the pointer can be written to
        let succeeded = unsafe { ConvertStringSidToSidW(text.as_ptr(), &mut sid) };
        (succeeded != 0).then_some(NativeSid(sid))
    }
}

impl Drop for NativeSid {
    fn drop(&mut self) {
        // SAFETY: ConvertStringSidToSidW allocated it for this function to free
        unsafe { LocalFree(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_list_of_a_new_file_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let access = Security::at(file.path()).unwrap().access().unwrap();
        let own = privileges().user.unwrap();
        assert!(own.0.starts_with("S-1-5-"), "{own:?}");
        let entries = access.entries.unwrap();
        let may_write = |entry: &&AccessEntry| entry.kind == EntryKind::Allow && entry.mask & 2 != 0;
        let writers: Vec<_> = entries.iter().filter(may_write).map(|entry| entry.sid.0.as_str()).collect();
        assert!(writers.contains(&"S-1-5-18"), "{entries:?}");
        // files of an elevated administrator belong to the group
        assert!(writers.contains(&access.owner.0.as_str()), "{entries:?}");
        assert!(access.owner == own || access.owner.0 == "S-1-5-32-544", "{:?}", access.owner);
    }

    #[test]
    fn a_file_gets_the_access_list_of_another_and_inherits_as_it_does() {
        let folder = tempfile::tempdir().unwrap();
        let [model, file] = ["model", "file"].map(|name| folder.path().join(name));
        std::fs::write(&model, "").unwrap();
        std::fs::write(&file, "").unwrap();
        copy_access(&model, &file).unwrap();
        let [wanted, found] = [&model, &file].map(|path| Security::at(path).unwrap());
        assert_eq!(found.access().unwrap(), wanted.access().unwrap());
        assert_eq!(found.is_protected().unwrap(), wanted.is_protected().unwrap());
    }

    #[test]
    fn account_names_are_found() {
        assert!(account_name(&Sid("S-1-5-18".into())).is_some_and(|name| name.contains("SYSTEM")));
        assert_eq!(account_name(&Sid("S-1-5-21-1-2-3-4".into())), None);
        assert_eq!(account_name(&Sid("nobody".into())), None);
    }
}
