//! CONNACK: section 3.2.

use wire::{Packet, Property, Subscribe};

use super::prelude::*;
use crate::{About, Finding, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "connack.comes_first",
        title: "CONNACK comes before the messages that wait in a session",
        decides: &[Both("3.2.0-1")],
        needs: &[Capability::Sessions, Capability::Qos1],
        mutants: &[Mutant::rules("sends what waits before CONNACK", || {
            server(Kind::Connack)
                .when(|connack| connack.bytes().get(2) == Some(&1))
                .precede(|seen: &Sight<'_>| Publish::to(format!("{}/t", &seen.client_id()[..8])).payload("x"))
                .into()
        })],
        script: run!(comes_first),
        ..Case::PLAIN
    },
    Case {
        id: "connack.comes_once",
        title: "A connection sees one CONNACK",
        decides: &[V311("3.2.0-1"), V5("3.2.0-2")],
        mutants: &[Mutant::rules("says CONNACK twice", || server(Kind::Connack).duplicate().into())],
        script: run!(comes_once),
        ..Case::PLAIN
    },
    Case {
        id: "connack.reserved_flags_are_zero",
        title: "The reserved flags of CONNACK are 0",
        decides: &[V5("3.2.2-1")],
        mutants: &[Mutant::rules("sets a reserved flag in CONNACK", || {
            server(Kind::Connack).bytes(|connack| connack[2] |= 0x80).into()
        })],
        script: run!(is_as_laid_out),
        ..Case::PLAIN
    },
    Case {
        id: "connack.code_is_in_the_table",
        title: "The Reason Code of CONNACK is one of those that CONNACK may have",
        decides: &[V5("3.2.2-8")],
        mutants: &[
            Mutant::rules("accepts with code 0x01", || server(Kind::Connack).bytes(|connack| connack[3] = 1).into()),
            Mutant::rules("refuses with a code of DISCONNECT", || {
                server(Kind::Connack).by("stranger").bytes(|connack| connack[3] = 0x8e).into()
            }),
        ],
        script: run!(code_is_in_the_table),
        ..Case::PLAIN
    },
    Case {
        id: "connack.refusal_has_no_session",
        title: "A CONNACK that refuses has Session Present 0, even if there is a session",
        decides: &[V5("3.2.2-6")],
        needs: &[Capability::Sessions],
        mutants: &[Mutant::rules("says Session Present in a refusal", || {
            server(Kind::Connack)
                .when(|connack| connack.bytes().get(3) != Some(&0))
                .bytes(|connack| connack[2] = 1)
                .into()
        })],
        script: run!(refusal_has_no_session),
        ..Case::PLAIN
    },
    Case {
        id: "connack.refusal_of_a_user_has_no_session",
        title: "A CONNACK that refuses a wrong Password has Session Present 0, even if there is a session",
        decides: &[V311("3.2.2-4"), V5("3.2.2-6")],
        needs: &[Capability::Sessions, Capability::Users],
        mutants: &[Mutant::rules("says Session Present in a refusal", || {
            server(Kind::Connack)
                .when(|connack| connack.bytes().get(3) != Some(&0))
                .bytes(|connack| connack[2] = 1)
                .into()
        })],
        script: run!(refusal_of_a_user_has_no_session),
        ..Case::PLAIN
    },
    Case {
        id: "connack.refusal_closes",
        title: "A wrong Password is refused, and a CONNACK that refuses is followed by the end of the connection",
        decides: &[V311("3.2.2-5"), V5("3.2.2-7"), V5("4.13.2-1"), V5("3.1.4-2")],
        needs: &[Capability::Users],
        mutants: &[
            Mutant::rules("leaves the connection open after its refusal", faults::swallow_close),
            Mutant::rules("takes every Password", || {
                client(Kind::Connect).answer_instead(|_| Connack::accepted()).into()
            }),
        ],
        script: run!(refusal_closes),
        ..Case::PLAIN
    },
    Case {
        id: "connack.refusal_of_a_method_closes",
        title: "A CONNACK that refuses an Authentication Method is followed by the end of the connection",
        decides: &[V5("3.2.2-7"), V5("4.13.2-1")],
        mutants: &[Mutant::rules("leaves the connection open after its refusal", faults::keep_open)],
        script: run!(refusal_of_a_method_closes),
        ..Case::PLAIN
    },
    Case {
        id: "connack.maximum_qos_is_announced",
        title: "A server that does not take every QoS says so in every CONNACK",
        decides: &[V5("3.2.2-9")],
        needs: &[Capability::LimitedQos],
        mutants: &[Mutant::rules("keeps its Maximum QoS to itself", || {
            server(Kind::Connack)
                .edit(|connack: &mut Connack| connack.properties.0.retain(|property| property.identifier != 0x24))
                .into()
        })],
        script: run!(maximum_qos_is_announced),
        ..Case::PLAIN
    },
    Case {
        id: "connack.maximum_qos_does_not_bind_subscriptions",
        title: "A server that does not take every QoS accepts subscriptions of every QoS",
        decides: &[V5("3.2.2-10")],
        needs: &[Capability::LimitedQos],
        mutants: &[Mutant::rules("refuses subscriptions above its Maximum QoS", || {
            server(Kind::Suback)
                .edit(|suback: &mut Suback| suback.reasons.iter_mut().for_each(|reason| *reason = 0x83))
                .into()
        })],
        script: run!(maximum_qos_does_not_bind_subscriptions),
        ..Case::PLAIN
    },
    Case {
        id: "connack.will_retain_without_retain",
        title: "A Will to be retained is refused where nothing is retained, if with a code then Retain not supported",
        decides: &[V5("3.2.2-13")],
        needs: &[Capability::NoRetain],
        mutants: &[Mutant::rules("takes Will Retain and does not retain", || {
            client(Kind::Connect)
                .edit(|connect: &mut Connect| connect.will.iter_mut().for_each(|will| will.retain = false))
                .into()
        })],
        script: run!(will_retain_without_retain),
        ..Case::PLAIN
    },
    Case {
        id: "connack.maximum_packet_size_is_kept",
        title: "A packet larger than the Maximum Packet Size of the server closes the connection",
        decides: &[V5("3.2.2-15")],
        needs: &[Capability::PacketLimit],
        mutants: &[Mutant::rules("keeps the connection open", faults::keep_open)],
        script: run!(maximum_packet_size_is_kept),
        ..Case::PLAIN
    },
    Case {
        id: "connack.topic_alias_maximum_is_kept",
        title: "A Topic Alias above the Topic Alias Maximum of the server closes the connection",
        decides: &[V5("3.2.2-17")],
        needs: &[Capability::TopicAliases],
        mutants: &[Mutant::rules("takes every Topic Alias", || client(Kind::Publish).drop().into())],
        script: run!(topic_alias_maximum_is_kept),
        ..Case::PLAIN
    },
    Case {
        id: "connack.without_aliases_there_are_none",
        title: "A Topic Alias closes the connection where the server allows none",
        decides: &[V5("3.2.2-18")],
        needs: &[Capability::NoTopicAliases],
        mutants: &[Mutant::rules("takes Topic Aliases that it does not allow", || client(Kind::Publish).drop().into())],
        script: run!(without_aliases_there_are_none),
        ..Case::PLAIN
    },
    Case {
        id: "connack.reason_string_fits",
        title: "CONNACK has no Reason String that makes it larger than the client's Maximum Packet Size",
        decides: &[V5("3.2.2-19")],
        mutants: &[Mutant::rules("explains itself at any length", || {
            let long = "because ".repeat(10);
            server(Kind::Connack)
                .edit(move |connack: &mut Connack| connack.properties.0.push(Property::reason_string(&long)))
                .into()
        })],
        script: run!(reason_string_fits),
        ..Case::PLAIN
    },
    Case {
        id: "connack.user_properties_fit",
        title: "CONNACK has no User Property that makes it larger than the client's Maximum Packet Size",
        decides: &[V5("3.2.2-20")],
        mutants: &[Mutant::rules("adds User Properties of any length", || {
            let long = "because ".repeat(10);
            server(Kind::Connack)
                .edit(move |connack: &mut Connack| connack.properties.0.push(Property::user("why", &long)))
                .into()
        })],
        script: run!(user_properties_fit),
        ..Case::PLAIN
    },
    Case {
        id: "connack.response_information_is_asked_for",
        title: "CONNACK has Response Information only if the client asks for it",
        decides: &[V5("3.1.2-28")],
        mutants: &[Mutant::rules("tells everybody Response Information", || {
            server(Kind::Connack)
                .edit(|connack: &mut Connack| connack.properties.0.push(Property::response_information("replies")))
                .into()
        })],
        script: run!(response_information_is_asked_for),
        ..Case::PLAIN
    },
];

