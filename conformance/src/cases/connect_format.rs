//! CONNECT packets that are malformed: sections 3.1.2 and 3.1.3.

use faults::Rules;

use super::prelude::*;

/// 3.1.1 closes without CONNACK (MQTT-3.1.4-1); 5.0 may say why.
const MALFORMED: &[Outcome] = &[Outcome::Refused(&[0x81, 0x82], &[])];
/// Where User Name or Password are malformed 3.1.1 has a code for it (table 3.1), and a server may not know the user.
const CREDENTIALS: &[Outcome] = &[Outcome::Refused(&[0x81, 0x82, 0x86, 0x87], &[4, 5])];

pub(super) const CASES: &[Case] = &[
    Case::row(
        "connect.will_qos_without_will",
        "A CONNECT with a Will QoS but without Will Flag is refused",
        &[V311("3.1.2-13"), V311("3.1.2-11"), V311("3.1.4-1"), V5("3.1.2-11"), V5("3.1.4-1")],
        Opening,
        |bench| flags(bench, |flags| flags | 0x08),
        MALFORMED,
        &[Mutant::rules("takes a Will QoS without a Will", || takes("Will QoS is 1 without a Will"))],
    ),
    Case::row(
        "connect.will_retain_without_will",
        "A CONNECT with Will Retain but without Will Flag is refused",
        &[V311("3.1.2-15"), V311("3.1.2-11"), V311("3.1.4-1"), V5("3.1.2-13"), V5("3.1.4-1")],
        Opening,
        |bench| flags(bench, |flags| flags | 0x20),
        MALFORMED,
        &[Mutant::rules("takes Will Retain without a Will", || takes("Will Retain is 1 without a Will"))],
    ),
    Case::row(
        "connect.will_qos_3",
        "A CONNECT with Will QoS 3 is refused",
        &[V311("3.1.2-14"), V311("3.1.4-1"), V5("3.1.2-12"), V5("3.1.4-1")],
        Opening,
        |bench| bench.connect("client").will(Will::to(bench.topic("will")).qos(3)).draft(bench.version()),
        MALFORMED,
        &[Mutant::rules("takes Will QoS 3", || takes("Will QoS is 3"))],
    ),
    Case::row(
        "connect.will_flag_without_will",
        "A CONNECT with Will Flag but without the fields of the Will is refused",
        &[Both("3.1.2-9"), Both("3.1.4-1")],
        Opening,
        |bench| plain(bench).draft(bench.version()).edit("connect_flags", |flags| flags[0] |= 0x04),
        MALFORMED,
        &[Mutant::rules("takes Will Flag without a Will", || takes("the Will is missing"))],
    ),
    Case::row(
        "connect.will_without_will_flag",
        "A CONNECT with the fields of a Will but without Will Flag is refused",
        &[V311("3.1.2-11"), Both("3.1.4-1")],
        Opening,
        |bench| {
            let connect = plain(bench).will(Will::to(bench.topic("will")).payload("x"));
            connect.draft(bench.version()).edit("connect_flags", |flags| flags[0] &= !0x3c)
        },
        MALFORMED,
        &[Mutant::rules("takes a Will without Will Flag", || takes("behind the last field"))],
    ),
    Case::row(
        "connect.user_name_flag_without_user_name",
        "A CONNECT with User Name Flag but without User Name is refused",
        &[V311("3.1.2-19"), V5("3.1.2-17"), Both("3.1.4-1")],
        Opening,
        |bench| plain(bench).draft(bench.version()).edit("connect_flags", |flags| flags[0] |= 0x80),
        MALFORMED,
        &[Mutant::rules("takes User Name Flag without a User Name", || takes("user_name is missing"))],
    ),
    Case::row(
        "connect.user_name_without_flag",
        "A CONNECT with a User Name but without User Name Flag is refused",
        &[V311("3.1.2-18"), V5("3.1.2-16"), Both("3.1.4-1")],
        Opening,
        |bench| plain(bench).user("user").draft(bench.version()).edit("connect_flags", |flags| flags[0] &= !0x80),
        CREDENTIALS,
        &[Mutant::rules("takes a User Name without User Name Flag", || takes("behind the last field"))],
    ),
    Case::row(
        "connect.password_flag_without_password",
        "A CONNECT with Password Flag but without Password is refused",
        &[V311("3.1.2-21"), V5("3.1.2-19"), Both("3.1.4-1")],
        Opening,
        |bench| plain(bench).user("user").draft(bench.version()).edit("connect_flags", |flags| flags[0] |= 0x40),
        MALFORMED,
        &[Mutant::rules("takes Password Flag without a Password", || takes("password is missing"))],
    ),
    Case::row(
        "connect.password_without_flag",
        "A CONNECT with a Password but without Password Flag is refused",
        &[V311("3.1.2-20"), V5("3.1.2-18"), Both("3.1.4-1")],
        Opening,
        |bench| {
            let connect = plain(bench).user("user").password("password");
            connect.draft(bench.version()).edit("connect_flags", |flags| flags[0] &= !0x40)
        },
        CREDENTIALS,
        &[Mutant::rules("takes a Password without Password Flag", || takes("behind the last field"))],
    ),
    Case::row(
        "connect.password_needs_user_name",
        "A CONNECT with a Password but without User Name is refused",
        &[V311("3.1.2-22"), V311("3.1.4-1")],
        Opening,
        |bench| plain(bench).password("password").draft(bench.version()),
        CREDENTIALS,
        &[Mutant::rules("takes a Password without a User Name", || takes("a Password without a User Name"))],
    ),
    Case::row(
        "connect.client_identifier_is_there",
        "A CONNECT without a field for the Client Identifier is refused",
        &[Both("3.1.3-3"), Both("3.1.4-1")],
        Opening,
        |bench| plain(bench).draft(bench.version()).without("client_identifier"),
        MALFORMED,
        &[Mutant::rules("does not need the Client Identifier", || takes("client_identifier is missing"))],
    ),
    Case::row(
        "connect.client_identifier_is_utf_8",
        "A CONNECT whose Client Identifier is ill-formed UTF-8 is refused",
        &[Both("3.1.3-4"), Both("3.1.4-1")],
        Opening,
        |bench| {
            let text = ill_formed(&bench.id("c"));
            bench.connect("client").draft(bench.version()).replace_text("client_identifier", text)
        },
        // 3.1.1 calls an identifier that is not allowed code 2; ill-formed UTF-8 is no CONNECT that conforms.
        &[Outcome::Refused(&[0x81, 0x82, 0x85], &[])],
        &[Mutant::rules("takes ill-formed Client Identifiers", || takes("client_identifier has a surrogate"))],
    ),
    Case::row(
        "connect.will_topic_is_utf_8",
        "A CONNECT whose Will Topic is ill-formed UTF-8 is refused",
        &[V311("3.1.3-10"), V5("3.1.3-11"), Both("3.1.4-1")],
        Opening,
        |bench| {
            let connect = bench.connect("client").will(Will::to(bench.topic("will")).payload("x"));
            connect.draft(bench.version()).replace_text("will_topic", ill_formed(&bench.topic("will")))
        },
        &[Outcome::Refused(&[0x81, 0x82, 0x90], &[])],
        &[Mutant::rules("takes ill-formed Will Topics", || takes("will_topic has a surrogate"))],
    ),
    Case::row(
        "connect.user_name_is_utf_8",
        "A CONNECT whose User Name is ill-formed UTF-8 is refused",
        &[V311("3.1.3-11"), V5("3.1.3-12"), Both("3.1.4-1")],
        Opening,
        |bench| plain(bench).user("user").draft(bench.version()).replace_text("user_name", ill_formed("user")),
        CREDENTIALS,
        &[Mutant::rules("takes ill-formed User Names", || takes("user_name has a surrogate"))],
    ),
    Case::row(
        "connect.fixed_header_flags_are_zero",
        "A CONNECT with a flag set in its fixed header is refused",
        &[Both("3.1.4-1")],
        Opening,
        |bench| bench.connect("client").draft(bench.version()).flags(1),
        MALFORMED,
        &[Mutant::rules("does not look at the flags of the fixed header of CONNECT", || {
            takes("the flags of CONNECT are")
        })],
    ),
    Case::row(
        "connect.ends_with_its_fields",
        "A CONNECT that goes on after its last field is refused",
        &[Both("3.1.4-1")],
        Opening,
        |bench| bench.connect("client").draft(bench.version()).append([0, 1, b'x']),
        MALFORMED,
        &[Mutant::rules("passes over what follows the last field of CONNECT", || takes("behind the last field"))],
    ),
    Case {
        id: "connect.payload_is_in_order",
        title: "The fields in the payload of CONNECT are read in their order",
        decides: &[Both("3.1.3-1")],
        mutants: &[Mutant::rules("reads the Will Payload before the Will Topic", || {
            client(Kind::Connect)
                .by("all")
                .edit(|connect: &mut Connect| {
                    if let Some(will) = &mut connect.will {
                        let topic = std::mem::take(&mut will.topic);
                        will.topic = String::from_utf8_lossy(&will.payload).into_owned();
                        will.payload = topic.into_bytes();
                    }
                })
                .into()
        })],
        script: run!(payload_is_in_order),
        ..Case::PLAIN
    },
];

