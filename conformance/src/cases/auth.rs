//! AUTH and enhanced authentication: sections 3.15 and 4.12, with SCRAM-SHA-256 (RFC 5802, RFC 7677) where the target has it.

mod scram;

use wire::{Auth, Properties, Property};

use self::scram::Scram;
use super::{connack::stranger, prelude::*};
use crate::{Peer, Stop};

const METHOD: &str = "SCRAM-SHA-256";
const SCRAM: &[Capability] = &[Capability::Scram];

pub(super) const CASES: &[Case] = &[
    Case::row(
        "auth.reserved_flags_are_zero",
        "An AUTH whose flags are not 0 closes the connection",
        &[V5("3.15.1-1")],
        Connecting,
        |bench| Auth::new(0x19, "method").draft(bench.version()).flags(0b0001),
        &[Outcome::Closed(&[0x81, 0x82])],
        &[Mutant::rules("passes over AUTH with flags", || client(Kind::Auth).drop().into())],
    ),
    Case::row(
        "auth.needs_a_method_in_connect",
        "An AUTH closes the connection if CONNECT had no Authentication Method",
        &[V5("4.12.0-7")],
        Connecting,
        |bench| Auth::new(0x19, METHOD).draft(bench.version()),
        &[Outcome::Closed(&[0x82])],
        &[Mutant::rules("passes over AUTH", || client(Kind::Auth).drop().into())],
    ),
    Case::row(
        "auth.unknown_methods_are_refused",
        "A CONNECT with an Authentication Method that there is not is refused",
        &[V5("4.12.0-1")],
        Opening,
        |bench| stranger(bench, "client").draft(bench.version()),
        &[Outcome::Refused(&[0x8c, 0x87], &[])],
        &[Mutant::rules("takes every Authentication Method", || {
            client(Kind::Connect).answer_instead(|_| Connack::accepted()).into()
        })],
    ),
    Case {
        id: "auth.without_method_there_is_none",
        title: "Who has not asked for enhanced authentication gets neither AUTH nor a method in CONNACK",
        decides: &[V5("4.12.0-6")],
        mutants: &[
            Mutant::rules("names a method in every CONNACK", || {
                server(Kind::Connack)
                    .edit(|connack: &mut Connack| connack.properties.0.push(Property::authentication_method(METHOD)))
                    .into()
            }),
            Mutant::rules("asks everybody to authenticate", || {
                server(Kind::Connack).precede(|_| Auth::new(0x18, METHOD).data("who?")).into()
            }),
        ],
        script: run!(without_method_there_is_none),
        ..Case::PLAIN
    },
    Case {
        id: "auth.goes_on_with_0x18",
        title: "A server that wants to know more says AUTH with reason 0x18",
        decides: &[V5("4.12.0-2"), V5("3.15.2-1")],
        needs: SCRAM,
        mutants: &[
            Mutant::rules("goes on with a reason that AUTH has not", || {
                server(Kind::Auth).bytes(|auth| auth[2] = 0x17).into()
            }),
            Mutant::rules("does not go on", || server(Kind::Auth).drop().into()),
        ],
        script: run!(goes_on_with_0x18),
        ..Case::PLAIN
    },
    Case {
        id: "auth.method_is_repeated",
        title: "Every AUTH and the CONNACK name the Authentication Method of the CONNECT",
        decides: &[V5("4.12.0-5")],
        needs: SCRAM,
        mutants: &[
            Mutant::rules("names another method in AUTH", || {
                server(Kind::Auth).edit(|auth: &mut Auth| rename(&mut auth.properties)).into()
            }),
            Mutant::rules("names another method in CONNACK", || {
                server(Kind::Connack).edit(|connack: &mut Connack| rename(&mut connack.properties)).into()
            }),
            Mutant::rules("names no method in CONNACK", || {
                server(Kind::Connack).edit(|connack: &mut Connack| connack.properties.0.clear()).into()
            }),
        ],
        script: run!(method_is_repeated),
        ..Case::PLAIN
    },
    Case {
        id: "auth.wrong_proofs_are_refused",
        title: "A client that cannot prove who it is is not let in",
        decides: &[V5("4.12.0-4")],
        needs: SCRAM,
        mutants: &[Mutant::rules("lets in whoever says something", || {
            client(Kind::Auth)
                .answer_instead(|_| Connack::accepted().with(Property::authentication_method(METHOD)))
                .into()
        })],
        script: run!(wrong_proofs_are_refused),
        ..Case::PLAIN
    },
    Case {
        id: "auth.again",
        title: "A client may authenticate again, which ends with AUTH and reason 0x00",
        decides: &[V5("4.12.0-5"), V5("3.15.2-1")],
        needs: SCRAM,
        mutants: &[
            Mutant::rules("names another method when it is done", || {
                server(Kind::Auth)
                    .when(|auth| auth.bytes().get(2) == Some(&0))
                    .edit(|auth: &mut Auth| rename(&mut auth.properties))
                    .into()
            }),
            Mutant::rules("is done with a reason that AUTH has not", || {
                server(Kind::Auth).when(|auth| auth.bytes().get(2) == Some(&0)).bytes(|auth| auth[2] = 0x01).into()
            }),
        ],
        script: run!(again),
        ..Case::PLAIN
    },
    Case {
        id: "auth.again_with_its_method",
        title: "A client that authenticates again with another method is disconnected",
        decides: &[V5("4.12.1-1")],
        needs: SCRAM,
        mutants: &[Mutant::rules("takes another method", || {
            client(Kind::Auth).when(|auth| auth.bytes().get(2) == Some(&0x19)).drop().into()
        })],
        script: run!(again_with_its_method),
        ..Case::PLAIN
    },
    Case {
        id: "auth.again_and_wrong",
        title: "A client that fails to authenticate again is disconnected",
        decides: &[V5("4.12.1-2")],
        needs: SCRAM,
        mutants: &[
            Mutant::rules("keeps who fails to authenticate again", || client(Kind::Auth).after(2).drop().into()),
            Mutant::rules("says that all is well", || {
                client(Kind::Auth).after(2).answer_instead(|_| Auth::new(0, METHOD)).into()
            }),
        ],
        script: run!(again_and_wrong),
        ..Case::PLAIN
    },
    Case {
        id: "auth.reason_string_fits",
        title: "AUTH has no Reason String that makes it larger than the client's Maximum Packet Size",
        decides: &[V5("3.15.2-2")],
        needs: SCRAM,
        mutants: &[Mutant::rules("explains itself at any length", || {
            server(Kind::Auth)
                .edit(|auth: &mut Auth| auth.properties.0.push(Property::reason_string(&"because ".repeat(40))))
                .into()
        })],
        script: run!(reason_string_fits),
        ..Case::PLAIN
    },
    Case {
        id: "auth.user_properties_fit",
        title: "AUTH has no User Property that makes it larger than the client's Maximum Packet Size",
        decides: &[V5("3.15.2-3")],
        needs: SCRAM,
        mutants: &[Mutant::rules("adds User Properties of any length", || {
            server(Kind::Auth)
                .edit(|auth: &mut Auth| auth.properties.0.push(Property::user("why", &"because ".repeat(40))))
                .into()
        })],
        script: run!(user_properties_fit),
        ..Case::PLAIN
    },
];

