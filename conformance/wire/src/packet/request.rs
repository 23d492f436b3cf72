//! What SUBSCRIBE, UNSUBSCRIBE and their answers have in common: Packet Identifier, properties, and a list to the packet's end.

use crate::{
    Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::Rule,
    tables::Place,
};

impl Draft {
    /// Begins one: `packet_identifier`, `properties_length` and properties.
    pub(crate) fn request(version: Version, kind: Kind, packet_identifier: u16, properties: &Properties) -> Self {
        Self::new(version, kind.first_byte())
            .field("packet_identifier", packet_identifier.to_be_bytes())
            .properties(properties)
    }
}

/// Reads what stands before the list.
pub(crate) fn head(reader: &mut Reader<'_>, rule: Rule) -> Parsed<(u16, Properties)> {
    let packet_identifier = reader.packet_identifier(rule)?;
    Ok((packet_identifier, reader.properties(Place::Packet(reader.kind))?))
}

/// Reads the list: one element at least, or `rule` is broken.
pub(crate) fn elements<T>(
    reader: &mut Reader<'_>,
    rule: Rule,
    what: &str,
    mut element: impl FnMut(&mut Reader<'_>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    if reader.is_at_end() {
        return Err(reader.breach(rule, reader.at(), format!("{} has no {what}", reader.kind)));
    }
    let mut elements = Vec::new();
    while !reader.is_at_end() {
        elements.push(element(reader)?);
    }
    Ok(elements)
}
