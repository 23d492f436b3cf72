//! Protocol Name and Protocol Level (Version): sections 3.1.2.1 and 3.1.2.2; and what follows a CONNECT that was refused.
//!
//! Who does not speak a version may answer in the form of any other, so the first two cases read bytes and not packets.

use faults::Rules;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{connack::stranger, connect_format::is_wrong, prelude::*};
use crate::{Stop, patience::Patience};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "connect.protocol_name",
        title: "A CONNECT with another Protocol Name is not accepted",
        decides: &[Both("3.1.2-1")],
        mutants: &[Mutant::rules("does not look at the Protocol Name", || accept("protocol_name is"))],
        script: run!(protocol_name),
        ..Case::PLAIN
    },
    Case {
        id: "connect.protocol_version",
        title: "A CONNECT with a Protocol Level that there is not is refused, in 3.1.1 with code 1",
        decides: &[Both("3.1.2-2")],
        mutants: &[
            Mutant::rules("does not look at the Protocol Level", || accept("protocol_level is")),
            Mutant::rules("says nothing about the Protocol Level", || client(Kind::Connect).close().into())
                .only_in(Version::V3_1_1),
        ],
        script: run!(protocol_version),
        ..Case::PLAIN
    },
    Case {
        id: "connect.refusal_ends_the_conversation",
        title: "What comes after a CONNECT that was refused is not carried out",
        decides: &[V311("3.1.4-5"), V5("3.1.4-6")],
        mutants: &[Mutant::rules("publishes for those that it has refused", faults::leak)],
        script: run!(refusal_ends_the_conversation),
        ..Case::PLAIN
    },
];

/// Accepts a CONNECT that is wrong in these words of the strict parser, in the form of 3.1.1.
fn accept(wrong: &'static str) -> Rules {
    client(Kind::Connect).when(is_wrong(wrong)).answer_instead(|_| wire::Raw(vec![0x20, 2, 0, 0])).into()
}

/// What the target says until it closes.
async fn last_words(bench: &Bench, packet: &Draft) -> CaseResult<Vec<u8>> {
    let site = bench.site();
    let endpoint =
        site.first_endpoint(bench.version()).ok_or_else(|| Stop::Error("the target has no address".into()))?;
    let mut stream = site.dial(endpoint).await.map_err(|error| Stop::Inconclusive(error.to_string()))?;
    bench.remark(format!("sent {}", wire::hex::line(&packet.encode())));
    let mut said = Vec::new();
    let conversation = async {
        stream.write_all(&packet.encode()).await?;
        stream.flush().await?;
        let mut buffer = [0; 256];
        while said.len() < 1024 {
            match stream.read(&mut buffer).await? {
                0 => break,
                length => said.extend_from_slice(&buffer[..length]),
            }
            if accepts(&said) {
                break;
            }
        }
        std::io::Result::Ok(())
    };
    let ended = Patience::of(site.patience).wait(conversation).await;
    bench.remark(format!("seen {}", wire::hex::line(&said)));
    if accepts(&said) {
        return Err(Stop::breach("CONNECT is not accepted", "CONNACK 0x00"));
    }
    match ended {
        // A reset ends the connection too.
        Some(_) => Ok(said),
        None => Err(Stop::breach("the connection is closed", "it stays open")),
    }
}

fn accepts(said: &[u8]) -> bool {
    said.first() == Some(&0x20) && said.get(3) == Some(&0)
}

async fn protocol_name(bench: &mut Bench) -> CaseResult {
    let packet = bench.connect("client").draft(bench.version()).replace_text("protocol_name", "MQTX");
    let said = last_words(bench, &packet).await?;
    bench.note(if said.is_empty() { "closed without CONNACK" } else { "closed after CONNACK" });
    // Whoever answers says that the version is not supported, in whatever form.
    let code = said.get(3).copied();
    bench.advise(
        matches!(code, None | Some(0x01 | 0x84)),
        "if CONNACK then 0x84, before 5.0 0x01",
        format!("CONNACK {code:02x?}"),
    );
    Ok(())
}

async fn protocol_version(bench: &mut Bench) -> CaseResult {
    // Of no version: 3 to 5 are 3.1 to 5.0, and bridges set the highest bit.
    let packet = bench.connect("client").draft(bench.version()).replace("protocol_level", [0x19]);
    let said = last_words(bench, &packet).await?;
    let code = said.get(3).copied();
    if bench.is_v5() {
        bench.note(if said.is_empty() { "closed without CONNACK" } else { "closed after CONNACK" });
        let expected = "if CONNACK then 0x84, before 5.0 0x01";
        bench.advise(matches!(code, None | Some(0x01 | 0x84)), expected, format!("CONNACK {code:02x?}"));
        return Ok(());
    }
    // One that speaks 5.0 too may answer as that says: of a level that no standard knows both speak.
    if code == Some(0x84) {
        bench.note("CONNACK 0x84, as 5.0 says");
        return Ok(());
    }
    let seen = if said.is_empty() { "no CONNACK".to_owned() } else { wire::hex::line(&said) };
    bench.check(said == [0x20, 2, 0, 1], "CONNACK 0x01, then the connection is closed", seen)
}

async fn refusal_ends_the_conversation(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&topic, 0).await?;
    let mut refused = bench.opened("stranger").await?;
    let connect = if bench.is_v5() {
        stranger(bench, "stranger")
    } else {
        // MQTT-3.1.3-8 in 3.1.1: this must be refused.
        Connect { client_identifier: String::new(), ..bench.connect("").clean(false) }
    };
    let publish = Publish::to(&topic).payload("x");
    refused.send_together([connect.draft(bench.version()).encode(), publish.draft(bench.version()).encode()]).await?;
    refused.expect_refused(&[0x8c, 0x87], &[2]).await.set_up("being refused")?;
    let mut publisher = bench.connected("pub").await?;
    bench.fence(&mut publisher, &mut watcher).await
}