/// The client's Maximum Packet Size for a CONNACK that refuses: room for it and nothing more.
const TIGHT: u32 = 20;

/// What no server can take: a method that there is not.
pub(super) fn stranger(bench: &Bench, name: &str) -> Connect {
    bench.connect(name).with(Property::authentication_method("no-such-method"))
}

fn lasting(bench: &Bench, name: &str) -> Connect {
    let connect = bench.connect(name).clean(false);
    if bench.is_v5() { connect.with(Property::session_expiry_interval(300)) } else { connect }
}

/// A CONNECT whose Password is wrong.
fn wrong_password(bench: &Bench, name: &str) -> Connect {
    let user = bench.site().facts.user.as_ref().map_or("", |(user, _)| user);
    bench.connect(name).user(user).password("wrong")
}

/// The codes for a wrong Password. 3.1.1 and 5.0 leave the choice of words to the server.
const WRONG_PASSWORD: Outcome = Outcome::Refused(&[0x80, 0x83, 0x86, 0x87], &[4, 5]);

async fn comes_first(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut first = bench.connected_as("first", lasting(bench, "client")).await?;
    first.subscribed(&topic, 1).await?;
    first.disconnected().await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).payload("x")).await?;
    let mut second = bench.opened("second").await?;
    second.send(lasting(bench, "client")).await?;
    second.expect_accepted().await?;
    second.expect_publish(&topic, "x").await.set_up("what waits").map(|_| ())
}

