//! Statements that concern a server and of which no line or no test can be shown, with the reason.

use crate::shown::Lack::{self, Both};

/// Statement, what cannot be shown, why.
pub(crate) const EXCUSED: &[(&str, Lack, &str)] = &[
    (
        "MQTT-3.2.2-6 in 3.1.1",
        Both,
        "leaves to the server when no return code fits; each refusal of this one has a code",
    ),
    ("MQTT-7.0.0-1 in 3.1.1", Both, "binds a server that connects to others; this one does not"),
    ("MQTT-7.0.0-2 in 3.1.1", Both, "forbids to need an extension; every client without one shows it"),
];
