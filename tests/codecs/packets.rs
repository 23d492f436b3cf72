//! Any legal packet.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use wire::{
    Ack, Auth, Connack, Connect,
    Direction::{self, *},
    Disconnect, Form, Kind, Options, Packet, Pingreq, Pingresp, Properties, Property, Publish, Suback, Subscribe,
    Unsuback, Unsubscribe, Value,
    Version::{self, *},
    Will,
    tables::{self, DataType, Place, PropertyType, Values},
};

static PROPERTIES: [PropertyType; 27] = tables::PROPERTIES;

/// A packet that one side may send.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) version: Version,
    pub(crate) direction: Direction,
    pub(crate) packet: Packet,
}

impl Sent {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes = self.packet.draft(self.version).encode();
        // What is generated is legal, or the test compares nothing.
        assert_eq!(Packet::parse(self.version, self.direction, &bytes).as_ref(), Ok(&self.packet));
        bytes
    }
}

/// Packets by the seed in `WIRE_SEED`, or by a new one.
#[expect(clippy::print_stdout, reason = "a failure is had again by its seed")]
pub(crate) fn sample(count: usize) -> Vec<Sent> {
    let given = std::env::var("WIRE_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed: u64 = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        u64::try_from(now.unwrap().as_nanos() % u128::from(u64::MAX)).unwrap()
    });
    println!("WIRE_SEED={seed}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let packets = any_packet();
    (0..count).map(|_| packets.new_tree(&mut runner).unwrap().current()).collect()
}

/// Any packet of 3.1.1 or 5.0.
pub(crate) fn any_packet() -> impl Strategy<Value = Sent> {
    let senders = |version, kind: Kind| {
        tables::packet_type(kind).senders(version).iter().map(move |direction| (version, kind, *direction))
    };
    let all: Vec<_> =
        [V3_1_1, V5].into_iter().flat_map(|v| Kind::ALL.into_iter().flat_map(move |k| senders(v, k))).collect();
    select(all).prop_flat_map(|(version, kind, direction)| {
        packet(version, kind, direction).prop_map(move |packet| Sent { version, direction, packet })
    })
}

fn text() -> impl Strategy<Value = String> {
    "[^\u{0}]{0,12}"
}

fn topic() -> impl Strategy<Value = String> {
    "[a-c$/é]{1,12}"
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![4 => "[a-c$]{0,2}", 2 => Just("+".to_owned())];
    (option::of("[a-z]{1,4}"), vec(level, 1..5), any::<bool>()).prop_filter_map("empty", |(share, mut levels, all)| {
        if all {
            levels.push("#".to_owned());
        }
        let filter = Some(levels.join("/")).filter(|filter| !filter.is_empty())?;
        Some(share.map_or(filter.clone(), |name| format!("$share/{name}/{filter}")))
    })
}

fn binary() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

fn identifier() -> impl Strategy<Value = u16> {
    1..=u16::MAX
}

fn property(row: &'static PropertyType) -> BoxedStrategy<Property> {
    let least = u32::from(row.values == Values::NotZero);
    let value = match row.data {
        DataType::Byte => (0..=1_u8).prop_map(Value::Byte).boxed(),
        DataType::TwoByte => (least as u16..=u16::MAX).prop_map(Value::TwoByte).boxed(),
        DataType::FourByte => (least..=u32::MAX).prop_map(Value::FourByte).boxed(),
        DataType::Variable => prop_oneof![least..300, least..=wire::number::LARGEST].prop_map(Value::Variable).boxed(),
        DataType::Text if row.values == Values::TopicName => topic().prop_map(Value::Text).boxed(),
        DataType::Text => text().prop_map(Value::Text).boxed(),
        DataType::Binary => binary().prop_map(Value::Binary).boxed(),
        DataType::Pair => (text(), text()).prop_map(|(name, value)| Value::Pair(name, value)).boxed(),
    };
    value.prop_map(|value| Property { identifier: row.identifier, value }).boxed()
}

