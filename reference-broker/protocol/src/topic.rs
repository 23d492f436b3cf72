//! Topic Names and Topic Filters (4.7, 4.8.2).

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    num::NonZeroU16,
    str::FromStr,
};

use crate::{Utf8String, Violation};

const SHARE_PREFIX: &str = "$share/";

/// Why a text is no Topic Name or no Topic Filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TopicError {
    /// No character (MQTT-4.7.3-1 in both).
    #[error("topic is empty")]
    Empty,
    /// `#` that does not fill the last level (MQTT-4.7.1-1 (MQTT-4.7.1-2 in 3.1.1)).
    #[error("# is not alone in the last level of the filter")]
    MultiLevelWildcardMisplaced,
    /// U+0000 (MQTT-4.7.3-2 in both).
    #[error("topic contains the null character")]
    NullCharacter,
    /// A ShareName that is empty or holds `+` or `#` (MQTT-4.8.2-1, MQTT-4.8.2-2).
    #[error("share name is empty or contains a wildcard")]
    ShareNameInvalid,
    /// `$share/name` without a filter behind it (MQTT-4.8.2-2).
    #[error("shared subscription without a filter")]
    SharedFilterMissing,
    /// `+` that does not fill its level (MQTT-4.7.1-2 (MQTT-4.7.1-3 in 3.1.1)).
    #[error("+ is not alone in its level of the filter")]
    SingleLevelWildcardMisplaced,
    /// More than 65,535 bytes (MQTT-4.7.3-3 in both).
    #[error("topic is longer than 65,535 bytes")]
    TooLong,
    /// `+` or `#` in a Topic Name (MQTT-4.7.0-1; MQTT-4.7.1-1 in 3.1.1; MQTT-3.3.2-2 in both).
    #[error("topic name contains a wildcard")]
    Wildcard,
}

/// What a message is published under: 1 to 65,535 bytes of UTF-8 without wildcards. Cloning shares the bytes.
#[derive(Clone)]
pub struct TopicName {
    text: Utf8String,
    /// Whether the bytes are known to be in memory of their own; otherwise they may be a slice of what was read.
    detached: bool,
}

impl TopicName {
    /// Accepts `text` when a message may be published under it.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn new(text: impl Into<String>) -> Result<Self, TopicError> {
        Self::from_text(checked(text)?)
    }

    /// Accepts a text that came off the wire, without copying it.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn from_text(text: Utf8String) -> Result<Self, TopicError> {
        // MQTT-4.7.3-1 in both.
        if text.is_empty() {
            return Err(TopicError::Empty);
        }
        // MQTT-3.3.2-2 in both; MQTT-4.7.0-1 (MQTT-4.7.1-1 in 3.1.1).
        if has_wildcard(&text) {
            return Err(TopicError::Wildcard);
        }
        Ok(Self { text, detached: false })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The text, shared.
    pub fn text(&self) -> &Utf8String {
        &self.text
    }

    /// The levels, from the left. There is always at least one; any may be empty.
    pub fn levels(&self) -> std::str::Split<'_, char> {
        self.as_str().split('/')
    }

    /// Whether filters that begin with a wildcard pass it over (MQTT-4.7.2-1 in both).
    pub fn is_dollar(&self) -> bool {
        self.as_str().starts_with('$')
    }

    /// The same topic in memory of its own, so that it does not pin a read buffer. What came out of this already is shared.
    #[must_use]
    pub fn detached(&self) -> Self {
        let text = if self.detached { self.text.clone() } else { self.text.detached() };
        Self { text, detached: true }
    }
}

impl PartialEq for TopicName {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TopicName {}

impl PartialOrd for TopicName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TopicName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for TopicName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// What a subscription asks for: 1 to 65,535 bytes of UTF-8 with wildcards in their places, perhaps shared
/// (`$share/name/filter`). Cloning shares the bytes.
///
/// Two filters are equal when their texts are (MQTT-3.10.4-1 in both).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter {
    text: Utf8String,
    /// Where the filter proper begins in a shared subscription.
    shared: Option<NonZeroU16>,
}

