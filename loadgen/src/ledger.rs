//! The account of every message: who must receive it, who did, and what went wrong on the way.
//!
//! ```text
//!            intend()           written()             confirmed()
//!  (absent) ─────────▶ Intended ─────────▶ Written ───────────────▶ Confirmed ──▶ settled when every reader has it
//!                         │ dropped()         │ refused()
//!                         ▼                   ▼
//!                      NotSent             Refused        at the end: Written, QoS above 0 = unacknowledged
//! ```
//!
//! * A **stream** is one publisher, one topic, one QoS: the standard keeps it in order.
//! * A **reader** is a client with its own subscriptions, or a shared group over all its members.
//! * A delivery is **expected** once its message is confirmed: written (QoS 0) or acknowledged with success (QoS 1, 2). A
//!   message whose acknowledgement never came has an unknown fate: it is `unacknowledged`, and expected only where it
//!   arrived all the same.
//! * **Overlapping filters** of one client: the broker may deliver one merged message or one per filter (MQTT 3.1.1
//!   3.3.5; MQTT-3.3.4-2). So up to as many arrivals as filters match are no duplicates; one of them is enough.
//! * A client that reads a topic both by itself and as a member of a shared group is two readers. Without Subscription
//!   Identifiers its arrivals cannot be told apart: they count for its own subscription first, then for the group.
//! * **Order** is judged per client: the standard promises none across the members of a shared group.
//! * QoS of a delivery is the lower of publication and subscription: a QoS 1 message lost to a QoS 0 subscription is a
//!   QoS 0 loss.
//!
//! Memory: what arrived is kept as ranges, eight bytes per gap; 16 bytes for each message that is under way, 30 once more
//! than a thousand messages of its stream have followed it.

mod abroad;
mod absence;
mod account;
mod audience;
mod evidence;
mod joint;
mod latecomer;
mod neighbours;
mod ranges;
mod stream;
mod under_way;
mod witness;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, mem, time::Duration};

use protocol::QoS;

use crate::{Stamp, StreamId};

pub use abroad::Foreign;
pub use account::{Account, Counts, Row, RowKey};
pub use audience::{Audience, ClientId, Expected, Reader, ReaderId, Subscription};
pub(crate) use evidence::quality;
pub use joint::{Closed, Joint, Misfit};
pub use latecomer::Replay;
pub use neighbours::Run;
pub use ranges::Ranges;
pub use witness::{Fault, Witness};

use abroad::Abroad;
use absence::Absentee;
use account::Rows;
use stream::{Seen, Stream};
use under_way::State;
use witness::Witnesses;

/// How a ledger accounts.
#[derive(Clone, Debug)]
pub struct Options {
    /// When each stage of the run ends, ascending, as offsets from the run's start. Messages intended after the last end
    /// belong to the last stage.
    pub stage_ends: Vec<Duration>,
    /// How many groups of publishers there are.
    pub groups: u16,
    /// A delivery later than this after its intended start counts as late as well. Default none.
    pub late_after: Option<Duration>,
    /// How many witnesses of each fault are kept. Default 100.
    pub witnesses: usize,
    /// A message under way for longer than this is remembered by its ranges only. Default one minute.
    pub forget_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stage_ends: Vec::new(),
            groups: 1,
            late_after: None,
            witnesses: 100,
            forget_after: Duration::from_secs(60),
        }
    }
}

/// What a stream is.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// The topic of all its messages.
    pub topic: Box<str>,
    /// The QoS that they are published with.
    pub qos: QoS,
    /// The group of its publisher, below [`Options::groups`].
    pub group: u16,
}

/// A message that the schedule asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intended {
    /// Its place in its stream.
    pub sequence: u32,
    /// Its row.
    pub row: RowKey,
    /// How many readers must receive it.
    pub readers: usize,
}

/// A message that was just handed to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its row.
    pub row: RowKey,
    /// Its intended start.
    pub intended: Duration,
    /// When the generator handed it to its client.
    pub handed: Duration,
    /// How many readers must receive it.
    pub readers: usize,
}

/// What an arrival meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first one for its reader: to be measured.
    First {
        /// Its row, with the QoS of the delivery.
        row: RowKey,
        /// When it was handed to a connection, an offset from the run's start; unknown when it was forgotten.
        written: Option<Duration>,
    },
    /// One more from an overlapping filter of the same client.
    Copy,
    /// One more than allowed.
    Duplicate(RowKey),
    /// The client never asked for this topic, or the message was never intended.
    Unexpected,
}

