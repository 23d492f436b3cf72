//! A closed loop: each device may have so many messages under way, and sends the next ones when some of them are back.
//!
//! Nothing is intended before the broker is ready for it, so what is measured is how much goes through, not how long a
//! message of a schedule takes: a broker that stalls stalls the load as well (coordinated omission). Reports say so.
//!
//! ```text
//!   sent ──▶ under way ──▶ back: acknowledged, refused or dropped (QoS 1, 2); received by everybody who must (QoS 0)
//! ```

use std::time::Duration;

use simulator::farm::DeviceId;

/// A device whose QoS 0 messages are under way for this long, and none came back, starts anew: the broker dropped them.
const PATIENCE: Duration = Duration::from_secs(1);

/// A device sends again when one in so many of its QoS 0 messages is back: one write for several messages costs little more than
/// for one. With acknowledgements it sends at once: a broker that leaves Nagle's algorithm on keeps back all but the first of
/// them until something comes from the device, or its kernel acknowledges by itself, which takes 40 ms.
const BUNCH: u32 = 2;

/// How a message comes back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Return {
    /// The broker acknowledges it.
    Acknowledged,
    /// It arrives at so many readers; 0 where it is back when it is written.
    Received(u32),
}

/// Who may send how much now.
#[derive(Debug, Default)]
pub(super) struct Flood {
    /// Messages of one device that may be under way; 0 when there is no flood.
    limit: u32,
    /// By [`DeviceId`].
    windows: Vec<Window>,
    /// Devices that have room, each once.
    ready: Vec<DeviceId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    online: bool,
    /// The stage leaves its group out.
    silent: bool,
    listed: bool,
    /// Events that must come before everything sent is back.
    open: u32,
    /// Events that bring one message back: as many as it has readers at QoS 0, else one.
    each: u32,
    /// The next ones are sent when so many are under way, or less.
    low: u32,
    /// When something last came back, or was sent while nothing was under way.
    moved: Duration,
}

impl Flood {
    /// Nobody may send. There are `devices` devices, offline.
    pub(super) fn new(devices: usize) -> Self {
        Self { windows: vec![Window::default(); devices], ..Self::default() }
    }

    /// From now on each device that `may` publish may have `limit` messages under way.
    pub(super) fn set(&mut self, limit: u32, may: impl Fn(DeviceId) -> bool) {
        self.limit = limit;
        self.ready.clear();
        for (index, window) in self.windows.iter_mut().enumerate() {
            let device = DeviceId(index as u32);
            window.silent = !may(device);
            window.listed = limit > 0 && window.online && !window.silent;
            if window.listed {
                self.ready.push(device);
            }
        }
    }

    pub(super) const fn is_on(&self) -> bool {
        self.limit > 0
    }

    /// A device came online or went offline: what was under way is no longer waited for.
    pub(super) fn set_online(&mut self, device: DeviceId, online: bool) {
        if let Some(window) = self.windows.get_mut(device.0 as usize) {
            (window.online, window.open) = (online, 0);
        }
        self.list(device);
    }

    /// So many messages of `device` were handed out.
    pub(super) fn sent(&mut self, device: DeviceId, messages: u32, back: Return, now: Duration) {
        let (each, bunch) = match back {
            Return::Acknowledged => (1, 1),
            Return::Received(readers) => (readers.max(1), self.limit.div_ceil(BUNCH)),
        };
        if let Some(window) = self.windows.get_mut(device.0 as usize) {
            if window.open == 0 {
                window.moved = now;
            }
            window.each = each;
            window.low = self.limit.saturating_sub(bunch);
            window.open += window.each * messages;
        }
    }

    /// So many of the events that bring messages of `device` back.
    pub(super) fn came_back(&mut self, device: DeviceId, events: u32, now: Duration) {
        if self.limit == 0 {
            return;
        }
        if let Some(window) = self.windows.get_mut(device.0 as usize) {
            window.open = window.open.saturating_sub(events);
            window.moved = now;
        }
        self.list(device);
    }