async fn comes_once(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client")).await?;
    peer.expect_accepted().await?;
    peer.fence().await
}

async fn is_as_laid_out(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client")).await?;
    // The strict parser looks at the flags.
    peer.expect_accepted().await.map(|_| ())
}

async fn code_is_in_the_table(bench: &mut Bench) -> CaseResult {
    is_as_laid_out(bench).await?;
    let mut peer = bench.opened("stranger").await?;
    peer.send(stranger(bench, "stranger")).await?;
    peer.expect_refused(&[0x8c, 0x87], &[]).await.set_up("being refused")
}

async fn refusal_has_no_session(bench: &mut Bench) -> CaseResult {
    bench.connected_as("first", lasting(bench, "client")).await?.disconnected().await?;
    let mut peer = bench.opened("second").await?;
    peer.send(stranger(bench, "client").clean(false)).await?;
    peer.expect_refused(&[0x8c, 0x87], &[]).await.set_up("being refused")
}

async fn refusal_of_a_user_has_no_session(bench: &mut Bench) -> CaseResult {
    let right = bench.site().facts.user.clone();
    let Some((user, password)) = right else { return Err(Stop::NotApplicable("no user is known".into())) };
    let connect = lasting(bench, "client").user(user).password(password);
    bench.connected_as("first", connect).await?.disconnected().await?;
    let mut peer = bench.opened("second").await?;
    peer.send(wrong_password(bench, "client").clean(false)).await?;
    peer.expect_one_of(&[WRONG_PASSWORD]).await.map(|_| ())
}

async fn refusal_closes(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(wrong_password(bench, "client")).await?;
    peer.expect_one_of(&[WRONG_PASSWORD]).await.cites(V5("3.1.4-2")).map(|_| ())
}

async fn refusal_of_a_method_closes(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(stranger(bench, "client")).await?;
    peer.expect_refused(&[0x8c, 0x87], &[]).await.set_up("being refused")
}

async fn maximum_qos_is_announced(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client")).await?;
    let connack = peer.expect_accepted().await?;
    let announced = connack.properties.maximum_qos();
    bench.check(announced.is_some(), "Maximum QoS in CONNACK, as in the one before", "CONNACK without it")
}

