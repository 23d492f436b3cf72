//! UNSUBSCRIBE and UNSUBACK (sections 3.10 and 3.11).

use super::{ack::reason_code, request};
use crate::{
    Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{ANSWERED_REQUEST, CLIENT_PACKET_IDENTIFIER, UNSUBACK_CODE, UNSUBSCRIBE_FILTERS},
};

/// UNSUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Not 0.
    pub packet_identifier: u16,
    /// Only in 5.0.
    pub properties: Properties,
    /// Topic Filters, at least one.
    pub filters: Vec<String>,
}

impl Unsubscribe {
    /// Without a filter yet.
    pub fn new(packet_identifier: u16) -> Self {
        Self { packet_identifier, properties: Properties::default(), filters: Vec::new() }
    }

    /// One more filter.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filters.push(filter.into());
        self
    }

    /// As a draft. Fields: `packet_identifier`, `properties_length` and properties, then every `topic_filter`.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::request(version, Kind::Unsubscribe, self.packet_identifier, &self.properties);
        self.filters.iter().fold(draft, |draft, filter| draft.field_text("topic_filter", filter))
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let (packet_identifier, properties) = request::head(reader, CLIENT_PACKET_IDENTIFIER)?;
        let filter = |reader: &mut Reader<'_>| reader.topic_filter("topic_filter");
        let filters = request::elements(reader, UNSUBSCRIBE_FILTERS, "filter", filter)?;
        Ok(Self { packet_identifier, properties, filters })
    }
}

/// UNSUBACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsuback {
    /// That of the UNSUBSCRIBE.
    pub packet_identifier: u16,
    /// Only in 5.0.
    pub properties: Properties,
    /// One for each filter, in their order; only in 5.0.
    pub reasons: Vec<u8>,
}

impl Unsuback {
    /// Without a code yet.
    pub fn new(packet_identifier: u16) -> Self {
        Self { packet_identifier, properties: Properties::default(), reasons: Vec::new() }
    }

    /// One more code; not written before 5.0.
    #[must_use]
    pub fn reason(mut self, reason: u8) -> Self {
        self.reasons.push(reason);
        self
    }

    /// As a draft. Fields: `packet_identifier`; in 5.0 also `properties_length` and properties, then every `reason_code`.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::request(version, Kind::Unsuback, self.packet_identifier, &self.properties);
        let written = self.reasons.iter().filter(|_| version.has_properties());
        written.fold(draft, |draft, reason| draft.field("reason_code", [*reason]))
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let (packet_identifier, properties) = request::head(reader, ANSWERED_REQUEST)?;
        let reasons = if reader.version.has_properties() {
            request::elements(reader, UNSUBACK_CODE, "code", |reader| reason_code(reader, UNSUBACK_CODE))?
        } else {
            Vec::new()
        };
        Ok(Self { packet_identifier, properties, reasons })
    }
}
