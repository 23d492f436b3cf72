//! The document: the keys of the language, with their types, defaults and documentation.
//!
//! [`read`] turns text into a [`Document`] and collects every error on the way. A key that is wrong or missing is absent from
//! the document; what refers to other keys is the resolver's business.

mod node;
mod number;
mod scalar;
mod section;
mod sections;
mod similar;
mod table;

use toml::de::DeTable;

pub(crate) use node::{At, Node, Read};
pub(crate) use scalar::{EventDo, NetworkDo, Span};
pub(crate) use sections::{
    BrokerSection, DaySection, DeviceSection, Document, EventSection, NetworkSection, OutputSection, StageSection,
    SubscriberSection,
};
pub(crate) use similar::did_you_mean;
pub(crate) use table::Table;

use crate::diagnostic::{Problem, Problems};

/// Reads a document as far as it can be read; absent when the text is not TOML.
pub(crate) fn read(text: &str, problems: &mut Problems) -> Option<Document> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        problems.push(Problem {
            span: error.span().unwrap_or(0..0),
            path: String::new(),
            message: format!("not TOML: {}", error.message()),
            hint: None,
        });
    }
    problems.is_empty().then(|| Document::from_table(root.get_ref(), 0..0, "", problems))
}

/// The JSON schema of the document.
pub(crate) fn schema() -> serde_json::Value {
    let mut schema =
        schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "Paddock scenario".into());
    schema.to_value()
}
