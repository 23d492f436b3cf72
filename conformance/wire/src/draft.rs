//! A packet about to be sent: named fields with their bytes, in order. Whatever is right in it may be made wrong.

use crate::{Kind, Properties, Property, Version, number, text::prefixed};

/// A packet about to be sent.
///
/// Lengths follow what they measure until they are replaced themselves. The fields of each packet are listed where it is built;
/// every property is a field too, named as in [`crate::tables::PROPERTIES`] (among the Will Properties with `will_` in front). Where a name
/// stands several times, `topic_filter[1]` is the second one.
///
/// A field that is not there cannot be changed: the call then changes nothing and [`Draft::misuse`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    version: Version,
    first_byte: u8,
    fields: Vec<Field>,
    remaining_length: RemainingLength,
    body_end: Option<usize>,
    packet_end: Option<usize>,
    raw: Option<Vec<u8>>,
    misuse: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: &'static str,
    content: Content,
    group: Group,
    /// May be left out, and is, until somebody touches it or a field behind it.
    omitted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Bytes(Vec<u8>),
    LengthOf(Group),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Fields,
    Properties,
    WillProperties,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RemainingLength {
    True,
    Bytes(Vec<u8>),
}

/// Any bytes at all, to be sent like a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub Vec<u8>);

/// What can be sent: packets, drafts, and [`Raw`] bytes.
pub trait Draftable {
    /// As a draft; a packet becomes one of `version`, a draft stays what it is.
    fn into_draft(self, version: Version) -> Draft;
}

impl Draftable for Draft {
    fn into_draft(self, _version: Version) -> Draft {
        self
    }
}

impl Draftable for Raw {
    fn into_draft(self, version: Version) -> Draft {
        Draft { raw: Some(self.0), ..Draft::new(version, 0) }
    }
}

impl From<Draft> for Vec<u8> {
    fn from(draft: Draft) -> Self {
        draft.encode()
    }
}

/// Making one, field by field.
impl Draft {
    /// No fields yet.
    pub fn new(version: Version, first_byte: u8) -> Self {
        Self {
            version,
            first_byte,
            fields: Vec::new(),
            remaining_length: RemainingLength::True,
            body_end: None,
            packet_end: None,
            raw: None,
            misuse: None,
        }
    }

    /// Adds a field at the end.
    #[must_use]
    pub fn field(mut self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.fields.push(Field::bytes(name, Group::Fields, bytes));
        self
    }

    /// Adds a field behind its length of two bytes: a string or Binary Data.
    #[must_use]
    pub fn field_text(self, name: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        self.field(name, prefixed(bytes))
    }

    /// Adds `properties_length` and the properties, in versions that have them.
    pub(crate) fn properties(self, properties: &Properties) -> Self {
        self.group(Group::Properties, "properties_length", properties)
    }

    pub(crate) fn will_properties(self, properties: &Properties) -> Self {
        self.group(Group::WillProperties, "will_properties_length", properties)
    }

    fn group(mut self, group: Group, length: &'static str, properties: &Properties) -> Self {
        if self.version.has_properties() {
            let content = Content::LengthOf(group);
            self.fields.push(Field { name: length, content, group: Group::Fields, omitted: false });
            self.fields.extend(properties.0.iter().map(|property| Field::property(group, property)));
        }
        self
    }

    /// Leaves out the fields from the `index`th on until somebody touches one of them.
    pub(crate) fn omit_from(mut self, index: usize) -> Self {
        self.fields.iter_mut().skip(index).for_each(|field| field.omitted = true);
        self
    }
}

/// Reading it.
impl Draft {
    /// The version that it was made for.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The type of packet that the first byte says.
    pub fn kind(&self) -> Option<Kind> {
        let first_byte = self.raw.as_ref().map_or(Some(self.first_byte), |raw| raw.first().copied());
        first_byte.and_then(|byte| Kind::of(byte >> 4))
    }

    /// The names of the fields that would be written, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.fields.iter().filter(|field| !field.omitted).map(|field| field.name).collect()
    }

    /// Whether there is such a field, even if it would be left out.
    pub fn has(&self, field: &str) -> bool {
        self.find(field).is_some()
    }

    /// The bytes of a field.
    pub fn bytes_of(&self, field: &str) -> Option<Vec<u8>> {
        self.find(field).map(|index| self.content(&self.fields[index]))
    }

    /// The first change that could not be made, in words.
    pub fn misuse(&self) -> Option<&str> {
        self.misuse.as_deref()
    }

    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        let mut packet = match &self.raw {
            Some(raw) => raw.clone(),
            None => self.assemble(),
        };
        packet.truncate(self.packet_end.unwrap_or(usize::MAX));
        packet
    }

    fn assemble(&self) -> Vec<u8> {
        let written = self.fields.iter().filter(|field| !field.omitted);
        let mut body: Vec<u8> = written.flat_map(|field| self.content(field)).collect();
        body.truncate(self.body_end.unwrap_or(usize::MAX));
        let mut packet = vec![self.first_byte];
        match &self.remaining_length {
            RemainingLength::True => packet.extend(number::encode(u32::try_from(body.len()).unwrap_or(u32::MAX))),
            RemainingLength::Bytes(bytes) => packet.extend(bytes),
        }
        packet.extend(body);
        packet
    }

    fn content(&self, field: &Field) -> Vec<u8> {
        match &field.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::LengthOf(group) => {
                let members = self.fields.iter().filter(|field| field.group == *group);
                let length: usize = members.map(|field| self.content(field).len()).sum();
                number::encode(u32::try_from(length).unwrap_or(u32::MAX))
            }
        }
    }

    /// The index of `name` or `name[n]`.
    fn find(&self, name: &str) -> Option<usize> {
        let (name, nth) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, nth)) => (name, nth.parse().ok()?),
            None => (name, 0),
        };
        let mut named = self.fields.iter().enumerate().filter(|(_, field)| field.name == name);
        named.nth(nth).map(|(index, _)| index)
    }
}

