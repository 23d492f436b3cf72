//! What the standard allows to happen: one of several outcomes.

use std::fmt;

use wire::{Kind, Version};

/// One lawful outcome. Reason codes are 5.0's; where 3.1.1 has codes, they stand apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The connection ends. Before, 5.0 may say DISCONNECT: with one of these reasons, another one is a departure from
    /// advice; without DISCONNECT is noted.
    Closed(&'static [u8]),
    /// The connection ends, and 5.0 says DISCONNECT before, with one of these reasons: where the standard tells the server to.
    /// Without it, or with another reason, it is a departure from advice, for 4.13.2 lets a server close without.
    Disconnected(&'static [u8]),
    /// CONNACK with one of these codes (5.0's, 3.1.1's), then the connection ends; or it ends without a word. A code that is
    /// not among them is a departure from advice, and where there are none, CONNACK is a breach.
    Refused(&'static [u8], &'static [u8]),
    /// CONNACK with one of these codes (5.0's, 3.1.1's), then the connection ends: where the standard demands to hear it.
    RefusedAloud(&'static [u8], &'static [u8]),
    /// CONNACK with code 0.
    Accepted,
    /// A packet of this type, each of its reason codes one of these; any, where there are none.
    Answer(Kind, &'static [u8]),
}

impl Outcome {
    /// Whether the connection ends with it.
    pub(crate) fn ends(self) -> bool {
        !matches!(self, Self::Accepted | Self::Answer(..))
    }

    /// Whether the version has such a thing: before 5.0 only SUBACK has codes to refuse with.
    fn is_of(self, version: Version) -> bool {
        match self {
            Self::Answer(kind, reasons) if version != Version::V5 => {
                reasons.is_empty() || reasons.iter().any(|reason| codes_of(kind).contains(reason))
            }
            _ => true,
        }
    }

    /// In words, for the version that is spoken.
    pub(crate) fn words(self, version: Version) -> String {
        let v5 = version == Version::V5;
        match self {
            Self::Closed(reasons) if v5 && !reasons.is_empty() => {
                format!("the connection is closed, if with DISCONNECT then {}", codes(reasons))
            }
            Self::Disconnected(reasons) if v5 => {
                format!("DISCONNECT {}, then the connection is closed", codes(reasons))
            }
            Self::Closed(_) | Self::Disconnected(_) => "the connection is closed".into(),
            Self::Refused(of_5, of_3) | Self::RefusedAloud(of_5, of_3) => {
                let codes_of = if v5 { of_5 } else { of_3 };
                match (codes_of.is_empty(), self) {
                    (true, _) => "the connection is closed without CONNACK".into(),
                    (_, Self::Refused(..)) => {
                        format!("the connection is closed, if with CONNACK then {}", codes(codes_of))
                    }
                    _ => format!("CONNACK {}, then the connection is closed", codes(codes_of)),
                }
            }
            Self::Accepted => "CONNACK 0x00".into(),
            Self::Answer(kind, []) => kind.to_string(),
            Self::Answer(kind, reasons) if !v5 => {
                let known: Vec<u8> = reasons.iter().copied().filter(|code| codes_of(kind).contains(code)).collect();
                format!("{kind} {}", codes(&known))
            }
            Self::Answer(kind, reasons) => format!("{kind} {}", codes(reasons)),
        }
    }
}

/// The codes that a packet of this type can have before 5.0.
fn codes_of(kind: Kind) -> &'static [u8] {
    if kind == Kind::Suback { &[0, 1, 2, 0x80] } else { &[0] }
}

/// `0x81, 0x82 or 0x90`.
pub(crate) fn codes(codes: &[u8]) -> String {
    let codes: Vec<String> = codes.iter().map(|code| format!("0x{code:02X}")).collect();
    match codes.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => codes.concat(),
    }
}

/// `one, or else another`.
pub(crate) fn either(outcomes: &[Outcome], version: Version) -> String {
    let lawful = outcomes.iter().filter(|outcome| outcome.is_of(version));
    lawful.map(|outcome| outcome.words(version)).collect::<Vec<_>>().join("; or ")
}

/// What was seen at the end of a connection, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The peer closed in order (FIN).
    Closed,
    /// The peer reset the connection.
    Reset,
    /// The case itself ended it.
    Own,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection was closed",
            Self::Reset => "the connection was reset",
            Self::Own => "the case itself had ended the connection",
        })
    }
}
