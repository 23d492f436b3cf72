//! A run that is split over several processes: what each share knows, so that the shares can be joined without loss.
//!
//! A segment sends the messages of its own devices and receives with its own subscribers. Whether a message that it sent
//! reached a subscriber of another segment is known to nobody until both sides' evidence meets: sequence numbers per
//! stream, as ranges, so that a clean stream takes one range however long the run was.

use super::{Qos, nanoseconds};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One share of a run, and the clock that its offsets count on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentInfo {
    /// Which, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
    /// Wall clock at its offset zero.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Whether the start was agreed on beforehand (`--start-at`), so that all segments' offsets count from one moment.
    /// Without that a segment cannot measure the latency of messages that another one sent.
    #[serde(default)]
    pub agreed: bool,
    /// What the devices, subscribers, stages and events come down to: equal for segments of one run. Hexadecimal.
    #[serde(default)]
    pub plan: String,
    /// The machine since it was last booted: processes with the same value read the same clock.
    #[serde(default)]
    pub machine: String,
    /// How far its wall clock may be from the true time, where the machine's time service says so.
    #[serde(default, rename = "clock_error_ns", with = "nanoseconds::option")]
    #[schemars(with = "Option<u64>")]
    pub clock_error: Option<Duration>,
    /// How far apart its wall clock and its own clock may have been read.
    #[serde(default, rename = "reading_error_ns", with = "nanoseconds")]
    #[schemars(with = "u64")]
    pub reading_error: Duration,
}

impl fmt::Display for SegmentInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What a segment knows and others need. A run writes several; they add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// When its subscribers were there; once per segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendance: Option<Attendance>,
    /// Its subscribers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientEvidence>,
    /// What its devices sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamEvidence>,
    /// What its subscribers received.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arrivals: Vec<ArrivalEvidence>,
}

/// When the subscribers of a segment could receive, and its devices sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendance {
    /// How long before the segment's offset zero all its subscribers had their SUBACK.
    #[serde(rename = "ready_before_ns", with = "nanoseconds")]
    pub ready_before: Duration,
    /// The offset until which they listened.
    #[serde(rename = "until_ns", with = "nanoseconds")]
    pub until: Duration,
    /// The offset at which the segment sent its last message, at the latest.
    #[serde(rename = "sent_until_ns", with = "nanoseconds")]
    pub sent_until: Duration,
    /// How many connections of subscribers it had.
    pub subscribers: u64,
    /// Arrivals from other segments that there was no room to keep: with any, losses cannot be told.
    pub untold: u64,
    /// Arrivals from other segments that were counted and not measured: their start was not agreed on.
    pub unmeasured: u64,
}

/// A subscriber: its place among all subscribers of the scenario, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEvidence {
    /// Its place.
    pub place: u32,
    /// Its Client Identifier.
    pub name: String,
    /// What the broker granted it.
    pub subscriptions: Vec<SubscriptionEvidence>,
}

/// A subscription as granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEvidence {
    /// The Share Name of a shared subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The Topic Filter, without `$share/name/`.
    pub filter: String,
    /// The QoS that was granted.
    pub qos: Qos,
    /// The device groups whose messages are accounted for, by their place in the plan; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<u16>>,
}

/// What was sent of one stream. A second record of the same stream adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamEvidence {
    /// The stream's number in stamps.
    pub stream: u32,
    /// The topic of all its messages.
    pub topic: String,
    /// The client that publishes it.
    pub client: String,
    /// The QoS they are published with.
    pub qos: Qos,
    /// The device group of that client, by its place in the plan.
    pub group: u16,
    /// How many messages the schedule asked for.
    pub intended: u32,
    /// The first sequence number of each stage that has one, ascending: sequence, then the stage's place in the plan.
    pub stages: Vec<(u32, u16)>,
    /// The messages that every reader must receive.
    pub confirmed: Spans,
}

/// What arrived of one stream. A second record of the same stream adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrivalEvidence {
    /// The stream's number in stamps.
    pub stream: u32,
    /// The readers, by the segments' common numbering, each with what reached it at least once.
    pub readers: Vec<(u32, Spans)>,
}

/// A set of sequence numbers, as ascending ranges that do not touch. In files: `0-99,101,103-200`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Spans(Vec<(u32, u32)>);

/// Text that is no set of sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sequence numbers are ascending ranges such as 0-99,101")]
pub struct NotSpans;

impl Spans {
    /// The set of these ranges; `None` unless they ascend and leave something out in between.
    pub fn new(ranges: Vec<(u32, u32)>) -> Option<Self> {
        let ordered = ranges.iter().all(|(first, last)| first <= last);
        let apart = ranges.windows(2).all(|pair| u64::from(pair[0].1) + 1 < u64::from(pair[1].0));
        (ordered && apart).then_some(Self(ranges))
    }

    /// The ranges, ascending: first and last.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }
}

impl From<Spans> for String {
    fn from(spans: Spans) -> Self {
        spans.to_string()
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Spans {
    type Error = NotSpans;

    fn try_from(text: String) -> Result<Self, NotSpans> {
        text.parse()
    }
}

impl FromStr for Spans {
    type Err = NotSpans;

    fn from_str(text: &str) -> Result<Self, NotSpans> {
        let number = |digits: &str| digits.parse::<u32>().map_err(|_| NotSpans);
        let range = |part: &str| match part.split_once('-') {
            Some((first, last)) => Ok((number(first)?, number(last)?)),
            None => number(part).map(|one| (one, one)),
        };
        let parts = text.split(',').filter(|_| !text.is_empty());
        Self::new(parts.map(range).collect::<Result<_, NotSpans>>()?).ok_or(NotSpans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_as_they_are_written() {
        for text in ["", "0", "0-99", "0-99,101,103-4294967295"] {
            assert_eq!(text.parse::<Spans>().map(|spans| spans.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in [",", "1,", "2-1", "1,1", "1,2", "5,3", "0-4,4-6", "a", "-1", "1--2", "4294967296", "1 "] {
            assert_eq!(text.parse::<Spans>(), Err(NotSpans), "{text}");
        }
    }
}
