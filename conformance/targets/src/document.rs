//! The document: the keys of a descriptor, with their types and documentation, and the way from there to what they mean.

mod resolve;
mod scalar;
mod sections;
mod whole;

use located::{Diagnostics, Reading};

use self::sections::Document;
use crate::Descriptor;

/// Reads the text of a descriptor.
pub(crate) fn read(origin: &str, text: &str) -> Result<Descriptor, Diagnostics> {
    let mut reading = Reading::new(text, "a descriptor");
    let found = reading.parse().and_then(|root| {
        let document = Document::from_keys(root.keys(&mut reading));
        resolve::resolve(document, &mut reading)
    });
    reading.finish(origin, found)
}

/// The JSON schema of the document.
pub(crate) fn schema() -> serde_json::Value {
    let mut schema =
        schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "Paddock target".into());
    schema.to_value()
}
