//! Client Identifiers: section 3.1.3.1.

use faults::{Rules, swallow_close};
use wire::Property;

use super::prelude::*;
use crate::Stop;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "client_id.letters_and_digits",
        title: "Client Identifiers of 1 to 23 letters and digits are accepted",
        decides: &[Both("3.1.3-5")],
        mutants: &[
            Mutant::rules("refuses Client Identifiers of 23 characters", || refuse(|id| id.len() == 23)),
            Mutant::rules("refuses Client Identifiers of one character", || refuse(|id| id.len() == 1)),
            Mutant::rules("refuses the letter Z", || refuse(|id| id.contains('Z'))),
        ],
        script: run!(letters_and_digits),
        ..Case::PLAIN
    },
    Case {
        id: "client_id.empty_ones_are_told_apart",
        title: "Two clients without a Client Identifier are two clients",
        decides: &[Both("3.1.3-6")],
        needs: &[Capability::EmptyClientId],
        mutants: &[Mutant::rules("gives all of them one Client Identifier", || {
            client(Kind::Connect)
                .when(|seen| seen.client_id().is_empty())
                .edit(|connect: &mut Connect| "nameless".clone_into(&mut connect.client_identifier))
                .into()
        })],
        script: run!(empty_ones_are_told_apart),
        ..Case::PLAIN
    },
    Case {
        id: "client_id.assigned_ones_are_told",
        title: "CONNACK tells a client without a Client Identifier which one it was given, each time another",
        decides: &[V5("3.2.2-16"), V5("3.1.3-7"), V5("3.1.3-6")],
        needs: &[Capability::EmptyClientId],
        mutants: &[
            Mutant::rules("keeps assigned Client Identifiers to itself", || {
                server(Kind::Connack)
                    .edit(|connack: &mut Connack| connack.properties.0.retain(|property| property.identifier != 0x12))
                    .into()
            }),
            Mutant::rules("tells everybody the same Client Identifier", || {
                server(Kind::Connack)
                    .edit(|connack: &mut Connack| {
                        connack.properties.0.retain(|property| property.identifier != 0x12);
                        connack.properties.0.push(Property::assigned_client_identifier("nameless"));
                    })
                    .into()
            }),
        ],
        script: run!(assigned_ones_are_told),
        ..Case::PLAIN
    },
    Case {
        id: "client_id.assigned_ones_are_as_if_sent",
        title: "An assigned Client Identifier belongs to its client as if it had sent it",
        decides: &[V5("3.1.3-7")],
        needs: &[Capability::EmptyClientId],
        mutants: &[Mutant::rules("tells another Client Identifier than it has assigned", || {
            server(Kind::Connack)
                .edit(|connack: &mut Connack| {
                    let assigned = connack.properties.0.iter_mut().find(|property| property.identifier == 0x12);
                    if let Some(assigned) = assigned {
                        *assigned = Property::assigned_client_identifier("somebodyElse");
                    }
                })
                .into()
        })],
        script: run!(assigned_ones_are_as_if_sent),
        ..Case::PLAIN
    },
    Case::row(
        "client_id.empty_ones_need_clean_session",
        "A CONNECT without a Client Identifier but with Clean Session 0 is refused with code 2",
        &[V311("3.1.3-8"), V311("3.1.3-7")],
        Opening,
        |bench| Connect { client_identifier: String::new(), ..bench.connect("").clean(false) }.draft(bench.version()),
        &[Outcome::RefusedAloud(&[], &[2])],
        &[Mutant::rules("takes empty Client Identifiers with Clean Session 0", || {
            client(Kind::Connect).answer_instead(|_| Connack::accepted()).into()
        })],
    ),
    Case {
        id: "client_id.refused_ones_are_closed",
        title: "A Client Identifier that the server does not take is refused, and the connection closed",
        decides: &[V311("3.1.3-9"), V5("3.1.3-8"), V311("3.2.2-5"), V5("3.2.2-7")],
        needs: &[Capability::RefusedClientId],
        mutants: &[
            Mutant::rules("takes every Client Identifier", || {
                client(Kind::Connect).answer_instead(|_| Connack::accepted()).into()
            }),
            Mutant::rules("refuses Client Identifiers and stays", swallow_close),
            Mutant::rules("refuses Client Identifiers with return code 5", || refused_with(5)).only_in(Version::V3_1_1),
            Mutant::rules("refuses Client Identifiers without a word", || server(Kind::Connack).drop().into())
                .only_in(Version::V3_1_1),
        ],
        script: run!(refused_ones_are_closed),
        ..Case::PLAIN
    },
];

