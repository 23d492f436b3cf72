//! One line per packet, for transcripts. Of a packet that breaks the standard it says what it looks like, where it breaks, and what stands
//! there.

use std::fmt::{self, Write};

use crate::{Direction, Frame, Kind, Packet, Properties, Version, hex, tables};

/// One line about the bytes of one packet: its fields, or where it breaks.
///
/// ```
/// use wire::{Direction::FromServer, Version::V3_1_1, line};
/// assert_eq!(line(V3_1_1, FromServer, &[0x20, 2, 1, 0]), "CONNACK session_present reason=0x00 accepted");
/// assert_eq!(
///     line(V3_1_1, FromServer, &[0x90, 3, 0, 7, 3]),
///     "SUBACK id=7 BREACH byte 4: 0x03 is no code of SUBACK [MQTT-3.9.3-2]: 90 03 00 07 03"
/// );
/// ```
pub fn line(version: Version, direction: Direction, bytes: &[u8]) -> String {
    match Packet::parse(version, direction, bytes) {
        Ok(packet) => packet.line(version),
        Err(breach) => {
            let frame = Frame::new(bytes);
            let kind = frame.kind().map_or("?".to_owned(), |kind| kind.to_string());
            let mut line = kind;
            // Writing to a string cannot fail.
            if let Some(topic) = frame.topic() {
                let _ = write!(line, " {topic:?}");
            }
            if let Some(identifier) = frame.packet_identifier() {
                let _ = write!(line, " id={identifier}");
            }
            let _ = write!(line, " BREACH {breach}: {}", excerpt(bytes));
            line
        }
    }
}

/// The bytes, but no more than 48 of them.
fn excerpt(bytes: &[u8]) -> String {
    match bytes.get(..48) {
        Some(start) if bytes.len() > 48 => format!("{} .. ({} bytes)", hex::line(start), bytes.len()),
        _ => hex::line(bytes),
    }
}

impl Packet {
    /// Its fields in one line, with the names of codes in `version`.
    pub fn line(&self, version: Version) -> String {
        let mut line = self.kind().to_string();
        // Writing to a string cannot fail.
        let _ = self.fields(version, &mut line);
        line
    }

    fn fields(&self, version: Version, line: &mut String) -> fmt::Result {
        let code = |code: u8| code_name(version, self.kind(), code);
        match self {
            Self::Connect(connect) => {
                write!(line, " {version} {:?}", connect.client_identifier)?;
                flag(line, connect.clean_start, if version == Version::V5 { "clean_start" } else { "clean_session" })?;
                write!(line, " keep_alive={}", connect.keep_alive)?;
                if let Some(user_name) = &connect.user_name {
                    write!(line, " user_name={user_name:?}")?;
                }
                if let Some(password) = &connect.password {
                    write!(line, " password={}", payload(password))?;
                }
                if let Some(will) = &connect.will {
                    write!(line, " will={{{:?} qos={}", will.topic, will.qos)?;
                    flag(line, will.retain, "retain")?;
                    properties(line, &will.properties)?;
                    write!(line, " {}}}", payload(&will.payload))?;
                }
                properties(line, &connect.properties)
            }
            Self::Connack(connack) => {
                flag(line, connack.session_present, "session_present")?;
                write!(line, " reason={}", code(connack.reason))?;
                properties(line, &connack.properties)
            }
            Self::Publish(publish) => {
                write!(line, " {:?} qos={}", publish.topic, publish.qos)?;
                flag(line, publish.dup, "dup")?;
                flag(line, publish.retain, "retain")?;
                if let Some(identifier) = publish.packet_identifier {
                    write!(line, " id={identifier}")?;
                }
                properties(line, &publish.properties)?;
                write!(line, " {}", payload(&publish.payload))
            }
            Self::Puback(ack) | Self::Pubrec(ack) | Self::Pubrel(ack) | Self::Pubcomp(ack) => {
                write!(line, " id={}", ack.packet_identifier)?;
                if version == Version::V5 {
                    write!(line, " reason={}", code(ack.reason))?;
                }
                properties(line, &ack.properties)
            }
            Self::Subscribe(subscribe) => {
                write!(line, " id={}", subscribe.packet_identifier)?;
                for (filter, options) in &subscribe.filters {
                    write!(line, " {filter:?} qos={}", options.qos)?;
                    flag(line, options.no_local, "no_local")?;
                    flag(line, options.retain_as_published, "retain_as_published")?;
                    if options.retain_handling != 0 {
                        write!(line, " retain_handling={}", options.retain_handling)?;
                    }
                }
                properties(line, &subscribe.properties)
            }
            Self::Unsubscribe(unsubscribe) => {
                write!(line, " id={}", unsubscribe.packet_identifier)?;
                unsubscribe.filters.iter().try_for_each(|filter| write!(line, " {filter:?}"))?;
                properties(line, &unsubscribe.properties)
            }
            Self::Suback(crate::Suback { packet_identifier, properties: list, reasons })
            | Self::Unsuback(crate::Unsuback { packet_identifier, properties: list, reasons }) => {
                write!(line, " id={packet_identifier}")?;
                reasons.iter().try_for_each(|reason| write!(line, " reason={}", code(*reason)))?;
                properties(line, list)
            }
            Self::Disconnect(crate::Disconnect { reason, properties: list, .. })
            | Self::Auth(crate::Auth { reason, properties: list, .. }) => {
                if version == Version::V5 {
                    write!(line, " reason={}", code(*reason))?;
                }
                properties(line, list)
            }
            Self::Pingreq(_) | Self::Pingresp(_) => Ok(()),
        }
    }
}

fn flag(line: &mut String, set: bool, name: &str) -> fmt::Result {
    if set { write!(line, " {name}") } else { Ok(()) }
}

fn properties(line: &mut String, properties: &Properties) -> fmt::Result {
    properties.0.iter().try_for_each(|property| write!(line, " {property}"))
}

/// `0x87 Not authorized`.
fn code_name(version: Version, kind: Kind, code: u8) -> String {
    match tables::reason(version, kind, code) {
        Some(reason) => format!("0x{code:02x} {}", reason.name),
        None => format!("0x{code:02x}"),
    }
}

/// Text if it is printable, else hexadecimal digits; the first bytes of a long one.
fn payload(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().count() <= 64 && !text.chars().any(char::is_control) => format!("{text:?}"),
        Ok(text) if !text.chars().any(char::is_control) => {
            format!("{:?}.. ({} bytes)", text.chars().take(64).collect::<String>(), bytes.len())
        }
        _ => hex::short(bytes),
    }
}

impl fmt::Display for Frame {
    /// Type and length, as no version is known: `PUBLISH (12 bytes)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().map_or("?".to_owned(), |kind| kind.to_string());
        write!(f, "{kind} ({} bytes)", self.bytes().len())
    }
}

impl Frame {
    /// One line about it: see [`line()`].
    pub fn line(&self, version: Version, direction: Direction) -> String {
        line(version, direction, self.bytes())
    }
}
