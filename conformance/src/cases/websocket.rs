//! MQTT over WebSocket, section 6 of both standards: how the connection comes about. What its frames carry is in `frames`.

mod frames;

use transport::Scheme;
use wire::Direction::{self, FromClient, FromServer};

use super::prelude::*;
use crate::{
    Stop,
    tls::TlsLie,
    websocket::{Answered, Fate, Frame, Head, Piece, accept},
};
pub(super) use frames::CASES as FRAMES;
use frames::echoed;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "websocket.answers_with_mqtt",
        title: "The answer to a request for a WebSocket selects the subprotocol mqtt",
        decides: &[Both("6.0.0-4")],
        needs: &[Capability::WebSocket],
        mutants: &[
            Mutant::websocket("selects no subprotocol", |from, piece| {
                answered(from, piece, |head| head.remove(PROTOCOL))
            }),
            Mutant::websocket("selects mqttv3.1", |from, piece| {
                answered(from, piece, |head| head.set(PROTOCOL, "mqttv3.1"))
            }),
            Mutant::websocket("selects mqtt twice", |from, piece| {
                answered(from, piece, |head| head.set(PROTOCOL, "mqtt, mqtt"))
            }),
        ],
        script: run!(answers_with_mqtt),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.selects_mqtt_among_others",
        title: "Of several subprotocols that are offered the server selects mqtt",
        decides: &[Both("6.0.0-4")],
        needs: &[Capability::WebSocket],
        mutants: &[
            Mutant::websocket("selects the first that is offered", |from, piece| {
                answered(from, piece, |head| head.set(PROTOCOL, "chat"))
            }),
            Mutant::websocket("wants mqtt alone to be offered", |from, piece| match piece {
                Piece::Head(head) if from == FromClient && head.value(PROTOCOL).as_deref() != Some("mqtt") => {
                    Fate::Sever
                }
                _ => Fate::Pass,
            })
            .against_advice(),
        ],
        script: run!(selects_mqtt_among_others),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.selects_nothing_but_mqtt",
        title: "Where mqtt is not offered no other subprotocol is selected",
        decides: &[Both("6.0.0-4")],
        unnumbered: &[Both("RFC 6455, 4.2.2")],
        needs: &[Capability::WebSocket],
        mutants: &[
            Mutant::websocket("takes the subprotocol chat", |from, piece| {
                if let Piece::Head(head) = piece {
                    head.set(PROTOCOL, if from == FromClient { "mqtt" } else { "chat" });
                }
                Fate::Pass
            }),
            Mutant::websocket("selects mqtt unasked", |from, piece| {
                if let (FromClient, Piece::Head(head)) = (from, piece) {
                    head.set(PROTOCOL, "mqtt");
                }
                Fate::Pass
            }),
        ],
        script: run!(selects_nothing_but_mqtt),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.accepts_the_key",
        title: "The answer to a request for a WebSocket upgrades, and is for its key",
        unnumbered: &[Both("RFC 6455, 4.2.2")],
        needs: &[Capability::WebSocket],
        mutants: &[
            Mutant::websocket("answers another key", |from, piece| {
                answered(from, piece, |head| head.set(ACCEPT, accept("AAAAAAAAAAAAAAAAAAAAAA==")))
            }),
            Mutant::websocket("answers no key", |from, piece| answered(from, piece, |head| head.remove(ACCEPT))),
            Mutant::websocket("does not say that it upgrades", |from, piece| {
                answered(from, piece, |head| head.remove("Upgrade"))
            }),
        ],
        script: run!(accepts_the_key),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.selects_no_extension_unasked",
        title: "No extension is used that the client has not offered",
        unnumbered: &[Both("RFC 6455, 4.1")],
        needs: &[Capability::WebSocket],
        mutants: &[Mutant::websocket("compresses unasked", |from, piece| {
            answered(from, piece, |head| head.set(EXTENSIONS, "permessage-deflate"))
        })],
        script: run!(selects_no_extension_unasked),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.refuses_other_versions",
        title: "A request for another version of WebSocket is refused",
        unnumbered: &[Both("RFC 6455, 4.2.2")],
        needs: &[Capability::WebSocket],
        mutants: &[Mutant::websocket("takes any version", |from, piece| {
            asked(from, piece, |head| head.set("Sec-WebSocket-Version", "13"))
        })],
        script: run!(refuses_other_versions),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.refuses_requests_without_key",
        title: "A request for a WebSocket without a key is refused",
        unnumbered: &[Both("RFC 6455, 4.2.1")],
        needs: &[Capability::WebSocket],
        mutants: &[Mutant::websocket("needs no key", |from, piece| {
            asked(from, piece, |head| head.set(KEY, "AAAAAAAAAAAAAAAAAAAAAA=="))
        })],
        script: run!(refuses_requests_without_key),
        ..Case::PLAIN
    },
    Case {
        id: "websocket.goes_over_tls",
        title: "Over TLS a WebSocket opens and carries MQTT as it does without",
        unnumbered: &[Both("section 4.2")],
        needs: &[Capability::SecureWebSocket],
        mutants: &[Mutant::tls("loses the request for a WebSocket", TlsLie::LosesTheFirst)],
        script: run!(goes_over_tls),
        ..Case::PLAIN
    },
];

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const ACCEPT: &str = "Sec-WebSocket-Accept";
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const KEY: &str = "Sec-WebSocket-Key";

