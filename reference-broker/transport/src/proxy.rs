//! The header of the PROXY protocol, versions 1 and 2: a proxy's word on where a connection comes from.
//!
//! Source: HAProxy's `proxy-protocol.txt`. The header is the first thing on a connection, below TLS. Whoever can write it
//! can claim any address, so a listener that expects it must be reachable by the proxy only.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt};

/// What a header of version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// A header of version 2 up to its length.
const FIXED: usize = 16;
/// The longest rest of a header of version 2: two Unix addresses and some room for TLVs, which are skipped.
const LONGEST_REST: usize = 2048;
/// The longest header of version 1, its line end included.
const LONGEST_LINE: usize = 107;
/// The shortest header of version 1: `PROXY UNKNOWN` and its line end.
const SHORTEST_LINE: usize = 15;

/// Where a connection comes from, as its proxy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this address.
    Address(SocketAddr),
    /// From somewhere that the proxy does not tell, or that is no TCP address (version 1: `UNKNOWN`).
    Unknown,
    /// From the proxy itself, which looks whether we live (version 2: the command `LOCAL`).
    Proxy,
}

/// How much of a header is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// At least so many bytes are still to come, never more than belong to the header.
    Needs(usize),
    /// All of it.
    Complete(Source),
}

/// Why the first bytes of a connection are no header of the PROXY protocol.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Reading failed, or the connection ended within the header.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no header, or it is malformed.
    #[error("no PROXY header, which this listener expects from its proxy: {0}")]
    Malformed(&'static str),
}

/// Reads the header from `io` and nothing beyond it.
pub(crate) async fn read(io: &mut (impl AsyncRead + Unpin)) -> Result<Source, ProxyError> {
    let mut bytes = Vec::with_capacity(LONGEST_LINE);
    loop {
        match parse(&bytes).map_err(ProxyError::Malformed)? {
            Progress::Complete(source) => return Ok(source),
            Progress::Needs(more) => {
                let from = bytes.len();
                bytes.resize(from + more, 0);
                io.read_exact(&mut bytes[from..]).await?;
            }
        }
    }
}

/// Looks at the first bytes of a connection.
///
/// # Errors
///
/// Says what is wrong with them, as soon as that is certain.
pub fn parse(bytes: &[u8]) -> Result<Progress, &'static str> {
    let signature = bytes.len().min(SIGNATURE.len());
    if bytes[..signature] == SIGNATURE[..signature] && !bytes.is_empty() {
        return parse_binary(bytes);
    }
    const WORD: &[u8] = b"PROXY ";
    let word = bytes.len().min(WORD.len());
    if bytes[..word] != WORD[..word] {
        return Err("it begins with neither `PROXY ` nor the signature of version 2");
    }
    parse_line(bytes)
}

/// Version 2.
fn parse_binary(bytes: &[u8]) -> Result<Progress, &'static str> {
    if bytes.len() < FIXED {
        return Ok(Progress::Needs(FIXED - bytes.len()));
    }
    let (version, command) = (bytes[12] >> 4, bytes[12] & 0x0F);
    if version != 2 {
        return Err("its version is not 2");
    }
    if command > 1 {
        return Err("its command is neither LOCAL nor PROXY");
    }
    let (family, protocol) = (bytes[13] >> 4, bytes[13] & 0x0F);
    if family > 3 || protocol > 2 {
        return Err("its address family or protocol does not exist");
    }
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if length > LONGEST_REST {
        return Err("it is longer than 2,048 bytes");
    }
    let addresses = match (command, family) {
        (1, 1) => 12,
        (1, 2) => 36,
        (1, 3) => 216,
        _ => 0,
    };
    if length < addresses {
        return Err("it is too short for its addresses");
    }
    let total = FIXED + length;
    if bytes.len() < total {
        return Ok(Progress::Needs(total - bytes.len()));
    }
    let rest = &bytes[FIXED..];
    Ok(Progress::Complete(match (command, family, protocol) {
        (0, ..) => Source::Proxy,
        (_, 1, 1) => {
            let ip: [u8; 4] = rest[..4].try_into().expect("four of twelve");
            Source::Address((Ipv4Addr::from(ip), u16::from_be_bytes([rest[8], rest[9]])).into())
        }
        (_, 2, 1) => {
            let ip: [u8; 16] = rest[..16].try_into().expect("sixteen of 36");
            Source::Address((Ipv6Addr::from(ip), u16::from_be_bytes([rest[32], rest[33]])).into())
        }
        _ => Source::Unknown,
    }))
}

/// Version 1.
fn parse_line(bytes: &[u8]) -> Result<Progress, &'static str> {
    // A line end behind the longest line is somebody else's.
    let head = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = head.windows(2).position(|pair| pair == b"\r\n") else {
        let line_end = if bytes.last() == Some(&b'\r') { 1 } else { 2 };
        let more = SHORTEST_LINE.saturating_sub(bytes.len()).max(line_end);
        if bytes.len() + more > LONGEST_LINE {
            return Err("its line is longer than 107 bytes");
        }
        return Ok(Progress::Needs(more));
    };
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| "its line is not text")?;
    let mut words = line.split(' ').skip(1);
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        // Whatever follows is to be ignored.
        return Ok(Progress::Complete(Source::Unknown));
    }
    let (Some(source), Some(destination), Some(source_port), Some(destination_port), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err("its line has not six words");
    };
    let (port, _) = (port(source_port)?, port(destination_port)?);
    const NO_ADDRESS: &str = "an address is not of the family that it names";
    let address = match family {
        "TCP4" => {
            let _checked: Ipv4Addr = destination.parse().map_err(|_| NO_ADDRESS)?;
            (source.parse::<Ipv4Addr>().map_err(|_| NO_ADDRESS)?, port).into()
        }
        "TCP6" => {
            let _checked: Ipv6Addr = destination.parse().map_err(|_| NO_ADDRESS)?;
            (source.parse::<Ipv6Addr>().map_err(|_| NO_ADDRESS)?, port).into()
        }
        _ => return Err("its protocol is neither TCP4, TCP6 nor UNKNOWN"),
    };
    Ok(Progress::Complete(Source::Address(address)))
}

/// A port in decimal without leading zeros.
fn port(text: &str) -> Result<u16, &'static str> {
    const NO_PORT: &str = "a port is not a number from 0 to 65535";
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if digits { text.parse().map_err(|_| NO_PORT) } else { Err(NO_PORT) }
}

#[cfg(test)]
mod tests;