impl TopicFilter {
    /// Accepts `text` when it may be subscribed to.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn new(text: impl Into<String>) -> Result<Self, TopicError> {
        Self::from_text(checked(text)?)
    }

    /// Accepts a text that came off the wire, without copying it.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn from_text(text: Utf8String) -> Result<Self, TopicError> {
        // MQTT-4.7.3-1 in both.
        if text.is_empty() {
            return Err(TopicError::Empty);
        }
        let shared = filter_start(&text)?;
        check_wildcards(&text[usize::from(shared.map_or(0, NonZeroU16::get))..])?;
        Ok(Self { text, shared })
    }

    /// As [`TopicFilter::from_text`], by the rules of 3.1.1, which knows no shared subscriptions: what breaks the rules of
    /// 4.8.2 is an ordinary filter. See [`TopicFilter::is_share_broken`].
    pub(crate) fn from_text_v311(text: Utf8String) -> Result<Self, TopicError> {
        if filter_start(&text).is_ok() {
            return Self::from_text(text);
        }
        check_wildcards(&text)?;
        Ok(Self { text, shared: None })
    }

    /// Whether it begins as a shared subscription and is none.
    pub(crate) fn is_share_broken(&self) -> bool {
        self.shared.is_none() && self.text.starts_with(SHARE_PREFIX)
    }

    /// The whole text, with `$share/name/` when shared.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The whole text, shared.
    pub fn text(&self) -> &Utf8String {
        &self.text
    }

    /// The ShareName of a shared subscription.
    pub fn share_name(&self) -> Option<&str> {
        self.shared.map(|start| &self.text[SHARE_PREFIX.len()..usize::from(start.get()) - 1])
    }

    /// The filter proper: without `$share/name/`.
    pub fn filter(&self) -> &str {
        &self.text[usize::from(self.shared.map_or(0, NonZeroU16::get))..]
    }

    /// The levels of the filter proper, from the left. There is always at least one; any may be empty.
    pub fn levels(&self) -> std::str::Split<'_, char> {
        self.filter().split('/')
    }

    /// Whether the filter has a `+` or `#`.
    pub fn has_wildcard(&self) -> bool {
        has_wildcard(self.filter())
    }

    /// Whether a message under `topic` is asked for. Texts compare byte by byte (MQTT-4.7.3-4 in both).
    pub fn matches(&self, topic: &TopicName) -> bool {
        let mut wanted = self.levels();
        let mut levels = topic.levels();
        // MQTT-4.7.2-1 in both.
        if topic.is_dollar() && self.filter().starts_with(['+', '#']) {
            return false;
        }
        loop {
            match (wanted.next(), levels.next()) {
                // `#` also stands for the level above it: `a/#` matches `a`.
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(want), Some(level)) if want == level => {}
                _ => return false,
            }
        }
    }

    /// The same filter in memory of its own, so that it does not pin a read buffer.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { text: self.text.detached(), shared: self.shared }
    }
}

fn checked(text: impl Into<String>) -> Result<Utf8String, TopicError> {
    Utf8String::new(text).map_err(|violation| match violation {
        // MQTT-4.7.3-3 in both.
        Violation::StringTooLong => TopicError::TooLong,
        // MQTT-4.7.3-2 in both: a Rust string can break no other rule of 1.5.4.
        _ => TopicError::NullCharacter,
    })
}

/// Looks at every byte, because a loop without an early end is done many bytes at a time.
fn has_wildcard(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte == b'+') | (byte == b'#'))
}

/// Where the filter proper begins when `text` is a shared subscription.
fn filter_start(text: &str) -> Result<Option<NonZeroU16>, TopicError> {
    // MQTT-4.8.2-1. `$share` alone is an ordinary filter.
    let Some(shared) = text.strip_prefix(SHARE_PREFIX) else { return Ok(None) };
    // MQTT-4.8.2-2.
    let (name, filter) = shared.split_once('/').unwrap_or((shared, ""));
    if name.is_empty() || name.contains(['+', '#']) {
        return Err(TopicError::ShareNameInvalid);
    }
    if filter.is_empty() {
        return Err(TopicError::SharedFilterMissing);
    }
    let start = u16::try_from(text.len() - filter.len()).map_err(|_| TopicError::TooLong)?;
    Ok(NonZeroU16::new(start))
}

fn check_wildcards(filter: &str) -> Result<(), TopicError> {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        // MQTT-4.7.1-1 (MQTT-4.7.1-2 in 3.1.1).
        if level.contains('#') && (level.len() > 1 || levels.peek().is_some()) {
            return Err(TopicError::MultiLevelWildcardMisplaced);
        }
        // MQTT-4.7.1-2 (MQTT-4.7.1-3 in 3.1.1).
        if level.contains('+') && level.len() > 1 {
            return Err(TopicError::SingleLevelWildcardMisplaced);
        }
    }
    Ok(())
}

macro_rules! text_traits {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl FromStr for $type {
            type Err = TopicError;

            fn from_str(text: &str) -> Result<Self, TopicError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

text_traits!(TopicName);
text_traits!(TopicFilter);
