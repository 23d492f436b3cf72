//! The properties of one packet.

use std::slice;

use super::{Place, Property, PropertyId, UserProperty};
use crate::{
    EncodeError, Utf8String, Violation,
    codec::{Reader, Writer, check_binary, variable_len},
};

/// The properties of one packet, in their order. Takes no memory while empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Vec<Property>);

impl Properties {
    /// No properties.
    pub const EMPTY: Self = Self(Vec::new());

    /// No properties.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Every property, in order.
    pub fn iter(&self) -> slice::Iter<'_, Property> {
        self.0.iter()
    }

    /// Appends `property`. Where it may stand, and how often, is for the caller to know: decoding checks it, encoding
    /// does not.
    pub fn push(&mut self, property: Property) {
        self.0.push(property);
    }

    /// Appends a User Property.
    pub fn push_user(&mut self, name: Utf8String, value: Utf8String) {
        self.push(Property::UserProperty(UserProperty { name, value }));
    }

    /// Puts `property` in place of those with its identifier, or appends it.
    pub fn set(&mut self, property: Property) {
        self.remove(property.id());
        self.push(property);
    }

    /// Whether a property with this identifier is there.
    pub fn contains(&self, id: PropertyId) -> bool {
        self.iter().any(|property| property.id() == id)
    }

    /// Removes every property with this identifier; whether there was one.
    pub fn remove(&mut self, id: PropertyId) -> bool {
        let before = self.len();
        self.retain(|property| property.id() != id);
        self.len() < before
    }

    /// Keeps the properties for which `keep` holds, in order.
    pub fn retain(&mut self, keep: impl FnMut(&Property) -> bool) {
        self.0.retain(keep);
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The same properties in memory of their own, so that they do not pin a read buffer.
    #[must_use]
    pub fn detached(&self) -> Self {
        if self.is_empty() { Self::EMPTY } else { Self(self.iter().map(Property::detached).collect()) }
    }

    /// The bytes that they take in memory.
    pub(crate) fn weight(&self) -> usize {
        if self.is_empty() { 0 } else { self.content_len(|_| true) + self.len() * size_of::<Property>() }
    }

    pub(crate) fn decode(place: Place, reader: &mut Reader) -> Result<Self, Violation> {
        let length = reader.variable()?;
        if length == 0 {
            return Ok(Self::EMPTY);
        }
        let mut reader = reader.split(length as usize).ok_or(Violation::PropertiesOverrun)?;
        let mut properties = Self::EMPTY;
        let mut seen = 0_u64;
        while !reader.is_empty() {
            if properties.len() >= reader.maximum_properties() {
                return Err(Violation::TooManyProperties);
            }
            let property = Self::decode_one(place, &mut seen, &mut reader).map_err(|violation| match violation {
                Violation::PacketTooShort => Violation::PropertiesOverrun,
                other => other,
            })?;
            properties.push(property);
        }
        Ok(properties)
    }

    fn decode_one(place: Place, seen: &mut u64, reader: &mut Reader) -> Result<Property, Violation> {
        // 2.2.2.2.
        let id = PropertyId::from_value(reader.variable()?).ok_or(Violation::PropertyUnknown)?;
        if !id.stands_in(place) {
            return Err(Violation::PropertyNotAllowed);
        }
        let bit = 1 << id.value();
        if *seen & bit != 0 && !id.repeats_in(place) {
            return Err(Violation::PropertyDuplicate);
        }
        *seen |= bit;
        let property = Property::read(id, reader)?;
        property.check_range()?;
        Ok(property)
    }

    /// What the types do not rule out: Binary Data of more than 65,535 bytes.
    pub(crate) fn check_fields(&self) -> Result<(), EncodeError> {
        self.iter().try_for_each(|property| match property {
            Property::CorrelationData(data) | Property::AuthenticationData(data) => check_binary(data),
            _ => Ok(()),
        })
    }

    /// Bytes of the properties for which `keep` holds, without the Property Length before them.
    pub(crate) fn content_len(&self, keep: impl Fn(&Property) -> bool) -> usize {
        self.iter().filter(|property| keep(property)).map(Property::len).sum()
    }

    /// Bytes of the properties for which `keep` holds, with the Property Length before them.
    pub(crate) fn encoded_len(&self, keep: impl Fn(&Property) -> bool) -> usize {
        let content = self.content_len(keep);
        variable_len(content) + content
    }

    /// Writes the Property Length and the properties for which `keep` holds.
    pub(crate) fn encode(&self, keep: impl Fn(&Property) -> bool, writer: &mut Writer<'_>) {
        // MQTT-2.2.2-1: also when there are none.
        writer.variable(self.content_len(&keep));
        self.encode_content(keep, writer);
    }

    pub(crate) fn encode_content(&self, keep: impl Fn(&Property) -> bool, writer: &mut Writer<'_>) {
        self.iter().filter(|property| keep(property)).for_each(|property| property.write(writer));
    }
}

impl FromIterator<Property> for Properties {
    fn from_iter<I: IntoIterator<Item = Property>>(properties: I) -> Self {
        Self(properties.into_iter().collect())
    }
}

impl Extend<Property> for Properties {
    fn extend<I: IntoIterator<Item = Property>>(&mut self, properties: I) {
        self.0.extend(properties);
    }
}

impl IntoIterator for Properties {
    type Item = Property;
    type IntoIter = std::vec::IntoIter<Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = &'a Property;
    type IntoIter = slice::Iter<'a, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
