//! The oracle's codec: what the conformance suite and the faults proxy say and hear.
//!
//! What this crate is: MQTT 3.1, 3.1.1 and 5.0 on the wire, written from the standard alone. What it is not: the codec of the
//! broker under test. It has no dependencies, and it may not be used by what it judges.
