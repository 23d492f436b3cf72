//! The same conversations in WebSocket frames.

use std::{
    io::{ErrorKind, Read},
    net::SocketAddr,
};

use super::{
    strangers::conversation,
    victim::Victim,
    wire::{Bystander, Wire},
};

/// A connection after its upgrade.
struct Framed(Wire);

impl Framed {
    fn dial(address: SocketAddr) -> Self {
        let mut wire = Wire::dial(address);
        wire.send(
            b"GET /mqtt HTTP/1.1\r\nHost: barn\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        );
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            wire.0.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        Self(wire)
    }

    /// One frame, masked with nothing.
    fn send(&mut self, bytes: &[u8]) {
        self.0.send(&frame(bytes));
    }

    /// What is in the frames until the broker closes, which it must.
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        while let Some((opcode, payload)) = self.frame() {
            match opcode {
                2 => rest.extend(payload),
                8 => break,
                other => panic!("a frame of type {other}"),
            }
        }
        rest
    }

    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        match self.0.0.read_exact(&mut head) {
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
            other => other.expect("a frame in time"),
        }
        let mut length = usize::from(head[1]);
        if length == 126 {
            let mut long = [0; 2];
            self.0.0.read_exact(&mut long).unwrap();
            length = u16::from_be_bytes(long).into();
        }
        let mut payload = vec![0; length];
        self.0.0.read_exact(&mut payload).unwrap();
        Some((head[0] & 0x0F, payload))
    }
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(bytes.len()) {
        Ok(short @ 0..=125) => vec![0x80 | short],
        _ => [&[0x80 | 126][..], &(bytes.len() as u16).to_be_bytes()].concat(),
    };
    [&[0x82][..], &length, &[0; 4], bytes].concat()
}

#[test]
fn a_conversation_may_be_split_across_frames_at_every_point() {
    let victim = Victim::start(64 << 20);
    let mut bystander = Bystander::new(victim.address);
    let bytes = conversation().concat();
    let mut whole = Framed::dial(victim.websocket);
    whole.send(&bytes);
    let expected = whole.rest();
    assert_eq!(expected[0], 0x20);
    for point in 1..bytes.len() {
        let mut framed = Framed::dial(victim.websocket);
        framed.send(&bytes[..point]);
        bystander.check();
        framed.send(&bytes[point..]);
        assert_eq!(framed.rest(), expected, "split after {point} bytes");
    }
}

#[test]
fn frames_may_end_at_every_point() {
    let victim = Victim::start(64 << 20);
    let mut bystander = Bystander::new(victim.address);
    let bytes = frame(&conversation().concat());
    let mut all = Vec::new();
    for point in 0..bytes.len() {
        let mut framed = Framed::dial(victim.websocket);
        framed.0.send(&bytes[..point]);
        framed.0.end();
        all.push(framed);
    }
    all.iter_mut().for_each(|framed| drop(framed.rest()));
    bystander.check();
}

/// A frame that announces more than there is memory for, and never brings it.
#[test]
fn frames_that_announce_2_to_the_63_hold_nothing() {
    let victim = Victim::start(64 << 20);
    let mut bystander = Bystander::new(victim.address);
    let before = victim.resident();
    let mut all: Vec<_> = (0..100).map(|_| Framed::dial(victim.websocket)).collect();
    for framed in &mut all {
        framed.0.send(&[&[0x82, 0xFF][..], &(u64::MAX >> 1).to_be_bytes(), &[0; 4], &[0x10, 100, 0, 4]].concat());
    }
    bystander.check();
    let grown = victim.resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes");
}
