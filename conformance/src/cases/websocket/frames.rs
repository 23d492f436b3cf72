//! What the frames of a WebSocket carry, and what they may not.

use wire::Direction::{self, FromClient, FromServer};

use super::super::prelude::*;
use crate::websocket::{Fate, Frame, Piece, Socket, opcode};

pub(in crate::cases) const CASES: &[Case] =
    &[
        Case {
            id: "websocket.text_closes",
            title: "A text frame as the first closes the connection",
            decides: &[Both("6.0.0-1")],
            needs: &[Capability::WebSocket],
            mutants: TAKES_TEXT,
            script: run!(text_closes),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.text_closes_later",
            title: "A text frame after CONNECT closes the connection",
            decides: &[Both("6.0.0-1")],
            needs: &[Capability::WebSocket],
            mutants: TAKES_TEXT,
            script: run!(text_closes_later),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.answers_are_binary",
            title: "The server sends its packets in binary frames",
            decides: &[Both("6.0.0-1")],
            needs: &[Capability::WebSocket],
            mutants: &[Mutant::websocket("sends text frames", |from, piece| {
                framed(from, FromServer, piece, |frame| {
                    if frame.opcode == opcode::BINARY {
                        frame.opcode = opcode::TEXT;
                    }
                    Fate::Pass
                })
            })],
            script: run!(answers_are_binary),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.packets_span_frames",
            title: "Packets that begin and end anywhere in frames are understood",
            decides: &[Both("6.0.0-2")],
            needs: &[Capability::WebSocket],
            mutants: &[Mutant::websocket("wants whole packets in a frame", |from, piece| {
                framed(from, FromClient, piece, |frame| {
                    let mut packets = wire::Frames::new();
                    packets.push(&frame.payload);
                    while packets.next().is_some() {}
                    if frame.is_control() || packets.pending().is_empty() { Fate::Pass } else { Fate::Sever }
                })
            })],
            script: run!(packets_span_frames),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.empty_frames_say_nothing",
            title: "A frame without any byte in it changes nothing",
            unnumbered: &[Both("RFC 6455, 5.2")],
            needs: &[Capability::WebSocket],
            mutants: &[Mutant::websocket("closes at an empty frame", |from, piece| {
                framed(from, FromClient, piece, |frame| if frame.payload.is_empty() { Fate::Sever } else { Fate::Pass })
            })
            .against_advice()],
            script: run!(empty_frames_say_nothing),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.frames_hold_several_packets",
            title: "Several packets in one frame are each understood",
            decides: &[Both("6.0.0-2")],
            needs: &[Capability::WebSocket],
            mutants: &[Mutant::websocket("takes one packet of a frame", |from, piece| {
                framed(from, FromClient, piece, |frame| {
                    let mut packets = wire::Frames::new();
                    packets.push(&frame.payload);
                    if let Some(first) = packets.next() {
                        frame.payload = first.into_bytes();
                    }
                    Fate::Pass
                })
            })],
            script: run!(frames_hold_several_packets),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.messages_may_be_fragmented",
            title: "Messages of several frames are understood, with a Ping in between",
            unnumbered: &[Both("RFC 6455, 5.4")],
            needs: &[Capability::WebSocket],
            mutants: &[
                Mutant::websocket("takes whole messages only", |from, piece| {
                    framed(from, FromClient, piece, |frame| if frame.last { Fate::Pass } else { Fate::Sever })
                }),
                Mutant::websocket("loses continuations", |from, piece| {
                    framed(from, FromClient, piece, |frame| {
                        if frame.opcode == opcode::CONTINUATION { Fate::Drop } else { Fate::Pass }
                    })
                }),
            ],
            script: run!(messages_may_be_fragmented),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.ping_is_answered",
            title: "A Ping frame is answered with its own bytes",
            unnumbered: &[Both("RFC 6455, 5.5.3")],
            needs: &[Capability::WebSocket],
            mutants: &[
                Mutant::websocket("answers no Ping", |from, piece| {
                    framed(
                        from,
                        FromServer,
                        piece,
                        |frame| if frame.opcode == opcode::PONG { Fate::Drop } else { Fate::Pass },
                    )
                }),
                Mutant::websocket("answers a Ping with nothing in it", |from, piece| {
                    framed(from, FromServer, piece, |frame| {
                        if frame.opcode == opcode::PONG {
                            frame.payload.clear();
                        }
                        Fate::Pass
                    })
                }),
            ],
            script: run!(ping_is_answered),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.close_is_answered",
            title: "A Close frame is answered, and the connection closed",
            unnumbered: &[Both("RFC 6455, 5.5.1")],
            needs: &[Capability::WebSocket],
            mutants: &[
                Mutant::websocket("passes over Close", |from, piece| {
                    framed(
                        from,
                        FromClient,
                        piece,
                        |frame| if frame.opcode == opcode::CLOSE { Fate::Drop } else { Fate::Pass },
                    )
                }),
                Mutant::websocket("closes without Close", |from, piece| {
                    framed(from, FromServer, piece, |frame| {
                        if frame.opcode == opcode::CLOSE { Fate::Sever } else { Fate::Pass }
                    })
                }),
            ],
            script: run!(close_is_answered),
            ..Case::PLAIN
        },
        Case {
            id: "websocket.close_is_no_disconnect",
            title: "A Close frame without DISCONNECT lets the Will be published",
            decides: &[Both("3.1.2-8")],
            needs: &[Capability::WebSocket],
            mutants: &[Mutant::websocket("takes Close for DISCONNECT", |from, piece| {
                framed(from, FromClient, piece, |frame| {
                    if frame.opcode == opcode::CLOSE {
                        *frame = Frame::binary([0xe0, 0x00]);
                    }
                    Fate::Pass
                })
            })],
            script: run!(close_is_no_disconnect),
            ..Case::PLAIN
        },
        malformed(
            "websocket.unmasked_frames_close",
            "A frame of a client without a mask closes the connection",
            &[Both("RFC 6455, 5.1")],
            run!(unmasked_frames_close),
            &[Mutant::websocket("needs no mask", |from, piece| mended(from, piece, |frame| frame.masked = true))],
        ),
        malformed(
            "websocket.reserved_bits_close",
            "A frame with a reserved bit closes the connection",
            &[Both("RFC 6455, 5.2")],
            run!(reserved_bits_close),
            &[Mutant::websocket("passes over reserved bits", |from, piece| {
                mended(from, piece, |frame| frame.reserved = 0)
            })],
        ),
        malformed(
            "websocket.unknown_opcodes_close",
            "A frame with an opcode that is not defined closes the connection",
            &[Both("RFC 6455, 5.2")],
            run!(unknown_opcodes_close),
            &[
                Mutant::websocket("takes any data", |from, piece| {
                    mended(from, piece, |frame| {
                        if frame.opcode == 0x3 {
                            frame.opcode = opcode::BINARY;
                        }
                    })
                }),
                Mutant::websocket("passes over unknown control frames", |from, piece| {
                    mended(from, piece, |frame| {
                        if frame.opcode == 0xb {
                            *frame = Frame::new(opcode::PONG, []);
                        }
                    })
                }),
            ],
        ),
        malformed(
            "websocket.fragmented_pings_close",
            "A control frame in fragments, or of more than 125 bytes, closes the connection",
            &[Both("RFC 6455, 5.5")],
            run!(fragmented_pings_close),
            &[
                Mutant::websocket("takes control frames in fragments", |from, piece| {
                    mended(from, piece, |frame| frame.last |= frame.is_control())
                }),
                Mutant::websocket("takes long control frames", |from, piece| {
                    mended(from, piece, |frame| {
                        if frame.is_control() {
                            frame.payload.truncate(125);
                        }
                    })
                }),
            ],
        ),
        malformed(
            "websocket.stray_continuations_close",
            "A continuation of nothing, and a message within another, close the connection",
            &[Both("RFC 6455, 5.4")],
            run!(stray_continuations_close),
            &[
                Mutant::websocket("takes a continuation of nothing", |from, piece| {
                    mended(from, piece, |frame| {
                        if frame.opcode == opcode::CONTINUATION {
                            frame.opcode = opcode::BINARY;
                        }
                    })
                }),
                Mutant::websocket("takes a message within another", |from, piece| {
                    mended(from, piece, |frame| frame.last = true)
                }),
            ],
        ),
    ];

