//! CONNACK (section 3.2).

use super::connect::authentication;
use crate::{
    Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{CONNACK_CODE, CONNACK_FLAGS, REFUSED_WITHOUT_SESSION},
    tables::{self, Place},
};

/// CONNACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connack {
    /// Session Present; 3.1 has none.
    pub session_present: bool,
    /// The Connect Reason Code; before 5.0 the Connect Return Code.
    pub reason: u8,
    /// Only in 5.0.
    pub properties: Properties,
}

impl Connack {
    /// Code 0, without a session.
    pub fn accepted() -> Self {
        Self { session_present: false, reason: 0, properties: Properties::default() }
    }

    /// This code, without a session.
    pub fn refused(reason: u8) -> Self {
        Self { reason, ..Self::accepted() }
    }

    /// Session Present.
    #[must_use]
    pub fn session_present(self, session_present: bool) -> Self {
        Self { session_present, ..self }
    }

    /// The code.
    #[must_use]
    pub fn reason(self, reason: u8) -> Self {
        Self { reason, ..self }
    }

    /// As a draft. Fields: `connack_flags`, `reason_code`, `properties_length` and properties.
    pub fn draft(&self, version: Version) -> Draft {
        Draft::new(version, Kind::Connack.first_byte())
            .field("connack_flags", [u8::from(self.session_present)])
            .field("reason_code", [self.reason])
            .properties(&self.properties)
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let at = reader.at();
        let flags = reader.byte("connack_flags")?;
        // 3.1 calls the byte unused.
        if flags > 1 && reader.version != Version::V3_1 {
            let section = reader.section("3.2.2.1", "3.2.2.1");
            return Err(reader.breach(CONNACK_FLAGS, at, format!("connack_flags are {flags:08b} {section}")));
        }
        let session_present = flags & 1 == 1 && reader.version != Version::V3_1;
        let at = reader.at();
        let reason = reader.byte("reason_code")?;
        if tables::reason(reader.version, Kind::Connack, reason).is_none() {
            return Err(reader.breach(CONNACK_CODE, at, format!("0x{reason:02x} is no code of CONNACK")));
        }
        if session_present && reason != 0 {
            let what = format!("Session Present with the code 0x{reason:02x}");
            return Err(reader.breach(REFUSED_WITHOUT_SESSION, at, what));
        }
        let properties = reader.properties(Place::Packet(Kind::Connack))?;
        authentication(reader, &properties)?;
        Ok(Self { session_present, reason, properties })
    }
}
