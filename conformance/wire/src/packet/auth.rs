//! AUTH (section 3.15), only in 5.0.

use super::{Form, ack::outcome};
use crate::{
    Kind, Properties, Property, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{AUTH_CODE, AUTH_METHOD},
};

/// AUTH.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// 0x00, 0x18 or 0x19.
    pub reason: u8,
    /// Among them the Authentication Method.
    pub properties: Properties,
    /// What is left out.
    pub form: Form,
}

impl Auth {
    /// With this reason code and Authentication Method.
    pub fn new(reason: u8, method: &str) -> Self {
        Self { reason, ..Self::default() }.with(Property::authentication_method(method))
    }

    /// Authentication Data.
    #[must_use]
    pub fn data(self, data: impl AsRef<[u8]>) -> Self {
        self.with(Property::authentication_data(data.as_ref()))
    }

    /// As a draft. Fields: `reason_code`, `properties_length` and properties. Before 5.0 it is a packet of type 15 without fields.
    pub fn draft(&self, version: Version) -> Draft {
        Draft::new(version, Kind::Auth.first_byte()).outcome(self.reason, &self.properties, self.form)
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let at = reader.at();
        let (reason, properties, form) = outcome(reader, AUTH_CODE)?;
        // The short form of section 3.15.2.1 leaves no room for what 3.15.2.2.2 demands, and nobody may send AUTH without a method.
        if properties.authentication_method().is_none() {
            return Err(reader.breach(AUTH_METHOD, at, "AUTH has no Authentication Method"));
        }
        Ok(Self { reason, properties, form })
    }
}
