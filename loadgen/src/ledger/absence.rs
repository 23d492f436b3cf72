//! Clients that leave on purpose: what a broker need not keep for them is not due.
//!
//! ```text
//!   reached it ── DISCONNECT ───────────────────── back, with CONNACK or SUBACK ── sent after it
//!   received      under way, or sent meanwhile:                                    due
//!                 due if the session keeps it, else it may come
//! ```
//!
//! A session keeps what is delivered at QoS 1 or 2; what is delivered at QoS 0 a broker may drop (sections 3.1.2.4 in 3.1.1, 4.1
//! in 5.0). What was overtaken before the client left is lost all the same. To a shared group the broker may still hand a message
//! by way of the member that is away, so nothing that its session does not keep is due to the group before it is back.

use super::{ClientId, Ledger, QoS, ReaderId, State, stream::Stream};

/// Who is away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Absentee {
    client: ClientId,
    keeps_session: bool,
}

impl Absentee {
    /// Whether a broker need not keep for it what is delivered at `qos`.
    fn misses(self, qos: QoS) -> bool {
        !self.keeps_session || qos == QoS::AtMostOnce
    }
}

impl Ledger {
    /// `client` says DISCONNECT, and its session stays if `keeps_session`.
    pub fn leave(&mut self, client: ClientId, keeps_session: bool) {
        let absentee = Absentee { client, keeps_session };
        self.absentees.push(absentee);
        let readers: Vec<ReaderId> = self.audience.readers_with(client).collect();
        for stream in self.devices.iter_mut().flatten().flatten() {
            for place in 0..stream.tracks.len() {
                let track = &mut stream.tracks[place];
                if readers.contains(&track.reader) && absentee.misses(track.qos) {
                    track.absent += 1;
                    let under_way = track.under_way_to(client, stream.next);
                    let excused = under_way.into_iter().filter(|sequence| excuse(stream, place, *sequence));
                    self.outstanding -= excused.count() as u64;
                }
            }
        }
    }

    /// `client` is back: what is intended from now on must reach it.
    pub fn come_back(&mut self, client: ClientId) {
        let Some(place) = self.absentees.iter().position(|one| one.client == client) else { return };
        let absentee = self.absentees.swap_remove(place);
        let readers: Vec<ReaderId> = self.audience.readers_with(client).collect();
        let tracks = self.devices.iter_mut().flatten().flatten().flat_map(|stream| &mut stream.tracks);
        for track in tracks.filter(|track| readers.contains(&track.reader) && absentee.misses(track.qos)) {
            track.absent -= 1;
        }
    }

    /// What those who are away need not get of a stream that opens.
    pub(super) fn absences_from(&self, stream: &mut Stream) {
        for absentee in &self.absentees {
            for reader in self.audience.readers_with(absentee.client) {
                let tracks = stream.tracks.iter_mut().filter(|track| track.reader == reader);
                tracks.filter(|track| absentee.misses(track.qos)).for_each(|track| track.absent += 1);
            }
        }
    }
}

/// A message need not reach a reader any more; whether it was outstanding.
fn excuse(stream: &mut Stream, place: usize, sequence: u32) -> bool {
    stream.tracks[place].excuse(sequence);
    let Some(entry) = stream.under_way.get_mut(sequence) else { return false };
    entry.arrived();
    let was_outstanding = entry.state() == State::Confirmed;
    if was_outstanding && entry.missing() == 0 {
        stream.under_way.remove(sequence);
    }
    was_outstanding
}

#[cfg(test)]
mod tests;
