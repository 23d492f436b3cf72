//! The verbs against a server that says what the test wants.

use std::{sync::Arc, time::Duration};

use tokio::{io::AsyncWriteExt, net::TcpListener};
use wire::{Ack, Connack, Disconnect, Draft, Kind, Pingresp, Property, Publish, Suback, Version};

use super::Peer;
use crate::{About, Bench, CaseResult, Finding, Mark, Outcome, Site, Stop, Weight, desk::Desk};

/// A peer of a server that says `packets` at once and then closes, or stays.
async fn hearing(version: Version, packets: Vec<Draft>, closes: bool) -> (Desk, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let bytes: Vec<u8> = packets.iter().flat_map(Draft::encode).collect();
        stream.write_all(&bytes).await.unwrap();
        if closes {
            stream.shutdown().await.unwrap();
        }
        // Until the peer is dropped.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    let site = Site { patience: Duration::from_millis(100), ..Site::at(format!("mqtt://{address}").parse().unwrap()) };
    let desk = Desk::new(version, Arc::new(site), "tagged00".into());
    let peer = Bench::new(desk.clone()).opened("peer").await.unwrap();
    (desk, peer)
}

fn drafts<const N: usize>(version: Version, packets: [&dyn Fn(Version) -> Draft; N]) -> Vec<Draft> {
    packets.iter().map(|packet| packet(version)).collect()
}

fn breach<T: std::fmt::Debug>(result: CaseResult<T>) -> Finding {
    match result {
        Err(Stop::Breach(finding)) => finding,
        other => panic!("a breach is wanted, not {other:?}"),
    }
}

fn accepted(version: Version) -> Draft {
    Connack::accepted().draft(version)
}

const V5: Version = Version::V5;
const V311: Version = Version::V3_1_1;

#[tokio::test]
async fn a_plain_close_is_lawful_where_disconnect_is_advice() {
    let (desk, mut peer) = hearing(V5, drafts(V5, [&accepted]), true).await;
    peer.expect_accepted().await.unwrap();
    peer.expect_closed(&[0x81]).await.unwrap();
    assert_eq!(desk.found().notes, ["the connection was closed without DISCONNECT"]);
    let (desk, mut peer) = hearing(V5, drafts(V5, [&accepted]), true).await;
    peer.expect_accepted().await.unwrap();
    peer.expect_disconnected(&[0x81]).await.unwrap();
    let expected = "DISCONNECT 0x81, then the connection is closed";
    assert_eq!(desk.found().findings, [Finding::departure(expected, "the connection was closed")]);
}

#[tokio::test]
async fn another_reason_is_a_departure_from_advice() {
    let packets = || drafts(V5, [&accepted, &|version| Disconnect::because(0x82).draft(version)]);
    let (desk, mut peer) = hearing(V5, packets(), true).await;
    peer.expect_accepted().await.unwrap();
    peer.expect_closed(&[0x81]).await.unwrap();
    assert_eq!(desk.found().findings[0].weight, Weight::Should);
    let (desk, mut peer) = hearing(V5, packets(), true).await;
    peer.expect_accepted().await.unwrap();
    peer.expect_disconnected(&[0x81]).await.unwrap();
    assert_eq!(desk.found().findings[0].weight, Weight::Should);
}

#[tokio::test]
async fn a_connection_that_stays_open_is_a_breach() {
    let (_, mut peer) = hearing(V311, drafts(V311, [&accepted]), false).await;
    peer.expect_accepted().await.unwrap();
    assert_eq!(breach(peer.expect_closed(&[]).await).seen, "nothing within 100ms");
    // 5.0: after DISCONNECT too, and that has a statement of its own.
    let packets = drafts(V5, [&accepted, &|version| Disconnect::because(0x81).draft(version)]);
    let (_, mut peer) = hearing(V5, packets, false).await;
    peer.expect_accepted().await.unwrap();
    assert_eq!(breach(peer.expect_closed(&[0x81]).await).about, About::Watched(Mark::V5("3.14.4-2")));
}

#[tokio::test]
async fn a_malformed_answer_where_the_end_is_due_is_about_the_end() {
    let nameless = || drafts(V311, [&|version| Ack::puback(7).draft(version).replace("packet_identifier", [0, 0])]);
    let (_, mut peer) = hearing(V311, nameless(), false).await;
    let finding = breach(peer.expect_closed(&[]).await);
    assert_eq!((finding.about, finding.expected.as_str()), (About::Case, "the connection is closed"));
    assert!(finding.seen.starts_with("PUBACK, malformed besides: "), "{}", finding.seen);
    // Where an answer was due it is about the answer.
    let (_, mut peer) = hearing(V311, nameless(), false).await;
    assert!(matches!(breach(peer.expect_puback(7).await).about, About::Watched(_)));
}

#[tokio::test]
async fn a_malformed_message_of_another_run_is_passed_over() {
    let bad = |topic: &'static str| {
        move |version: Version| Publish::to(topic).with(Property::response_topic("a/#")).draft(version)
    };
    let (others, own) = (bad("another0/t"), bad("tagged00/t"));
    let (_, mut peer) = hearing(V5, drafts(V5, [&accepted, &others, &|version| Pingresp.draft(version)]), false).await;
    peer.expect_accepted().await.unwrap();
    peer.expect(Kind::Pingresp, "PINGRESP").await.unwrap();
    let (_, mut peer) = hearing(V5, drafts(V5, [&accepted, &own]), false).await;
    let result = async {
        peer.expect_accepted().await?;
        peer.expect_any_publish().await
    };
    assert_eq!(breach(result.await).about, About::Watched(Mark::V5("3.3.2-14")));
}

