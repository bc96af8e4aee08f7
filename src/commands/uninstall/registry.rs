//! Removes what msipcfg wrote to the registry of this user.

use crate::commands::error::Error;
use crate::commands::links::changed_since;
use crate::commands::outcome::Outcome as _;
use crate::microsip::links::{self, LinksError};
use crate::platform::registry::{ClassChange, ClassRegistry, Hive};
use crate::platform::{NOTIFICATION_KEY, NOTIFICATION_NAME};

use super::removal::{Item, Removal};

/// Restores the programs that opened links before msipcfg registered MicroSIP, and removes the name for notifications.
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
    let (key, name) = (NOTIFICATION_KEY.to_string(), NOTIFICATION_NAME.to_string());
    if registry.value(Hive::User, &key, &name).map_err(LinksError::from)?.is_some() {
        if !removal.dry_run {
            let removed = registry.change(&ClassChange::RemoveWithKey { key, name });
            removed.map_err(|source| LinksError::Registry { changed: removal.changed(), source })?;
        }
        removal.removed.push(Item::NotificationName);
    }
    Ok(())
}