/// Lying in the fixed header, and about where the packet ends.
impl Draft {
    /// Replaces type and flags.
    #[must_use]
    pub fn first_byte(mut self, byte: u8) -> Self {
        self.first_byte = byte;
        self
    }

    /// Replaces the lower four bits of the first byte.
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.first_byte = self.first_byte & 0xf0 | flags & 0x0f;
        self
    }

    /// Replaces the Remaining Length; above 268435455 it takes five bytes.
    #[must_use]
    pub fn remaining_length(self, length: u32) -> Self {
        self.remaining_length_bytes(number::encode(length))
    }

    /// Replaces the bytes of the Remaining Length.
    #[must_use]
    pub fn remaining_length_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.remaining_length = RemainingLength::Bytes(bytes.into());
        self
    }

    /// Writes the true Remaining Length in this many bytes, which 5.0 forbids if fewer do. Call it last.
    #[must_use]
    pub fn remaining_length_in(self, width: usize) -> Self {
        let body = Self { remaining_length: RemainingLength::Bytes(Vec::new()), ..self.clone() }.assemble().len() - 1;
        self.remaining_length_bytes(number::encode_in(u32::try_from(body).unwrap_or(u32::MAX), width))
    }

    /// Ends the packet after `length` bytes behind the fixed header; the Remaining Length follows. So the packet is whole on the wire, but
    /// lacks fields.
    #[must_use]
    pub fn truncate(mut self, length: usize) -> Self {
        self.body_end = Some(length);
        self
    }

    /// Sends only the first `length` bytes of the packet; the Remaining Length still announces all. So the receiver waits for more.
    #[must_use]
    pub fn cut(mut self, length: usize) -> Self {
        self.packet_end = Some(length);
        self
    }
}

/// Lying in the fields.
impl Draft {
    /// Replaces the bytes of a field. A string is replaced with its length: see [`Draft::replace_text`].
    #[must_use]
    pub fn replace(self, field: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.edit(field, |old| *old = bytes)
    }

    /// Replaces a string or Binary Data: writes the length of `bytes` in front of them, whatever they are.
    #[must_use]
    pub fn replace_text(self, field: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.replace(field, prefixed(bytes))
    }

    /// Changes the bytes of a field.
    #[must_use]
    pub fn edit(self, field: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.at(field, |draft, index| {
            let mut bytes = draft.content(&draft.fields[index]);
            change(&mut bytes);
            draft.fields[index].content = Content::Bytes(bytes);
            draft.write_until(index);
        })
    }

    /// Leaves a field out.
    #[must_use]
    pub fn without(self, field: &str) -> Self {
        self.at(field, |draft, index| {
            draft.fields.remove(index);
        })
    }

    /// Adds a field in front of another.
    #[must_use]
    pub fn insert_before(self, field: &str, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.at(field, |draft, index| draft.insert(index, index, name, bytes.into()))
    }

    /// Adds a field behind another.
    #[must_use]
    pub fn insert_after(self, field: &str, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.at(field, |draft, index| draft.insert(index + 1, index, name, bytes.into()))
    }

    /// Adds bytes behind the last field that is written, named `appended`. The Remaining Length counts them.
    #[must_use]
    pub fn append(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.field("appended", bytes)
    }

    /// Adds a property behind the others of the variable header, whether it may stand there or not.
    #[must_use]
    pub fn with(self, property: Property) -> Self {
        self.add_property(Group::Properties, "properties_length", &property)
    }

    /// Adds a property behind the other Will Properties, whether it may stand there or not.
    #[must_use]
    pub fn with_will(self, property: Property) -> Self {
        self.add_property(Group::WillProperties, "will_properties_length", &property)
    }

    fn add_property(self, group: Group, length: &str, property: &Property) -> Self {
        self.at(length, |draft, index| {
            let behind = draft.fields.iter().rposition(|field| field.group == group).unwrap_or(index) + 1;
            draft.fields.insert(behind, Field::property(group, property));
            draft.write_until(behind);
        })
    }

    fn insert(&mut self, index: usize, beside: usize, name: &'static str, bytes: Vec<u8>) {
        // Beside a property it is one of them, and their length counts it.
        let group = self.fields[beside].group;
        self.fields.insert(index, Field::bytes(name, group, bytes));
        self.write_until(index);
    }

    /// A field is only found by its reader if the ones in front of it are there.
    fn write_until(&mut self, index: usize) {
        let content_of = |field: &Field| match field.content {
            Content::LengthOf(group) => Some(group),
            Content::Bytes(_) => None,
        };
        let groups: Vec<Group> = self.fields[..=index].iter().filter_map(content_of).collect();
        for (position, field) in self.fields.iter_mut().enumerate() {
            if position <= index || groups.contains(&field.group) {
                field.omitted = false;
            }
        }
    }

    fn at(mut self, field: &str, change: impl FnOnce(&mut Self, usize)) -> Self {
        match self.find(field) {
            Some(index) => change(&mut self, index),
            None if self.misuse.is_some() => {}
            None => {
                let packet = self.kind().map_or("this packet".to_owned(), |kind| kind.to_string());
                let names = self.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
                self.misuse = Some(format!("{packet} has no field {field}; it has {names}"));
            }
        }
        self
    }
}

impl Field {
    fn bytes(name: &'static str, group: Group, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name, content: Content::Bytes(bytes.into()), group, omitted: false }
    }

    fn property(group: Group, property: &Property) -> Self {
        let name = if group == Group::WillProperties { property.will_field() } else { property.field() };
        Self::bytes(name, group, property.encode())
    }
}
