//! The document: the keys of the language, with their types, defaults and documentation.
//!
//! [`read`] turns text into a [`Document`] and collects every error on the way. A key that is wrong or missing is absent from
//! the document; what refers to other keys is the resolver's business.

mod number;
mod scalar;
mod search;
mod sections;

use located::{Reading, Scalar, Wrong};
pub(crate) use scalar::{EventDo, EventTime, NetworkDo, Shape, Span};
pub(crate) use sections::{
    BrokerSection, CompareSection, ContractSection, DaySection, DeviceSection, Document, EventSection, NetworkSection,
    OutputSection, RequestsSection, SearchSection, StageSection, SubscriberSection,
};

/// Reads a document as far as it can be read; absent when the text is not TOML.
pub(crate) fn read(reading: &mut Reading<'_>) -> Option<Document> {
    let root = reading.parse()?;
    Some(Document::from_keys(root.keys(reading)))
}

/// Reads thresholds that stand alone, as far as they can be read; absent when the text is a scenario or no TOML.
pub(crate) fn read_contract(reading: &mut Reading<'_>) -> Option<ContractSection> {
    let root = reading.parse()?;
    Some(ContractSection::from_keys(root.keys(reading)))
}

/// Reads a demand that stands alone, on a command line.
pub(crate) fn demand(text: &str) -> Result<crate::model::Threshold, Wrong> {
    let search::Demand(threshold) = search::Demand::parse(text)?;
    match threshold.series.check().and_then(|()| threshold.expression.check(threshold.series.metric)) {
        Ok(()) => Ok(threshold),
        Err(error) => Err(Wrong::new(error.message, error.hint)),
    }
}

/// The JSON schema of the document.
pub(crate) fn schema() -> serde_json::Value {
    let mut schema =
        schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "Paddock scenario".into());
    schema.to_value()
}
