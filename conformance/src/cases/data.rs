//! Data representation: section 1.5.

use wire::{Property, Subscribe, prefixed};

use super::{fixed_header::malformed, prelude::*};

pub(super) const CASES: &[Case] = &[
    malformed("data.topic_is_utf8", "A topic that is not UTF-8 closes the connection", TOPIC, |bench| {
        topic_of(bench, b"\xc3\x28")
    }),
    malformed("data.topic_is_not_overlong", "A topic with an overlong form closes the connection", TOPIC, |bench| {
        topic_of(bench, b"\xc0\xaf")
    }),
    malformed("data.topic_has_no_surrogates", "A topic with a surrogate closes the connection", TOPIC, |bench| {
        topic_of(bench, b"\xed\xa0\x80")
    }),
    malformed(
        "data.topic_ends_with_its_character",
        "A topic that ends in the middle of a character closes the connection",
        TOPIC,
        |bench| topic_of(bench, b"\xe2\x82"),
    ),
    malformed("data.topic_has_no_null", "A topic with the null character closes the connection", NULL, |bench| {
        topic_of(bench, b"\0")
    }),
    Case::row(
        "data.filter_is_utf8",
        "A filter that is not UTF-8 closes the connection",
        TEXT,
        Connecting,
        |bench| filter_of(bench, b"\xff"),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over it", || client(Kind::Subscribe).drop().into())],
    ),
    malformed("data.filter_has_no_null", "A filter with the null character closes the connection", NULL, |bench| {
        filter_of(bench, b"\0")
    }),
    malformed(
        "data.topic_is_not_longer_than_its_packet",
        "A topic whose length goes beyond the end of its packet closes the connection",
        &[Both("3.3.2-1"), V311("4.8.0-1"), V5("4.13.1-1")],
        |bench| Publish::to(bench.topic("t")).draft(bench.version()).replace("topic_name", *b"\x01\x00abc"),
    ),
    malformed(
        "data.user_property_name_is_utf8",
        "A User Property whose name is not UTF-8 closes the connection",
        &[V5("1.5.7-1"), V5("4.13.1-1")],
        |bench| with(bench, 0x26, [prefixed(b"\xff"), prefixed("value")].concat()),
    ),
    malformed(
        "data.user_property_value_is_utf8",
        "A User Property whose value is not UTF-8 closes the connection",
        &[V5("1.5.7-1"), V5("4.13.1-1")],
        |bench| with(bench, 0x26, [prefixed("name"), prefixed(b"\xed\xbf\xbf")].concat()),
    ),
    malformed(
        "data.user_property_has_no_null",
        "A User Property with the null character closes the connection",
        &[V5("1.5.7-1"), V5("1.5.4-2"), V5("4.13.1-1")],
        |bench| with(bench, 0x26, [prefixed("name"), prefixed(b"a\0")].concat()),
    ),
    malformed(
        "data.response_topic_is_utf8",
        "A Response Topic that is not UTF-8 closes the connection",
        &[V5("3.3.2-13"), V5("1.5.4-1"), V5("4.13.1-1")],
        |bench| with(bench, 0x08, prefixed(b"a\xff")),
    ),
    malformed(
        "data.content_type_is_utf8",
        "A Content Type that is not UTF-8 closes the connection",
        &[V5("3.3.2-19"), V5("1.5.4-1"), V5("4.13.1-1")],
        |bench| with(bench, 0x03, prefixed(b"text/\xf5")),
    ),
    Case {
        id: "data.byte_order_mark_is_kept",
        title: "EF BB BF in a topic is a character like others, at its beginning too",
        decides: &[V311("1.5.3-3"), V5("1.5.4-3")],
        mutants: &[
            Mutant::rules("strips EF BB BF from what it forwards", || {
                server(Kind::Publish)
                    .edit(|publish: &mut Publish| publish.topic = publish.topic.replace('\u{feff}', ""))
                    .into()
            }),
            Mutant::rules("strips EF BB BF from what comes", || {
                client(Kind::Publish)
                    .edit(|publish: &mut Publish| publish.topic = publish.topic.replace('\u{feff}', ""))
                    .into()
            }),
        ],
        script: run!(byte_order_mark_is_kept),
        ..Case::PLAIN
    },
];

const TEXT: &[Mark] = &[V311("1.5.3-1"), V5("1.5.4-1"), V311("4.8.0-1"), V5("4.13.1-1")];
const TOPIC: &[Mark] = &[V311("1.5.3-1"), V5("1.5.4-1"), Both("3.3.2-1"), V311("4.8.0-1"), V5("4.13.1-1")];
const NULL: &[Mark] = &[V311("1.5.3-2"), V5("1.5.4-2"), V311("4.8.0-1"), V5("4.13.1-1")];

/// A PUBLISH to a topic that ends in these bytes.
fn topic_of(bench: &Bench, end: &[u8]) -> Draft {
    let topic = [bench.topic("t").as_bytes(), end].concat();
    Publish::to("").payload("x").draft(bench.version()).replace_text("topic_name", topic)
}

/// A SUBSCRIBE for a filter that ends in these bytes.
fn filter_of(bench: &Bench, end: &[u8]) -> Draft {
    let filter = [bench.topic("t").as_bytes(), end].concat();
    Subscribe::new(7).filter("", 0).draft(bench.version()).replace_text("topic_filter", filter)
}

/// A PUBLISH with a property of these bytes.
fn with(bench: &Bench, identifier: u32, bytes: Vec<u8>) -> Draft {
    Publish::to(bench.topic("t")).with(Property::raw(identifier, bytes)).draft(bench.version())
}

async fn byte_order_mark_is_kept(bench: &mut Bench) -> CaseResult {
    let topic = format!("\u{feff}{}/\u{feff}", bench.topic("bom"));
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 0).await?;
    peer.send(Publish::to(&topic).payload("x")).await?;
    peer.expect_publish(&topic, "x").await.map(|_| ())
}
