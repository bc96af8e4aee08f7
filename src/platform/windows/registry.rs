//! The classes of links in the registry.

use std::io;
use std::ptr;

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Type};
use windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND;
use windows_sys::Win32::UI::Shell::{SHCNE_ASSOCCHANGED, SHCNF_IDLIST, SHChangeNotify};

use crate::platform::proxy::ProxySetting;
use crate::platform::registry::{ClassChange, ClassRegistry, ClassValue, Hive};

/// Returns the registry of this machine and this user.
pub fn class_registry() -> Option<Box<dyn ClassRegistry>> {
    Some(Box::new(SystemClasses))
}

/// Returns the static proxy setting of this user, or of the machine if a policy makes it the same for all users.
pub fn proxy_setting() -> Option<ProxySetting> {
    const SETTINGS: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    const POLICY: &str = r"Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";
    let per_user = LOCAL_MACHINE.open(POLICY).and_then(|key| key.get_u32("ProxySettingsPerUser"));
    let root = if per_user == Ok(0) { LOCAL_MACHINE } else { CURRENT_USER };
    let key = root.open(SETTINGS).ok()?;
    if key.get_u32("ProxyEnable").ok()? == 0 {
        return None;
    }
    Some(ProxySetting {
        server: key.get_string("ProxyServer").ok()?,
        bypass: key.get_string("ProxyOverride").unwrap_or_default(),
    })
}

struct SystemClasses;

/// The key below which everything is read and changed, except for the user's choice.
const CLASSES: &str = r"Software\Classes";

impl ClassRegistry for SystemClasses {
    fn user_choice(&self, scheme: &str) -> io::Result<Option<String>> {
        const CHOICES: &str = r"Software\Microsoft\Windows\Shell\Associations\UrlAssociations";
        let key = existing(CURRENT_USER.open(format!(r"{CHOICES}\{scheme}\UserChoice")))?;
        Ok(value_of(key, "ProgId")?.and_then(|value| value.text()))
    }

    fn value(&self, hive: Hive, key: &str, name: &str) -> io::Result<Option<ClassValue>> {
        let root = match hive {
            Hive::User => CURRENT_USER,
            Hive::Machine => LOCAL_MACHINE,
        };
        value_of(existing(root.open(path(key)))?, name)
    }

    fn has_key(&self, key: &str) -> io::Result<bool> {
        Ok(existing(CURRENT_USER.open(path(key)))?.is_some())
    }

    fn change(&mut self, change: &ClassChange) -> io::Result<()> {
        match change {
            ClassChange::Set { key, name, value } => {
                let key = result(CURRENT_USER.create(path(key)))?;
                // `Other`, because for types that it knows the crate refuses some bytes that other programs write
                result(key.set_bytes(name, Type::Other(value.kind), &value.bytes))
            }
            ClassChange::Remove { key, name } => remove_value(key, name),
            ClassChange::RemoveWithKey { key, name } => {
                let Some(open) = existing(CURRENT_USER.open(path(key)))? else { return Ok(()) };
                let has_more = result(open.keys())?.next().is_some()
                    || result(open.values())?.any(|(other, _)| !other.eq_ignore_ascii_case(name));
                drop(open);
                if has_more {
                    remove_value(key, name)
                } else {
                    existing(CURRENT_USER.remove_tree(path(key))).map(drop)
                }
            }
        }
    }

    fn announce(&self) {
        // SAFETY: this event takes no items
        unsafe { SHChangeNotify(SHCNE_ASSOCCHANGED.cast_signed(), SHCNF_IDLIST, ptr::null(), ptr::null()) };
    }
}

fn remove_value(key: &str, name: &str) -> io::Result<()> {
    match existing(CURRENT_USER.options().read().write().open(path(key)))? {
        Some(key) => existing(key.remove_value(name)).map(drop),
        None => Ok(()),
    }
}

fn path(key: &str) -> String {
    format!(r"{CLASSES}\{key}")
}

fn value_of(key: Option<Key>, name: &str) -> io::Result<Option<ClassValue>> {
    let Some(key) = key else { return Ok(None) };
    let value = existing(key.get_value(name))?;
    Ok(value.map(|value| ClassValue { kind: value.ty().into(), bytes: value.to_vec() }))
}

/// Turns "no such key or value" into `None`.
fn existing<T>(answer: windows_registry::Result<T>) -> io::Result<Option<T>> {
    match result(answer) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND.cast_signed()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Converts an error of the crate, which contains the system's error number in a longer one that std doesn't know.
fn result<T>(answer: windows_registry::Result<T>) -> io::Result<T> {
    const NUMBER: i32 = 0xFFFF;
    answer.map_err(|error| io::Error::from_raw_os_error(error.code().0 & NUMBER))
}
