//! SUBSCRIBE and SUBACK (sections 3.8 and 3.9).

use super::{ack::reason_code, request};
use crate::{
    Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{
        ANSWERED_REQUEST, CLIENT_PACKET_IDENTIFIER, NO_LOCAL_SHARED, SUBACK_CODE, SUBACK_CODES, SUBSCRIBE_FILTERS,
        SUBSCRIBE_OPTIONS, SUBSCRIBE_QOS,
    },
    topic,
};

/// SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Not 0.
    pub packet_identifier: u16,
    /// Only in 5.0.
    pub properties: Properties,
    /// Topic Filters with their options, at least one.
    pub filters: Vec<(String, Options)>,
}

/// The options of one subscription. Before 5.0 only `qos`. A number turns into the options with that QoS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum QoS, 0 to 2; a 3 is a lie.
    pub qos: u8,
    /// No Local.
    pub no_local: bool,
    /// Retain As Published.
    pub retain_as_published: bool,
    /// Retain Handling, 0 to 2; a 3 is a lie.
    pub retain_handling: u8,
}

impl From<u8> for Options {
    fn from(qos: u8) -> Self {
        Self::qos(qos)
    }
}

impl Options {
    /// This Maximum QoS and nothing else.
    pub fn qos(qos: u8) -> Self {
        Self { qos, ..Self::default() }
    }

    /// With No Local.
    #[must_use]
    pub fn no_local(self) -> Self {
        Self { no_local: true, ..self }
    }

    /// With Retain As Published.
    #[must_use]
    pub fn retain_as_published(self) -> Self {
        Self { retain_as_published: true, ..self }
    }

    /// With this Retain Handling.
    #[must_use]
    pub fn retain_handling(self, retain_handling: u8) -> Self {
        Self { retain_handling, ..self }
    }

    /// The byte behind the filter.
    pub fn byte(self, version: Version) -> u8 {
        let qos = self.qos & 3;
        if !version.has_properties() {
            return qos;
        }
        qos | u8::from(self.no_local) << 2 | u8::from(self.retain_as_published) << 3 | (self.retain_handling & 3) << 4
    }
}

impl Subscribe {
    /// Without a filter yet.
    pub fn new(packet_identifier: u16) -> Self {
        Self { packet_identifier, properties: Properties::default(), filters: Vec::new() }
    }

    /// One more filter with its options: a QoS, or [`Options`].
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>, options: impl Into<Options>) -> Self {
        self.filters.push((filter.into(), options.into()));
        self
    }

    /// As a draft. Fields: `packet_identifier`, `properties_length` and properties, then for every filter `topic_filter` and
    /// `subscription_options`.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::request(version, Kind::Subscribe, self.packet_identifier, &self.properties);
        self.filters.iter().fold(draft, |draft, (filter, options)| {
            draft.field_text("topic_filter", filter).field("subscription_options", [options.byte(version)])
        })
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let (packet_identifier, properties) = request::head(reader, CLIENT_PACKET_IDENTIFIER)?;
        let filters = request::elements(reader, SUBSCRIBE_FILTERS, "filter", |reader| {
            let filter = reader.topic_filter("topic_filter")?;
            let options = Options::parse(reader, &filter)?;
            Ok((filter, options))
        })?;
        Ok(Self { packet_identifier, properties, filters })
    }
}

impl Options {
    fn parse(reader: &mut Reader<'_>, filter: &str) -> Parsed<Self> {
        let at = reader.at();
        if reader.is_at_end() {
            return Err(reader.breach(SUBSCRIBE_FILTERS, at, "topic_filter without its options"));
        }
        let byte = reader.byte("subscription_options")?;
        let reserved = if reader.version.has_properties() { 0b1100_0000 } else { 0b1111_1100 };
        if byte & reserved != 0 {
            let what = format!("reserved bits of subscription_options are set: {byte:08b}");
            return Err(reader.breach(SUBSCRIBE_OPTIONS, at, what));
        }
        if byte & 3 == 3 {
            let section = reader.section("3.8.3", "3.8.3.1");
            return Err(reader.breach(SUBSCRIBE_QOS, at, format!("subscription_options ask for QoS 3 {section}")));
        }
        let options = Self {
            qos: byte & 3,
            no_local: byte & 4 != 0,
            retain_as_published: byte & 8 != 0,
            retain_handling: byte >> 4 & 3,
        };
        if options.retain_handling == 3 {
            return Err(reader.unnumbered(at, "Retain Handling is 3 (section 3.8.3.1 of 5.0)"));
        }
        if options.no_local && topic::shared(filter).is_some() {
            return Err(reader.breach(NO_LOCAL_SHARED, at, "No Local on a shared subscription"));
        }
        Ok(options)
    }
}

/// SUBACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suback {
    /// That of the SUBSCRIBE.
    pub packet_identifier: u16,
    /// Only in 5.0.
    pub properties: Properties,
    /// One for each filter, in their order.
    pub reasons: Vec<u8>,
}

impl Suback {
    /// Without a code yet.
    pub fn new(packet_identifier: u16) -> Self {
        Self { packet_identifier, properties: Properties::default(), reasons: Vec::new() }
    }

    /// One more code.
    #[must_use]
    pub fn reason(mut self, reason: u8) -> Self {
        self.reasons.push(reason);
        self
    }

    /// As a draft. Fields: `packet_identifier`, `properties_length` and properties, then every `reason_code`.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::request(version, Kind::Suback, self.packet_identifier, &self.properties);
        self.reasons.iter().fold(draft, |draft, reason| draft.field("reason_code", [*reason]))
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let (packet_identifier, properties) = request::head(reader, ANSWERED_REQUEST)?;
        let reasons = request::elements(reader, SUBACK_CODES, "code", |reader| reason_code(reader, SUBACK_CODE))?;
        Ok(Self { packet_identifier, properties, reasons })
    }
}
