//! A client of a few literal packets, over whatever a URL says.

use std::{path::PathBuf, time::Duration};

use targets::Version;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use transport::{ClientTls, ClientTlsFiles, DialOptions, Stream, dial};

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connected client.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Stream,
    version: Version,
    /// What was read and is not yet a whole packet.
    read: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum Refused {
    /// CONNACK says so.
    Code(u8),
    /// It is closed, or says something else, or nothing.
    Otherwise(#[expect(dead_code, reason = "it is for whoever reads the failure")] String),
}

impl Peer {
    /// Connects with Clean Session and no Client Identifier that anybody else has.
    pub(crate) async fn connect(
        url: &str,
        ca: Option<&str>,
        version: Version,
        user: Option<(&str, &str)>,
    ) -> Result<Self, Refused> {
        let otherwise = |error: &dyn std::fmt::Display| Refused::Otherwise(error.to_string());
        let files = ClientTlsFiles { authorities: ca.map(PathBuf::from).into_iter().collect(), ..Default::default() };
        let tls = ca.map(|_| ClientTls::read(&files).expect("the CA is readable"));
        let endpoint = url.parse().expect("it is the URL of a broker");
        let options = DialOptions { tls, connect_timeout: PATIENCE, source: None };
        let stream = dial(&endpoint, &options).await.map_err(|error| otherwise(&error))?;
        let mut peer = Self { stream, version, read: Vec::new() };
        peer.send(&connect(version, user)).await.map_err(|error| otherwise(&error))?;
        match timeout(PATIENCE, peer.packet()).await {
            Ok(Some(packet)) if packet[0] == 0x20 && packet.len() >= 4 => match packet[3] {
                0 => Ok(peer),
                code => Err(Refused::Code(code)),
            },
            Ok(packet) => Err(otherwise(&format!("it answered {packet:02x?}"))),
            Err(_) => Err(otherwise(&"it did not answer")),
        }
    }

    /// Subscribes at QoS 0 and awaits SUBACK.
    pub(crate) async fn subscribe(&mut self, filter: &str) {
        let body = [&[0, 1][..], self.no_properties(), &text(filter), &[0]].concat();
        self.send(&packet(0x82, &body)).await.unwrap();
        let answer = timeout(PATIENCE, self.packet()).await.expect("SUBACK comes").expect("SUBACK comes");
        assert_eq!((answer[0], answer.last()), (0x90, Some(&0)), "{answer:02x?}");
    }

    /// Publishes at QoS 0.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str) {
        let body = [&text(topic), self.no_properties(), payload.as_bytes()].concat();
        self.send(&packet(0x30, &body)).await.unwrap();
    }

    /// Whether a publication with this payload comes in time.
    pub(crate) async fn receives(&mut self, payload: &str, within: Duration) -> bool {
        let awaited = async {
            while let Some(packet) = self.packet().await {
                if packet[0] >> 4 == 3 && packet.ends_with(payload.as_bytes()) {
                    return true;
                }
            }
            panic!("the broker closes the connection");
        };
        timeout(within, awaited).await.unwrap_or(false)
    }

    fn no_properties(&self) -> &'static [u8] {
        if self.version == Version::V5 { &[0] } else { &[] }
    }

    async fn send(&mut self, packet: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(packet).await?;
        self.stream.flush().await
    }

    /// The next packet; absent when the connection ends. All of these are shorter than 128 bytes, or CONNACK of 5.0.
    async fn packet(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(&length) = self.read.get(1) {
                assert!(length < 0x80, "no packet here is that long");
                let whole = 2 + usize::from(length);
                if self.read.len() >= whole {
                    return Some(self.read.drain(..whole).collect());
                }
            }
            if let Ok(0) | Err(_) = self.stream.read_buf(&mut self.read).await {
                return None;
            }
        }
    }
}

fn connect(version: Version, user: Option<(&str, &str)>) -> Vec<u8> {
    let (name, level) = match version {
        Version::V3_1 => ("MQIsdp", 3),
        Version::V3_1_1 => ("MQTT", 4),
        Version::V5 => ("MQTT", 5),
    };
    let flags = if user.is_some() { 0xC2 } else { 0x02 };
    let properties: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    // At most 23 characters, which 3.1 asks for.
    let id = format!("t{}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let credentials = user.map(|(name, password)| [text(name), text(password)].concat()).unwrap_or_default();
    let body = [&text(name)[..], &[level, flags, 0, 60], properties, &text(&id), &credentials].concat();
    packet(0x10, &body)
}

static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).ok().filter(|&length| length < 0x80).expect("packets here are short");
    [&[first, length], body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).expect("texts here are short").to_be_bytes()[..], text.as_bytes()].concat()
}
