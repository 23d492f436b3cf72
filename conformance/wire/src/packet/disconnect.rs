//! DISCONNECT (section 3.14).

use super::{Form, ack::outcome};
use crate::{
    Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::DISCONNECT_CODE,
};

/// DISCONNECT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disconnect {
    /// Only in 5.0; 0 if it was left out.
    pub reason: u8,
    /// Only in 5.0.
    pub properties: Properties,
    /// What is left out in 5.0.
    pub form: Form,
}

impl Disconnect {
    /// Normal disconnection, in the shortest form.
    pub fn normal() -> Self {
        Self::default()
    }

    /// With this reason code.
    pub fn because(reason: u8) -> Self {
        Self { reason, ..Self::default() }
    }

    /// As a draft. Fields: in 5.0 `reason_code`, `properties_length` and properties, of which those are left out that `form` says until they
    /// are changed.
    pub fn draft(&self, version: Version) -> Draft {
        Draft::new(version, Kind::Disconnect.first_byte()).outcome(self.reason, &self.properties, self.form)
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let (reason, properties, form) = outcome(reader, DISCONNECT_CODE)?;
        Ok(Self { reason, properties, form })
    }
}
