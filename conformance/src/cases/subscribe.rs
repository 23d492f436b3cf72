//! SUBSCRIBE and SUBACK: sections 3.8 and 3.9.

mod answers;
mod delivery;

use super::prelude::*;

/// What is malformed or a Protocol Error.
pub(super) const CASES: &[Case] = &[
    Case::row(
        "subscribe.flags_are_0010",
        "A SUBSCRIBE with other flags than 0010 closes the connection",
        &[Both("3.8.1-1"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).flags(0),
        &[Outcome::Closed(&[0x81])],
        &[Mutant::rules("does not look at the flags of SUBSCRIBE", || {
            client(Kind::Subscribe).bytes(|packet| packet[0] = 0x82).into()
        })],
    ),
    Case::row(
        "subscribe.filter_is_utf8",
        "A SUBSCRIBE whose Topic Filter is ill-formed UTF-8 closes the connection",
        &[Both("3.8.3-1"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).replace_text("topic_filter", [0xc3, 0x28]),
        &[Outcome::Closed(&[0x81])],
        GRANTS,
    ),
    Case::row(
        "subscribe.has_a_filter",
        "A SUBSCRIBE without a Topic Filter closes the connection",
        &[V311("3.8.3-3"), V5("3.8.3-2"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| Subscribe::new(7).draft(bench.version()),
        &[Outcome::Closed(&[0x82, 0x81])],
        GRANTS,
    ),
    Case::row(
        "subscribe.filter_has_options",
        "A SUBSCRIBE whose last Topic Filter has no options closes the connection",
        &[V311("3.8.3-3"), V5("3.8.3-2"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).without("subscription_options"),
        &[Outcome::Closed(&[0x81, 0x82])],
        GRANTS,
    ),
    Case::row(
        "subscribe.reserved_bits_are_zero",
        "A SUBSCRIBE with a reserved bit set beside the requested QoS closes the connection",
        &[V311("3.8.3-4"), V5("3.8.3-5"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).replace("subscription_options", [0x40]),
        &[Outcome::Closed(&[0x81])],
        GRANTS,
    ),
    Case::row(
        "subscribe.options_of_5_are_reserved",
        "A SUBSCRIBE of 3.1.1 that sets what is No Local in 5.0 closes the connection",
        &[V311("3.8.3-4"), V311("4.8.0-1")],
        Connecting,
        |bench| plain(bench).replace("subscription_options", [0x04]),
        &[Outcome::Closed(&[])],
        GRANTS,
    ),
    Case::row(
        "subscribe.qos_3_is_refused",
        "A SUBSCRIBE that asks for QoS 3 closes the connection",
        &[V311("3.8.3-4"), V5("4.13.1-1"), V311("4.8.0-1")],
        Connecting,
        |bench| plain(bench).replace("subscription_options", [0x03]),
        &[Outcome::Closed(&[0x82, 0x81])],
        GRANTS,
    ),
    Case::row(
        "subscribe.retain_handling_3_is_refused",
        "A SUBSCRIBE with Retain Handling 3 closes the connection",
        &[V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).replace("subscription_options", [0x30]),
        &[Outcome::Closed(&[0x82, 0x81])],
        GRANTS,
    ),
    Case {
        needs: &[Capability::SubscriptionIdentifiers],
        ..Case::row(
            "subscribe.identifier_is_not_zero",
            "A SUBSCRIBE with Subscription Identifier 0 closes the connection",
            &[V5("4.13.1-1")],
            Connecting,
            |bench| plain(bench).with(Property::subscription_identifier(0)),
            &[Outcome::Closed(&[0x82, 0x81])],
            GRANTS,
        )
    },
    Case {
        needs: &[Capability::SubscriptionIdentifiers],
        ..Case::row(
            "subscribe.has_one_identifier",
            "A SUBSCRIBE with two Subscription Identifiers closes the connection",
            &[V5("4.13.1-1")],
            Connecting,
            |bench| {
                let identifier = Property::subscription_identifier;
                plain(bench).with(identifier(1)).with(identifier(2))
            },
            &[Outcome::Closed(&[0x82, 0x81])],
            GRANTS,
        )
    },
    Case::row(
        "subscribe.has_only_its_properties",
        "A SUBSCRIBE with a property of another packet closes the connection",
        &[V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).with(Property::message_expiry_interval(60)),
        &[Outcome::Closed(&[0x81, 0x82])],
        GRANTS,
    ),
    Case {
        needs: &[Capability::SharedSubscriptions],
        ..Case::row(
            "subscribe.no_local_is_not_shared",
            "A SUBSCRIBE with No Local on a Shared Subscription closes the connection",
            &[V5("3.8.3-4"), V5("4.13.1-1")],
            Connecting,
            |bench| {
                let filter = format!("$share/{}/{}", bench.id("group"), bench.topic("t"));
                Subscribe::new(7).filter(filter, Options::qos(0).no_local()).draft(bench.version())
            },
            &[Outcome::Closed(&[0x82, 0x81])],
            GRANTS,
        )
    },
];

pub(super) use answers::CASES as ANSWERS;
pub(super) use delivery::CASES as DELIVERY;

/// What every server refuses that reads on.
const GRANTS: &[Mutant] = &[Mutant::rules("grants whatever it is asked", || {
    client(Kind::Subscribe).answer_instead(|seen: &Sight<'_>| Suback::new(seen.id()).reason(0)).into()
})];

/// A SUBSCRIBE with nothing wrong.
fn plain(bench: &Bench) -> Draft {
    Subscribe::new(7).filter(bench.topic("t"), 0).draft(bench.version())
}
