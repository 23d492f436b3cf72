//! CONNECT (section 3.1).

use crate::{
    Direction, Kind, Properties, Version,
    draft::Draft,
    reader::{Parsed, Reader},
    rule::{
        CLIENT_IDENTIFIER_FIELD, CONNECT_RESERVED_FLAG, EMPTY_CLIENT_IDENTIFIER, NAME_WILDCARD, NO_WILL_NO_QOS,
        NO_WILL_NO_RETAIN, PASSWORD_FIELD, PASSWORD_NEEDS_USER_NAME, PROTOCOL_LEVEL, PROTOCOL_NAME, Rule,
        USER_NAME_FIELD, WILL_FIELDS, WILL_QOS,
    },
    tables::Place,
};

/// CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// Clean Start; before 5.0 Clean Session.
    pub clean_start: bool,
    /// Seconds; 0 switches it off.
    pub keep_alive: u16,
    /// Of the variable header; only in 5.0.
    pub properties: Properties,
    /// May be empty.
    pub client_identifier: String,
    /// The Will Message.
    pub will: Option<Will>,
    /// The User Name.
    pub user_name: Option<String>,
    /// The Password.
    pub password: Option<Vec<u8>>,
}

/// The Will Message of a CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// 0 to 2; a 3 is a lie.
    pub qos: u8,
    /// Will Retain.
    pub retain: bool,
    /// Only in 5.0.
    pub properties: Properties,
    /// The Will Topic.
    pub topic: String,
    /// The Will Payload; before 5.0 the Will Message.
    pub payload: Vec<u8>,
}

/// Building one.
impl Connect {
    /// With this Client Identifier, Clean Start, a Keep Alive of 60 s, and nothing else.
    pub fn as_(client_identifier: impl Into<String>) -> Self {
        Self {
            clean_start: true,
            keep_alive: 60,
            properties: Properties::default(),
            client_identifier: client_identifier.into(),
            will: None,
            user_name: None,
            password: None,
        }
    }

    /// Clean Start; before 5.0 Clean Session.
    #[must_use]
    pub fn clean(self, clean_start: bool) -> Self {
        Self { clean_start, ..self }
    }

    /// Seconds.
    #[must_use]
    pub fn keep_alive(self, keep_alive: u16) -> Self {
        Self { keep_alive, ..self }
    }

    /// A Will Message.
    #[must_use]
    pub fn will(self, will: Will) -> Self {
        Self { will: Some(will), ..self }
    }

    /// A User Name.
    #[must_use]
    pub fn user(self, user_name: impl Into<String>) -> Self {
        Self { user_name: Some(user_name.into()), ..self }
    }

    /// A Password.
    #[must_use]
    pub fn password(self, password: impl Into<Vec<u8>>) -> Self {
        Self { password: Some(password.into()), ..self }
    }

    /// As a draft. Fields: `protocol_name`, `protocol_level`, `connect_flags`, `keep_alive`, `properties_length` and properties,
    /// `client_identifier`, `will_properties_length` and will properties, `will_topic`, `will_payload`, `user_name`, `password`.
    pub fn draft(&self, version: Version) -> Draft {
        let mut draft = Draft::new(version, Kind::Connect.first_byte())
            .field_text("protocol_name", version.protocol_name())
            .field("protocol_level", [version.level()])
            .field("connect_flags", [self.flags()])
            .field("keep_alive", self.keep_alive.to_be_bytes())
            .properties(&self.properties)
            .field_text("client_identifier", &self.client_identifier);
        if let Some(will) = &self.will {
            draft = draft
                .will_properties(&will.properties)
                .field_text("will_topic", &will.topic)
                .field_text("will_payload", &will.payload);
        }
        if let Some(user_name) = &self.user_name {
            draft = draft.field_text("user_name", user_name);
        }
        if let Some(password) = &self.password {
            draft = draft.field_text("password", password);
        }
        draft
    }

    fn flags(&self) -> u8 {
        let bit = |set: bool, place: u8| u8::from(set) << place;
        let will = self.will.as_ref().map_or(0, |will| bit(will.retain, 5) | (will.qos & 3) << 3 | bit(true, 2));
        bit(self.user_name.is_some(), 7) | bit(self.password.is_some(), 6) | will | bit(self.clean_start, 1)
    }
}

impl Will {
    /// An empty one to this Topic Name, at QoS 0.
    pub fn to(topic: impl Into<String>) -> Self {
        Self { qos: 0, retain: false, properties: Properties::default(), topic: topic.into(), payload: Vec::new() }
    }

    /// Will QoS.
    #[must_use]
    pub fn qos(self, qos: u8) -> Self {
        Self { qos, ..self }
    }

    /// Will Retain.
    #[must_use]
    pub fn retain(self, retain: bool) -> Self {
        Self { retain, ..self }
    }

    /// Will Payload.
    #[must_use]
    pub fn payload(self, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), ..self }
    }
}

/// The Connect Flags, checked.
struct Flags {
    user_name: bool,
    password: bool,
    will_retain: bool,
    will_qos: u8,
    will: bool,
    clean_start: bool,
}

