//! What a fleet counts.

/// What a fleet did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Devices that were started and not retired.
    pub started: u32,
    /// Devices online now.
    pub online: u32,
    /// Attempts to connect.
    pub attempts: u64,
    /// Connections that CONNACK accepted, the first of each device.
    pub connects: u64,
    /// Connections that CONNACK accepted after an earlier one.
    pub reconnects: u64,
    /// Attempts that CONNACK refused.
    pub refusals: u64,
    /// Attempts that ended without CONNACK.
    pub failures: u64,
    /// Connections that ended otherwise than by the fleet's own will.
    pub losses: u64,
    /// Telemetry handed to the engine, alerts included.
    pub telemetry: u64,
    /// Births and farewells handed to the engine.
    pub births: u64,
    /// Heartbeats handed to the engine.
    pub heartbeats: u64,
    /// Commands and configurations that arrived.
    pub commands: u64,
    /// Answers to them handed to the engine.
    pub answers: u64,
    /// Births, heartbeats and answers that the engine did not take.
    pub unsent: u64,
    /// Publications that the broker acknowledged with success, of all kinds (QoS 0: written).
    pub acknowledged: u64,
    /// Publications that the broker refused.
    pub rejected: u64,
    /// Telemetry that went into an offline buffer.
    pub buffered: u64,
    /// Telemetry that a full buffer pushed out.
    pub dropped: u64,
}

impl Counts {
    /// Everything that was handed to the engine.
    pub const fn published(&self) -> u64 {
        self.telemetry + self.births + self.heartbeats + self.answers
    }
}