/// A lie in the answer that opens the WebSocket.
fn answered(from: Direction, piece: &mut Piece, lie: fn(&mut Head)) -> Fate {
    match piece {
        Piece::Head(head) if from == FromServer && head.status() == 101 => lie(head),
        _ => {}
    }
    Fate::Pass
}

/// A lie in the request.
fn asked(from: Direction, piece: &mut Piece, lie: fn(&mut Head)) -> Fate {
    match piece {
        Piece::Head(head) if from == FromClient => lie(head),
        _ => {}
    }
    Fate::Pass
}

/// The answer to this request, which has to open the WebSocket.
async fn opened(bench: &Bench, request: &Head) -> CaseResult<Head> {
    match bench.web_requested("client", request).await? {
        (Answered::Head(head), _) if head.status() == 101 => Ok(head),
        (Answered::Head(head), _) => Err(Stop::breach("HTTP/1.1 101", head.first)),
        (Answered::Closed, _) => Err(Stop::breach("HTTP/1.1 101", "the connection was closed")),
    }
}

/// This request does not open a WebSocket.
async fn refused(bench: &Bench, request: &Head) -> CaseResult {
    match bench.web_requested("client", request).await? {
        (Answered::Head(head), _) if head.status() == 101 => {
            Err(Stop::unnumbered("the request is refused", head.first))
        }
        (Answered::Head(head), _) => {
            bench.note(head.first);
            Ok(())
        }
        (Answered::Closed, _) => {
            bench.note("closed without an answer");
            Ok(())
        }
    }
}

fn selected(head: &Head) -> String {
    head.value(PROTOCOL).map_or("no subprotocol".into(), |value| format!("{PROTOCOL}: {value}"))
}

async fn answers_with_mqtt(bench: &mut Bench) -> CaseResult {
    let head = opened(bench, &bench.web_request()?).await.set_up("asking for a WebSocket")?;
    let mqtt = head.value(PROTOCOL).as_deref() == Some("mqtt");
    bench.check(mqtt, format!("{PROTOCOL}: mqtt"), selected(&head))
}

