//! Topic Names and Topic Filters.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::template::{Fill, SAMPLE, Template, TemplateError};

/// The most bytes that a topic or filter may have: it travels with a 16-bit length.
pub(super) const LONGEST: usize = 65_535;

/// Why a text is no Topic Name or Topic Filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It has no character.
    #[error("an empty text is not a topic")]
    Empty,
    /// It is longer than 65,535 bytes.
    #[error("the topic has {0} bytes, the most are 65535")]
    TooLong(usize),
    /// It holds the null character.
    #[error("a topic may not hold the null character")]
    Null,
    /// Two slashes in a row, or one at either end.
    #[error("the topic has an empty level")]
    EmptyLevel,
    /// `+` or `#` in a Topic Name.
    #[error("`{0}` is a wildcard: messages are published to a topic without wildcards")]
    Wildcard(char),
    /// `$` at the beginning of a Topic Name.
    #[error("topics that begin with `$` belong to the broker")]
    Reserved,
    /// `+` that shares its level, or `#` that shares its level or is not last.
    #[error("`{0}` must be alone in its level (and `#` in the last one)")]
    Misplaced(char),
    /// `$share` without a valid share name and a filter.
    #[error("a shared subscription is `$share/NAME/FILTER`, its name without wildcards")]
    Share,
    /// Its placeholders are wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Accepts what a message may be published to. Empty levels are legal MQTT but never meant in a farm.
pub(super) fn check_topic(topic: &str) -> Result<(), TopicError> {
    check_text(topic)?;
    if let Some(wildcard) = topic.chars().find(|c| matches!(c, '+' | '#')) {
        return Err(TopicError::Wildcard(wildcard));
    }
    if topic.starts_with('$') {
        return Err(TopicError::Reserved);
    }
    if topic.split('/').any(str::is_empty) {
        return Err(TopicError::EmptyLevel);
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        Err(TopicError::Empty)
    } else if text.len() > LONGEST {
        Err(TopicError::TooLong(text.len()))
    } else if text.contains('\0') {
        Err(TopicError::Null)
    } else {
        Ok(())
    }
}

fn check_filter(filter: &str) -> Result<(), TopicError> {
    check_text(filter)?;
    let levels = match filter.strip_prefix("$share/") {
        None => filter,
        Some(shared) => {
            let (share, levels) = shared.split_once('/').ok_or(TopicError::Share)?;
            if share.is_empty() || share.contains(['+', '#']) || levels.is_empty() {
                return Err(TopicError::Share);
            }
            levels
        }
    };
    let count = levels.split('/').count();
    for (index, level) in levels.split('/').enumerate() {
        if level.is_empty() {
            return Err(TopicError::EmptyLevel);
        }
        if level.contains('+') && level != "+" {
            return Err(TopicError::Misplaced('+'));
        }
        if level.contains('#') && (level != "#" || index + 1 != count) {
            return Err(TopicError::Misplaced('#'));
        }
    }
    Ok(())
}

/// A template that gives a valid Topic Filter for every fill; `$share/NAME/...` is a shared subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct FilterTemplate(Template);

impl FilterTemplate {
    /// The filter of one connection.
    #[must_use]
    pub fn fill(&self, fill: &Fill<'_>) -> String {
        self.0.fill(fill)
    }

    /// Whether it is a shared subscription.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.fill(&SAMPLE).starts_with("$share/")
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.0
    }
}

impl FromStr for FilterTemplate {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let template = text.parse::<Template>()?;
        check_filter(&template.fill(&SAMPLE))?;
        Ok(Self(template))
    }
}

impl fmt::Display for FilterTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
