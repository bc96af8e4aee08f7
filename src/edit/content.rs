//! What becomes of a file.

/// What to do with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewContent {
    /// Write these bytes.
    Write(Vec<u8>),
    /// Delete it. The backup keeps its content.
    Delete,
}

impl NewContent {
    /// Returns the new bytes, unless the file is to be deleted.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            NewContent::Write(bytes) => Some(bytes),
            NewContent::Delete => None,
        }
    }
}
