//! UTF-8 Encoded Strings.

use std::{borrow::Borrow, fmt, ops::Deref};

use bytes::Bytes;
use bytestring::ByteString;

use crate::Violation;

/// A UTF-8 Encoded String: at most 65,535 bytes, no U+0000. Cloning shares the bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf8String(ByteString);

impl Utf8String {
    /// The empty string.
    pub const EMPTY: Self = Self(ByteString::new());

    /// Accepts `text` when it may stand in a packet.
    ///
    /// # Errors
    ///
    /// [`Violation::NullInString`] and [`Violation::StringTooLong`].
    pub fn new(text: impl Into<String>) -> Result<Self, Violation> {
        Self::checked(ByteString::from(text.into()))
    }

    /// Accepts bytes off the wire without copying them.
    ///
    /// # Errors
    ///
    /// As [`Utf8String::new`], and [`Violation::InvalidUtf8`] (MQTT-1.5.4-1; MQTT-1.5.3-1 in 3.1.1).
    pub fn from_wire(bytes: Bytes) -> Result<Self, Violation> {
        // MQTT-1.5.4-3 (MQTT-1.5.3-3 in 3.1.1): nothing is taken out, a byte order mark neither.
        Self::checked(ByteString::try_from(bytes).map_err(|_| Violation::InvalidUtf8)?)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes that carry the text, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }

    /// The same text in memory of its own, so that a small string does not pin a large read buffer.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(ByteString::from(self.as_str()))
    }

    fn checked(text: ByteString) -> Result<Self, Violation> {
        if text.len() > usize::from(u16::MAX) {
            return Err(Violation::StringTooLong);
        }
        // MQTT-1.5.4-2 (MQTT-1.5.3-2 in 3.1.1).
        // Looks at every byte, because a loop without an early end is done many bytes at a time.
        if text.bytes().fold(false, |found, byte| found | (byte == 0)) {
            return Err(Violation::NullInString);
        }
        Ok(Self(text))
    }
}

impl Deref for Utf8String {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Utf8String {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Utf8String {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Utf8String {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for Utf8String {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8String {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
