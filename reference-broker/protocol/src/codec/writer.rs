//! Puts fields at the end of a buffer.

/// Writes one packet. Lengths were checked before (see [`EncodeError`](crate::EncodeError)).
#[derive(Debug)]
pub(crate) struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn variable(&mut self, value: usize) {
        let mut rest = value;
        while rest > 0x7F {
            self.u8((rest & 0x7F) as u8 | 0x80);
            rest >>= 7;
        }
        self.u8(rest as u8);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.binary(text.as_bytes());
    }

    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        self.u16(bytes.len() as u16);
        self.raw(bytes);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// How many bytes `value` takes as a Variable Byte Integer.
pub(crate) const fn variable_len(value: usize) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}