async fn selects_mqtt_among_others(bench: &mut Bench) -> CaseResult {
    let mut in_one_line = bench.web_request()?;
    in_one_line.set(PROTOCOL, "chat, mqtt");
    // A list may stand on several lines (RFC 6455, 11.3.4).
    let mut in_two_lines = bench.web_request()?;
    in_two_lines.set(PROTOCOL, "superchat");
    in_two_lines.fields.push((PROTOCOL.into(), "mqtt".into()));
    for request in [in_one_line, in_two_lines] {
        match bench.web_requested("client", &request).await? {
            (Answered::Head(head), _) if head.status() == 101 => {
                let mqtt = head.value(PROTOCOL).as_deref() == Some("mqtt");
                bench.check(mqtt, format!("{PROTOCOL}: mqtt"), selected(&head))?;
            }
            // A server may refuse anybody, but had no reason to.
            (Answered::Head(head), _) => bench.advise(false, "mqtt is selected", head.first),
            (Answered::Closed, _) => bench.advise(false, "mqtt is selected", "the connection was closed"),
        }
    }
    Ok(())
}

async fn selects_nothing_but_mqtt(bench: &mut Bench) -> CaseResult {
    let mut none = bench.web_request()?;
    none.remove(PROTOCOL);
    let mut other = bench.web_request()?;
    other.set(PROTOCOL, "chat");
    for request in [none, other] {
        let (Answered::Head(head), _) = bench.web_requested("client", &request).await? else {
            bench.note("closed without an answer");
            continue;
        };
        if head.status() != 101 {
            bench.note(head.first);
            continue;
        }
        match head.value(PROTOCOL).as_deref() {
            Some("mqtt") => {
                return Err(Stop::unnumbered("no subprotocol that was not offered", selected(&head)));
            }
            Some(_) => return Err(Stop::breach("mqtt or no subprotocol", selected(&head))),
            None => bench.note("opens a WebSocket without a subprotocol"),
        }
    }
    Ok(())
}

async fn accepts_the_key(bench: &mut Bench) -> CaseResult {
    let request = bench.web_request()?;
    let head = opened(bench, &request).await.set_up("asking for a WebSocket")?;
    let right = accept(&request.value(KEY).unwrap_or_default());
    bench.check(
        head.value(ACCEPT).as_deref() == Some(&right),
        format!("{ACCEPT}: {right}"),
        head.value(ACCEPT).map_or("none".into(), |value| format!("{ACCEPT}: {value}")),
    )?;
    bench.check(
        head.lists("Upgrade", "websocket") && head.lists("Connection", "upgrade"),
        "Upgrade: websocket and Connection: Upgrade",
        format!("{:?} and {:?}", head.value("Upgrade"), head.value("Connection")),
    )
}

async fn selects_no_extension_unasked(bench: &mut Bench) -> CaseResult {
    let head = opened(bench, &bench.web_request()?).await.set_up("asking for a WebSocket")?;
    let extensions = head.value(EXTENSIONS);
    bench.check(extensions.is_none(), format!("no {EXTENSIONS}"), extensions.unwrap_or_default())
}

async fn refuses_other_versions(bench: &mut Bench) -> CaseResult {
    // Up to 13 there were drafts, which some still know.
    for version in ["14", "99"] {
        let mut request = bench.web_request()?;
        request.set("Sec-WebSocket-Version", version);
        refused(bench, &request).await?;
    }
    Ok(())
}

async fn goes_over_tls(bench: &mut Bench) -> CaseResult {
    let endpoint = bench.endpoint(Scheme::Wss)?.clone();
    let (answered, mut socket) = bench.web_requested_at(&endpoint, "client", &bench.web_request_at(&endpoint)).await?;
    match answered {
        Answered::Head(head) if head.status() == 101 => {}
        Answered::Head(head) => return Err(Stop::unnumbered("HTTP/1.1 101", head.first)),
        Answered::Closed => return Err(Stop::unnumbered("HTTP/1.1 101", "the connection was closed")),
    }
    socket.send(&Frame::binary(bench.packet(bench.connect("client")))).await?;
    socket.expect_accepted().await?;
    let topic = bench.topic("t");
    echoed(bench, &mut socket, &topic, &[7; 40_000], |bytes| vec![Frame::binary(bytes)]).await
}

async fn refuses_requests_without_key(bench: &mut Bench) -> CaseResult {
    let mut request = bench.web_request()?;
    request.remove(KEY);
    refused(bench, &request).await
}