/// The account of one run while it goes on.
#[derive(Debug)]
pub struct Ledger {
    audience: Audience,
    options: Options,
    devices: Vec<Vec<Option<Box<Stream>>>>,
    /// What other processes sent.
    abroad: Abroad,
    rows: Rows,
    witnesses: Witnesses,
    absentees: Vec<Absentee>,
    /// Expected deliveries that are still under way.
    outstanding: u64,
    /// Messages neither confirmed nor given up.
    unresolved: u64,
    unexpected: u64,
    /// Intended starts of forgotten messages, for witnesses; bounded.
    forgotten: BTreeMap<(StreamId, u32), u64>,
}

impl Ledger {
    /// An empty account.
    pub fn new(audience: Audience, options: Options) -> Self {
        let stages = options.stage_ends.len().max(1);
        Self {
            audience,
            rows: Rows::new(stages, usize::from(options.groups)),
            witnesses: Witnesses::new(options.witnesses),
            options,
            devices: Vec::new(),
            abroad: Abroad::default(),
            absentees: Vec::new(),
            outstanding: 0,
            unresolved: 0,
            unexpected: 0,
            forgotten: BTreeMap::new(),
        }
    }

    /// Who reads.
    pub const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// What a stream is; `None` before it is opened.
    pub fn stream(&self, stream: StreamId) -> Option<&StreamInfo> {
        find(&self.devices, stream).or_else(|| self.abroad.find(stream)).map(|stream| &stream.info)
    }

    /// Opens a stream: from now on its readers are known. Opening it again changes nothing.
    pub fn open(&mut self, stream: StreamId, info: StreamInfo) {
        if find(&self.devices, stream).is_some() {
            return;
        }
        let expected = self.audience.readers_of(&info.topic, info.qos, info.group);
        let mut opened = Box::new(Stream::new(info, expected));
        self.absences_from(&mut opened);
        let (device, place) = (stream.device() as usize, stream.series() as usize);
        if self.devices.len() <= device {
            self.devices.resize_with(device + 1, Vec::new);
        }
        let series = &mut self.devices[device];
        if series.len() <= place {
            series.resize_with(place + 1, || None);
        }
        series[place] = Some(opened);
    }

    /// The schedule asks for a message of an open stream, intended at `intended`; the generator hands it to its client
    /// `now`.
    ///
    /// # Panics
    ///
    /// When the stream was not opened.
    pub fn intend(&mut self, stream: StreamId, intended: Duration, now: Duration) -> Intended {
        self.intend_run(stream, 1, intended, now)
    }

    /// The same for `count` messages, all intended at `intended`; what it gives is of the first.
    ///
    /// # Panics
    ///
    /// When the stream was not opened.
    pub fn intend_run(&mut self, stream: StreamId, count: u32, intended: Duration, now: Duration) -> Intended {
        let forget_after = nanos(self.options.forget_after);
        let stage = self.stage_of(intended);
        let intended = nanos(intended);
        let found = find_mut(&mut self.devices, stream).expect("streams are opened before they are used");
        let first = found.next;
        found.intend(count, intended, nanos(now), stage);
        let row = found.published_row(found.stage_of(first));
        let readers = found.awaiting();
        self.rows.at(found.published_row(stage)).intended += u64::from(count);
        self.unresolved += u64::from(count);
        while let Some((sequence, entry)) = found.under_way.take_before(intended.saturating_sub(forget_after)) {
            if entry.state() == State::Confirmed {
                self.outstanding -= u64::from(entry.missing());
            }
            if self.forgotten.len() < FORGOTTEN_LIMIT {
                self.forgotten.insert((stream, sequence), entry.intended);
            }
        }
        Intended { sequence: first, row, readers }
    }

    /// The schedule asked for a message, intended at `intended`, that the generator never came to: nobody need receive it.
    /// Returns its row.
    pub fn not_offered(&mut self, group: u16, qos: QoS, intended: Duration) -> RowKey {
        let row = RowKey { stage: self.stage_of(intended), group, qos };
        self.rows.at(row).intended += 1;
        row
    }

