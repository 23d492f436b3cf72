//! What a broker says below `$SYS` that it dropped, as Mosquitto does and those that follow it.
//!
//! The count is published every so often (`sys_interval`, 10 s unless it is set) and only when it has changed, retained, in one go with
//! the broker's uptime, which always changes. So a look before the load finds a count of a while ago, and how long ago shows the
//! uptime beside it; and after the load the next uptime is waited for, and with it comes what the load did. Nobody listens in between.

use std::time::Duration;

use protocol::{QoS, SubscribeFilter, SubscriptionOptions, Time};
use reports::observation::BrokerDrops;

use super::{
    drive::{Drive, PATIENCE},
    side::{self, Side},
    upheaval::Broker,
};
use crate::metrics::BEGAN_AGAIN;

/// The count.
pub(super) const DROPPED: &str = "$SYS/broker/publish/messages/dropped";
/// When it was published: `17 seconds` after the broker began.
const UPTIME: &str = "$SYS/broker/uptime";
/// The longest time until the next uptime: Mosquitto's usual 10 s take 11.
const NEXT_NEWS: Duration = Duration::from_secs(12);

/// What a client was told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Said {
    dropped: Option<u64>,
    /// Seconds from the broker's beginning to its latest news.
    uptime: Option<u64>,
    /// When that came, when it was not kept from before.
    fresh: Option<Time>,
}

impl Said {
    /// Takes a message in.
    pub(super) fn hear(&mut self, topic: &str, payload: &[u8], retained: bool, at: Time) {
        let number = || std::str::from_utf8(payload).ok()?.split(' ').next()?.parse::<u64>().ok();
        match topic {
            DROPPED => self.dropped = number().or(self.dropped),
            UPTIME => {
                if let Some(uptime) = number() {
                    self.uptime = Some(uptime);
                    self.fresh = (!retained).then_some(at);
                }
            }
            _ => {}
        }
    }
}

/// What was dropped between two looks; absent when that is not known. The load began at `begun`; the broker may be `known` to have
/// begun again.
fn between(before: &Said, after: &Said, begun: Time, known: bool) -> Option<BrokerDrops> {
    let (first, last) = (before.dropped?, after.dropped?);
    // Seconds before the load began.
    let born = after.uptime.zip(after.fresh).map(|(uptime, fresh)| uptime as f64 - fresh.since(begun).as_secs_f64());
    let counted_from = before.uptime.zip(born).map(|(uptime, born)| born - uptime as f64);
    // It tells whole seconds.
    let began_again = known || last < first || before.uptime > after.uptime || born.is_some_and(|born| born < -1.0);
    let (count, note) = match (began_again, counted_from) {
        (true, _) => (last, BEGAN_AGAIN.to_owned()),
        (false, None) => {
            (last - first, "as of its latest news, which may be older than the end of the load".to_owned())
        }
        (false, Some(earlier)) if earlier >= 2.0 => {
            (last - first, format!("counted from {earlier:.0} s before the load on"))
        }
        (false, Some(_)) => (last - first, String::new()),
    };
    let causes = (count > 0).then(|| (BrokerDrops::ANY_CAUSE.to_owned(), count)).into_iter().collect();
    Some(BrokerDrops { source: DROPPED.to_owned(), causes, note })
}

impl Drive<'_> {
    /// Looks at what the side client, which is online, is told at once; for later.
    pub(super) async fn look_at_sys(&mut self) {
        if let Some(side) = &mut self.side {
            side.ask(self.fleet.engine(), filters());
        }
        let deadline = self.now().after(PATIENCE);
        self.listen(deadline, false).await;
        self.sys_before = self.side.as_ref().map(|side| side.said);
    }

    /// What the broker says that it dropped since then, where deliveries are missing: an answer takes its time.
    pub(super) async fn ask_sys(&mut self) -> Option<BrokerDrops> {
        let before = self.sys_before.filter(|before| before.dropped.is_some())?;
        if !self.plan.segment.is_whole() || self.fleet.stamper().ledger.outstanding() == 0 {
            return None;
        }
        self.side = Some(Side::open(self.fleet.engine(), self.plan, "sys"));
        let deadline = self.now().after(PATIENCE);
        while self.now() < deadline && self.side.as_ref().is_some_and(|side| side.state == side::State::Opening) {
            self.turn(deadline).await;
        }
        if let Some(side) = self.side.as_mut().filter(|side| side.state == side::State::Online) {
            side.ask(self.fleet.engine(), filters());
            // Who interrupts a run does not wait for news.
            let patience = if self.interrupted { PATIENCE } else { NEXT_NEWS };
            let deadline = self.now().after(patience);
            self.listen(deadline, !self.interrupted).await;
        }
        let after = self.side.as_ref().map(|side| side.said)?;
        self.leave_side().await;
        let began_again = self.broker.as_ref().is_some_and(Broker::began_again);
        between(&before, &after, self.start, began_again)
    }

    /// Until `deadline`: waits for what is kept, and perhaps for the next news; what is published in one go comes before the answer to
    /// an UNSUBSCRIBE.
    async fn listen(&mut self, deadline: Time, for_news: bool) {
        let mut asked_to_end = false;
        while self.now() < deadline {
            let Some(side) = self.side.as_mut().filter(|side| side.state == side::State::Online) else { return };
            match side.answers {
                1 if !asked_to_end && (!for_news || side.said.fresh.is_some()) => {
                    asked_to_end = true;
                    let ours = filters().into_iter().map(|one| one.filter).collect();
                    side.end(self.fleet.engine(), ours);
                }
                2.. => return,
                _ => {}
            }
            self.turn(deadline).await;
        }
    }
}

