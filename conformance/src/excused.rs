//! Statements that no case against a server can decide, with the reason. What the tables themselves call untestable or a
//! client's alone needs no entry.

use crate::{Mark, Statement, statement::Testable};

/// Statement, why.
const EXCUSED: &[(Mark, &str)] = &[];

/// Why no case decides `statement`, if none can.
pub fn reason(statement: &Statement) -> Option<&'static str> {
    let entry = EXCUSED.iter().find(|(mark, _)| mark.in_version(statement.version) == Some(statement.number));
    match (entry, statement.testable) {
        (Some((_, reason)), _) => Some(reason),
        (None, Testable::Server) => None,
        (None, Testable::Client) => Some("binds clients alone: certification of devices decides it"),
        (None, Testable::Inside) => Some("only a fault inside the server shows it"),
        (None, Testable::No) => {
            Some("a rule about the text or the server's own judgement: nothing on the wire shows it")
        }
    }
}
