//! Values of `[search]`.

use located::{Node, Read, Reading, Scalar, Wrong};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::model::{Expression, Series, Threshold};

/// A demand of an SLO: an expression on `e2e`, or a metric and an expression on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand(pub(crate) Threshold);

impl Scalar for Demand {
    const EXPECTED: &str = "a demand as text, such as \"p(99)<200ms\" or \"loss count==0\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let (series, expression) = match text.trim().split_once(|c: char| c.is_whitespace() || c == ':') {
            // A selector has a colon, too.
            _ if text.contains('{') => {
                let end = text.find('}').map_or(text.len(), |end| end + 1);
                (text[..end].trim(), text[end..].trim_start_matches(':'))
            }
            Some((series, rest)) if !series.contains(['(', '<', '>', '=', '!']) && !is_aggregation(series, rest) => {
                (series, rest)
            }
            _ => ("e2e", text),
        };
        Ok(Self(Threshold {
            series: <Series as Scalar>::parse(series)?,
            expression: <Expression as Scalar>::parse(expression.trim())?,
        }))
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "(<|<=|>|>=|==|!=) *[^ ]" })
    }
}

/// Whether `word` is the aggregation of an expression that goes on with `rest`: `max < 1s`.
fn is_aggregation(word: &str, rest: &str) -> bool {
    ["avg", "min", "max", "count", "rate"].contains(&word) && rest.trim_start().starts_with(['<', '>', '=', '!'])
}

/// A share between 1% and 50%.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Scalar for Share {
    const EXPECTED: &str = "a share as text, such as \"5%\"";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new(format!("`{text}` is not a share from 1% to 50%"), "write such as `5%`");
        let percent: f64 = text.strip_suffix('%').and_then(|number| number.trim().parse().ok()).ok_or_else(wrong)?;
        if (1.0..=50.0).contains(&percent) { Ok(Self(percent / 100.0)) } else { Err(wrong()) }
    }

    fn text_schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9.]+ *%$" })
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}%", self.0 * 100.0))
    }
}

/// How many times something is done again: 1 to 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Times(pub(crate) u32);

impl Read for Times {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        node.whole(1..=20, reading)?.try_into().ok().map(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 20 })
    }
}