fn filters() -> Vec<SubscribeFilter> {
    let options = SubscriptionOptions { qos: QoS::AtMostOnce, ..SubscriptionOptions::default() };
    let filter = |text: &str| SubscribeFilter { filter: text.parse().expect("it is a filter"), options };
    vec![filter(DROPPED), filter(UPTIME)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO.after(Duration::from_secs(seconds))
    }

    /// Told so many drops and such an uptime; at once, or later as news.
    fn news(dropped: u64, uptime: u64, fresh: Option<Time>) -> Said {
        let mut news = Said::default();
        news.hear(DROPPED, dropped.to_string().as_bytes(), fresh.is_none(), fresh.unwrap_or(at(0)));
        news.hear(UPTIME, format!("{uptime} seconds").as_bytes(), fresh.is_none(), fresh.unwrap_or(at(0)));
        news
    }

    fn told(before: Said, after: Said) -> (u64, String) {
        let drops = between(&before, &after, at(100), false).unwrap();
        assert_eq!(drops.source, DROPPED);
        (drops.total(), drops.note)
    }

    #[test]
    fn what_is_told_after_the_load_less_what_was_told_before_it() {
        // The broker is 50 s old when the load begins, and told of its 49th second then.
        assert_eq!(told(news(3, 49, None), news(33, 90, Some(at(140)))), (30, String::new()));
        assert_eq!(told(news(3, 49, None), news(3, 90, Some(at(140)))).0, 0);
        assert!(between(&Said::default(), &news(3, 90, None), at(100), false).is_none(), "it did not say before");
        assert!(between(&news(3, 49, None), &Said::default(), at(100), false).is_none(), "it does not say any more");
    }

    #[test]
    fn how_old_the_counts_are_is_told() {
        let (count, note) = told(news(3, 41, None), news(33, 90, Some(at(140))));
        assert_eq!((count, note.as_str()), (30, "counted from 9 s before the load on"));
        let (count, note) = told(news(3, 41, None), news(33, 88, None));
        assert_eq!((count, note.as_str()), (30, "as of its latest news, which may be older than the end of the load"));
    }

    #[test]
    fn a_broker_that_began_again_has_counted_from_nothing() {
        let again = |after| assert_eq!(told(news(3, 41, None), after), (5, BEGAN_AGAIN.to_owned()));
        // Twenty seconds after the load began; its uptime has overtaken what it was before.
        again(news(5, 60, Some(at(180))));
        again(news(5, 12, None));
        assert_eq!(told(news(30, 41, None), news(5, 42, None)), (5, BEGAN_AGAIN.to_owned()));
        // Whoever did it knows, however soon it was back.
        let drops = between(&news(3, 0, None), &news(5, 40, Some(at(140))), at(100), true).unwrap();
        assert_eq!((drops.total(), drops.note.as_str()), (5, BEGAN_AGAIN));
    }

    #[test]
    fn what_is_no_number_is_no_news() {
        let mut news = Said::default();
        for odd in [&b""[..], b"-1", b"many seconds", b"\xff\xfe", b"99999999999999999999"] {
            news.hear(DROPPED, odd, true, at(1));
            news.hear(UPTIME, odd, false, at(1));
            news.hear("$SYS/broker/version", b"7", false, at(1));
        }
        assert_eq!(news, Said::default());
    }
}
