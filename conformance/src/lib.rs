//! A verdict for every normative statement of MQTT 3.1.1 and 5.0, with the packets as evidence.
//!
//! What this crate is: cases, the bench that they run on, the runner. What it is not: it shares no code with the reference
//! broker, and it does not draw reports.
