//! Messages on the screen: notifications where Windows has them, else windows.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use windows::Data::Xml::Dom::XmlDocument;
use windows::UI::Notifications::{NotificationSetting, ToastNotification, ToastNotificationManager};
use windows::core::HSTRING;

use super::registry::class_registry;
use super::window::{MAX_SHOWN, MessageWindows};
use crate::platform::message::{Message, NOTIFICATION_KEY, NOTIFICATION_NAME, Shown};
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
    let _ = register();
    let notifier = ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APP_ID))?;
    // Windows doesn't know the setting of a program that never showed one
    if notifier.Setting().is_ok_and(|setting| setting != NotificationSetting::Enabled) {
        return Ok(Shown::TurnedOff);
    }
    notifier.Show(&toast)?;
    std::thread::sleep(PASSED_ON);
    Ok(Shown::Toast)
}

/// Registers the name under which notifications are shown, unless an installer did that for all users.
fn register() -> io::Result<()> {
    let Some(mut registry) = class_registry() else { return Ok(()) };
    for hive in [Hive::Machine, Hive::User] {
        if registry.value(hive, NOTIFICATION_KEY, NOTIFICATION_NAME)?.is_some() {
            return Ok(());
        }
    }
    let (key, name) = (NOTIFICATION_KEY.to_string(), NOTIFICATION_NAME.to_string());
    registry.change(&ClassChange::Set { key, name, value: ClassValue::of_text(APP_ID) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_notifications_is_registered_once() {
        register().unwrap();
        register().unwrap();
        let registry = class_registry().unwrap();
        let name = [Hive::Machine, Hive::User]
            .iter()
            .find_map(|hive| registry.value(*hive, NOTIFICATION_KEY, NOTIFICATION_NAME).unwrap());
        assert_eq!(name.and_then(|name| name.text()).as_deref(), Some(APP_ID));
    }

    #[test]
    fn the_installer_registers_the_same_id() {
        let installer = include_str!("../../../packaging/msipcfg.wxs");
        assert!(installer.contains(&format!(r#"Key="Software\Classes\AppUserModelId\{APP_ID}""#)));
    }
}
