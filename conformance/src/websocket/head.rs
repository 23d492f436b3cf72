//! The heads of HTTP/1.1 that open a WebSocket: RFC 6455, sections 4.1 and 4.2.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha1::{Digest, Sha1};
use transport::Endpoint;

/// What the server puts behind the key before hashing.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The longest head that is taken, in bytes.
const LONGEST: usize = 32 * 1024;

/// A request or an answer of HTTP/1.1 without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The first line: `GET /mqtt HTTP/1.1`, `HTTP/1.1 101 Switching Protocols`.
    pub first: String,
    /// The fields, in order.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// A correct request for MQTT over WebSocket.
    pub(crate) fn request(endpoint: &Endpoint, key: &str) -> Self {
        let fields = [
            ("Host", endpoint.authority().as_str()),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Protocol", "mqtt"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { first: format!("GET {} HTTP/1.1", endpoint.path), fields: fields.into() }
    }

    /// Takes a head off the front of what arrived; none while it is incomplete.
    ///
    /// # Errors
    ///
    /// In words, when this is no HTTP.
    pub(crate) fn take(buffer: &mut Vec<u8>) -> Result<Option<Self>, String> {
        let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return if buffer.len() > LONGEST { Err("a head without an end".into()) } else { Ok(None) };
        };
        let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end + 4);
        let mut lines = text.split("\r\n");
        let first = lines.next().filter(|first| first.contains("HTTP/1.")).ok_or("what is no HTTP")?.to_owned();
        let field = |line: &str| match line.split_once(':') {
            Some((name, value)) => Ok((name.to_owned(), value.trim().to_owned())),
            None => Err(format!("the line `{}` in an HTTP head", line.escape_debug())),
        };
        Ok(Some(Self { first, fields: lines.map(field).collect::<Result<_, _>>()? }))
    }

    /// On the wire.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n", self.first, fields.collect::<String>()).into()
    }

    /// The status of an answer; 0 when it has none.
    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The value of the field `name`; of one that stands several times all, with commas between.
    pub fn value(&self, name: &str) -> Option<String> {
        let of_name = |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        let values: Vec<&str> = self.fields.iter().filter(of_name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether the field `name` lists `item`, in any case of its letters.
    pub(crate) fn lists(&self, name: &str, item: &str) -> bool {
        self.value(name).is_some_and(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(item)))
    }

    /// Without the field `name`.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
    }

    /// With the field `name` once, of this value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.fields.push((name.to_owned(), value.into()));
    }
}

/// A key for a request: 16 bytes that follow from `tag`.
pub(crate) fn key(tag: &str) -> String {
    let bytes: Vec<u8> = tag.bytes().chain(b"conformancesuite".iter().copied()).take(16).collect();
    BASE64.encode(bytes)
}

/// What the answer to `key` has to say.
pub(crate) fn accept(key: &str) -> String {
    BASE64.encode(Sha1::new().chain_update(key).chain_update(MAGIC).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 1.3.
    #[test]
    fn the_example_of_the_rfc_is_computed() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(BASE64.decode(key("abcdefgh")).map(|bytes| bytes.len()), Ok(16));
    }

    #[test]
    fn a_head_is_taken_off_what_follows_it() {
        let mut bytes = b"HTTP/1.1 101 Switching\r\nA: x\r\nB:  y \r\na: z\r\n\r\n\x82\x00".to_vec();
        let head = Head::take(&mut bytes).unwrap().unwrap();
        assert_eq!((head.status(), head.value("a"), bytes.len()), (101, Some("x, z".into()), 2));
        assert_eq!(Head::take(&mut head.encode()), Ok(Some(head)));
        assert_eq!(Head::take(&mut b"HTTP/1.1 101 Switch".to_vec()), Ok(None));
        assert!(Head::take(&mut b"\x20\x02\x00\x00\r\n\r\n".to_vec()).is_err());
    }
}
