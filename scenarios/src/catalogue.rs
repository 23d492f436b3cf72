//! The scenarios that come with Paddock.

/// One scenario of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name to run it by, such as `phase-1`.
    pub name: &'static str,
    /// Its TOML text.
    pub text: &'static str,
}

/// Every scenario of the catalogue, by name.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    &[]
}
