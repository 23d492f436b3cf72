//! WebSocket frames cut anywhere: taking them apart neither panics nor depends on the cuts, keeps little, and finds what a
//! reader that sees everything at once finds.
//!
//! The first byte of an input chooses the side and how the rest, the stream, is cut.
#![no_main]
#![allow(dead_code, reason = "the file is whole, and the target needs some of it")]

#[path = "../../transport/src/websocket/frame.rs"]
mod frame;

use frame::{End, FrameReader, Opcode, Signals};
use libfuzzer_sys::fuzz_target;

/// Which side reads; what `frame` calls `super::Role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, stream)) = input.split_first() else { return };
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let whole = read(role, stream.chunks(stream.len().max(1)));
    assert_eq!(whole, read(role, stream.chunks(usize::from(choice >> 1) + 1)), "it depends on the cuts");
    assert_eq!(whole.payload, naive(role, stream), "not the payload that the frames carry");
    round_trip(role, stream);
});

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    payload: Vec<u8>,
    ping: Option<Vec<u8>>,
    end: Option<End>,
}

fn read<'a>(role: Role, reads: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut reader = FrameReader::new(role);
    let mut outcome = Outcome::default();
    for read in reads {
        let mut bytes = read.to_vec();
        let mut signals = Signals::default();
        let length = reader.decode(&mut bytes, &mut signals);
        assert!(outcome.end.is_none() || length == 0, "payload after the end");
        outcome.payload.extend_from_slice(&bytes[..length]);
        outcome.ping = signals.ping.or(outcome.ping);
        outcome.end = outcome.end.or(signals.end);
        assert!(outcome.ping.as_ref().is_none_or(|ping| ping.len() <= 125), "a long control frame");
    }
    outcome
}

/// The payload of data frames up to the first thing that ends them, as RFC 6455, section 5.2, draws a frame.
fn naive(role: Role, mut stream: &[u8]) -> Vec<u8> {
    let (mut payload, mut in_message) = (Vec::new(), false);
    while let [first, second, rest @ ..] = stream {
        let (last, opcode, masked) = (first >= &0x80, first & 0x7F, second >= &0x80);
        if masked != (role == Role::Server) || !matches!(opcode, 0 | 2 | 8 | 9 | 10) {
            break;
        }
        // How many bytes of length follow, and the least length that needs them.
        let (size, least) = match second & 0x7F {
            126 => (2, 126),
            127 => (8, 65_536),
            _ => (0, 0),
        };
        let Some((bytes, rest)) = rest.split_at_checked(size) else { break };
        let length = bytes.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        let length = if size == 0 { u128::from(second & 0x7F) } else { length };
        if length < least || length > 256 * 1024 * 1024 + 16 {
            break;
        }
        if opcode >= 8 && (!last || length > 125) {
            break;
        }
        let Some((mask, rest)) = rest.split_at_checked(if masked { 4 } else { 0 }) else { break };
        if opcode < 8 {
            if (opcode == 0) != in_message {
                break;
            }
            in_message = !last;
        }
        let there = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        if opcode < 8 {
            let plain = rest[..there].iter().enumerate();
            payload.extend(plain.map(|(at, byte)| byte ^ mask.get(at % 4).unwrap_or(&0)));
        }
        if opcode == 8 && there as u128 == length {
            break;
        }
        stream = &rest[there..];
    }
    payload
}

/// What one side writes the other reads.
fn round_trip(role: Role, payload: &[u8]) {
    let mask = (role == Role::Server).then_some([0x5A, payload.len() as u8, 0, 0xFF]);
    let mut out = Vec::new();
    frame::put(&mut out, Opcode::Binary, mask, payload);
    if mask.is_none() {
        let (head, length) = frame::data_head(payload.len());
        assert_eq!(out[..out.len() - payload.len()], head[..length]);
    }
    let outcome = read(role, out.chunks(7));
    assert_eq!((outcome.payload.as_slice(), outcome.end), (payload, None));
}
