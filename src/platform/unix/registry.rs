//! The classes of links.

use crate::platform::registry::ClassRegistry;

/// Returns `None`: only Windows registers programs for links in a registry.
pub fn class_registry() -> Option<Box<dyn ClassRegistry>> {
    None
}
