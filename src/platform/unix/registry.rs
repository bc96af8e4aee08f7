//! The classes of links, which only Windows registers.

use crate::platform::registry::ClassRegistry;

/// Links are a matter of Windows' registry.
pub fn class_registry() -> Option<Box<dyn ClassRegistry>> {
    None
}
