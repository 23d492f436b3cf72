//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (3.8 to 3.11).

use crate::{
    PacketId, PacketType, Properties, QoS, ReasonCode, TopicFilter, Version, Violation,
    codec::{Body, Context, Keep, Reader, Writer},
    property::Place,
};

/// SUBSCRIBE (3.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The exchange.
    pub packet_id: PacketId,
    /// Subscription Identifier and User Properties (5.0).
    pub properties: Properties,
    /// At least one filter (MQTT-3.8.3-2 (MQTT-3.8.3-3 in 3.1.1)).
    pub filters: Vec<SubscribeFilter>,
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeFilter {
    /// The Topic Filter, valid by 4.7 and 4.8.2: one that breaks those rules makes the packet malformed.
    pub filter: TopicFilter,
    /// How matches are delivered.
    pub options: SubscriptionOptions,
}

/// Subscription Options (3.8.3.1); in 3.1.1 only the QoS exists and the rest are the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionOptions {
    /// Maximum QoS.
    pub qos: QoS,
    /// No Local.
    pub no_local: bool,
    /// Retain As Published.
    pub retain_as_published: bool,
    /// Retain Handling.
    pub retain_handling: RetainHandling,
}

/// When retained messages are sent for a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    /// 0: at every SUBSCRIBE.
    #[default]
    Always = 0,
    /// 1: only when the subscription did not exist.
    IfNew = 1,
    /// 2: never.
    Never = 2,
}

/// SUBACK (3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubAck {
    /// The exchange.
    pub packet_id: PacketId,
    /// Reason String and User Properties (5.0).
    pub properties: Properties,
    /// One outcome per filter, in order (MQTT-3.8.4-6; MQTT-3.9.3-1 in both).
    pub reasons: Vec<ReasonCode>,
}

/// UNSUBSCRIBE (3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The exchange.
    pub packet_id: PacketId,
    /// User Properties (5.0).
    pub properties: Properties,
    /// At least one filter.
    pub filters: Vec<TopicFilter>,
}

/// UNSUBACK (3.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubAck {
    /// The exchange.
    pub packet_id: PacketId,
    /// Reason String and User Properties (5.0).
    pub properties: Properties,
    /// One outcome per filter, in order (5.0); empty in 3.1.1.
    pub reasons: Vec<ReasonCode>,
}

impl Subscribe {
    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        let (packet_id, properties) = read_head(PacketType::Subscribe, context, &mut reader)?;
        let mut filters = Vec::new();
        while !reader.is_empty() {
            context.check_room(filters.len())?;
            // MQTT-3.8.3-1 in both.
            let filter = reader.filter(context.version)?;
            let options = SubscriptionOptions::from_byte(reader.u8()?, context.version)?;
            // MQTT-3.8.3-4.
            if options.no_local && filter.share_name().is_some() {
                return Err(Violation::NoLocalOnShared);
            }
            filters.push(SubscribeFilter { filter, options });
        }
        // MQTT-3.8.3-2 (MQTT-3.8.3-3 in 3.1.1).
        if filters.is_empty() {
            return Err(Violation::SubscribeEmpty);
        }
        Ok(Self { packet_id, properties, filters })
    }
}

impl SubscriptionOptions {
    fn from_byte(byte: u8, version: Version) -> Result<Self, Violation> {
        let reserved = match version {
            // MQTT-3.8.3-4 in 3.1.1.
            Version::V311 => 0b1111_1100,
            // MQTT-3.8.3-5.
            Version::V5 => 0b1100_0000,
        };
        if byte & reserved != 0 {
            return Err(Violation::SubscriptionOptionsReserved);
        }
        // 3.8.3.1 (MQTT-3.8.3-4 in 3.1.1).
        let qos = QoS::from_value(byte & 0b11).ok_or(Violation::SubscriptionQosReserved)?;
        let retain_handling = match byte >> 4 {
            0 => RetainHandling::Always,
            1 => RetainHandling::IfNew,
            2 => RetainHandling::Never,
            // 5.0: 3.8.3.1.
            _ => return Err(Violation::RetainHandlingReserved),
        };
        Ok(Self { qos, no_local: byte & 0b0100 != 0, retain_as_published: byte & 0b1000 != 0, retain_handling })
    }

    fn to_byte(self, version: Version) -> u8 {
        match version {
            Version::V311 => self.qos.value(),
            Version::V5 => {
                self.qos.value()
                    | u8::from(self.no_local) << 2
                    | u8::from(self.retain_as_published) << 3
                    | (self.retain_handling as u8) << 4
            }
        }
    }
}