/// A case about what RFC 6455 forbids a client.
const fn malformed(
    id: &'static str,
    title: &'static str,
    unnumbered: &'static [Mark],
    script: crate::Script,
    mutants: &'static [Mutant],
) -> Case {
    Case { id, title, unnumbered, needs: &[Capability::WebSocket], mutants, script, ..Case::PLAIN }
}

const TAKES_TEXT: &[Mutant] = &[
    Mutant::websocket("takes text frames", |from, piece| {
        framed(from, FromClient, piece, |frame| {
            if frame.opcode == opcode::TEXT {
                frame.opcode = opcode::BINARY;
            }
            Fate::Pass
        })
    }),
    Mutant::websocket("passes over text frames", |from, piece| {
        framed(from, FromClient, piece, |frame| if frame.opcode == opcode::TEXT { Fate::Drop } else { Fate::Pass })
    }),
];

/// A lie about the frames of one direction.
fn framed(from: Direction, of: Direction, piece: &mut Piece, lie: fn(&mut Frame) -> Fate) -> Fate {
    match piece {
        Piece::Frame(frame) if from == of => lie(frame),
        _ => Fate::Pass,
    }
}

/// A lie that mends the frames of the client.
fn mended(from: Direction, piece: &mut Piece, mend: fn(&mut Frame)) -> Fate {
    if let (FromClient, Piece::Frame(frame)) = (from, piece) {
        mend(frame);
    }
    Fate::Pass
}