/// The client's Maximum Packet Size: enough for every message of SCRAM, and not for long explanations.
const TIGHT: u32 = 300;

fn rename(properties: &mut Properties) {
    properties.0.retain(|property| property.identifier != 0x15);
    properties.0.push(Property::authentication_method("another"));
}

async fn without_method_there_is_none(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client")).await?;
    let connack = peer.expect_accepted().await?;
    let method = connack.properties.authentication_method();
    bench.check(method.is_none(), "no Authentication Method in CONNACK", format!("{method:?}"))?;
    let auth = peer.unread().find(|packet| packet.kind() == Kind::Auth);
    bench.check(auth.is_none(), "no AUTH", auth.map_or(String::new(), |auth| auth.line(Version::V5)))
}

/// The client's part for the user of the target.
fn scram(bench: &Bench) -> CaseResult<Scram> {
    let known = bench.site().facts.scram.as_ref();
    let (user, password) = known.ok_or_else(|| Stop::NotApplicable("no user of SCRAM is known".into()))?;
    Ok(Scram::new(user, password, bench.id("nonce")))
}

/// A CONNECT with the first message. The User Name is said in that message alone.
fn first(bench: &Bench, scram: &Scram) -> Connect {
    Connect::as_(bench.id("client"))
        .with(Property::authentication_method(METHOD))
        .with(Property::authentication_data(scram.first().as_bytes()))
}

/// The challenge in an AUTH, answered.
fn answer(scram: &Scram, auth: &Auth) -> CaseResult<Auth> {
    let challenge = auth.properties.authentication_data().unwrap_or_default();
    let last =
        scram.last(challenge).ok_or_else(|| Stop::Inconclusive("the challenge is no message of SCRAM".into()))?;
    Ok(Auth::new(0x18, METHOD).data(last))
}

