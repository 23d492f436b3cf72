//! Variable Byte Integers (5.0, section 1.5.5; 3.1.1, section 2.2.3): seven bits a byte, the lowest first.

/// The largest Variable Byte Integer.
pub const LARGEST: u32 = 268_435_455;

/// The shortest form of `number`. Above [`LARGEST`] it takes five bytes, which no receiver may accept.
pub fn encode(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4);
    loop {
        let digit = (number % 128) as u8;
        number /= 128;
        if number == 0 {
            bytes.push(digit);
            return bytes;
        }
        bytes.push(digit | 0x80);
    }
}

/// `number` in exactly `width` bytes, with empty ones in front of the end where it needs fewer: a lie that 5.0 forbids.
pub fn encode_in(number: u32, width: usize) -> Vec<u8> {
    let mut bytes = encode(number);
    while bytes.len() < width {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(0);
    }
    bytes
}

/// What stands at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A number and how many bytes it took.
    Number {
        /// Its value, up to [`LARGEST`].
        value: u32,
        /// 1 to 4.
        width: usize,
    },
    /// The bytes end before the number does.
    Incomplete,
    /// Four bytes that all announce another one.
    TooLong,
}

/// Reads a number, in the shortest form or not.
pub fn decode(bytes: &[u8]) -> Decoded {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Decoded::Number { value, width: index + 1 };
        }
    }
    if bytes.len() < 4 { Decoded::Incomplete } else { Decoded::TooLong }
}
