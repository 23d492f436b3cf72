//! The few packets that a null sink reads and writes, as bytes.

/// A packet that the sink acts on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Connect {
        v5: bool,
    },
    Subscribe {
        id: [u8; 2],
        body: &'a [u8],
    },
    Unsubscribe {
        id: [u8; 2],
        body: &'a [u8],
    },
    /// `rest` is what follows the Packet Identifier: properties (5.0) and payload.
    Publish {
        qos: u8,
        topic: &'a [u8],
        id: u16,
        rest: &'a [u8],
    },
    PubRec([u8; 2]),
    PubRel([u8; 2]),
    PingReq,
    /// PUBACK, PUBCOMP: nothing waits for them.
    Acknowledged,
    Disconnect,
}

/// Bytes that are no packet of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// The first packet of `bytes` and what follows it; `None` when its end has not come.
pub(super) fn split(bytes: &[u8], longest: usize) -> Result<Option<(Frame<'_>, &[u8])>, Broken> {
    let Some((&first, after)) = bytes.split_first() else { return Ok(None) };
    let Some((length, body)) = variable(after)? else { return Ok(None) };
    if length > longest {
        return Err(Broken);
    }
    let Some((body, rest)) = body.split_at_checked(length) else { return Ok(None) };
    Ok(Some((frame(first, body).ok_or(Broken)?, rest)))
}

fn frame(first: u8, body: &[u8]) -> Option<Frame<'_>> {
    let id = || Some([*body.first()?, *body.get(1)?]);
    Some(match first >> 4 {
        1 => Frame::Connect { v5: *text(body)?.1.first()? == 5 },
        3 => {
            let (topic, after) = text(body)?;
            match (first >> 1) & 3 {
                0 => Frame::Publish { qos: 0, topic, id: 0, rest: after },
                qos @ 1..=2 => {
                    let (id, rest) = after.split_first_chunk()?;
                    Frame::Publish { qos, topic, id: u16::from_be_bytes(*id), rest }
                }
                _ => return None,
            }
        }
        4 | 7 => Frame::Acknowledged,
        5 => Frame::PubRec(id()?),
        6 => Frame::PubRel(id()?),
        8 => Frame::Subscribe { id: id()?, body: &body[2..] },
        10 => Frame::Unsubscribe { id: id()?, body: &body[2..] },
        12 => Frame::PingReq,
        14 => Frame::Disconnect,
        _ => return None,
    })
}

/// The filters of a SUBSCRIBE with their options, or of an UNSUBSCRIBE.
pub(super) fn filters(body: &[u8], v5: bool, with_options: bool) -> Option<Vec<(&[u8], u8)>> {
    let mut left = if v5 { properties(body)?.1 } else { body };
    let mut filters = Vec::new();
    while !left.is_empty() {
        let (filter, after) = text(left)?;
        let options = if with_options { *after.first()? } else { 0 };
        filters.push((filter, options));
        left = &after[usize::from(with_options)..];
    }
    Some(filters)
}

/// Writes a SUBACK or UNSUBACK.
pub(super) fn acknowledge(out: &mut Vec<u8>, first: u8, id: [u8; 2], v5: bool, reasons: &[u8]) {
    out.push(first);
    length(out, 2 + usize::from(v5) + reasons.len());
    out.extend_from_slice(&id);
    out.extend_from_slice(&[0][..usize::from(v5)]);
    out.extend_from_slice(reasons);
}

/// A message on its way from one publisher to many readers.
pub(super) struct Body<'a> {
    topic: &'a [u8],
    /// With their length; a single 0 from a publisher of 3.1.1.
    properties: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Body<'a> {
    /// Of a PUBLISH; `None` when its properties have no end.
    pub(super) fn of(v5: bool, topic: &'a [u8], rest: &'a [u8]) -> Option<Self> {
        let (properties, payload) = if v5 { properties(rest)? } else { (&[0][..], rest) };
        Some(Self { topic, properties, payload })
    }

    /// Writes the PUBLISH for one reader.
    pub(super) fn write(&self, out: &mut Vec<u8>, qos: u8, id: u16, v5: bool) {
        let properties = if v5 { self.properties } else { &[] };
        let id = if qos > 0 { &id.to_be_bytes()[..] } else { &[] };
        out.push(0x30 | (qos << 1));
        length(out, 2 + self.topic.len() + id.len() + properties.len() + self.payload.len());
        out.extend_from_slice(&(self.topic.len() as u16).to_be_bytes());
        for part in [self.topic, id, properties, self.payload] {
            out.extend_from_slice(part);
        }
    }
}

/// A text with its length of two bytes, and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = bytes.split_first_chunk()?;
    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Properties with their length, and what follows.
fn properties(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, after) = variable(bytes).ok()??;
    let head = bytes.len() - after.len();
    bytes.split_at_checked(head + length)
}

/// A Variable Byte Integer and what follows; `None` when its end has not come.
fn variable(bytes: &[u8]) -> Result<Option<(usize, &[u8])>, Broken> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((value, &bytes[place + 1..])));
        }
    }
    if bytes.len() >= 4 { Err(Broken) } else { Ok(None) }
}

fn length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let byte = (length & 0x7F) as u8;
        length >>= 7;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_split_wherever_the_bytes_were_cut() {
        let publish = [0x32, 9, 0, 3, b'a', b'/', b'b', 0, 7, b'h', b'i', 0xC0, 0];
        for cut in 0..11 {
            assert_eq!(split(&publish[..cut], 100), Ok(None), "{cut}");
        }
        let expected = Frame::Publish { qos: 1, topic: b"a/b", id: 7, rest: b"hi" };
        assert_eq!(split(&publish, 100), Ok(Some((expected, &[0xC0, 0][..]))));
        assert_eq!(split(&publish, 8), Err(Broken));
        assert_eq!(split(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1], usize::MAX), Err(Broken));
        assert_eq!(split(&[0x20, 2, 0, 0], 100), Err(Broken), "a client sends no CONNACK");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for first in 0..=255 {
            for body in [&[][..], &[0], &[0, 9], &[0, 1, b'x'], &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]] {
                let bytes = [&[first, body.len() as u8], body].concat();
                match split(&bytes, 100) {
                    Ok(Some((Frame::Subscribe { body, .. } | Frame::Unsubscribe { body, .. }, _))) => {
                        let _read = (filters(body, true, true), filters(body, false, false));
                    }
                    Ok(Some((Frame::Publish { topic, rest, .. }, _))) => {
                        let _read = Body::of(true, topic, rest).is_some();
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_message_is_written_for_the_reader_s_version() {
        let written = |from_v5, rest: &[u8], to_v5| {
            let mut out = Vec::new();
            Body::of(from_v5, b"t", rest).unwrap().write(&mut out, 1, 5, to_v5);
            out
        };
        assert_eq!(written(false, b"x", false), [0x32, 6, 0, 1, b't', 0, 5, b'x']);
        assert_eq!(written(false, b"x", true), [0x32, 7, 0, 1, b't', 0, 5, 0, b'x']);
        assert_eq!(written(true, &[2, 1, 1, b'x'], false), [0x32, 6, 0, 1, b't', 0, 5, b'x']);
        assert_eq!(written(true, &[2, 1, 1, b'x'], true), [0x32, 9, 0, 1, b't', 0, 5, 2, 1, 1, b'x']);
    }
}
