//! Who may do what to a file: owners and access lists.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSidToSidW, GetNamedSecurityInfoW, SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, EqualSid, GetSecurityDescriptorControl, LookupAccountSidW,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SE_DACL_PROTECTED, UNPROTECTED_DACL_SECURITY_INFORMATION,
};

use super::wide;

/// Gives a file the access list of another, and its owner if that is somebody else.
pub(super) fn copy_security(model: &Path, path: &Path) -> io::Result<()> {
    let (wanted, own) = (Security::of(model)?, Security::of(path)?);
    // a share may let nobody change lists, and then they are the folder's on both files
    if !wanted.has_same_access_as(&own) {
        wanted.apply_access(path)?;
    }
    // SAFETY: both point into descriptors that live until the end of this function
    if unsafe { EqualSid(wanted.owner, own.owner) } == 0 {
        wanted.apply(path, OWNER_SECURITY_INFORMATION)?;
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

/// The name of an account by its SID, with its domain.
pub(super) fn account_name(sid: &str) -> Option<String> {
    const LONGEST: u32 = 256;
    let sid = Sid::parse(sid)?;
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

/// The SID of this user as text.
pub(super) fn own_sid() -> Option<String> {
    sysinfo::get_current_pid().ok().and_then(|pid| {
        let mut system = sysinfo::System::new().ok()?;
        let details = sysinfo::ProcessRefreshKind::nothing().with_user(sysinfo::UpdateKind::Always);
        system.refresh_processes_specifics(sysinfo::ProcessesToUpdate::Some(&[pid]), true, details);
        system.process(pid)?.user_id().map(|user| user.to_string())
    })
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
