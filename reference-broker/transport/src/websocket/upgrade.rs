//! From HTTP/1.1 to WebSocket (RFC 6455, section 4), both sides.

use std::{
    fmt::Write as _,
    hash::{BuildHasher, RandomState},
    io,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest head of a request or response.
const LONGEST_HEAD: usize = 8 * 1024;
/// The most lines in it.
const MOST_HEADERS: usize = 64;
/// What is read at once: a browser's request fits.
const READ: usize = 1024;
/// What RFC 6455 puts behind the key before hashing.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The subprotocols that stand for MQTT, the registered one first. The other one is from before its registration.
const SUBPROTOCOLS: [&str; 2] = ["mqtt", "mqttv3.1"];

/// Where a listener offers WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// The path of the URL, beginning with `/`; any other is answered with 404. Default `/mqtt`.
    pub path: String,
    /// Which web pages may connect, by their Origin (`https://barn.example`); others are answered with 403. A client that
    /// is no web page sends no Origin and may always. Default: empty, which means all.
    pub origins: Vec<String>,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self { path: "/mqtt".to_owned(), origins: Vec::new() }
    }
}

/// Why a connection did not become a WebSocket.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The request was answered with this status and text.
    #[error("HTTP {0}: {1}")]
    Refused(u16, &'static str),
    /// What came is no answer to our request.
    #[error("the server does not open a WebSocket: {0}")]
    NoWebSocket(String),
}

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    text: &'static str,
}

impl Refusal {
    const BAD_HEAD: Self = Self::new(400, "this is not an HTTP/1.1 request");
    const LONG_HEAD: Self = Self::new(431, "the head of the request is too long");
    const NOT_GET: Self = Self::new(405, "a WebSocket is asked for with GET");
    const NOT_FOUND: Self = Self::new(404, "MQTT is not here; ask for the path of the listener, /mqtt by default");
    const NO_UPGRADE: Self = Self::new(426, "this is an MQTT broker: connect with a WebSocket, subprotocol mqtt");
    const VERSION: Self = Self::new(426, "WebSocket version 13 is spoken here");
    const KEY: Self = Self::new(400, "Sec-WebSocket-Key is not 16 bytes in base64");
    const SUBPROTOCOL: Self = Self::new(400, "offer the WebSocket subprotocol mqtt (Sec-WebSocket-Protocol: mqtt)");
    const ORIGIN: Self = Self::new(403, "web pages of this Origin may not connect");
    const EARLY: Self = Self::new(400, "something follows the request before it is answered");

    const fn new(status: u16, text: &'static str) -> Self {
        Self { status, text }
    }

    fn response(self) -> String {
        let reason = match self.status {
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            426 => "Upgrade Required",
            431 => "Request Header Fields Too Large",
            _ => "Bad Request",
        };
        let extra = match self.status {
            405 => "Allow: GET\r\n",
            426 => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        let Self { status, text } = self;
        format!(
            "HTTP/1.1 {status} {reason}\r\n{extra}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\n\r\n{text}\n",
            text.len() + 1
        )
    }
}

/// Answers one request for a WebSocket; afterwards `io` carries frames.
pub(crate) async fn accept<S>(io: &mut S, options: &WebSocketOptions) -> Result<(), UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = match read_head(io).await? {
        Some((_, rest)) if !rest.is_empty() => Err(Refusal::EARLY),
        Some((head, _)) => answer(&head, options),
        None => Err(Refusal::LONG_HEAD),
    };
    match answer {
        Ok(response) => {
            io.write_all(response.as_bytes()).await?;
            io.flush().await?;
            Ok(())
        }
        Err(refusal) => {
            io.write_all(refusal.response().as_bytes()).await?;
            io.shutdown().await?;
            Err(UpgradeError::Refused(refusal.status, refusal.text))
        }
    }
}

/// Asks for a WebSocket at `path` of `host` (with its port); afterwards `io` carries frames, and what came behind the
/// answer already is returned.
pub(crate) async fn request<S>(io: &mut S, host: &str, path: &str) -> Result<Vec<u8>, UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let key = BASE64.encode(nonce());
    // MQTT-6.0.0-3 in both.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        SUBPROTOCOLS[0]
    );
    io.write_all(request.as_bytes()).await?;
    io.flush().await?;
    let Some((head, rest)) = read_head(io).await? else {
        return Err(UpgradeError::NoWebSocket("its answer is too long".to_owned()));
    };
    check_response(&head, &key).map_err(UpgradeError::NoWebSocket)?;
    Ok(rest)
}

