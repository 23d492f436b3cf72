//! Clients in literal bytes, blocking.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

const DEADLINE: Duration = Duration::from_secs(30);

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) fn dial(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Connects as `name`, and checks that it is accepted.
    pub(crate) fn connected(address: SocketAddr, name: &str) -> Self {
        let mut wire = Self::dial(address);
        wire.send(&connect(name, true, None));
        assert_eq!(wire.packet(), (0x20, vec![0, 0]), "{name} is accepted");
        wire
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// From now on it gives up soon what the broker does not read.
    pub(crate) fn is_impatient(&self) {
        self.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    }

    /// Sends what the broker may refuse to read.
    pub(crate) fn send_in_vain(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// The first byte of the next packet, and what follows its length.
    pub(crate) fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut first = [0];
        self.0.read_exact(&mut first).expect("a packet in time");
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            length |= usize::from(byte[0] & 0x7F) << shift;
            shift += 7;
            if byte[0] < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (first[0], body)
    }

    /// Says that it has nothing more to say.
    pub(crate) fn end(&mut self) {
        let _ended = self.0.shutdown(Shutdown::Write);
    }

    /// Everything until the broker closes, which it must.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("not closed: {error}"),
            _ => rest,
        }
    }

    /// A round trip: the broker has read everything that was sent before.
    pub(crate) fn ping(&mut self) {
        self.send(&[0xC0, 0]);
        assert_eq!(self.packet(), (0xD0, Vec::new()));
    }
}

/// A client that hears what it says, and is heard at once.
#[derive(Debug)]
pub(crate) struct Bystander(Wire);

impl Bystander {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut wire = Wire::connected(address, "bystander");
        wire.send(&packet(0x82, &[&[0, 1], &text("bystander")[..], &[0]]));
        assert_eq!(wire.packet(), (0x90, vec![0, 1, 0]));
        Self(wire)
    }

    pub(crate) fn check(&mut self) {
        let publish = packet(0x30, &[&text("bystander"), b"still here"]);
        self.0.send(&publish);
        let (first, body) = self.0.packet();
        assert_eq!([&[first, body.len() as u8][..], &body].concat(), publish, "the bystander hears itself");
        self.0.ping();
    }
}

/// A string with its length.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

/// A packet of `parts`.
pub(crate) fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let more = length > 0x7F;
        packet.push((length & 0x7F) as u8 | u8::from(more) << 7);
        length >>= 7;
        if !more {
            break;
        }
    }
    [packet, body].concat()
}

/// A 3.1.1 CONNECT without Keep Alive, with a Will to `will` of that payload if any.
pub(crate) fn connect(name: &str, clean: bool, will: Option<&[u8]>) -> Vec<u8> {
    let flags = u8::from(clean) << 1 | u8::from(will.is_some()) << 2;
    let will = will
        .map_or_else(Vec::new, |payload| [&text("will")[..], &(payload.len() as u16).to_be_bytes(), payload].concat());
    packet(0x10, &[&text("MQTT"), &[4, flags, 0, 0], &text(name), &will])
}