impl Body for Subscribe {
    fn first_byte(&self) -> u8 {
        PacketType::Subscribe.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        let filters: usize = self.filters.iter().map(|filter| 2 + filter.filter.as_str().len() + 1).sum();
        2 + keep.properties_len(version, &self.properties) + filters
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.value());
        keep.write_properties(version, &self.properties, writer);
        for SubscribeFilter { filter, options } in &self.filters {
            writer.text(filter.as_str());
            writer.u8(options.to_byte(version));
        }
    }
}

impl SubAck {
    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        let (packet_id, properties) = read_head(PacketType::SubAck, context, &mut reader)?;
        let mut reasons = Vec::with_capacity(reader.len());
        while !reader.is_empty() {
            reasons.push(match context.version {
                Version::V311 => read_return_code(&mut reader)?,
                // MQTT-3.9.3-2 in both.
                Version::V5 => reader.reason(PacketType::SubAck, context.sender)?,
            });
        }
        check_count(&reasons)?;
        Ok(Self { packet_id, properties, reasons })
    }
}

impl Body for SubAck {
    fn first_byte(&self) -> u8 {
        PacketType::SubAck.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    // MQTT-3.9.2-1, MQTT-3.9.2-2.
    fn may_trim(&self) -> bool {
        true
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        2 + keep.properties_len(version, &self.properties) + self.reasons.len()
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.value());
        keep.write_properties(version, &self.properties, writer);
        self.reasons.iter().for_each(|reason| writer.u8(reason.suback_value(version)));
    }
}

impl Unsubscribe {
    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        let (packet_id, properties) = read_head(PacketType::Unsubscribe, context, &mut reader)?;
        let mut filters = Vec::new();
        while !reader.is_empty() {
            context.check_room(filters.len())?;
            // MQTT-3.10.3-1 in both.
            filters.push(reader.filter(context.version)?);
        }
        // MQTT-3.10.3-2 in both.
        if filters.is_empty() {
            return Err(Violation::UnsubscribeEmpty);
        }
        Ok(Self { packet_id, properties, filters })
    }
}

impl Body for Unsubscribe {
    fn first_byte(&self) -> u8 {
        PacketType::Unsubscribe.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        let filters: usize = self.filters.iter().map(|filter| 2 + filter.as_str().len()).sum();
        2 + keep.properties_len(version, &self.properties) + filters
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.value());
        keep.write_properties(version, &self.properties, writer);
        self.filters.iter().for_each(|filter| writer.text(filter.as_str()));
    }
}

impl UnsubAck {
    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        let (packet_id, properties) = read_head(PacketType::UnsubAck, context, &mut reader)?;
        let mut reasons = Vec::new();
        if context.version == Version::V5 {
            reasons.reserve_exact(reader.len());
            while !reader.is_empty() {
                // MQTT-3.11.3-2.
                reasons.push(reader.reason(PacketType::UnsubAck, context.sender)?);
            }
            check_count(&reasons)?;
        }
        reader.finish()?;
        Ok(Self { packet_id, properties, reasons })
    }
}

impl Body for UnsubAck {
    fn first_byte(&self) -> u8 {
        PacketType::UnsubAck.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    // MQTT-3.11.2-1, MQTT-3.11.2-2.
    fn may_trim(&self) -> bool {
        true
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        match version {
            Version::V311 => 2,
            Version::V5 => 2 + keep.properties_len(version, &self.properties) + self.reasons.len(),
        }
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        writer.u16(self.packet_id.value());
        if version == Version::V5 {
            keep.write_properties(version, &self.properties, writer);
            self.reasons.iter().for_each(|reason| writer.u8(reason.value()));
        }
    }
}

/// Packet Identifier and properties, with which all four begin.
fn read_head(
    packet_type: PacketType,
    context: Context,
    reader: &mut Reader,
) -> Result<(PacketId, Properties), Violation> {
    let packet_id = reader.packet_id()?;
    let properties = match context.version {
        Version::V311 => Properties::EMPTY,
        Version::V5 => Properties::decode(Place::Packet(packet_type), reader)?,
    };
    Ok((packet_id, properties))
}

/// A return code of a 3.1.1 SUBACK.
fn read_return_code(reader: &mut Reader) -> Result<ReasonCode, Violation> {
    match reader.u8()? {
        0 => Ok(ReasonCode::Success),
        1 => Ok(ReasonCode::GrantedQos1),
        2 => Ok(ReasonCode::GrantedQos2),
        0x80 => Ok(ReasonCode::UnspecifiedError),
        // MQTT-3.9.3-2 in 3.1.1.
        _ => Err(Violation::ReasonCodeNotAllowed),
    }
}

/// There was at least one filter to answer.
fn check_count(reasons: &[ReasonCode]) -> Result<(), Violation> {
    // MQTT-3.8.4-6, MQTT-3.11.3-2 (MQTT-3.8.4-5 in 3.1.1).
    if reasons.is_empty() { Err(Violation::ReasonCountMismatch) } else { Ok(()) }
}
