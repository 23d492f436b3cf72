//! What a fleet knows of one device.

use std::{collections::VecDeque, time::Duration};

use protocol::Tag;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::message::Topics;
use crate::{
    ClientKey,
    farm::{DeviceId, Publication},
};

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) id: DeviceId,
    /// Its client, from the first attempt to connect on.
    pub(super) client: Option<ClientKey>,
    pub(super) phase: Phase,
    /// Counts connections and waits for them: a duty that was planned in an earlier turn is void.
    pub(super) turn: u32,
    pub(super) was_online: bool,
    /// Attempts and losses since it was last online.
    pub(super) failures: u32,
    /// How long it stays away when its connection ends, before its back-off.
    pub(super) away: Duration,
    /// It sends what it kept at a pace of its own, before anything newer.
    pub(super) flushing: bool,
    /// Telemetry that waits, oldest first.
    pub(super) buffer: VecDeque<Held>,
    pub(super) topics: Topics,
}

/// Where a device is; the diagram is at the top of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not started yet.
    Idle,
    /// For its place in the ramp, or for its back-off to pass.
    Waiting,
    Connecting,
    Online,
    /// Retired, and its connection is not closed yet.
    Leaving,
    Retired,
}

/// Telemetry that waits, stamped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) publication: Publication,
    pub(super) tag: Option<Tag>,
}

impl Device {
    pub(super) fn new(id: DeviceId) -> Self {
        Self {
            id,
            client: None,
            phase: Phase::Idle,
            turn: 0,
            was_online: false,
            failures: 0,
            away: Duration::ZERO,
            flushing: false,
            buffer: VecDeque::new(),
            topics: Topics::default(),
        }
    }

    pub(super) fn come_online(&mut self) {
        self.phase = Phase::Online;
        self.turn += 1;
        self.was_online = true;
        self.failures = 0;
    }

    /// Its client, when what it says need not wait behind anything here.
    pub(super) fn sends_at_once(&self) -> Option<ClientKey> {
        let sends = self.phase == Phase::Online && !self.flushing && self.buffer.is_empty();
        self.client.filter(|_| sends)
    }

    /// Randomness of this turn of this device, whatever the others did meanwhile.
    pub(super) fn random(&self, seed: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from(self.id.0) << 32 | u64::from(self.turn));
        random
    }
}
