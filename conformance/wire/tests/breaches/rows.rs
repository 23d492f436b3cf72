//! The lies.

use wire::{
    Ack, Auth, Connack, Connect, Direction, Direction::*, Disconnect, Draft, Draftable, Form, Options, Pingreq,
    Pingresp, Property, Publish, Raw, Suback, Subscribe, Unsuback, Unsubscribe, Version, Will, prefixed,
};

/// No breach.
pub(crate) const OK: &str = "ok";

/// One lie and the statements that it breaks.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) direction: Direction,
    /// The number in 3.1.1; `None` where the lie cannot be told in it.
    pub(crate) v3_1_1: Option<&'static str>,
    pub(crate) v5: Option<&'static str>,
    pub(crate) lie: Box<dyn Fn(Version) -> Draft>,
}

const NONE: &str = "-";

fn row<D: Draftable>(
    what: &'static str,
    direction: Direction,
    v3_1_1: &'static str,
    v5: &'static str,
    lie: impl Fn(Version) -> D + 'static,
) -> Row {
    let number = |number: &'static str| Some(number).filter(|number| *number != NONE);
    let lie = Box::new(move |version| lie(version).into_draft(version));
    Row { what, direction, v3_1_1: number(v3_1_1), v5: number(v5), lie }
}

pub(crate) fn all() -> Vec<Row> {
    [fixed_header(), strings(), properties(), connect(), connack(), publish(), acks(), subscribe(), suback(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn fixed_header() -> Vec<Row> {
    vec![
        row("type 0", FromClient, "", "", |_| Raw(vec![0, 0])),
        row("type 15", FromClient, "", "4.12.0-5", |_| Raw(vec![0xf0, 0])),
        row("flags of PUBACK", FromServer, "2.2.2-1", "2.1.3-1", |v| Ack::puback(1).draft(v).flags(2)),
        row("flags of PUBREL", FromServer, "3.6.1-1", "3.6.1-1", |v| Ack::pubrel(1).draft(v).flags(0)),
        row("flags of SUBSCRIBE", FromClient, "3.8.1-1", "3.8.1-1", |v| a_subscribe().draft(v).flags(0)),
        row("flags of UNSUBSCRIBE", FromClient, "3.10.1-1", "3.10.1-1", |v| an_unsubscribe().draft(v).flags(3)),
        row("flags of DISCONNECT", FromClient, "3.14.1-1", "3.14.1-1", |v| Disconnect::normal().draft(v).flags(1)),
        row("flags of AUTH", FromServer, NONE, "3.15.1-1", |v| an_auth().draft(v).flags(1)),
        row("Remaining Length too long by one", FromServer, "", "", |v| Ack::puback(1).draft(v).remaining_length(3)),
        row("Remaining Length too short by one", FromServer, "", "", |v| Ack::puback(1).draft(v).remaining_length(1)),
        row("Remaining Length in two bytes", FromServer, OK, "1.5.5-1", |v| {
            Ack::puback(1).draft(v).remaining_length_in(2)
        }),
        row("Remaining Length in five bytes", FromServer, "", "", |v| Ack::puback(1).draft(v).remaining_length_in(5)),
        row("Remaining Length cut", FromServer, "", "", |_| Raw(vec![0x40, 0x80])),
        row("CONNECT of a server", FromServer, "", "", |_| Connect::as_("a")),
        row("CONNACK of a client", FromClient, "", "", |_| Connack::accepted()),
        row("SUBSCRIBE of a server", FromServer, "", "", |_| a_subscribe()),
        row("SUBACK of a client", FromClient, "", "", |_| Suback::new(1).reason(0)),
        row("UNSUBSCRIBE of a server", FromServer, "", "", |_| an_unsubscribe()),
        row("UNSUBACK of a client", FromClient, "", "", |_| Unsuback::new(1).reason(0)),
        row("PINGREQ of a server", FromServer, "", "", |_| Pingreq),
        row("PINGRESP of a client", FromClient, "", "", |_| Pingresp),
        row("PINGREQ with a byte", FromClient, "", "", |v| Pingreq.draft(v).append([0])),
        row("PINGRESP with a byte", FromServer, "", "", |v| Pingresp.draft(v).append([0])),
        row("DISCONNECT of a server", FromServer, "", OK, |_| Disconnect::normal()),
    ]
}

fn strings() -> Vec<Row> {
    let topic = |bytes: &'static [u8]| move |v| Publish::to("").draft(v).replace_text("topic_name", bytes);
    let user = |bytes: &'static [u8]| move |_| Publish::to("a").with(Property::raw(0x26, bytes));
    vec![
        row("a lone continuation byte", FromServer, "1.5.3-1", "1.5.4-1", topic(b"a\x80")),
        row("a cut sequence", FromServer, "1.5.3-1", "1.5.4-1", topic(b"a\xe2\x82")),
        row("a longer form than needed", FromServer, "1.5.3-1", "1.5.4-1", topic(b"\xc1\x81")),
        row("U+0000 in two bytes", FromServer, "1.5.3-1", "1.5.4-1", topic(b"\xc0\x80")),
        row("the first surrogate", FromServer, "1.5.3-1", "1.5.4-1", topic(b"\xed\xa0\x80")),
        row("the last surrogate", FromServer, "1.5.3-1", "1.5.4-1", topic(b"\xed\xbf\xbf")),
        row("above U+10FFFF", FromServer, "1.5.3-1", "1.5.4-1", topic(b"\xf4\x90\x80\x80")),
        row("U+0000", FromServer, "1.5.3-2", "1.5.4-2", topic(b"a\0b")),
        row("U+FEFF is a character", FromServer, OK, OK, topic(b"\xef\xbb\xbf")),
        row("a noncharacter may pass", FromServer, OK, OK, topic(b"\xef\xbf\xbf")),
        row("a string beyond the packet", FromServer, "", "", |v| {
            Publish::to("a").draft(v).replace("topic_name", [0, 9, b'a'])
        }),
        row("a pair with a bad name", FromServer, NONE, "1.5.7-1", user(&[0, 1, 0xff, 0, 0])),
        row("a pair with a bad value", FromServer, NONE, "1.5.7-1", user(&[0, 0, 0, 1, 0])),
        row("a pair without a value", FromServer, NONE, "", user(&[0, 1, b'a'])),
    ]
}

fn properties() -> Vec<Row> {
    let on_publish =
        |identifier, bytes: &'static [u8]| move |_| Publish::to("a").with(Property::raw(identifier, bytes));
    let twice = |property: fn() -> Property| move |_| Publish::to("a").with(property()).with(property());
    vec![
        row("Property Length missing", FromServer, NONE, "2.2.2-1", |v| Publish::to("a").draft(v).truncate(3)),
        row("Property Length beyond the packet", FromServer, NONE, "", |v| {
            Publish::to("a").draft(v).replace("properties_length", [1])
        }),
        row("Property Length in two bytes", FromServer, NONE, "1.5.5-1", |v| {
            Publish::to("a").draft(v).replace("properties_length", [0x80, 0])
        }),
        row("Property Length in five bytes", FromServer, NONE, "", |v| {
            Publish::to("a").draft(v).replace("properties_length", [0x80, 0x80, 0x80, 0x80, 0])
        }),
        row("Property Length ends inside a property", FromServer, NONE, "", |v| {
            Publish::to("a").with(Property::topic_alias(1)).draft(v).replace("properties_length", [2])
        }),
        row("an unknown identifier", FromServer, NONE, "", on_publish(0x7f, &[])),
        row("identifier 0", FromServer, NONE, "", on_publish(0, &[])),
        row("an identifier in two bytes", FromServer, NONE, "1.5.5-1", |v| {
            Publish::to("a").with(Property::topic_alias(1)).draft(v).replace("topic_alias", [0xa3, 0, 0, 1])
        }),
        row("a property of another packet", FromServer, NONE, "", on_publish(0x21, &[0, 1])),
        row("a will's property in CONNECT", FromClient, NONE, "", |_| {
            Connect::as_("a").with(Property::will_delay_interval(1))
        }),
        row("a property of CONNECT in a will", FromClient, NONE, "", |_| {
            Connect::as_("a").will(Will::to("w").with(Property::receive_maximum(1)))
        }),
        row("a property twice", FromServer, NONE, "", twice(|| Property::content_type("a"))),
        row("a property twice with another value", FromServer, NONE, "", |_| {
            Publish::to("a").with(Property::topic_alias(1)).with(Property::topic_alias(2))
        }),
        row("User Property twice", FromServer, NONE, OK, twice(|| Property::user("a", "b"))),
        row("Subscription Identifier twice", FromServer, NONE, OK, twice(|| Property::subscription_identifier(1))),
        row("Subscription Identifier twice in SUBSCRIBE", FromClient, NONE, "", |_| {
            a_subscribe().with(Property::subscription_identifier(1)).with(Property::subscription_identifier(2))
        }),
        row("Subscription Identifier of a client", FromClient, NONE, "3.3.4-6", on_publish(0x0b, &[1])),
        row("Subscription Identifier 0", FromServer, NONE, "", on_publish(0x0b, &[0])),
        row("Subscription Identifier in two bytes", FromServer, NONE, "1.5.5-1", on_publish(0x0b, &[0x81, 0])),
        row("Topic Alias 0", FromServer, NONE, "3.3.2-8", on_publish(0x23, &[0, 0])),
        row("Payload Format Indicator 2", FromServer, NONE, "", on_publish(0x01, &[2])),
        row("Response Topic with a wildcard", FromServer, NONE, "3.3.2-14", on_publish(0x08, &[0, 1, b'#'])),
        row("Response Topic empty", FromServer, NONE, "4.7.3-1", on_publish(0x08, &[0, 0])),
        row("a payload that is not the UTF-8 it says", FromClient, NONE, "", |_| {
            Publish::to("a").with(Property::payload_format_indicator(1)).payload([0xff])
        }),
        row("a server hands such a payload on", FromServer, NONE, OK, |_| {
            Publish::to("a").with(Property::payload_format_indicator(1)).payload([0xff])
        }),
        row("Session Expiry Interval of a server", FromServer, NONE, "3.14.2-2", |_| {
            Disconnect::normal().with(Property::session_expiry_interval(1))
        }),
        row("Session Expiry Interval of a client", FromClient, NONE, OK, |_| {
            Disconnect::normal().with(Property::session_expiry_interval(1))
        }),
        row("Server Reference of a client", FromClient, NONE, "", |_| {
            Disconnect::normal().with(Property::server_reference("b"))
        }),
        row("Receive Maximum 0", FromServer, NONE, "", |_| Connack::accepted().with(Property::receive_maximum(0))),
        row("Maximum Packet Size 0", FromServer, NONE, "", |_| {
            Connack::accepted().with(Property::maximum_packet_size(0))
        }),
        row("Maximum QoS 2", FromServer, NONE, "", |_| Connack::accepted().with(Property::maximum_qos(2))),
        row("Retain Available 2", FromServer, NONE, "", |_| Connack::accepted().with(Property::retain_available(2))),
        row("Request Problem Information 2", FromClient, NONE, "", |_| {
            Connect::as_("a").with(Property::request_problem_information(2))
        }),
    ]
}

fn connect() -> Vec<Row> {
    let with = |change: fn(Draft) -> Draft| move |v| change(full_connect().draft(v));
    let flags = |flags: u8| move |v| Connect::as_("a").draft(v).replace("connect_flags", [flags]);
    vec![
        row("CONNECT with all its fields", FromClient, OK, OK, with(|draft| draft)),
        row(
            "another protocol name",
            FromClient,
            "3.1.2-1",
            "3.1.2-1",
            with(|d| d.replace_text("protocol_name", "mqtt")),
        ),
        row("another protocol level", FromClient, "3.1.2-2", "3.1.2-2", with(|d| d.replace("protocol_level", [6]))),
        row("the reserved flag", FromClient, "3.1.2-3", "3.1.2-3", flags(0x03)),
        row("Will QoS without a will", FromClient, "3.1.2-13", "3.1.2-11", flags(0x08)),
        row(
            "Will QoS 3",
            FromClient,
            "3.1.2-14",
            "3.1.2-12",
            with(|d| d.edit("connect_flags", |byte| byte[0] |= 0x18)),
        ),
        row("Will Retain without a will", FromClient, "3.1.2-15", "3.1.2-13", flags(0x20)),
        row("Password without User Name", FromClient, "3.1.2-22", OK, |_| Connect::as_("a").password("p")),
        row("no Client Identifier", FromClient, "3.1.3-3", "3.1.3-3", |v| {
            Connect::as_("a").draft(v).without("client_identifier")
        }),
        row("an empty Client Identifier with a session", FromClient, "3.1.3-7", OK, |_| Connect::as_("").clean(false)),
        row("an empty Client Identifier without", FromClient, OK, OK, |_| Connect::as_("")),
        row("a will without fields", FromClient, "3.1.2-9", "3.1.2-9", flags(0x04)),
        row("a will without a payload", FromClient, "3.1.2-9", "3.1.2-9", |v| {
            Connect::as_("a").will(Will::to("w")).draft(v).without("will_payload")
        }),
        row("a Will Topic with a wildcard", FromClient, "4.7.1-1", "4.7.0-1", |_| {
            Connect::as_("a").will(Will::to("w/+"))
        }),
        row("an empty Will Topic", FromClient, "4.7.3-1", "4.7.3-1", |_| Connect::as_("a").will(Will::to(""))),
        row("no User Name", FromClient, "3.1.2-19", "3.1.2-17", flags(0x80)),
        row("no Password", FromClient, "3.1.2-21", "3.1.2-19", |v| {
            Connect::as_("a").user("u").draft(v).replace("connect_flags", [0xc0])
        }),
        row("a byte behind the last field", FromClient, "", "", with(|draft| draft.append([0]))),
        row("Authentication Data without a method", FromClient, NONE, "", |_| {
            Connect::as_("a").with(Property::authentication_data(b"d"))
        }),
        row("a will that is not the UTF-8 it says", FromClient, NONE, "", |_| {
            Connect::as_("a").will(Will::to("w").with(Property::payload_format_indicator(1)).payload([0xff]))
        }),
    ]
}

fn connack() -> Vec<Row> {
    vec![
        row("Session Present", FromServer, OK, OK, |_| Connack::accepted().session_present(true)),
        row("reserved flags", FromServer, "", "3.2.2-1", |v| {
            Connack::accepted().draft(v).replace("connack_flags", [2])
        }),
        row("Session Present with a refusal", FromServer, "3.2.2-4", "3.2.2-6", |v| {
            Connack::refused(if v == Version::V5 { 0x87 } else { 5 }).session_present(true)
        }),
        row("a code of the other version", FromServer, "3.2.2-6", "3.2.2-8", |v| {
            Connack::refused(if v == Version::V5 { 5 } else { 0x87 })
        }),
        row("a code of DISCONNECT", FromServer, NONE, "3.2.2-8", |_| Connack::refused(0x8e)),
        row("no code", FromServer, "", "", |v| Connack::accepted().draft(v).truncate(1)),
        row("a byte too many", FromServer, "", "", |v| Connack::accepted().draft(v).append([0])),
        row("no Property Length", FromServer, NONE, "2.2.2-1", |v| Connack::accepted().draft(v).truncate(2)),
    ]
}

fn publish() -> Vec<Row> {
    vec![
        row("QoS 3", FromServer, "3.3.1-4", "3.3.1-4", |_| Publish::to("a").qos(3).id(1)),
        row("DUP at QoS 0", FromServer, "3.3.1-2", "3.3.1-2", |_| Publish::to("a").dup(true)),
        row("nothing", FromServer, "3.3.2-1", "3.3.2-1", |v| Publish::to("a").draft(v).truncate(0)),
        row("half a length", FromServer, "", "", |v| Publish::to("a").draft(v).truncate(1)),
        row("a #", FromServer, "3.3.2-2", "3.3.2-2", |_| Publish::to("a/#")),
        row("a +", FromClient, "3.3.2-2", "3.3.2-2", |_| Publish::to("a+")),
        row("identifier 0 of a client", FromClient, "2.3.1-1", "2.2.1-3", |_| Publish::to("a").qos(1).id(0)),
        row("identifier 0 of a server", FromServer, "2.3.1-1", "2.2.1-4", |_| Publish::to("a").qos(2).id(0)),
        row("no identifier", FromServer, "", "", |v| Publish::to("a").qos(1).draft(v).truncate(3)),
        row("no topic", FromServer, "4.7.3-1", "4.7.3-1", |_| Publish::to("")),
        row("an alias for the topic", FromServer, NONE, OK, |_| Publish::to("").with(Property::topic_alias(1))),
        row("no payload", FromServer, OK, OK, |_| Publish::to("a")),
    ]
}

fn acks() -> Vec<Row> {
    let code = |ack: fn(u16) -> Ack, code| move |_| ack(1).reason(code);
    vec![
        row("PUBACK for 0", FromServer, "2.3.1-6", "2.2.1-5", |_| Ack::puback(0)),
        row("half an identifier", FromServer, "", "", |v| Ack::puback(1).draft(v).truncate(1)),
        row("a byte behind the identifier", FromServer, "", "3.4.2-1", |v| Ack::puback(1).draft(v).append([0x77])),
        row("the code alone", FromServer, NONE, OK, |_| Ack::puback(1).form(Form::WithReason)),
        row("all that may be left out", FromServer, NONE, OK, |_| Ack::puback(1).form(Form::Full)),
        row("a code of CONNACK in PUBACK", FromServer, NONE, "3.4.2-1", code(Ack::puback, 0x81)),
        row("a code of CONNACK in PUBREC", FromServer, NONE, "3.5.2-1", code(Ack::pubrec, 0x81)),
        row("a code of PUBACK in PUBREL", FromServer, NONE, "3.6.2-1", code(Ack::pubrel, 0x10)),
        row("a code of PUBACK in PUBCOMP", FromServer, NONE, "3.7.2-1", code(Ack::pubcomp, 0x80)),
        row("no subscribers, a server says", FromServer, NONE, OK, code(Ack::puback, 0x10)),
        row("no subscribers, a client says", FromClient, NONE, "", code(Ack::puback, 0x10)),
        row("no subscribers, a client says in PUBREC", FromClient, NONE, "", code(Ack::pubrec, 0x10)),
    ]
}

fn subscribe() -> Vec<Row> {
    let filter = |filter: &'static str| move |_| Subscribe::new(1).filter(filter, 0);
    let options = |byte: u8| move |v| a_subscribe().draft(v).replace("subscription_options", [byte]);
    vec![
        row("no filter", FromClient, "3.8.3-3", "3.8.3-2", |_| Subscribe::new(1)),
        row("a filter without options", FromClient, "3.8.3-3", "3.8.3-2", |v| {
            a_subscribe().draft(v).without("subscription_options")
        }),
        row("identifier 0", FromClient, "2.3.1-1", "2.2.1-3", |_| Subscribe::new(0).filter("a", 0)),
        row("an empty filter", FromClient, "4.7.3-1", "4.7.3-1", filter("")),
        row("# in the middle", FromClient, "4.7.1-2", "4.7.1-1", filter("a/#/b")),
        row("# behind a character", FromClient, "4.7.1-2", "4.7.1-1", filter("a#")),
        row("+ with a character", FromClient, "4.7.1-3", "4.7.1-2", filter("a/b+/c")),
        row("U+0000 in a filter", FromClient, "1.5.3-2", "1.5.4-2", filter("a\0")),
        row("an empty ShareName", FromClient, OK, "4.8.2-1", filter("$share//a")),
        row("a wildcard in a ShareName", FromClient, "4.7.1-3", "4.8.2-2", filter("$share/a+/b")),
        row("nothing behind a ShareName", FromClient, OK, "4.8.2-2", filter("$share/a")),
        row("an empty filter behind a ShareName", FromClient, OK, "4.8.2-2", filter("$share/a/")),
        row("a bad filter behind a ShareName", FromClient, "4.7.1-2", "4.7.1-1", filter("$share/a/b#")),
        row("bit 7 of the options", FromClient, "3.8.3-4", "3.8.3-5", options(0x80)),
        row("bit 6 of the options", FromClient, "3.8.3-4", "3.8.3-5", options(0x40)),
        row("options of 5.0", FromClient, "3.8.3-4", OK, options(0x2c)),
        row("QoS 3", FromClient, "3.8.3-4", "", options(3)),
        row("Retain Handling 3", FromClient, "3.8.3-4", "", options(0x30)),
        row("No Local on a shared subscription", FromClient, NONE, "3.8.3-4", |_| {
            Subscribe::new(1).filter("$share/g/a", Options::qos(1).no_local())
        }),
        row("Subscription Identifier 0", FromClient, NONE, "", |_| {
            a_subscribe().with(Property::subscription_identifier(0))
        }),
        row("UNSUBSCRIBE without a filter", FromClient, "3.10.3-2", "3.10.3-2", |_| Unsubscribe::new(1)),
        row("UNSUBSCRIBE with identifier 0", FromClient, "2.3.1-1", "2.2.1-3", |_| Unsubscribe::new(0).filter("a")),
        row("UNSUBSCRIBE with a bad filter", FromClient, "4.7.1-2", "4.7.1-1", |_| Unsubscribe::new(1).filter("a#")),
    ]
}

fn suback() -> Vec<Row> {
    vec![
        row("SUBACK without a code", FromServer, "3.8.4-5", "3.8.4-6", |_| Suback::new(1)),
        row("SUBACK for 0", FromServer, "2.3.1-7", "2.2.1-6", |_| Suback::new(0).reason(0)),
        row("QoS 3 granted", FromServer, "3.9.3-2", "3.9.3-2", |_| Suback::new(1).reason(0).reason(3)),
        row("a code of 5.0", FromServer, "3.9.3-2", OK, |_| Suback::new(1).reason(0x87)),
        row("UNSUBACK for 0", FromServer, "2.3.1-7", "2.2.1-6", |_| Unsuback::new(0).reason(0)),
        row("UNSUBACK without a code", FromServer, OK, "3.11.3-2", |_| Unsuback::new(1)),
        row("UNSUBACK with a code of SUBACK", FromServer, OK, "3.11.3-2", |_| Unsuback::new(1).reason(1)),
        row("UNSUBACK with a byte", FromServer, "", "3.11.3-2", |v| Unsuback::new(1).draft(v).append([0x9e])),
    ]
}

fn others() -> Vec<Row> {
    vec![
        row("a code of PUBACK in DISCONNECT", FromServer, NONE, "3.14.2-1", |_| Disconnect::because(0x91)),
        row("DISCONNECT with a code", FromClient, "", OK, |v| Disconnect::normal().draft(v).append([4])),
        row("a client's code of a server", FromServer, NONE, "", |_| Disconnect::because(4)),
        row("a server's code of a client", FromClient, NONE, "", |_| Disconnect::because(0x8e)),
        row("Bad authentication method in DISCONNECT", FromServer, NONE, OK, |_| Disconnect::because(0x8c)),
        row("a code of PUBACK in AUTH", FromServer, NONE, "3.15.2-1", |_| Auth::new(0x10, "m")),
        row("success of a client", FromClient, NONE, "", |_| Auth::new(0, "m")),
        row("re-authentication of a server", FromServer, NONE, "", |_| Auth::new(0x19, "m")),
        row("AUTH without a method", FromServer, NONE, "4.12.0-5", |v| {
            Auth::new(0x18, "m").draft(v).without("authentication_method")
        }),
        row("Binary Data beyond the packet", FromServer, NONE, "", |v| {
            an_auth().data("d").draft(v).replace("authentication_data", [&[0x16], &prefixed("dd")[..3]].concat())
        }),
    ]
}

fn a_subscribe() -> Subscribe {
    Subscribe::new(1).filter("a", 0)
}

fn an_unsubscribe() -> Unsubscribe {
    Unsubscribe::new(1).filter("a")
}

fn an_auth() -> Auth {
    Auth::new(0x18, "m")
}

fn full_connect() -> Connect {
    let will = Will::to("w").qos(1).retain(true).payload("gone").with(Property::will_delay_interval(1));
    Connect::as_("me").keep_alive(5).user("u").password("p").will(will).with(Property::session_expiry_interval(9))
}