impl Connect {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        protocol(reader)?;
        let flags = Flags::parse(reader)?;
        let keep_alive = reader.two_bytes("keep_alive")?;
        let properties = reader.properties(Place::Packet(Kind::Connect))?;
        authentication(reader, &properties)?;
        let client_identifier = client_identifier(reader, &flags)?;
        let will = if flags.will { Some(Will::parse(reader, &flags)?) } else { None };
        let user_name = if flags.user_name {
            present(reader, "user_name", USER_NAME_FIELD)?;
            Some(reader.text("user_name")?)
        } else {
            None
        };
        let password = if flags.password {
            present(reader, "password", PASSWORD_FIELD)?;
            Some(reader.binary("password")?)
        } else {
            None
        };
        let Flags { clean_start, .. } = flags;
        Ok(Self { clean_start, keep_alive, properties, client_identifier, will, user_name, password })
    }
}

/// A field that the flags announce is there.
fn present(reader: &Reader<'_>, field: &str, rule: Rule) -> Parsed<()> {
    if reader.is_at_end() {
        return Err(reader.breach(rule, reader.at(), format!("{field} is missing")));
    }
    Ok(())
}

fn protocol(reader: &mut Reader<'_>) -> Parsed<()> {
    let start = reader.at();
    let name = reader.text("protocol_name")?;
    if name != reader.version.protocol_name() {
        let expected = reader.version.protocol_name();
        return Err(reader.breach(PROTOCOL_NAME, start, format!("protocol_name is {name:?}, not {expected:?}")));
    }
    let start = reader.at();
    let level = reader.byte("protocol_level")?;
    if level != reader.version.level() {
        let expected = reader.version.level();
        return Err(reader.breach(PROTOCOL_LEVEL, start, format!("protocol_level is {level}, not {expected}")));
    }
    Ok(())
}

impl Flags {
    fn parse(reader: &mut Reader<'_>) -> Parsed<Self> {
        let at = reader.at();
        let byte = reader.byte("connect_flags")?;
        let bit = |place: u8| byte & (1 << place) != 0;
        let flags = Self {
            user_name: bit(7),
            password: bit(6),
            will_retain: bit(5),
            will_qos: byte >> 3 & 3,
            will: bit(2),
            clean_start: bit(1),
        };
        // 3.1 calls the bit unused.
        if bit(0) && reader.version != Version::V3_1 {
            return Err(reader.breach(CONNECT_RESERVED_FLAG, at, "the reserved bit of connect_flags is 1"));
        }
        if !flags.will && flags.will_qos != 0 {
            return Err(reader.breach(NO_WILL_NO_QOS, at, format!("Will QoS is {} without a Will", flags.will_qos)));
        }
        if flags.will_qos == 3 {
            return Err(reader.breach(WILL_QOS, at, "Will QoS is 3"));
        }
        if !flags.will && flags.will_retain {
            return Err(reader.breach(NO_WILL_NO_RETAIN, at, "Will Retain is 1 without a Will"));
        }
        if flags.password && !flags.user_name && reader.version != Version::V5 {
            return Err(reader.breach(PASSWORD_NEEDS_USER_NAME, at, "a Password without a User Name"));
        }
        Ok(flags)
    }
}

/// Authentication Data needs a method, in CONNECT and CONNACK.
pub(crate) fn authentication(reader: &Reader<'_>, properties: &Properties) -> Parsed<()> {
    if properties.authentication_data().is_some() && properties.authentication_method().is_none() {
        let what = "Authentication Data without Authentication Method (section 3.1.2.11.10 of 5.0)";
        return Err(reader.unnumbered(reader.at(), what));
    }
    Ok(())
}

fn client_identifier(reader: &mut Reader<'_>, flags: &Flags) -> Parsed<String> {
    present(reader, "client_identifier", CLIENT_IDENTIFIER_FIELD)?;
    let at = reader.at();
    let identifier = reader.text("client_identifier")?;
    match reader.version {
        Version::V3_1 if !(1..=23).contains(&identifier.chars().count()) => {
            Err(reader.unnumbered(at, "client_identifier has not 1 to 23 characters (section 3.1 of 3.1)"))
        }
        Version::V3_1_1 if identifier.is_empty() && !flags.clean_start => {
            Err(reader.breach(EMPTY_CLIENT_IDENTIFIER, at, "client_identifier is empty with Clean Session 0"))
        }
        _ => Ok(identifier),
    }
}

impl Will {
    fn parse(reader: &mut Reader<'_>, flags: &Flags) -> Parsed<Self> {
        present(reader, "the Will", WILL_FIELDS)?;
        let properties = reader.properties(Place::Will)?;
        present(reader, "will_topic", WILL_FIELDS)?;
        let topic = reader.topic_name("will_topic", NAME_WILDCARD)?;
        present(reader, "will_payload", WILL_FIELDS)?;
        let at = reader.at() + 2;
        let payload = reader.binary("will_payload")?;
        payload_format(reader, &properties, &payload, at)?;
        Ok(Self { qos: flags.will_qos, retain: flags.will_retain, properties, topic, payload })
    }
}

/// A payload that says it is UTF-8 is. Only who made it answers for it: a server hands on what it was given.
pub(crate) fn payload_format(reader: &Reader<'_>, properties: &Properties, payload: &[u8], at: usize) -> Parsed<()> {
    if reader.direction == Direction::FromServer || properties.payload_format_indicator() != Some(1) {
        return Ok(());
    }
    std::str::from_utf8(payload).map(|_| ()).map_err(|error| {
        let what = "the payload says it is UTF-8 and is not (section 3.3.2.3.2 of 5.0)";
        reader.unnumbered(at + error.valid_up_to(), what)
    })
}
