//! DISCONNECT: section 3.14; errors that close: 4.13, in 3.1.1 4.8; PINGREQ: section 3.12.

use faults::Rules;
use wire::{Disconnect, Packet, Property};

use super::{connack::stranger, prelude::*};
use crate::{Peer, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "pingreq.is_answered",
        title: "PINGREQ is answered by PINGRESP",
        decides: &[Both("3.12.4-1")],
        mutants: &[Mutant::rules("does not answer PINGREQ", || server(Kind::Pingresp).drop().into())],
        script: run!(pingreq_is_answered),
        ..Case::PLAIN
    },
    Case::row(
        "disconnect.reserved_flags_are_zero",
        "A DISCONNECT whose reserved flags are not 0 closes the connection",
        &[Both("3.14.1-1")],
        Connecting,
        |bench| Disconnect::normal().draft(bench.version()).flags(0b0010),
        &[Outcome::Closed(&[0x81])],
        &[Mutant::rules("passes over DISCONNECT with reserved flags", || client(Kind::Disconnect).drop().into())],
    ),
    Case::row(
        "disconnect.session_expiry_does_not_begin",
        "A DISCONNECT that gives a Session Expiry Interval where CONNECT gave 0 closes the connection",
        &[V5("4.13.1-1")],
        Connecting,
        |bench| Disconnect::normal().with(Property::session_expiry_interval(10)).draft(bench.version()),
        &[Outcome::Closed(&[0x82])],
        &[Mutant::rules("passes over such a DISCONNECT", || client(Kind::Disconnect).drop().into())],
    ),
    Case::row(
        "error.packet_of_servers_closes",
        "A packet that only servers send closes the connection",
        &[V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| Connack::accepted().draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over CONNACK of clients", || client(Kind::Connack).drop().into())],
    ),
    Case::row(
        "error.packet_type_0_closes",
        "A packet of the reserved type 0 closes the connection",
        &[V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| wire::Draftable::into_draft(wire::Raw(vec![0x00, 0x00]), bench.version()),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over packets of type 0", || {
            faults::from_client().when(|packet| packet.bytes().first() == Some(&0)).drop().into()
        })],
    ),
    Case::row(
        "error.remaining_length_of_five_bytes_closes",
        "A Remaining Length of more than four bytes closes the connection",
        &[V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| {
            let bytes = vec![0x30, 0x80, 0x80, 0x80, 0x80, 0x01];
            wire::Draftable::into_draft(wire::Raw(bytes), bench.version())
        },
        &[Outcome::Closed(&[0x81, 0x82, 0x95])],
        &[Mutant::rules("takes Remaining Lengths of any width", || faults::client_garbage().drop().into())],
    ),
    Case {
        id: "disconnect.never_before_connack",
        title: "The server does not say DISCONNECT to who has not been accepted",
        decides: &[V5("3.14.0-1")],
        mutants: &[Mutant::rules("refuses with DISCONNECT", || {
            server(Kind::Connack).replace(|_| Packet::from(Disconnect::because(0x8c))).into()
        })],
        script: run!(never_before_connack),
        ..Case::PLAIN
    },
    Case {
        id: "disconnect.code_is_in_the_table",
        title: "The Reason Code of DISCONNECT is one of those that a server may send",
        decides: &[V5("3.14.2-1")],
        mutants: &[Mutant::rules("says DISCONNECT with a code of SUBACK", || {
            server(Kind::Disconnect).bytes(|packet| *packet = vec![0xe0, 0x01, 0x91]).into()
        })],
        script: run!(when_dismissed),
        ..Case::PLAIN
    },
    Case {
        id: "disconnect.has_no_session_expiry_interval",
        title: "The server does not say Session Expiry Interval in DISCONNECT",
        decides: &[V5("3.14.2-2")],
        mutants: &[Mutant::rules("says Session Expiry Interval in DISCONNECT", || {
            dismissal(|disconnect| disconnect.with(Property::session_expiry_interval(5)))
        })],
        script: run!(when_dismissed),
        ..Case::PLAIN
    },
    Case {
        id: "disconnect.is_the_last_packet",
        title: "Nothing follows a DISCONNECT of the server",
        decides: &[V5("3.14.4-1")],
        mutants: &[Mutant::rules("talks on after DISCONNECT", || {
            server(Kind::Disconnect).follow(|_| wire::Pingresp).into()
        })],
        script: run!(when_dismissed),
        ..Case::PLAIN
    },
    Case {
        id: "disconnect.closes",
        title: "The server closes the connection after its DISCONNECT",
        decides: &[V5("3.14.4-2"), V5("4.13.2-1")],
        mutants: &[Mutant::rules("leaves the connection open after its DISCONNECT", faults::swallow_close)],
        script: run!(when_dismissed),
        ..Case::PLAIN
    },
    Case {
        id: "disconnect.reason_string_fits",
        title: "DISCONNECT has no Reason String that makes it larger than the client's Maximum Packet Size",
        decides: &[V5("3.14.2-3")],
        mutants: &[Mutant::rules("explains itself at any length", || {
            dismissal(|disconnect| disconnect.with(Property::reason_string(&"because ".repeat(20))))
        })],
        script: run!(reason_string_fits),
        ..Case::PLAIN
    },
    Case {
        id: "disconnect.user_properties_fit",
        title: "DISCONNECT has no User Property that makes it larger than the client's Maximum Packet Size",
        decides: &[V5("3.14.2-4")],
        mutants: &[Mutant::rules("adds User Properties of any length", || {
            dismissal(|disconnect| disconnect.with(Property::user("why", &"because ".repeat(20))))
        })],
        script: run!(user_properties_fit),
        ..Case::PLAIN
    },
];