async fn maximum_qos_does_not_bind_subscriptions(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let filters = [0, 1, 2].map(|qos| (bench.topic(&format!("q{qos}")), qos));
    let subscribe = filters.iter().fold(Subscribe::new(9), |subscribe, (filter, qos)| subscribe.filter(filter, *qos));
    peer.send(subscribe).await?;
    let suback = peer.expect_suback(9).await?;
    let granted = suback.reasons.iter().all(|reason| *reason <= 2);
    bench.check(granted, "every subscription is granted", format!("reason codes {:02x?}", suback.reasons))
}

async fn will_retain_without_retain(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client").will(Will::to(bench.topic("will")).retain(true))).await?;
    peer.expect_refused(&[0x9a], &[]).await
}

async fn maximum_packet_size_is_kept(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let maximum = peer.connack.as_ref().and_then(|connack| connack.properties.maximum_packet_size());
    let Some(maximum) = maximum else {
        return Err(Stop::Inconclusive("CONNACK has no Maximum Packet Size".into()));
    };
    peer.send(Publish::to(bench.topic("t")).payload(vec![b'x'; maximum as usize])).await?;
    peer.expect_closed(&[0x95]).await
}

async fn topic_alias_maximum_is_kept(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    let maximum = peer.connack.as_ref().and_then(|connack| connack.properties.topic_alias_maximum());
    let Some(above) = maximum.unwrap_or(0).checked_add(1) else {
        return Err(Stop::NotApplicable("the Topic Alias Maximum is the largest there is".into()));
    };
    peer.send(Publish::to(bench.topic("t")).with(Property::topic_alias(above)).payload("x")).await?;
    peer.expect_closed(&[0x94]).await
}

async fn without_aliases_there_are_none(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(bench.topic("t")).with(Property::topic_alias(1)).payload("x")).await?;
    peer.expect_closed(&[0x94, 0x82]).await
}

/// The CONNACK that refuses a client of a small Maximum Packet Size, if there is one, with its length.
async fn tight_refusal(bench: &Bench) -> CaseResult<Option<(Connack, usize)>> {
    let mut peer = bench.opened("client").await?;
    peer.send(stranger(bench, "client").with(Property::maximum_packet_size(TIGHT))).await?;
    match peer.expect(Kind::Connack, "CONNACK").await {
        Ok(Packet::Connack(connack)) => {
            let length = connack.draft(Version::V5).encode().len();
            Ok(Some((connack, length)))
        }
        Ok(_) => Ok(None),
        // To close without a word is lawful too.
        Err(Stop::Breach(Finding { about: About::Case, .. })) => {
            peer.expect_closed(&[]).await.set_up("being refused")?;
            Ok(None)
        }
        Err(stop) => Err(stop),
    }
}

async fn reason_string_fits(bench: &mut Bench) -> CaseResult {
    let Some((connack, length)) = tight_refusal(bench).await? else { return Ok(()) };
    let fits = length <= TIGHT as usize || connack.properties.reason_string().is_none();
    bench.check(fits, format!("no Reason String in a CONNACK above {TIGHT} bytes"), format!("{length} bytes with one"))
}

async fn user_properties_fit(bench: &mut Bench) -> CaseResult {
    let Some((connack, length)) = tight_refusal(bench).await? else { return Ok(()) };
    let fits = length <= TIGHT as usize || connack.properties.user().is_empty();
    bench.check(fits, format!("no User Property in a CONNACK above {TIGHT} bytes"), format!("{length} bytes with one"))
}

async fn response_information_is_asked_for(bench: &mut Bench) -> CaseResult {
    for connect in [bench.connect("client"), bench.connect("client").with(Property::request_response_information(0))] {
        let mut peer = bench.opened("client").await?;
        peer.send(connect).await?;
        let connack = peer.expect_accepted().await.set_up("connecting")?;
        let told = connack.properties.response_information();
        bench.check(told.is_none(), "no Response Information in CONNACK", format!("{told:?}"))?;
        peer.disconnected().await?;
    }
    Ok(())
}
