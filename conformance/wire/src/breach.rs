//! What is wrong with a packet, and which statement says so.

use std::{error::Error, fmt};

/// The first thing in a packet that the standard does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The statement of the version that was parsed; `None` where the standard has the rule without a number, and then `what`
    /// names the section.
    pub statement: Option<&'static str>,
    /// What is wrong, in words.
    pub what: String,
    /// Where, in bytes from the start of the packet.
    pub at: usize,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.at, self.what)?;
        match self.statement {
            Some(statement) => write!(f, " [{statement}]"),
            None => Ok(()),
        }
    }
}

impl Error for Breach {}