fn refused_with(code: u8) -> Rules {
    server(Kind::Connack).edit(move |connack: &mut Connack| connack.reason = code).into()
}

/// Who is called so is refused for it.
fn refuse(whom: fn(&str) -> bool) -> Rules {
    server(Kind::Connack)
        .when(move |seen| whom(seen.client_id()))
        .replace(|connack| {
            let v5 = connack.version() == Version::V5;
            Connack::refused(if v5 { 0x85 } else { 2 }).draft(connack.version())
        })
        .into()
}

fn nameless(bench: &Bench) -> Connect {
    Connect { client_identifier: String::new(), ..bench.connect("") }
}

async fn letters_and_digits(bench: &mut Bench) -> CaseResult {
    let run = bench.id("");
    let last = run.chars().next_back().map(String::from).unwrap_or_default();
    let full = |letters: &str| format!("{run}{letters}");
    let all = [
        // A client of another run may be called so too; then it only takes over.
        last,
        full("0123456789abcde"),
        full("fghijklmnopqrst"),
        full("uvwxyzABCDEFGHI"),
        full("JKLMNOPQRSTUVWX"),
        full("YZ"),
    ];
    for client_identifier in all {
        let mut peer = bench.opened("client").await?;
        peer.send(Connect { client_identifier, ..bench.connect("") }).await?;
        peer.expect_accepted().await?;
        peer.disconnected().await?;
    }
    Ok(())
}

async fn refused_ones_are_closed(bench: &mut Bench) -> CaseResult {
    let refused = bench.site().facts.refused_client_id.clone();
    let client_identifier = refused.ok_or_else(|| Stop::Error("nothing says what is refused".into()))?;
    let mut peer = bench.opened("client").await?;
    peer.send(Connect { client_identifier, ..bench.connect("") }).await?;
    let lawful = bench.pick(Outcome::RefusedAloud(&[], &[2]), Outcome::Refused(&[0x85], &[]));
    peer.expect_one_of(&[lawful]).await.map(|_| ())
}

async fn empty_ones_are_told_apart(bench: &mut Bench) -> CaseResult {
    let mut one = bench.opened("one").await?;
    one.send(nameless(bench)).await?;
    one.expect_accepted().await?;
    let mut two = bench.opened("two").await?;
    two.send(nameless(bench)).await?;
    two.expect_accepted().await?;
    one.ping().await?;
    two.ping().await
}

async fn assigned_ones_are_told(bench: &mut Bench) -> CaseResult {
    let mut assigned = Vec::new();
    for name in ["one", "two"] {
        let mut peer = bench.opened(name).await?;
        peer.send(nameless(bench)).await?;
        let connack = peer.expect_accepted().await?;
        let given = connack.properties.assigned_client_identifier().unwrap_or_default().to_owned();
        bench.check(!given.is_empty(), "an Assigned Client Identifier", "CONNACK without one")?;
        assigned.push((peer, given));
    }
    let (one, two) = (&assigned[0].1, &assigned[1].1);
    bench.check(one != two, "two clients are given two Client Identifiers", format!("both were given {one}"))
}

async fn assigned_ones_are_as_if_sent(bench: &mut Bench) -> CaseResult {
    let mut nobody = bench.connected_as("nobody", nameless(bench)).await?;
    let given = nobody.connack.as_ref().and_then(|connack| connack.properties.assigned_client_identifier());
    let Some(given) = given.map(str::to_owned) else {
        return Err(Stop::Inconclusive("CONNACK has no Assigned Client Identifier".into()));
    };
    let connect = Connect { client_identifier: given, ..bench.connect("") };
    let _successor = bench.connected_as("successor", connect).await?;
    nobody.expect_closed(&[0x8e]).await
}