    /// Lets devices start anew whose messages do not come back. For QoS 0 only: the rest is acknowledged, or its connection
    /// ends.
    pub(super) fn revive(&mut self, now: Duration, may: impl Fn(DeviceId) -> bool) {
        for index in 0..self.windows.len() {
            let device = DeviceId(index as u32);
            let window = &mut self.windows[index];
            if self.limit > 0 && window.open > 0 && now.saturating_sub(window.moved) >= PATIENCE && may(device) {
                (window.open, window.moved) = (0, now);
                self.list(device);
            }
        }
    }

    /// The next device with room, and how many messages it may send. It is not listed again before something comes back.
    pub(super) fn next(&mut self) -> Option<(DeviceId, u32)> {
        let device = self.ready.pop()?;
        let window = &mut self.windows[device.0 as usize];
        window.listed = false;
        let under_way = window.open.div_ceil(window.each.max(1));
        Some((device, if window.online { self.limit.saturating_sub(under_way) } else { 0 }))
    }

    fn list(&mut self, device: DeviceId) {
        let Some(window) = self.windows.get_mut(device.0 as usize) else { return };
        if self.limit > 0
            && window.online
            && !window.silent
            && !window.listed
            && window.open <= window.low * window.each
        {
            window.listed = true;
            self.ready.push(device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceId = DeviceId(0);
    const SECOND: Duration = Duration::from_secs(1);

    fn flooded(limit: u32) -> Flood {
        let mut flood = Flood::new(2);
        flood.set_online(DEVICE, true);
        flood.set(limit, |_| true);
        flood
    }

    #[test]
    fn a_device_never_has_more_under_way_than_it_may() {
        let mut flood = flooded(3);
        assert_eq!(flood.next(), Some((DEVICE, 3)));
        for _ in 0..3 {
            flood.sent(DEVICE, 1, Return::Received(1), Duration::ZERO);
        }
        assert_eq!(flood.next(), None);
        flood.came_back(DEVICE, 1, SECOND);
        flood.came_back(DEVICE, 1, SECOND);
        assert_eq!(flood.next(), Some((DEVICE, 2)));
        assert_eq!(flood.next(), None);
    }

    #[test]
    fn a_device_answers_each_acknowledgement() {
        let mut flood = flooded(3);
        assert_eq!(flood.next(), Some((DEVICE, 3)));
        for _ in 0..3 {
            flood.sent(DEVICE, 1, Return::Acknowledged, Duration::ZERO);
        }
        flood.came_back(DEVICE, 1, SECOND);
        assert_eq!(flood.next(), Some((DEVICE, 1)));
    }

    #[test]
    fn a_message_is_back_when_all_its_readers_have_it() {
        let mut flood = flooded(1);
        assert_eq!(flood.next(), Some((DEVICE, 1)));
        flood.sent(DEVICE, 1, Return::Received(3), Duration::ZERO);
        flood.came_back(DEVICE, 1, SECOND);
        flood.came_back(DEVICE, 1, SECOND);
        assert_eq!(flood.next(), None);
        flood.came_back(DEVICE, 1, SECOND);
        assert_eq!(flood.next(), Some((DEVICE, 1)));
    }

    #[test]
    fn what_a_broker_dropped_is_not_waited_for() {
        let mut flood = flooded(1);
        assert_eq!(flood.next(), Some((DEVICE, 1)));
        flood.sent(DEVICE, 1, Return::Received(1), Duration::ZERO);
        flood.revive(SECOND / 2, |_| true);
        assert_eq!(flood.next(), None);
        flood.revive(SECOND, |_| false);
        assert_eq!(flood.next(), None, "it waits for an acknowledgement");
        flood.revive(SECOND, |_| true);
        assert_eq!(flood.next(), Some((DEVICE, 1)));
    }

    #[test]
    fn offline_devices_do_not_send_and_start_anew() {
        let mut flood = flooded(2);
        assert_eq!(flood.next(), Some((DEVICE, 2)));
        flood.sent(DEVICE, 1, Return::Received(1), Duration::ZERO);
        flood.set_online(DEVICE, false);
        assert_eq!(flood.next(), None);
        flood.set_online(DEVICE, true);
        assert_eq!(flood.next(), Some((DEVICE, 2)));
    }

    #[test]
    fn nobody_sends_when_the_flood_is_over() {
        let mut flood = flooded(2);
        flood.set(0, |_| true);
        flood.came_back(DEVICE, 1, SECOND);
        assert_eq!(flood.next(), None);
    }
}