/// One that was let in by its method.
async fn authenticated(bench: &Bench) -> CaseResult<Peer> {
    let scram = scram(bench)?;
    let mut peer = bench.opened("client").await?;
    peer.send(first(bench, &scram)).await?;
    let auth = peer.expect_auth(0x18).await.set_up("the challenge")?;
    peer.send(answer(&scram, &auth)?).await?;
    peer.expect_accepted().await.set_up("authenticating")?;
    Ok(peer)
}

async fn goes_on_with_0x18(bench: &mut Bench) -> CaseResult {
    let scram = scram(bench)?;
    let mut peer = bench.opened("client").await?;
    peer.send(first(bench, &scram)).await?;
    let auth = peer.expect_auth(0x18).await?;
    peer.send(answer(&scram, &auth)?).await?;
    peer.expect_accepted().await.set_up("authenticating").map(|_| ())
}

async fn method_is_repeated(bench: &mut Bench) -> CaseResult {
    let scram = scram(bench)?;
    let mut peer = bench.opened("client").await?;
    peer.send(first(bench, &scram)).await?;
    let auth = peer.expect_auth(0x18).await.set_up("the challenge")?;
    bench.equal("the Authentication Method of AUTH", Some(METHOD), auth.properties.authentication_method())?;
    peer.send(answer(&scram, &auth)?).await?;
    let connack = peer.expect_accepted().await.set_up("authenticating")?;
    bench.equal("the Authentication Method of CONNACK", Some(METHOD), connack.properties.authentication_method())
}

async fn wrong_proofs_are_refused(bench: &mut Bench) -> CaseResult {
    let right = scram(bench)?;
    let wrong = right.with_password("wrong");
    let mut peer = bench.opened("client").await?;
    peer.send(first(bench, &right)).await?;
    let auth = peer.expect_auth(0x18).await.set_up("the challenge")?;
    peer.send(answer(&wrong, &auth)?).await?;
    peer.expect_refused(&[0x80, 0x83, 0x86, 0x87], &[]).await
}

/// The first message of another authentication.
fn begin(scram: &Scram) -> Auth {
    Auth::new(0x19, METHOD).data(scram.first())
}

async fn again(bench: &mut Bench) -> CaseResult {
    let mut peer = authenticated(bench).await?;
    let scram = scram(bench)?;
    peer.send(begin(&scram)).await?;
    let auth = peer.expect_auth(0x18).await.set_up("the second challenge")?;
    peer.send(answer(&scram, &auth)?).await?;
    let done = peer.expect_auth(0x00).await.cites(V5("3.15.2-1"))?;
    bench.equal("the Authentication Method of AUTH", Some(METHOD), done.properties.authentication_method())?;
    peer.ping().await.set_up("going on")
}

async fn again_with_its_method(bench: &mut Bench) -> CaseResult {
    let mut peer = authenticated(bench).await?;
    peer.send(Auth::new(0x19, "another").data("data")).await?;
    peer.expect_closed(&[0x82, 0x87, 0x8c]).await
}

async fn again_and_wrong(bench: &mut Bench) -> CaseResult {
    let mut peer = authenticated(bench).await?;
    let right = scram(bench)?;
    let wrong = right.with_password("wrong");
    peer.send(begin(&right)).await?;
    let auth = peer.expect_auth(0x18).await.set_up("the second challenge")?;
    peer.send(answer(&wrong, &auth)?).await?;
    peer.expect_one_of(&[Outcome::Closed(&[0x80, 0x82, 0x83, 0x87])]).await.map(|_| ())
}

/// The AUTH that a client of a small Maximum Packet Size gets, with its length.
async fn tight_challenge(bench: &Bench) -> CaseResult<(Auth, usize)> {
    let scram = scram(bench)?;
    let mut peer = bench.opened("client").await?;
    peer.send(first(bench, &scram).with(Property::maximum_packet_size(TIGHT))).await?;
    let auth = peer.expect_auth(0x18).await.set_up("the challenge")?;
    let length = auth.draft(Version::V5).encode().len();
    Ok((auth, length))
}

async fn reason_string_fits(bench: &mut Bench) -> CaseResult {
    let (auth, length) = tight_challenge(bench).await?;
    let fits = length <= TIGHT as usize || auth.properties.reason_string().is_none();
    bench.check(fits, format!("no Reason String in an AUTH above {TIGHT} bytes"), format!("{length} bytes with one"))
}

async fn user_properties_fit(bench: &mut Bench) -> CaseResult {
    let (auth, length) = tight_challenge(bench).await?;
    let fits = length <= TIGHT as usize || auth.properties.user().is_empty();
    bench.check(fits, format!("no User Property in an AUTH above {TIGHT} bytes"), format!("{length} bytes with one"))
}
