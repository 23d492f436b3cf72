//! One connection: bytes out, strictly parsed packets in.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use transport::Stream;
use wire::{Breach, Direction, Frames, Packet, Version};

/// What came on a connection.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A packet.
    Packet(Box<Packet>),
    /// Bytes that are none.
    Breach(Breach),
    /// The end.
    Closed,
}

/// What came, and on which connection.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) link: usize,
    pub(crate) heard: Heard,
    /// The bytes of the packet.
    pub(crate) bytes: Vec<u8>,
}

/// A connection. It closes when it is dropped.
#[derive(Debug)]
pub(crate) struct Link {
    out: UnboundedSender<Out>,
}

#[derive(Debug)]
enum Out {
    Bytes(Vec<u8>),
    /// Ends our direction; the other one goes on.
    End,
}

/// A server sends no larger packets to clients that get small messages.
const LARGEST: usize = 1 << 20;

impl Link {
    /// Serves `stream` until either side closes; what comes goes to `events` under `number`.
    pub(crate) fn new(stream: Stream, number: usize, version: Version, events: UnboundedSender<Event>) -> Self {
        let (out, outgoing) = unbounded_channel();
        tokio::spawn(serve(stream, number, version, outgoing, events));
        Self { out }
    }

    /// Sends bytes. When the connection is closed, nothing happens: its end is an event.
    pub(crate) fn send(&self, bytes: Vec<u8>) {
        let _ = self.out.send(Out::Bytes(bytes));
    }

    /// Closes our direction, and listens until the server closes too.
    pub(crate) fn end(&self) {
        let _ = self.out.send(Out::End);
    }
}

async fn serve(
    mut stream: Stream,
    link: usize,
    version: Version,
    mut outgoing: UnboundedReceiver<Out>,
    events: UnboundedSender<Event>,
) {
    let mut frames = Frames::up_to(LARGEST);
    let mut buffer = vec![0; 4096];
    let mut ended = false;
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(length) => {
                    frames.push(&buffer[..length]);
                    for frame in frames.by_ref() {
                        let heard = match frame.parse(version, Direction::FromServer) {
                            Ok(packet) => Heard::Packet(Box::new(packet)),
                            Err(breach) => Heard::Breach(breach),
                        };
                        let _ = events.send(Event { link, heard, bytes: frame.into_bytes() });
                    }
                }
            },
            out = outgoing.recv() => match out {
                Some(Out::Bytes(_)) if ended => {}
                Some(Out::Bytes(bytes)) => {
                    // A server that reads nothing any more is closing, or it will be missed by what waits for its answer.
                    let write = tokio::time::timeout(Duration::from_secs(5), stream.write_all(&bytes));
                    if !matches!(write.await, Ok(Ok(()))) {
                        break;
                    }
                    let _ = stream.flush().await;
                }
                Some(Out::End) => {
                    ended = true;
                    let _ = stream.shutdown().await;
                }
                None => return,
            },
        }
    }
    let _ = events.send(Event { link, heard: Heard::Closed, bytes: Vec::new() });
}
