//! Plans how MicroSIP is registered for links, and how that is undone.
//!
//! MicroSIP itself registers nothing; its installer writes the same class keys (installer of 3.21.4). To restore
//! exactly what was there, msipcfg keeps it in values of its own:
//!
//! | value | meaning |
//! |---|---|
//! | `msipcfg-set` | what msipcfg wrote; if the value is now different, it isn't msipcfg's |
//! | `msipcfg-before` | what was there before; if this is missing, there was nothing |
//! | `msipcfg-made` | msipcfg created this key |
//!
//! For a value with a name, that name is appended: `msipcfg-set:URL Protocol`. These values are written before the
//! change that they describe, and removed after it is undone, so an interrupted run can be repeated.

use std::io;

use crate::platform::registry::{ClassChange, ClassRegistry, ClassValue, Hive};

use super::error::LinksError;
use super::{MARK_BEFORE, MARK_MADE, MARK_SET, SCHEMES, command_key};

/// The planned changes of the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every change, in the order in which it is made.
    pub changes: Vec<ClassChange>,
    /// The changes that matter to Windows, without our own values.
    pub values: Vec<ValueChange>,
    /// The schemes that stay as they are, because another program has registered for them since.
    pub skipped: Vec<&'static str>,
}

/// A value that changes; `None` if it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// The key, relative to `Software\Classes`.
    pub key: String,
    /// The name of the value; empty for the default value.
    pub name: &'static str,
    /// The current value.
    pub before: Option<ClassValue>,
    /// The new value.
    pub after: Option<ClassValue>,
}

/// Plans to register MicroSIP for the links.
///
/// # Errors
/// The registry can't be read.
pub fn plan_set(registry: &dyn ClassRegistry, exe: &str) -> io::Result<Plan> {
    let mut plan = Plan::default();
    for scheme in SCHEMES {
        for key in keys(scheme) {
            if !registry.has_key(&key)? {
                plan.set(&key, MARK_MADE, ClassValue::of_text(""));
            }
        }
        for (key, name, wanted) in wanted(scheme, exe) {
            let current = CurrentValue::read(registry, key, name)?;
            if current.value.as_ref().is_some_and(|value| has_same_text(value, &wanted)) {
                continue;
            }
            if !current.is_ours() {
                match &current.value {
                    Some(value) => plan.set(&current.key, &mark(MARK_BEFORE, name), value.clone()),
                    None if current.before.is_some() => plan.remove(&current.key, &mark(MARK_BEFORE, name)),
                    None => {}
                }
            }
            plan.set(&current.key, &mark(MARK_SET, name), wanted.clone());
            plan.change(current, Some(wanted));
        }
    }
    Ok(plan)
}

/// Plans to restore what was there before MicroSIP was registered. A scheme that another program has registered
/// for since stays as it is: restoring half of it would open nothing.
///
/// # Errors
/// The registry can't be read.
pub fn plan_unset(registry: &dyn ClassRegistry) -> io::Result<Plan> {
    let mut plan = Plan::default();
    for scheme in SCHEMES {
        let mut ours = Vec::new();
        for (key, name, _) in wanted(scheme, "") {
            let current = CurrentValue::read(registry, key, name)?;
            match (&current.set, &current.before) {
                (Some(_), _) => ours.push(current),
                // left by a run that was interrupted before it wrote the value
                (None, Some(_)) => plan.remove(&current.key, &mark(MARK_BEFORE, name)),
                (None, None) => {}
            }
        }
        if !ours.iter().all(|current| current.is_ours() || current.value == current.before) {
            plan.skipped.push(scheme);
            continue;
        }
        for current in ours {
            let (key, name, before) = (current.key.clone(), current.name, current.before.clone());
            if current.value != before {
                plan.change(current, before.clone());
            }
            plan.remove(&key, &mark(MARK_SET, name));
            if before.is_some() {
                plan.remove(&key, &mark(MARK_BEFORE, name));
            }
        }
        for key in keys(scheme).into_iter().rev() {
            if registry.value(Hive::User, &key, MARK_MADE)?.is_some() {
                plan.changes.push(ClassChange::RemoveWithKey { key, name: MARK_MADE.to_string() });
            }
        }
    }
    Ok(plan)
}

/// Makes the changes of a plan.
///
/// # Errors
/// The registry can't be written. The error says whether anything was written before.
pub fn apply(plan: &Plan, registry: &mut dyn ClassRegistry) -> Result<(), LinksError> {
    for (index, change) in plan.changes.iter().enumerate() {
        let made = registry.change(change);
        made.map_err(|source| LinksError::Registry { changed: index > 0, source })?;
    }
    if !plan.changes.is_empty() {
        registry.announce();
    }
    Ok(())
}

impl Plan {
    fn set(&mut self, key: &str, name: &str, value: ClassValue) {
        self.changes.push(ClassChange::Set { key: key.to_string(), name: name.to_string(), value });
    }

    fn remove(&mut self, key: &str, name: &str) {
        self.changes.push(ClassChange::Remove { key: key.to_string(), name: name.to_string() });
    }

    /// Adds a change that matters to Windows.
    fn change(&mut self, current: CurrentValue, after: Option<ClassValue>) {
        match &after {
            Some(value) => self.set(&current.key, current.name, value.clone()),
            None => self.remove(&current.key, current.name),
        }
        self.values.push(ValueChange { key: current.key, name: current.name, before: current.value, after });
    }
}

/// A current value, with our own values about it.
struct CurrentValue {
    key: String,
    name: &'static str,
    value: Option<ClassValue>,
    set: Option<ClassValue>,
    before: Option<ClassValue>,
}

impl CurrentValue {
    fn read(registry: &dyn ClassRegistry, key: String, name: &'static str) -> io::Result<CurrentValue> {
        let read = |name: &str| registry.value(Hive::User, &key, name);
        let value = read(name)?;
        let set = read(&mark(MARK_SET, name))?;
        let before = read(&mark(MARK_BEFORE, name))?;
        Ok(CurrentValue { key, name, value, set, before })
    }

    /// Returns whether the value is what msipcfg wrote.
    fn is_ours(&self) -> bool {
        self.set.is_some() && self.set == self.value
    }
}

/// Returns the values that register a program for a scheme: key, name and value.
pub(super) fn wanted(scheme: &str, exe: &str) -> [(String, &'static str, ClassValue); 3] {
    [
        (scheme.to_string(), "", ClassValue::of_text(&format!("URL:{scheme}"))),
        (scheme.to_string(), "URL Protocol", ClassValue::of_text("")),
        (command_key(scheme), "", ClassValue::of_text(&format!("\"{exe}\" \"%1\""))),
    ]
}

/// Returns the keys of a scheme, outer ones first.
fn keys(scheme: &str) -> [String; 4] {
    [scheme.to_string(), format!(r"{scheme}\shell"), format!(r"{scheme}\shell\open"), command_key(scheme)]
}

/// Returns the name of our own value about the value with this name.
fn mark(mark: &str, name: &str) -> String {
    if name.is_empty() { mark.to_string() } else { format!("{mark}:{name}") }
}

/// Compares two texts without letter case, because they only consist of paths.
fn has_same_text(value: &ClassValue, wanted: &ClassValue) -> bool {
    let text = |value: &ClassValue| value.text().map(|text| text.to_lowercase());
    text(value).is_some() && text(value) == text(wanted)
}
