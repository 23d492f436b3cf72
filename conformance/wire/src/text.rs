//! UTF-8 Encoded Strings (5.0, section 1.5.4; 3.1.1, section 1.5.3).

use crate::rule::{NO_NULL_CHARACTER, Rule, WELL_FORMED_TEXT};

/// `bytes` behind their length in two bytes: the form of strings and of Binary Data, whatever the bytes are.
///
/// The length is that of the bytes modulo 65536.
pub fn prefixed(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let mut prefixed = ((bytes.len() % 65_536) as u16).to_be_bytes().to_vec();
    prefixed.extend_from_slice(bytes);
    prefixed
}

/// A breach of the rules for strings.
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    pub(crate) what: &'static str,
    /// Offset in the string.
    pub(crate) at: usize,
}

/// The string, if it is well-formed UTF-8 (so without surrogates and without longer forms than needed) and has no U+0000.
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        // U+D800 to U+DFFF would be ED A0 80 to ED BF BF.
        let surrogate = matches!(bytes.get(at..), Some([0xed, 0xa0..=0xbf, ..]));
        let what = if surrogate { "has a surrogate" } else { "is not well-formed UTF-8" };
        Fault { rule: WELL_FORMED_TEXT, what, at }
    })?;
    match text.find('\0') {
        Some(at) => Err(Fault { rule: NO_NULL_CHARACTER, what: "has the null character U+0000", at }),
        None => Ok(text),
    }
}
