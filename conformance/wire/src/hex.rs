//! Bytes as people read them.

use std::fmt::Write;

/// `30 05 00 01 74`.
pub fn line(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// The first bytes and how many there are: `0a0b0c`, or `0a0b0c.. (300 bytes)`.
pub(crate) fn short(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 16 { format!("{shown}.. ({} bytes)", bytes.len()) } else { shown }
}

/// Lines of sixteen bytes with their offset and what is printable of them.
pub fn dump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (index, row) in bytes.chunks(16).enumerate() {
        let printable = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
        let text: String = row.iter().map(printable).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(dump, "{:08x}  {:<47}  |{text}|", index * 16, line(row));
    }
    dump
}

/// The bytes of `30 05 00 01 74`; white space is free, and so is where it stands.
///
/// # Errors
/// What is no hexadecimal digit, or half a byte.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
    let digit =
        |digit: char| digit.to_digit(16).ok_or_else(|| format!("{digit:?} is no hexadecimal digit in {text:?}"));
    let byte = |pair: &[char]| match pair {
        [high, low] => Ok((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => Err(format!("half a byte at the end of {text:?}")),
    };
    digits.chunks(2).map(byte).collect()
}