async fn text_closes(bench: &mut Bench) -> CaseResult {
    // Text has to be UTF-8: who only looks for malformed text has no reason to close. The flags of User Name and Password are
    // UTF-8 with the first byte of this Keep Alive.
    let connect = bench.connect("client");
    let logs_in = connect.user_name.is_some();
    let connect = if logs_in { connect.keep_alive(0x8001) } else { connect };
    let mut socket = bench.web_opened("client").await?;
    socket.send(&Frame::new(opcode::TEXT, bench.packet(connect))).await?;
    socket.expect_closed().await
}

async fn text_closes_later(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_connected("client").await?;
    // These bytes are UTF-8, unlike PINGREQ: who only looks for malformed text has no reason to close.
    let publish = Publish::to(bench.topic("t")).payload("x");
    socket.send(&Frame::new(opcode::TEXT, bench.packet(publish))).await?;
    socket.expect_closed().await
}

async fn answers_are_binary(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_opened("client").await?;
    socket.send(&Frame::binary(bench.packet(bench.connect("client")))).await?;
    socket.expect_accepted().await?;
    let topic = bench.topic("t");
    echoed(bench, &mut socket, &topic, &[7; 40_000], |bytes| vec![Frame::binary(bytes)]).await
}

/// What is published comes back, however the packets are put into frames.
pub(super) async fn echoed(
    bench: &Bench,
    socket: &mut Socket,
    topic: &str,
    payload: &[u8],
    cut: fn(Vec<u8>) -> Vec<Frame>,
) -> CaseResult {
    let subscribe = bench.packet(Subscribe::new(7).filter(topic, 0));
    let publish = bench.packet(Publish::to(topic).payload(payload));
    let ping = bench.packet(Pingreq);
    for frame in cut([subscribe, publish, ping].concat()) {
        socket.send(&frame).await?;
    }
    socket.expect(Kind::Suback).await?;
    socket.expect_publish(topic, payload).await?;
    socket.expect(Kind::Pingresp).await.map(|_| ())
}

async fn packets_span_frames(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_opened("client").await?;
    for byte in bench.packet(bench.connect("client")) {
        socket.send(&Frame::binary([byte])).await?;
    }
    socket.expect_accepted().await?;
    let topic = bench.topic("t");
    echoed(bench, &mut socket, &topic, &[7; 300], |bytes| bytes.chunks(11).map(Frame::binary).collect()).await
}

async fn empty_frames_say_nothing(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_connected("client").await?;
    let ping = bench.packet(Pingreq);
    for payload in [&ping[..1], &[], &ping[1..]] {
        socket.send(&Frame::binary(payload)).await?;
    }
    let answered = socket.expect(Kind::Pingresp).await.is_ok();
    bench.advise(answered, "PINGRESP, as without the empty frame", "the end of the connection, or nothing");
    Ok(())
}

