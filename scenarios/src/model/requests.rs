//! Requests and answers.

use std::time::Duration;

use serde::Serialize;

use super::{Arrival, BrokerId, GroupId, Name, QoS, Rate, Version};

/// Clients that ask devices at a rate, and get answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requests {
    /// Its name in thresholds and reports, where it stands as a group.
    pub name: Name,
    /// The broker that they connect to.
    pub broker: BrokerId,
    /// The device groups that are asked; at least one, none of plain devices.
    pub to: Vec<GroupId>,
    /// Requests per second over all requesters.
    pub rate: Rate,
    /// How they are spread.
    pub arrival: Arrival,
    /// How many connections ask; at least 1.
    pub requesters: u32,
    /// The QoS of requests, and of the subscription to answers.
    pub qos: QoS,
    /// How long after the intended start of its request an answer is late; above 0.
    pub timeout: Duration,
    /// The protocol version of the requesters.
    pub version: Version,
}

impl Requests {
    /// The Client Identifier of requester `n`, from 1.
    #[must_use]
    pub fn client_id(&self, n: u32) -> String {
        format!("{}-{n:05}", self.name)
    }
}
