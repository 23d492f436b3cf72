//! Names that people give to things in a scenario.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// A name of 1 to 64 characters: lowercase letters, digits, `_` and `-`, beginning with a letter or digit.
///
/// Names stand in topics, file names, metric labels and reports, so none of these needs to escape them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// A text that is no [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name: 1 to 64 of a-z, 0-9, `_` and `-`, beginning with a letter or digit")]
pub struct NameError(pub String);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let begins = text.starts_with(word);
        if begins && text.len() <= 64 && text.chars().all(|c| word(c) || c == '_' || c == '-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError(text.to_owned()))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
