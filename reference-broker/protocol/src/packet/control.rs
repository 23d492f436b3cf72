//! PINGREQ, PINGRESP, DISCONNECT and AUTH (3.12 to 3.15).

use crate::{
    EncodeError, PacketType, Properties, PropertyId, ReasonCode, Role, Version, Violation,
    codec::{Body, Context, Keep, Reader, Writer},
    property::Place,
};

/// DISCONNECT (3.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// Why; always Normal disconnection in 3.1.1.
    pub reason: ReasonCode,
    /// Properties (5.0).
    pub properties: Properties,
}

/// AUTH (3.15), 5.0 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Success, Continue authentication or Re-authenticate.
    pub reason: ReasonCode,
    /// Authentication Method and Data, Reason String, User Properties.
    pub properties: Properties,
}

impl Disconnect {
    /// A DISCONNECT for this reason and nothing more to say.
    pub const fn new(reason: ReasonCode) -> Self {
        Self { reason, properties: Properties::EMPTY }
    }

    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        // 3.14.2.1: a Remaining Length of 0 means Normal disconnection, one below 2 means no properties.
        if context.version == Version::V311 || reader.is_empty() {
            reader.finish()?;
            return Ok(Self::new(ReasonCode::Success));
        }
        let reason = reader.reason(PacketType::Disconnect, context.sender)?;
        let properties = reader.trailing_properties(Place::Packet(PacketType::Disconnect))?;
        reader.finish()?;
        match context.sender {
            // 3.14.2.2.5: only a server refers to another one.
            Role::Client if properties.contains(PropertyId::ServerReference) => Err(Violation::PropertyNotAllowed),
            // MQTT-3.14.2-2.
            Role::Server if properties.contains(PropertyId::SessionExpiryInterval) => {
                Err(Violation::SessionExpiryFromServer)
            }
            _ => Ok(Self { reason, properties }),
        }
    }
}

impl Body for Disconnect {
    fn first_byte(&self) -> u8 {
        PacketType::Disconnect.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    // MQTT-3.14.2-3, MQTT-3.14.2-4.
    fn may_trim(&self) -> bool {
        true
    }

    fn len(&self, version: Version, keep: Keep) -> usize {
        match version {
            Version::V311 => 0,
            Version::V5 => keep.reason_and_properties_len(self.reason, &self.properties),
        }
    }

    fn write(&self, version: Version, keep: Keep, writer: &mut Writer<'_>) {
        if version == Version::V5 {
            keep.write_reason_and_properties(self.reason, &self.properties, writer);
        }
    }
}

impl Auth {
    pub(super) fn decode(context: Context, mut reader: Reader) -> Result<Self, Violation> {
        // 3.15.2.1: a Remaining Length of 0 means Success without properties, and those must name the method.
        if reader.is_empty() {
            return Err(Violation::AuthenticationMethodMissing);
        }
        let reason = reader.reason(PacketType::Auth, context.sender)?;
        let properties = reader.trailing_properties(Place::Packet(PacketType::Auth))?;
        reader.finish()?;
        // 3.15.2.2.2.
        if !properties.contains(PropertyId::AuthenticationMethod) {
            return Err(Violation::AuthenticationMethodMissing);
        }
        Ok(Self { reason, properties })
    }
}

impl Body for Auth {
    fn first_byte(&self) -> u8 {
        PacketType::Auth.first_byte()
    }

    fn properties(&self) -> Option<&Properties> {
        Some(&self.properties)
    }

    // MQTT-3.15.2-2, MQTT-3.15.2-3.
    fn may_trim(&self) -> bool {
        true
    }

    fn check(&self, version: Version) -> Result<(), EncodeError> {
        match version {
            Version::V311 => Err(EncodeError::Version),
            Version::V5 => Ok(()),
        }
    }

    fn len(&self, _version: Version, keep: Keep) -> usize {
        keep.reason_and_properties_len(self.reason, &self.properties)
    }

    fn write(&self, _version: Version, keep: Keep, writer: &mut Writer<'_>) {
        keep.write_reason_and_properties(self.reason, &self.properties, writer);
    }
}

/// PINGREQ or PINGRESP.
pub(super) struct Ping(pub(super) PacketType);

impl Body for Ping {
    fn first_byte(&self) -> u8 {
        self.0.first_byte()
    }

    fn len(&self, _version: Version, _keep: Keep) -> usize {
        0
    }

    fn write(&self, _version: Version, _keep: Keep, _writer: &mut Writer<'_>) {}
}
