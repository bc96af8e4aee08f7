//! Messages on the screen: notifications where Windows has them, else windows.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, io};

use windows::Data::Xml::Dom::XmlDocument;
use windows::UI::Notifications::{NotificationSetting, ToastNotification, ToastNotificationManager};
use windows::core::HSTRING;

use super::registry::class_registry;
use super::window::{MAX_SHOWN, MessageWindows};
use crate::platform::message::{Message, NOTIFICATION_ICON, NOTIFICATION_KEY, NOTIFICATION_NAME, Shown};
use crate::platform::registry::{ClassChange, ClassValue, Hive};

/// By this name, Windows knows whose notifications they are (AppUserModelID).
const APP_ID: &str = "msipcfg";

/// The messages that are shown.
#[derive(Debug, Default)]
pub struct Messages {
    toasts: AtomicUsize,
    windows: MessageWindows,
}

impl Messages {
    /// Shows a message without taking the focus. Only the newest ones stay.
    ///
    /// # Errors
    /// Neither a notification nor a window can be shown.
    pub fn show(&self, message: &Message<'_>) -> io::Result<Shown> {
        // a notification replaces an older one with the same tag
        let tag = self.toasts.fetch_add(1, Ordering::Relaxed) % MAX_SHOWN;
        match show_toast(message, &tag.to_string()) {
            Ok(shown) => Ok(shown),
            // Wine, Windows Server Core and some other systems have no notifications
            Err(_) => self.windows.show(message).map(|()| Shown::Window),
        }
    }

    /// Returns whether windows are shown, which would disappear with this process.
    pub fn are_shown(&self) -> bool {
        self.windows.are_shown()
    }
}

fn show_toast(message: &Message<'_>, tag: &str) -> windows::core::Result<Shown> {
    /// Windows takes a notification over from a process that has to exist for a moment longer; tauri-winrt-notification
    /// waits as long.
    const PASSED_ON: Duration = Duration::from_millis(10);
    let document = XmlDocument::new()?;
    document.LoadXml(&HSTRING::from(message.toast_xml()))?;
    let toast = ToastNotification::CreateToastNotification(&document)?;
    toast.SetTag(&HSTRING::from(tag))?;
    // without a name, Windows doesn't show it, and that can't be seen here
    let _ = env::current_exe().and_then(|program| register(&program));
    let notifier = ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APP_ID))?;
    // Windows doesn't know the setting of a program that never showed one
    if notifier.Setting().is_ok_and(|setting| setting != NotificationSetting::Enabled) {
        return Ok(Shown::TurnedOff);
    }
    notifier.Show(&toast)?;
    std::thread::sleep(PASSED_ON);
    Ok(Shown::Toast)
}

/// The icon, which is next to the program in every release.
const ICON_FILE: &str = "msipcfg.ico";

/// Registers the name and the icon with which notifications are shown, unless an installer did that for all users. The
/// program may be in another folder than the last time.
fn register(program: &Path) -> io::Result<()> {
    let Some(mut registry) = class_registry() else { return Ok(()) };
    if registry.value(Hive::Machine, NOTIFICATION_KEY, NOTIFICATION_NAME)?.is_some() {
        return Ok(());
    }
    let icon = program.with_file_name(ICON_FILE);
    let icon = icon.to_str().filter(|_| icon.is_file());
    for (name, value) in [(NOTIFICATION_NAME, Some(APP_ID)), (NOTIFICATION_ICON, icon)] {
        let Some(value) = value.map(ClassValue::of_text) else { continue };
        if registry.value(Hive::User, NOTIFICATION_KEY, name)?.as_ref() != Some(&value) {
            let (key, name) = (NOTIFICATION_KEY.to_string(), name.to_string());
            registry.change(&ClassChange::Set { key, name, value })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn notifications_have_a_name_and_the_icon_next_to_the_program() {
        let folder = tempfile::tempdir().unwrap();
        register(&folder.path().join("msipcfg.exe")).unwrap();
        let registry = class_registry().unwrap();
        let text =
            |name| registry.value(Hive::User, NOTIFICATION_KEY, name).unwrap().and_then(|value| value.text());
        assert_eq!(text(NOTIFICATION_NAME).as_deref(), Some(APP_ID));
        for place in ["first", "moved"] {
            let folder = folder.path().join(place);
            fs::create_dir(&folder).unwrap();
            let icon = folder.join(ICON_FILE);
            fs::write(&icon, "").unwrap();
            register(&folder.join("msipcfg.exe")).unwrap();
            assert_eq!(text(NOTIFICATION_ICON).as_deref(), icon.to_str());
        }
    }

    #[test]
    fn the_installer_registers_the_same() {
        let installer = include_str!("../../../packaging/msipcfg.wxs");
        assert!(installer.contains(&format!(r#"Key="Software\Classes\AppUserModelId\{APP_ID}""#)));
        for name in [NOTIFICATION_NAME, NOTIFICATION_ICON] {
            assert!(installer.contains(&format!(r#"Name="{name}""#)));
        }
        assert!(installer.contains(ICON_FILE));
    }
}
