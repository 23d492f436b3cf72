//! UNSUBSCRIBE and UNSUBACK (sections 3.10 and 3.11).

use super::ack::reason_code;
use crate::{
    Kind, Properties, Property, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{ANSWERED_REQUEST, CLIENT_PACKET_IDENTIFIER, UNSUBACK_CODE, UNSUBSCRIBE_FILTERS},
    tables::Place,
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

    /// One more property.
    #[must_use]
    pub fn with(mut self, property: Property) -> Self {
        self.properties.0.push(property);
        self
    }

    /// As a draft. Fields: `packet_identifier`, `properties_length` and properties, then every `topic_filter`.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::new(version, Kind::Unsubscribe.first_byte())
            .field("packet_identifier", self.packet_identifier.to_be_bytes())
            .properties(&self.properties);
        self.filters.iter().fold(draft, |draft, filter| draft.field_text("topic_filter", filter))
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let packet_identifier = reader.packet_identifier(CLIENT_PACKET_IDENTIFIER)?;
        let properties = reader.properties(Place::Packet(Kind::Unsubscribe))?;
        if reader.is_at_end() {
            return Err(reader.breach(UNSUBSCRIBE_FILTERS, reader.at(), "UNSUBSCRIBE has no filter"));
        }
        let mut filters = Vec::new();
        while !reader.is_at_end() {
            filters.push(reader.topic_filter("topic_filter")?);
        }
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

    /// One more property.
    #[must_use]
    pub fn with(mut self, property: Property) -> Self {
        self.properties.0.push(property);
        self
    }

    /// As a draft. Fields: `packet_identifier`; in 5.0 also `properties_length` and properties, then every `reason_code`.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::new(version, Kind::Unsuback.first_byte())
            .field("packet_identifier", self.packet_identifier.to_be_bytes())
            .properties(&self.properties);
        let written = self.reasons.iter().filter(|_| version.has_properties());
        written.fold(draft, |draft, reason| draft.field("reason_code", [*reason]))
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let packet_identifier = reader.packet_identifier(ANSWERED_REQUEST)?;
        let properties = reader.properties(Place::Packet(Kind::Unsuback))?;
        let mut reasons = Vec::new();
        if reader.version.has_properties() {
            if reader.is_at_end() {
                return Err(reader.breach(UNSUBACK_CODE, reader.at(), "UNSUBACK has no code"));
            }
            while !reader.is_at_end() {
                reasons.push(reason_code(reader, UNSUBACK_CODE)?);
            }
        }
        Ok(Self { packet_identifier, properties, reasons })
    }
}