async fn frames_hold_several_packets(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_opened("client").await?;
    let topic = bench.topic("t");
    let connect = bench.packet(bench.connect("client"));
    let subscribe = bench.packet(Subscribe::new(7).filter(&topic, 0));
    let publish = bench.packet(Publish::to(&topic).payload("x"));
    socket.send(&Frame::binary([connect, subscribe, publish].concat())).await?;
    socket.expect_accepted().await?;
    socket.expect(Kind::Suback).await?;
    socket.expect_publish(&topic, b"x").await?;
    let topic = bench.topic("u");
    echoed(bench, &mut socket, &topic, &[7; 200], |bytes| {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        vec![Frame::binary(first), Frame::binary(rest)]
    })
    .await
}

async fn messages_may_be_fragmented(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_connected("client").await?;
    let topic = bench.topic("t");
    echoed(bench, &mut socket, &topic, &[7; 300], |bytes| {
        let (first, rest) = bytes.split_at(5);
        let (second, third) = rest.split_at(100);
        vec![
            Frame { last: false, ..Frame::binary(first) },
            Frame { last: false, ..Frame::new(opcode::CONTINUATION, second) },
            Frame::new(opcode::PING, "between"),
            Frame::new(opcode::CONTINUATION, third),
        ]
    })
    .await?;
    socket.expect_pong(b"between").await
}

async fn ping_is_answered(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_opened("client").await?;
    socket.send(&Frame::new(opcode::PING, "before CONNECT")).await?;
    socket.expect_pong(b"before CONNECT").await?;
    let mut socket = bench.web_connected("client").await?;
    socket.send(&Frame::new(opcode::PING, [7; 125])).await?;
    socket.expect_pong(&[7; 125]).await
}

async fn close_is_answered(bench: &mut Bench) -> CaseResult {
    let mut socket = bench.web_connected("client").await?;
    socket.send(&Frame::close(1000)).await?;
    socket.expect_goodbye().await?;
    socket.expect_closed().await
}

async fn close_is_no_disconnect(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("will");
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&topic, 0).await?;
    let mut socket = bench.web_opened("client").await?;
    let connect = bench.connect("client").will(Will::to(&topic).payload("gone"));
    socket.send(&Frame::binary(bench.packet(connect))).await?;
    socket.expect_accepted().await.set_up("connecting")?;
    socket.send(&Frame::close(1001)).await?;
    // The server ends its half first (RFC 6455, 7.1.1). Until the client ends the other, the connection is not closed.
    socket.expect_closed().await.set_up("closing the WebSocket")?;
    drop(socket);
    watcher.expect_publish(&topic, "gone").await.map(|_| ())
}

/// Each of these frames closes a connection of its own.
async fn each_closes(bench: &Bench, wrong: impl IntoIterator<Item = Vec<Frame>>) -> CaseResult {
    for frames in wrong {
        let mut socket = bench.web_connected("client").await?;
        for frame in frames {
            socket.send(&frame).await?;
        }
        socket.expect_closed().await?;
    }
    Ok(())
}

async fn unmasked_frames_close(bench: &mut Bench) -> CaseResult {
    each_closes(bench, [vec![Frame { masked: false, ..Frame::binary(bench.packet(Pingreq)) }]]).await
}

async fn reserved_bits_close(bench: &mut Bench) -> CaseResult {
    let with = |reserved| vec![Frame { reserved, ..Frame::binary(bench.packet(Pingreq)) }];
    each_closes(bench, [with(4), with(2), with(1)]).await
}

async fn unknown_opcodes_close(bench: &mut Bench) -> CaseResult {
    each_closes(bench, [vec![Frame::new(0x3, bench.packet(Pingreq))], vec![Frame::new(0xb, [])]]).await
}

async fn fragmented_pings_close(bench: &mut Bench) -> CaseResult {
    let fragment = Frame { last: false, ..Frame::new(opcode::PING, "x") };
    each_closes(bench, [vec![fragment], vec![Frame::new(opcode::PING, [7; 126])]]).await
}

async fn stray_continuations_close(bench: &mut Bench) -> CaseResult {
    let ping = bench.packet(Pingreq);
    let stray = Frame::new(opcode::CONTINUATION, ping.as_slice());
    let begun = Frame { last: false, ..Frame::binary(&ping[..1]) };
    each_closes(bench, [vec![stray], vec![begun, Frame::binary(&ping[1..])]]).await
}