    /// The message was handed to a connection at `at`. At QoS 0 it is expected from now on. `None` when that was known.
    pub fn written(&mut self, stream: StreamId, sequence: u32, at: Duration) -> Option<Written> {
        let found = find_mut(&mut self.devices, stream).filter(|found| found.may_change(sequence))?;
        if !found.written.insert(sequence) {
            return None;
        }
        let row = found.published_row(found.stage_of(sequence));
        self.rows.at(row).published += 1;
        let readers = found.awaiting();
        // At QoS 0 nothing more will be heard of it.
        let resolved = found.info.qos == QoS::AtMostOnce && found.confirmed.insert(sequence);
        self.unresolved -= u64::from(resolved);
        let entry = found.under_way.get_mut(sequence)?;
        let handed = Duration::from_nanos(entry.moment());
        entry.set_moment(nanos(at));
        let written = Written { row, intended: Duration::from_nanos(entry.intended), handed, readers };
        if !resolved {
            entry.set_state(State::Written);
        } else if entry.missing() > 0 {
            entry.set_state(State::Confirmed);
            self.outstanding += u64::from(entry.missing());
        } else {
            found.under_way.remove(sequence);
        }
        Some(written)
    }

    /// The broker acknowledged the message with success (QoS 1 and 2): it is expected from now on.
    /// Returns its row and when it was written, as far as it is remembered; `None` when it was known.
    pub fn confirmed(&mut self, stream: StreamId, sequence: u32, at: Duration) -> Option<(RowKey, Option<Duration>)> {
        if !find(&self.devices, stream)?.written.contains(sequence) {
            self.written(stream, sequence, at);
        }
        let found = find_mut(&mut self.devices, stream).filter(|found| found.may_change(sequence))?;
        if !found.confirmed.insert(sequence) {
            return None;
        }
        self.unresolved -= 1;
        let row = found.published_row(found.stage_of(sequence));
        let Some(entry) = found.under_way.get_mut(sequence) else { return Some((row, None)) };
        let written = Duration::from_nanos(entry.moment());
        if entry.missing() > 0 {
            entry.set_state(State::Confirmed);
            self.outstanding += u64::from(entry.missing());
        } else {
            found.under_way.remove(sequence);
        }
        Some((row, Some(written)))
    }

    /// The broker refused the message: nobody need receive it.
    pub fn refused(&mut self, stream: StreamId, sequence: u32, at: Duration) {
        self.written(stream, sequence, at);
        self.give_up(stream, sequence);
    }

    /// The message was given up before it was handed to a connection: offline, or too many waited.
    pub fn dropped(&mut self, stream: StreamId, sequence: u32) {
        self.give_up(stream, sequence);
    }

    /// A stamped message reached `client` at `at`, an offset from the run's start.
    pub fn received(&mut self, client: ClientId, stamp: &Stamp, at: Duration) -> Arrival {
        let found = find_mut(&mut self.devices, stamp.stream).filter(|found| stamp.sequence < found.next);
        let Some(found) = found else {
            self.unexpected += 1;
            return Arrival::Unexpected;
        };
        let stage = found.stage_of(stamp.sequence);
        let Some(seen) = found.arrive(&self.audience, client, stamp.sequence) else {
            self.unexpected += 1;
            return Arrival::Unexpected;
        };
        let key = RowKey { group: found.info.group, qos: seen.qos, stage };
        let books = Books { rows: &mut self.rows, witnesses: &mut self.witnesses, late_after: self.options.late_after };
        if let Some(further) = books.enter(key, seen, stamp, at) {
            return further;
        }
        let mut written = None;
        if let Some(entry) = found.under_way.get_mut(stamp.sequence) {
            written = (entry.state() != State::Intended).then(|| Duration::from_nanos(entry.moment()));
            entry.arrived();
            if entry.state() == State::Confirmed {
                self.outstanding -= 1;
                if entry.missing() == 0 {
                    found.under_way.remove(stamp.sequence);
                }
            }
        }
        Arrival::First { row: key, written }
    }

    /// How many expected deliveries are under way, those that were forgotten (overdue) left out.
    pub const fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// How many messages are neither confirmed nor given up.
    pub const fn unresolved(&self) -> u64 {
        self.unresolved
    }

    /// How many readers must receive a message of a stream that is intended now.
    pub fn readers(&self, stream: StreamId) -> usize {
        find(&self.devices, stream).map_or(0, |stream| stream.awaiting())
    }

