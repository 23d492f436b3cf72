//! PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7).

use super::{Form, Packet};
use crate::{
    Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{ANSWERED_PUBLISH, PUBACK_CODE, PUBCOMP_CODE, PUBREC_CODE, PUBREL_CODE, Rule},
    tables::{self, Place},
};

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Which of the four.
    kind: Kind,
    /// That of the PUBLISH.
    pub packet_identifier: u16,
    /// Only in 5.0; 0 if it was left out.
    pub reason: u8,
    /// Only in 5.0.
    pub properties: Properties,
    /// What is left out in 5.0.
    pub form: Form,
}

impl Ack {
    /// A PUBACK with success.
    pub fn puback(packet_identifier: u16) -> Self {
        Self::new(Kind::Puback, packet_identifier)
    }

    /// A PUBREC with success.
    pub fn pubrec(packet_identifier: u16) -> Self {
        Self::new(Kind::Pubrec, packet_identifier)
    }

    /// A PUBREL with success.
    pub fn pubrel(packet_identifier: u16) -> Self {
        Self::new(Kind::Pubrel, packet_identifier)
    }

    /// A PUBCOMP with success.
    pub fn pubcomp(packet_identifier: u16) -> Self {
        Self::new(Kind::Pubcomp, packet_identifier)
    }

    fn new(kind: Kind, packet_identifier: u16) -> Self {
        Self { kind, packet_identifier, reason: 0, properties: Properties::default(), form: Form::Shortest }
    }

    /// Which of the four it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The reason code.
    #[must_use]
    pub fn reason(self, reason: u8) -> Self {
        Self { reason, ..self }
    }

    /// As a draft. Fields: `packet_identifier`; in 5.0 also `reason_code`, `properties_length` and properties, of which those are left out
    /// that `form` says until they are changed.
    pub fn draft(&self, version: Version) -> Draft {
        let draft = Draft::new(version, self.kind.first_byte())
            .field("packet_identifier", self.packet_identifier.to_be_bytes());
        draft.outcome(self.reason, &self.properties, self.form)
    }

    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let kind = reader.kind;
        let packet_identifier = reader.packet_identifier(ANSWERED_PUBLISH)?;
        let rule = match kind {
            Kind::Pubrec => PUBREC_CODE,
            Kind::Pubrel => PUBREL_CODE,
            Kind::Pubcomp => PUBCOMP_CODE,
            _ => PUBACK_CODE,
        };
        let (reason, properties, form) = outcome(reader, rule)?;
        Ok(Self { kind, packet_identifier, reason, properties, form })
    }
}

impl From<Ack> for Packet {
    fn from(ack: Ack) -> Self {
        match ack.kind {
            Kind::Pubrec => Self::Pubrec(ack),
            Kind::Pubrel => Self::Pubrel(ack),
            Kind::Pubcomp => Self::Pubcomp(ack),
            _ => Self::Puback(ack),
        }
    }
}

impl Draft {
    /// The reason code and properties at the end of a packet of 5.0, as far as `form` wants them written.
    pub(crate) fn outcome(self, reason: u8, properties: &Properties, form: Form) -> Self {
        if !self.version().has_properties() {
            return self;
        }
        let start = self.names().len();
        let draft = self.field("reason_code", [reason]).properties(properties);
        match form {
            Form::Shortest if reason == 0 && properties.is_empty() => draft.omit_from(start),
            Form::Shortest | Form::WithReason if properties.is_empty() => draft.omit_from(start + 1),
            _ => draft,
        }
    }
}

/// Reads reason code and properties at the end of a packet of 5.0, where both may be left out.
pub(crate) fn outcome(reader: &mut Reader<'_>, rule: Rule) -> Parsed<(u8, Properties, Form)> {
    if !reader.version.has_properties() || reader.is_at_end() {
        return Ok((0, Properties::default(), Form::Shortest));
    }
    let reason = reason_code(reader, rule)?;
    if reader.is_at_end() {
        // A code other than 0 cannot be left out, so this is then the shortest form.
        let form = if reason == 0 { Form::WithReason } else { Form::Shortest };
        return Ok((reason, Properties::default(), form));
    }
    let properties = reader.properties(Place::Packet(reader.kind))?;
    let form = if properties.is_empty() { Form::Full } else { Form::Shortest };
    Ok((reason, properties, form))
}

/// A reason code that the packet may carry, from this side.
pub(crate) fn reason_code(reader: &mut Reader<'_>, rule: Rule) -> Parsed<u8> {
    let at = reader.at();
    let code = reader.byte("reason_code")?;
    let kind = reader.kind;
    let Some(row) = tables::reason(reader.version, kind, code) else {
        return Err(reader.breach(rule, at, format!("0x{code:02x} is no code of {kind}")));
    };
    let other_side = row.only.iter().any(|(of, side)| *of == kind && *side != reader.direction);
    if other_side {
        let what = format!("a {} sends 0x{code:02x} ({}) in {kind} (table of its codes)", reader.direction, row.name);
        return Err(reader.unnumbered(at, what));
    }
    Ok(code)
}