/// Without User Name and Password, for cases about just these.
fn plain(bench: &Bench) -> Connect {
    Connect::as_(bench.id("client"))
}

fn flags(bench: &Bench, change: fn(u8) -> u8) -> Draft {
    bench.connect("client").draft(bench.version()).edit("connect_flags", |flags| flags[0] = change(flags[0]))
}

/// A text with a surrogate in it, which UTF-8 may not have (MQTT-1.5.4-1; MQTT-1.5.3-1 in 3.1.1).
fn ill_formed(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0xed, 0xa0, 0x80]].concat()
}

/// A CONNECT that is wrong in these words of the strict parser is accepted, and the broker never sees it. Any other goes on to
/// the broker, so that no case sees a mutant that is not its own.
pub(super) fn takes(wrong: &'static str) -> Rules {
    client(Kind::Connect).when(is_wrong(wrong)).answer_instead(|_| Connack::accepted()).into()
}

/// Whether the strict parser refuses a packet in these words.
pub(super) fn is_wrong(words: &'static str) -> impl Fn(&Sight<'_>) -> bool {
    move |frame| frame.packet().is_err_and(|breach| breach.what.contains(words))
}

async fn payload_is_in_order(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("will");
    // As a topic the payload is one of this run too, so that an exchange is seen.
    let payload = bench.topic("payload");
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&bench.topic("+"), 0).await?;
    let mut all =
        bench.connected_as("all", bench.connect("all").will(Will::to(&topic).payload(payload.as_str()))).await?;
    all.severed().await?;
    watcher.expect_publish(&topic, payload).await.map(|_| ())
}
