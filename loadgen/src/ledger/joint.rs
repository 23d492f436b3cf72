//! The account of a split run: closed over the evidence of all segments, as one process would have closed it.

use std::{collections::BTreeMap, time::Duration};

use protocol::QoS;
use reports::observation::{ClientEvidence, Evidence, Qos, StreamEvidence, SubscriptionEvidence};

use super::{
    Account, Audience, Ledger, Options, Ranges, ReaderId, RowKey, StreamInfo, Subscription,
    account::{by_stage, count},
    stream::Stream,
};
use crate::StreamId;

/// The evidence of all segments.
#[derive(Debug, Default)]
pub struct Joint {
    clients: BTreeMap<u32, ClientEvidence>,
    streams: BTreeMap<u32, (StreamEvidence, Ranges)>,
    arrivals: BTreeMap<(u32, u32), Arrived>,
}

/// What reached one reader of one stream.
#[derive(Debug, Default)]
struct Arrived {
    once: Ranges,
    /// What reached clients of it in one more segment, for each segment that it did.
    again: Vec<Ranges>,
}

/// The account of all segments.
#[derive(Debug)]
pub struct Closed {
    /// What was lost, with its witnesses; nothing else is counted.
    pub account: Account,
    /// What the segments could not know to be duplicates, by row.
    pub duplicated: BTreeMap<RowKey, u64>,
    /// The joint ledger, to name readers and streams.
    pub ledger: Ledger,
    /// The client of each stream.
    pub clients: BTreeMap<u32, String>,
    /// Arrivals of messages that nobody intended.
    pub strange: u64,
}

/// Evidence that does not fit together: a lowercase fragment that says how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the segments' evidence does not fit together: {0}")]
pub struct Misfit(String);

impl Joint {
    /// Takes the evidence of one more segment.
    ///
    /// # Errors
    ///
    /// Another segment has the same subscriber or device.
    pub fn add(&mut self, evidence: Evidence) -> Result<(), Misfit> {
        for client in evidence.clients {
            if let Some(known) = self.clients.insert(client.place, client) {
                return Err(Misfit(format!("two have the subscriber {}", known.name)));
            }
        }
        let mut mine: BTreeMap<u32, (StreamEvidence, Ranges)> = BTreeMap::new();
        for sent in evidence.streams {
            let more = Ranges::from(&sent.confirmed);
            mine.entry(sent.stream).or_insert_with(|| (sent, Ranges::new())).1.extend(&more);
        }
        for (number, sent) in mine {
            if let Some((known, _)) = self.streams.insert(number, sent) {
                return Err(Misfit(format!("two have sent for {}", known.client)));
            }
        }
        let mut mine: BTreeMap<(u32, u32), Ranges> = BTreeMap::new();
        for arrived in evidence.arrivals {
            for (reader, spans) in arrived.readers {
                mine.entry((arrived.stream, reader)).or_default().extend(&Ranges::from(&spans));
            }
        }
        for (key, more) in mine {
            let arrived = self.arrivals.entry(key).or_default();
            arrived.again.push(arrived.once.shared_with(&more));
            arrived.once.extend(&more);
        }
        Ok(())
    }

    /// Closes the account of `subscribers` clients over so many stages and groups of devices.
    ///
    /// # Errors
    ///
    /// Subscribers are missing, or a number is out of range.
    pub fn close(self, subscribers: u64, stages: usize, groups: u16, witnesses: usize) -> Result<Closed, Misfit> {
        if self.clients.keys().copied().ne(0..self.clients.len() as u32) || self.clients.len() as u64 != subscribers {
            return Err(Misfit(format!("of {subscribers} subscribers only {} are known", self.clients.len())));
        }
        let mut audience = Audience::default();
        for client in self.clients.into_values() {
            audience.add(&client.name, client.subscriptions.into_iter().map(Into::into).collect());
        }
        let options = Options { stage_ends: vec![Duration::MAX; stages], groups, witnesses, ..Options::default() };
        let mut ledger = Ledger::new(audience, options);
        let (mut duplicated, mut clients, mut strange) = (BTreeMap::new(), BTreeMap::new(), 0);
        for ((number, _), arrived) in &self.arrivals {
            let intended = self.streams.get(number).map_or(0, |(sent, _)| sent.intended);
            strange += arrived.once.len() - arrived.once.below(intended);
        }
        for (number, (sent, confirmed)) in self.streams {
            let in_range = sent.group < groups && sent.stages.iter().all(|(_, stage)| usize::from(*stage) < stages);
            // Stages are cut where the next one's first sequence number is, which is therefore above 0 and ascends.
            let ascending = sent.stages.windows(2).all(|pair| pair[0].0 < pair[1].0);
            if !in_range || !ascending {
                return Err(Misfit(format!("{} has a stage or a group that the plan has not", sent.client)));
            }
            clients.insert(number, sent.client);
            let id = StreamId::from_value(number);
            let info = StreamInfo { topic: sent.topic.into(), qos: quality(sent.qos), group: sent.group };
            ledger.open(id, info);
            let stream = ledger.stream_mut(id).expect("opened above");
            stream.next = sent.intended;
            stream.stages = sent.stages;
            stream.written = confirmed.clone();
            stream.confirmed = confirmed;
            for track in &mut stream.tracks {
                let Some(arrived) = self.arrivals.get(&(number, track.reader.0)) else { continue };
                *track.received_mut() = arrived.once.clone();
            }
            count_again(stream, id, &self.arrivals, &mut duplicated);
        }
        let account = ledger.close();
        Ok(Closed { account, duplicated, ledger, clients, strange })
    }
}

/// Counts what reached a shared group in more than one segment, each of which took it for the first arrival.
fn count_again(
    stream: &Stream,
    id: StreamId,
    arrivals: &BTreeMap<(u32, u32), Arrived>,
    duplicated: &mut BTreeMap<RowKey, u64>,
) {
    for track in &stream.tracks {
        let again = arrivals.get(&(id.value(), track.reader.0)).into_iter().flat_map(|arrived| &arrived.again);
        for (stage, range) in by_stage(stream, again.flat_map(Ranges::iter)) {
            let key = RowKey { stage, group: stream.info.group, qos: track.qos };
            *duplicated.entry(key).or_default() += count(&range);
        }
    }
}

impl Closed {
    /// The name of a reader in reports.
    pub fn reader(&self, reader: ReaderId) -> &str {
        self.ledger.audience().name(reader)
    }
}

impl From<SubscriptionEvidence> for Subscription {
    fn from(one: SubscriptionEvidence) -> Self {
        Self {
            share: one.share.map(Into::into),
            filter: one.filter.into(),
            qos: quality(one.qos),
            groups: one.groups.map(Into::into),
        }
    }
}

fn quality(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

#[cfg(test)]
mod tests;