/// Any properties of a place, in any order; none before 5.0.
fn properties(version: Version, place: Place, direction: Direction) -> BoxedStrategy<Properties> {
    if version != V5 {
        return Just(Properties::default()).boxed();
    }
    let allowed = |row: &&PropertyType| {
        let other_side = match (row.identifier, place) {
            // Subscription Identifier, Session Expiry Interval and Server Reference.
            (0x0b, Place::Packet(Kind::Publish)) => direction == FromClient,
            (0x11, Place::Packet(Kind::Disconnect)) => direction == FromServer,
            (0x1c, Place::Packet(Kind::Disconnect)) => direction == FromClient,
            _ => false,
        };
        row.places.contains(&place) && !other_side
    };
    let rows: Vec<&'static PropertyType> = PROPERTIES.iter().filter(allowed).collect();
    let lists = rows.into_iter().map(move |row| {
        let most = if row.repeats.contains(&place) { 3 } else { 1 };
        vec(property(row), 0..=most).boxed()
    });
    lists
        .collect::<Vec<_>>()
        .prop_map(|lists| lists.concat())
        .prop_shuffle()
        .prop_map(move |list| complete(Properties(list), place))
        .boxed()
}

/// Authentication Data needs a method, and AUTH has one.
fn complete(mut properties: Properties, place: Place) -> Properties {
    if place == Place::Packet(Kind::Auth) && properties.authentication_method().is_none() {
        properties.0.push(Property::authentication_method("m"));
    }
    if properties.authentication_method().is_none() {
        properties.0.retain(|property| property.identifier != 0x16);
    }
    properties
}

/// Properties of a message with a payload that is the text they say.
fn message(version: Version, place: Place, direction: Direction) -> impl Strategy<Value = (Properties, Vec<u8>)> {
    (properties(version, place, direction), binary(), text()).prop_map(|(properties, bytes, text)| {
        let is_text = properties.payload_format_indicator() == Some(1);
        (properties, if is_text { text.into_bytes() } else { bytes })
    })
}

fn reason(version: Version, kind: Kind, direction: Direction) -> BoxedStrategy<u8> {
    let other_side = move |only: &[(Kind, Direction)]| only.iter().any(|(of, side)| *of == kind && *side != direction);
    let allowed = tables::reasons(version, kind).filter(|reason| !other_side(reason.only));
    let codes: Vec<u8> = allowed.map(|reason| reason.code).collect();
    if codes.is_empty() { Just(0).boxed() } else { select(codes).boxed() }
}

/// A form that a parser finds again: what has a choice.
fn form(version: Version, reason: u8, properties: &Properties, wanted: Form) -> Form {
    match wanted {
        _ if version != V5 || !properties.is_empty() => Form::Shortest,
        Form::WithReason if reason != 0 => Form::Shortest,
        form => form,
    }
}

fn any_form() -> impl Strategy<Value = Form> {
    select(&[Form::Shortest, Form::WithReason, Form::Full][..])
}

