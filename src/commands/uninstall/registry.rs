//! Removes what msipcfg wrote to the registry of this user.

use crate::commands::error::Error;
use crate::commands::links::changed_since;
use crate::commands::outcome::Outcome as _;
use crate::microsip::links::{self, LinksError};
use crate::platform::registry::{ClassChange, ClassRegistry, Hive};
use crate::platform::{NOTIFICATION_ICON, NOTIFICATION_KEY, NOTIFICATION_NAME};

use super::removal::{Item, Removal};

/// Restores the programs that opened links before msipcfg registered MicroSIP, and removes the name and the icon of
/// notifications.
///
/// # Errors
/// The registry can't be read or written.
pub fn clean(registry: &mut dyn ClassRegistry, removal: &mut Removal) -> Result<(), Error> {
    let plan = links::plan_unset(registry).map_err(LinksError::from)?;
    if !removal.dry_run {
        links::apply(&plan, registry)?;
    }
    for change in &plan.changes {
        let link = Item::Link(change.key().split('\\').next().unwrap_or_default().to_string());
        if !removal.removed.contains(&link) {
            removal.removed.push(link);
        }
    }
    removal.warnings.extend(plan.skipped.iter().map(|scheme| changed_since(scheme)));
    let mut shown_with = Vec::new();
    for name in [NOTIFICATION_ICON, NOTIFICATION_NAME] {
        let value = registry.value(Hive::User, NOTIFICATION_KEY, name).map_err(LinksError::from)?;
        shown_with.extend(value.map(|_| name.to_string()));
    }
    if shown_with.is_empty() {
        return Ok(());
    }
    if !removal.dry_run {
        for name in shown_with {
            let removed =
                registry.change(&ClassChange::RemoveWithKey { key: NOTIFICATION_KEY.to_string(), name });
            removed.map_err(|source| LinksError::Registry { changed: removal.changed(), source })?;
        }
    }
    removal.removed.push(Item::NotificationName);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::links::tests::Fake;
    use crate::platform::registry::ClassValue;

    fn removed(registry: &mut Fake, dry_run: bool) -> Removal {
        let mut removal = Removal::new(dry_run);
        clean(registry, &mut removal).unwrap();
        removal
    }

    #[test]
    fn links_and_the_name_for_notifications_are_removed_if_msipcfg_set_them() {
        let before = Fake::with(&[
            (r"tel\shell\open\command", "", r#""C:\other.exe" "%1""#),
            (r"AppUserModelId\another", NOTIFICATION_NAME, "Another program"),
        ]);
        let mut registry = before.clone();
        assert_eq!(removed(&mut registry, false).removed, []);
        assert_eq!(registry, before);

        registry.set(r"C:\MicroSIP\MicroSIP.exe");
        registry.put(NOTIFICATION_KEY, NOTIFICATION_NAME, ClassValue::of_text("msipcfg"));
        registry.put(NOTIFICATION_KEY, NOTIFICATION_ICON, ClassValue::of_text(r"C:\msipcfg.ico"));
        let wanted = ["tel", "callto", "sip"].map(|scheme| Item::Link(scheme.into()));
        let wanted = [&wanted[..], &[Item::NotificationName]].concat();
        let used = registry.clone();
        assert_eq!(removed(&mut registry, true).removed, wanted);
        assert_eq!(registry, used, "a dry run changes nothing");
        assert_eq!(removed(&mut registry, false).removed, wanted);
        assert_eq!(registry, before);
    }

    #[test]
    fn links_of_a_program_that_registered_since_stay() {
        let mut registry = Fake::default();
        registry.set(r"C:\MicroSIP\MicroSIP.exe");
        registry.put(r"sip\shell\open\command", "", ClassValue::of_text("other.exe"));
        let removal = removed(&mut registry, false);
        assert_eq!(removal.removed, ["tel", "callto"].map(|scheme| Item::Link(scheme.into())));
        assert!(removal.warnings[0].message.starts_with("sip:"), "{:?}", removal.warnings);
    }
}
