//! Each machine against the bytes of a scripted peer. The bytes are literal: no encoder stands between them and the
//! standard.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod client;
mod client_exchange;
mod server_close;
mod server_connect;
mod server_exchange;
mod server_ids;
mod server_limits;
mod server_mqtt_3_1;
mod server_subscribe;
mod session;

use bytes::Bytes;
use protocol::{Machine, Message, Properties, Time, TopicName};

/// Bytes from hexadecimal digits; spaces are for the reader.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What the machine wants to send, as hexadecimal digits by byte.
pub(crate) fn sent(machine: &mut impl Machine) -> String {
    let mut out = Vec::new();
    machine.poll_transmit(&mut out);
    out.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Drains the events.
pub(crate) fn events<M: Machine>(machine: &mut M) -> Vec<M::Event> {
    std::iter::from_fn(|| machine.poll_event()).collect()
}

/// Feeds `text` and drains the events.
pub(crate) fn feed<M: Machine>(machine: &mut M, now: Time, text: &str) -> Vec<M::Event> {
    machine.receive(now, Bytes::from(hex(text)));
    events(machine)
}

/// A message without properties.
pub(crate) fn message(topic: &str, payload: &'static str) -> Message {
    Message {
        topic: TopicName::new(topic).unwrap(),
        payload: Bytes::from_static(payload.as_bytes()),
        properties: Properties::default(),
    }
}