fn packet(version: Version, kind: Kind, direction: Direction) -> BoxedStrategy<Packet> {
    let own = || properties(version, Place::Packet(kind), direction);
    let code = || reason(version, kind, direction);
    match kind {
        Kind::Connect => connect(version),
        Kind::Connack => (any::<bool>(), code(), own())
            .prop_map(|(present, reason, properties)| {
                Connack { session_present: present && reason == 0, reason, properties }.into()
            })
            .boxed(),
        Kind::Publish => publish(version, direction),
        Kind::Puback | Kind::Pubrec | Kind::Pubrel | Kind::Pubcomp => (identifier(), code(), own(), any_form())
            .prop_map(move |(identifier, reason, properties, wanted)| {
                let ack = match kind {
                    Kind::Puback => Ack::puback(identifier),
                    Kind::Pubrec => Ack::pubrec(identifier),
                    Kind::Pubrel => Ack::pubrel(identifier),
                    _ => Ack::pubcomp(identifier),
                };
                let form = form(version, reason, &properties, wanted);
                let mut ack = ack.reason(reason).form(form);
                ack.properties = properties;
                ack.into()
            })
            .boxed(),
        Kind::Subscribe => (identifier(), own(), vec((filter(), options(version)), 1..4))
            .prop_map(|(packet_identifier, properties, filters)| {
                let legal = |(filter, options): (String, Options)| {
                    let no_local = options.no_local && wire::topic::shared(&filter).is_none();
                    (filter, Options { no_local, ..options })
                };
                let filters = filters.into_iter().map(legal).collect();
                Subscribe { packet_identifier, properties, filters }.into()
            })
            .boxed(),
        Kind::Suback => (identifier(), own(), vec(code(), 1..4))
            .prop_map(|(packet_identifier, properties, reasons)| {
                Suback { packet_identifier, properties, reasons }.into()
            })
            .boxed(),
        Kind::Unsubscribe => (identifier(), own(), vec(filter(), 1..4))
            .prop_map(|(packet_identifier, properties, filters)| {
                Unsubscribe { packet_identifier, properties, filters }.into()
            })
            .boxed(),
        Kind::Unsuback => (identifier(), own(), vec(code(), 1..4))
            .prop_map(move |(packet_identifier, properties, reasons)| {
                let reasons = if version == V5 { reasons } else { Vec::new() };
                Unsuback { packet_identifier, properties, reasons }.into()
            })
            .boxed(),
        Kind::Pingreq => Just(Pingreq.into()).boxed(),
        Kind::Pingresp => Just(Pingresp.into()).boxed(),
        Kind::Disconnect => (code(), own(), any_form())
            .prop_map(move |(reason, properties, wanted)| {
                let form = form(version, reason, &properties, wanted);
                Disconnect { reason, properties, form }.into()
            })
            .boxed(),
        Kind::Auth => (code(), own())
            .prop_map(|(reason, properties)| Auth { reason, properties, form: Form::Shortest }.into())
            .boxed(),
    }
}

fn options(version: Version) -> impl Strategy<Value = Options> {
    (0..=2_u8, any::<bool>(), any::<bool>(), 0..=2_u8).prop_map(
        move |(qos, no_local, retain_as_published, handling)| {
            let options = Options { qos, no_local, retain_as_published, retain_handling: handling };
            if version == V5 { options } else { Options::qos(qos) }
        },
    )
}

fn connect(version: Version) -> BoxedStrategy<Packet> {
    let will = (topic(), 0..=2_u8, any::<bool>(), message(version, Place::Will, FromClient))
        .prop_map(|(topic, qos, retain, (properties, payload))| Will { topic, qos, retain, properties, payload });
    let session = (any::<bool>(), any::<u16>(), text());
    let user = (option::of(text()), option::of(binary()));
    let own = properties(version, Place::Packet(Kind::Connect), FromClient);
    (session, user, option::of(will), own)
        .prop_map(move |((clean_start, keep_alive, identifier), (user_name, password), will, properties)| {
            let mut connect = Connect {
                clean_start,
                keep_alive,
                properties,
                client_identifier: identifier,
                will,
                user_name,
                password,
            };
            if version != V5 {
                connect.clean_start |= connect.client_identifier.is_empty();
                connect.password = connect.password.filter(|_| connect.user_name.is_some());
            }
            connect.into()
        })
        .boxed()
}

fn publish(version: Version, direction: Direction) -> BoxedStrategy<Packet> {
    let message = message(version, Place::Packet(Kind::Publish), direction);
    (topic(), 0..=2_u8, any::<(bool, bool, bool)>(), identifier(), message)
        .prop_map(|(topic, qos, (dup, retain, aliased), identifier, (properties, payload))| {
            let aliased = aliased && properties.topic_alias().is_some();
            let topic = if aliased { String::new() } else { topic };
            let packet_identifier = (qos != 0).then_some(identifier);
            Publish { dup: dup && qos != 0, qos, retain, topic, packet_identifier, properties, payload }.into()
        })
        .boxed()
}