    /// The account so far of one row; zero for rows that do not exist.
    pub fn row(&self, key: RowKey) -> Counts {
        self.rows.get(key)
    }

    /// How many bytes the account of what is under way and of what arrived takes on the heap, roughly.
    pub fn heap_bytes(&self) -> usize {
        self.devices.iter().flatten().flatten().map(|stream| stream.heap_bytes()).sum()
    }

    /// Closes the account: what has not arrived by now is lost. Streams can still be asked for; nothing more is booked.
    pub fn close(&mut self) -> Account {
        let devices = mem::take(&mut self.devices);
        for (device, series) in devices.iter().enumerate() {
            for (place, stream) in series.iter().enumerate() {
                if let Some(stream) = stream {
                    let id = StreamId::new(device as u32, place as u32).expect("opened under such an id");
                    self.close_stream(id, stream);
                }
            }
        }
        self.devices = devices;
        let empty = Rows::new(self.stages(), usize::from(self.options.groups));
        let rows = mem::replace(&mut self.rows, empty);
        let witnesses = mem::replace(&mut self.witnesses, Witnesses::new(0));
        Account { rows: rows.into_rows(), witnesses: witnesses.into_all(), unexpected: self.unexpected }
    }

    fn stream_mut(&mut self, stream: StreamId) -> Option<&mut Stream> {
        find_mut(&mut self.devices, stream)
    }

    fn stages(&self) -> usize {
        self.options.stage_ends.len().max(1)
    }

    fn stage_of(&self, intended: Duration) -> u16 {
        let ends = &self.options.stage_ends;
        ends.partition_point(|end| *end <= intended).min(ends.len().saturating_sub(1)) as u16
    }

    fn give_up(&mut self, stream: StreamId, sequence: u32) {
        let Some(found) = find_mut(&mut self.devices, stream).filter(|found| found.may_change(sequence)) else {
            return;
        };
        if found.confirmed.contains(sequence) || !found.given_up.insert(sequence) {
            return;
        }
        self.unresolved -= 1;
        let stage = found.stage_of(sequence);
        let fault = if found.written.contains(sequence) { Fault::Refused } else { Fault::NotSent };
        if fault == Fault::Refused {
            self.rows.at(found.published_row(stage)).refused += 1;
        }
        if let Some(entry) = found.under_way.remove(sequence) {
            let intended = Some(Duration::from_nanos(entry.intended));
            self.witnesses.keep(Witness { fault, stream, sequence, reader: None, intended, received: None });
        }
    }
}

/// What an arrival is booked in.
struct Books<'a> {
    rows: &'a mut Rows,
    witnesses: &'a mut Witnesses,
    late_after: Option<Duration>,
}

impl Books<'_> {
    /// Books an arrival in the row `key`; `None` when it is the first for its reader.
    fn enter(self, key: RowKey, seen: Seen, stamp: &Stamp, at: Duration) -> Option<Arrival> {
        if seen.copy {
            return Some(Arrival::Copy);
        }
        let row = self.rows.at(key);
        row.received += 1;
        let witness = |fault| Witness {
            fault,
            stream: stamp.stream,
            sequence: stamp.sequence,
            reader: Some(seen.reader),
            intended: Some(stamp.intended_start()),
            received: Some(at),
        };
        if !seen.first {
            row.duplicated += 1;
            self.witnesses.keep(witness(Fault::Duplicated));
            return Some(Arrival::Duplicate(key));
        }
        if seen.overtaken {
            row.reordered += 1;
            self.witnesses.keep(witness(Fault::Reordered));
        }
        if self.late_after.is_some_and(|limit| at.saturating_sub(stamp.intended_start()) > limit) {
            row.late += 1;
            self.witnesses.keep(witness(Fault::Late));
        }
        None
    }
}

const FORGOTTEN_LIMIT: usize = 4096;

fn find(devices: &[Vec<Option<Box<Stream>>>], stream: StreamId) -> Option<&Stream> {
    devices.get(stream.device() as usize)?.get(stream.series() as usize)?.as_deref()
}

fn find_mut(devices: &mut [Vec<Option<Box<Stream>>>], stream: StreamId) -> Option<&mut Stream> {
    devices.get_mut(stream.device() as usize)?.get_mut(stream.series() as usize)?.as_deref_mut()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
