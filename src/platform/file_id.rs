//! What identifies a file, whatever its path.

/// The identity of a file, as far as its file system has one.
#[derive(Clone, Copy, Debug)]
pub struct FileId {
    /// The volume or device.
    pub volume: u64,
    /// The file's number on it.
    pub index: u128,
    /// How many names the file has.
    pub links: u64,
}

impl FileId {
    /// Returns whether both have the same number. Some file systems, such as those of virtual machines' shares, repeat
    /// numbers or give 0, so nothing may be deleted because of this answer.
    pub fn has_number_of(&self, other: &FileId) -> bool {
        (self.volume, self.index) == (other.volume, other.index)
    }

    /// Returns whether two names certainly are those of one file: each then says that it has several.
    pub fn is_second_name_of(&self, other: &FileId) -> bool {
        self.has_number_of(other) && self.index != 0 && self.links > 1 && other.links > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_name_needs_a_number_and_two_links() {
        for (a, b, is_second_name) in [
            ((1, 5, 2), (1, 5, 2), true),
            ((1, u128::MAX, 3), (1, u128::MAX, 2), true),
            // the lower 64 bits alone don't identify a file on ReFS
            ((1, 5, 2), (1, 5 | 1 << 64, 2), false),
            ((1, 5, 2), (2, 5, 2), false),
            ((1, 5, 1), (1, 5, 1), false),
            ((1, 5, 2), (1, 5, 1), false),
            ((1, 0, 2), (1, 0, 2), false),
        ] {
            let [a, b] = [a, b].map(|(volume, index, links)| FileId { volume, index, links });
            assert_eq!(a.is_second_name_of(&b), is_second_name, "{a:?} {b:?}");
        }
    }
}