/// Reads up to the empty line; also gives what came behind it. `None` when the head is too long.
async fn read_head(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut head = Vec::new();
    loop {
        let seen = head.len();
        head.resize(seen + READ, 0);
        let length = io.read(&mut head[seen..]).await?;
        head.truncate(seen + length);
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The empty line may have begun in what was read before.
        let from = seen.saturating_sub(3);
        if let Some(at) = head[from..].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = head.split_off(from + at + 4);
            return Ok(Some((head, rest)));
        }
        if head.len() >= LONGEST_HEAD {
            return Ok(None);
        }
    }
}

/// The response to the request of `head`.
fn answer(head: &[u8], options: &WebSocketOptions) -> Result<String, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Refusal::BAD_HEAD),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::LONG_HEAD),
        Err(_) => return Err(Refusal::BAD_HEAD),
    }
    if request.version != Some(1) {
        return Err(Refusal::BAD_HEAD);
    }
    if request.method != Some("GET") {
        return Err(Refusal::NOT_GET);
    }
    let target = request.path.unwrap_or_default();
    if target.split(['?', '#']).next() != Some(&*options.path) {
        return Err(Refusal::NOT_FOUND);
    }
    let headers = Headers(request.headers);
    if !headers.lists("Upgrade", "websocket") || !headers.lists("Connection", "upgrade") {
        return Err(Refusal::NO_UPGRADE);
    }
    if headers.only("Sec-WebSocket-Version") != Some("13") {
        return Err(Refusal::VERSION);
    }
    let key = headers.only("Sec-WebSocket-Key").ok_or(Refusal::KEY)?;
    if !BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
        return Err(Refusal::KEY);
    }
    let origin = headers.only("Origin");
    if !options.origins.is_empty()
        && origin.is_some_and(|origin| options.origins.iter().all(|allowed| !allowed.eq_ignore_ascii_case(origin)))
    {
        return Err(Refusal::ORIGIN);
    }
    // MQTT-6.0.0-3 in both: the client offers mqtt. MQTT-6.0.0-4 in both: the server selects it.
    let offered = SUBPROTOCOLS.iter().find(|name| headers.items("Sec-WebSocket-Protocol").any(|item| item == **name));
    let selected = offered.ok_or(Refusal::SUBPROTOCOL)?;
    let mut response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".to_owned();
    write!(response, "Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {selected}\r\n\r\n", accept_key(key))
        .expect("a string takes everything");
    Ok(response)
}

/// Whether the response of `head` opens the WebSocket that was asked for with `key`.
fn check_response(head: &[u8], key: &str) -> Result<(), String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err("its answer is not HTTP".to_owned()),
        Err(error) => return Err(format!("its answer is not HTTP: {error}")),
    }
    if let Some(code) = response.code.filter(|code| *code != 101) {
        let reason = response.reason.unwrap_or_default().escape_debug();
        return Err(format!("it answers {code} {reason}"));
    }
    let headers = Headers(response.headers);
    if !headers.lists("Upgrade", "websocket") || !headers.lists("Connection", "upgrade") {
        return Err("its answer does not upgrade".to_owned());
    }
    if headers.only("Sec-WebSocket-Accept") != Some(&*accept_key(key)) {
        return Err("its answer is not for our key".to_owned());
    }
    if headers.only("Sec-WebSocket-Protocol") != Some(SUBPROTOCOLS[0]) {
        return Err("it does not select the subprotocol mqtt".to_owned());
    }
    Ok(())
}

/// The header lines of a request or response.
struct Headers<'a>(&'a [httparse::Header<'a>]);

impl<'a> Headers<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let of_name = move |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
        self.0.iter().filter(of_name).filter_map(|header| std::str::from_utf8(header.value).ok()).map(str::trim)
    }

    /// The value of a header that stands once.
    fn only(&self, name: &str) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// What a header lists, perhaps over several lines.
    fn items(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim)
    }

    /// Whether a header lists `item`, in any case of its letters.
    fn lists(&self, name: &str, item: &str) -> bool {
        self.items(name).any(|one| one.eq_ignore_ascii_case(item))
    }
}

pub(super) fn accept_key(key: &str) -> String {
    BASE64.encode(Sha1::new().chain_update(key).chain_update(MAGIC).finalize())
}

/// Sixteen bytes that differ each time; they need not be hard to guess.
fn nonce() -> [u8; 16] {
    let state = RandomState::new();
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&state.hash_one(0_u8).to_ne_bytes());
    nonce[8..].copy_from_slice(&state.hash_one(1_u8).to_ne_bytes());
    nonce
}