/// The client's Maximum Packet Size: enough for everything but long explanations.
const TIGHT: u32 = 100;

/// Another DISCONNECT in the place of the server's.
fn dismissal(change: fn(Disconnect) -> Disconnect) -> Rules {
    server(Kind::Disconnect)
        .then(move |seen, actions| {
            if let Ok(Packet::Disconnect(disconnect)) = seen.packet() {
                actions.replace(change(disconnect).draft(seen.version()).encode());
            }
        })
        .into()
}

async fn pingreq_is_answered(bench: &mut Bench) -> CaseResult {
    bench.connected("client").await?.ping().await
}

async fn never_before_connack(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(stranger(bench, "client")).await?;
    peer.expect_refused(&[0x8c, 0x87], &[]).await.set_up("being refused")
}

/// A client to whom the server has said DISCONNECT, and what it said: when another took its place (MQTT-3.1.4-3), or else for
/// a malformed packet. A server may leave it out both times.
async fn dismissed(bench: &Bench, connect: Connect) -> CaseResult<(Peer, Disconnect)> {
    let mut old = bench.connected_as("old", connect.clone()).await?;
    let _new = bench.connected_as("new", bench.connect("client")).await?;
    if let Some(disconnect) = last_word(&mut old).await? {
        return Ok((old, disconnect));
    }
    let mut faulty = bench.connected_as("faulty", connect).await?;
    faulty.send(Publish::to(bench.topic("t")).draft(bench.version()).flags(0b0110)).await?;
    match last_word(&mut faulty).await? {
        Some(disconnect) => Ok((faulty, disconnect)),
        None => Err(Stop::NotApplicable("the target closes connections without DISCONNECT".into())),
    }
}

/// What the server says before it ends a connection.
async fn last_word(peer: &mut Peer) -> CaseResult<Option<Disconnect>> {
    match peer.expect(Kind::Disconnect, "DISCONNECT").await.set_up("hearing DISCONNECT") {
        Ok(Packet::Disconnect(disconnect)) => Ok(Some(disconnect)),
        Ok(other) => Err(Stop::Error(format!("{} is no DISCONNECT", other.kind()))),
        Err(Stop::Inconclusive(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

async fn when_dismissed(bench: &mut Bench) -> CaseResult {
    // The strict parser has looked at what it says, and the peer looks at what follows.
    let (mut peer, _) = dismissed(bench, bench.connect("client")).await?;
    peer.expect_closed(&[]).await
}

/// What the server says to a client of a small Maximum Packet Size, with its length.
async fn tight_dismissal(bench: &Bench) -> CaseResult<(Disconnect, usize)> {
    let connect = bench.connect("client").with(Property::maximum_packet_size(TIGHT));
    let (_, disconnect) = dismissed(bench, connect).await?;
    let length = disconnect.draft(Version::V5).encode().len();
    Ok((disconnect, length))
}

async fn reason_string_fits(bench: &mut Bench) -> CaseResult {
    let (disconnect, length) = tight_dismissal(bench).await?;
    let fits = length <= TIGHT as usize || disconnect.properties.reason_string().is_none();
    bench.check(
        fits,
        format!("no Reason String in a DISCONNECT above {TIGHT} bytes"),
        format!("{length} bytes with one"),
    )
}

async fn user_properties_fit(bench: &mut Bench) -> CaseResult {
    let (disconnect, length) = tight_dismissal(bench).await?;
    let fits = length <= TIGHT as usize || disconnect.properties.user().is_empty();
    bench.check(
        fits,
        format!("no User Property in a DISCONNECT above {TIGHT} bytes"),
        format!("{length} bytes with one"),
    )
}
