//! Texts with placeholders: `meter-{n:05}`, `smartdairy/farm/{barn}/#`.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::filter::{TopicError, check_topic};

/// What stands in the place of placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill<'a> {
    /// `{n}`: the number of the device or connection in its group, from 1.
    pub n: u32,
    /// `{barn}`: the barn that the device or connection belongs to.
    pub barn: &'a str,
    /// `{id}`: the device's identifier; in a Client Identifier's own template the empty text.
    pub id: &'a str,
}

/// A text with the placeholders `{n}`, `{n:05}` (padded with zeros to a width of 1 to 9), `{barn}` and `{id}`.
///
/// A brace stands for itself when doubled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Piece {
    Text(String),
    Number { width: usize },
    Barn,
    Id,
}

/// A text that is no [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{` without `}` or the other way round.
    #[error("a brace without its partner (write `{{{{` or `}}}}` for the character itself)")]
    Unbalanced,
    /// A placeholder that is none.
    #[error("`{{{0}}}` is not a placeholder: {{n}}, {{n:05}}, {{barn}} or {{id}}")]
    Unknown(String),
}

impl Template {
    /// The text with its placeholders filled in.
    #[must_use]
    pub fn fill(&self, fill: &Fill<'_>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Number { width } => text.push_str(&format!("{:0width$}", fill.n)),
                Piece::Barn => text.push_str(fill.barn),
                Piece::Id => text.push_str(fill.id),
            }
        }
        text
    }

    /// Whether `{n}` occurs, so that each device or connection gets a text of its own.
    #[must_use]
    pub fn numbers(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Number { .. }))
    }

    /// Whether `{barn}` occurs.
    #[must_use]
    pub fn names_barn(&self) -> bool {
        self.pieces.contains(&Piece::Barn)
    }

    /// Whether `{id}` occurs.
    #[must_use]
    pub fn names_id(&self) -> bool {
        self.pieces.contains(&Piece::Id)
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find(['{', '}']).ok_or(TemplateError::Unbalanced)?;
            if brace == "}" || rest[end..].starts_with('{') {
                return Err(TemplateError::Unbalanced);
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(placeholder(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }
}

fn placeholder(name: &str) -> Result<Piece, TemplateError> {
    match name {
        "n" => Ok(Piece::Number { width: 1 }),
        "barn" => Ok(Piece::Barn),
        "id" => Ok(Piece::Id),
        _ => match name.strip_prefix("n:0").and_then(|width| width.parse().ok()) {
            Some(width @ 1..=9) => Ok(Piece::Number { width }),
            _ => Err(TemplateError::Unknown(name.to_owned())),
        },
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Piece::Number { width: 1 } => f.write_str("{n}")?,
                Piece::Number { width } => write!(f, "{{n:0{width}}}")?,
                Piece::Barn => f.write_str("{barn}")?,
                Piece::Id => f.write_str("{id}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A [`Template`] that gives a valid Topic Name for every fill: no wildcard, no empty level, at most 65,535 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TopicTemplate(Template);

impl TopicTemplate {
    /// The topic of one device.
    #[must_use]
    pub fn fill(&self, fill: &Fill<'_>) -> String {
        self.0.fill(fill)
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.0
    }
}

impl FromStr for TopicTemplate {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let template = text.parse::<Template>()?;
        check_topic(&template.fill(&SAMPLE))?;
        Ok(Self(template))
    }
}

impl fmt::Display for TopicTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Stands in for real values when a template's shape is checked: as long as they get.
pub(super) const SAMPLE: Fill<'static> = Fill {
    n: 999_999_999,
    barn: "barn_0000000000000000000000000000000000000000000000000000000000",
    id: "id_000000000000000000000000000000000000000000000000000000000000",
};