#[tokio::test]
async fn a_refusal_may_be_silent_or_loud() {
    let refused = |reason: u8| move |version| Connack::refused(reason).draft(version);
    for (version, packets, fine) in [
        (V5, drafts(V5, [&refused(0x84)]), true),
        (V5, vec![], true),
        (V311, drafts(V311, [&refused(1)]), false),
        (V311, vec![], true),
        (V5, drafts(V5, [&accepted]), false),
    ] {
        let (_, mut peer) = hearing(version, packets, true).await;
        assert_eq!(peer.expect_refused(&[0x84], &[]).await.is_ok(), fine, "{version}");
    }
    let (desk, mut peer) = hearing(V5, drafts(V5, [&refused(0x80)]), true).await;
    peer.expect_refused(&[0x84], &[]).await.unwrap();
    assert_eq!(desk.found().findings.len(), 1);
    let (_, mut peer) = hearing(V5, drafts(V5, [&refused(0x80)]), true).await;
    breach(peer.expect_one_of(&[Outcome::RefusedAloud(&[0x84], &[1])]).await);
}

#[tokio::test]
async fn one_of_several_outcomes_is_noted() {
    let outcomes = [Outcome::Closed(&[0x90]), Outcome::Answer(Kind::Puback, &[0x90])];
    let answer = |reason: u8| move |version| Ack::puback(7).reason(reason).draft(version);
    let (desk, mut peer) = hearing(V5, drafts(V5, [&accepted, &answer(0x90)]), false).await;
    peer.expect_accepted().await.unwrap();
    assert_eq!(peer.expect_one_of(&outcomes).await, Ok(outcomes[1]));
    assert!(desk.found().notes[0].starts_with("PUBACK"), "{:?}", desk.found().notes);
    let (_, mut peer) = hearing(V5, drafts(V5, [&accepted, &answer(0)]), false).await;
    peer.expect_accepted().await.unwrap();
    assert!(breach(peer.expect_one_of(&outcomes).await).expected.contains("; or PUBACK 0x90"));
}

#[tokio::test]
async fn packets_of_other_types_stay_unread() {
    let message = |version| Publish::to("tagged00/t").payload("x").draft(version);
    let packets = drafts(V311, [&accepted, &message, &|version| Suback::new(3).reason(0).draft(version)]);
    let (_, mut peer) = hearing(V311, packets, false).await;
    peer.expect_accepted().await.unwrap();
    peer.expect_suback(3).await.unwrap();
    assert_eq!(peer.unread().count(), 1);
    peer.expect_publish("tagged00/t", "x").await.unwrap();
    let (_, mut peer) = hearing(V311, drafts(V311, [&accepted, &message]), false).await;
    peer.expect_accepted().await.unwrap();
    assert!(breach(peer.expect_publish("tagged00/t", "y").await).seen.contains("tagged00/t"));
}

#[tokio::test]
async fn a_fence_finds_what_should_not_be_there() {
    let ours = |version| Publish::to("tagged00/t").draft(version);
    let theirs = |version| Publish::to("another/t").draft(version);
    let pong = |version| Pingresp.draft(version);
    let (_, mut peer) = hearing(V311, drafts(V311, [&accepted, &theirs, &pong]), false).await;
    peer.expect_accepted().await.unwrap();
    peer.fence().await.unwrap();
    let (_, mut peer) = hearing(V311, drafts(V311, [&accepted, &ours, &pong]), false).await;
    peer.expect_accepted().await.unwrap();
    assert!(breach(peer.fence().await).seen.contains("tagged00/t"));
    let (_, mut peer) = hearing(V311, drafts(V311, [&accepted]), false).await;
    peer.expect_accepted().await.unwrap();
    assert!(matches!(peer.fence().await, Err(Stop::Inconclusive(_))));
}

#[tokio::test]
async fn what_no_connection_may_see_is_found_in_every_case() {
    let about = async |version, packets: Vec<Draft>| {
        let (_, mut peer) = hearing(version, packets, false).await;
        let accepted = peer.expect_accepted().await;
        let result = match accepted {
            Ok(_) => peer.expect(Kind::Pingresp, "PINGRESP").await.map(|_| ()),
            Err(stop) => Err(stop),
        };
        breach(result).about
    };
    let dismissed = |version| Disconnect::because(0x81).draft(version);
    let message = |version| Publish::to("tagged00/t").draft(version);
    let broken = |version: Version| Publish::to("tagged00/t").draft(version).flags(0b0110);
    assert_eq!(about(V5, drafts(V5, [&message])).await, About::Watched(Mark::Both("3.2.0-1")));
    assert_eq!(about(V5, drafts(V5, [&dismissed])).await, About::Watched(Mark::V5("3.14.0-1")));
    assert_eq!(about(V5, drafts(V5, [&accepted, &accepted])).await, About::Watched(Mark::V5("3.2.0-2")));
    assert_eq!(about(V5, drafts(V5, [&accepted, &dismissed, &message])).await, About::Watched(Mark::V5("3.14.4-1")));
    assert_eq!(about(V5, drafts(V5, [&accepted, &broken])).await, About::Watched(Mark::V5("3.3.1-4")));
    assert_eq!(about(V311, drafts(V311, [&accepted, &broken])).await, About::Watched(Mark::V311("3.3.1-4")));
}
