//! What a broker says that it dropped, from its own metrics page before a load and after it.

use std::{
    collections::BTreeMap,
    thread::{self, JoinHandle},
};

use reports::observation::BrokerDrops;
use tokio::sync::oneshot;

use super::{
    LONGEST, MetricsPage, PATIENCE,
    text::{Dropped, dropped},
};

/// What is said of a broker that was started again while it was watched.
pub(crate) const BEGAN_AGAIN: &str = "it was started again, and what it dropped before that is not known";

/// What may lie between two readings of the moment at which one process began: some compute it anew for each page.
const SAME: f64 = 0.1;

/// Reads a page twice, each time in a thread of its own: no answer, however late, delays a message.
#[derive(Debug)]
pub(crate) struct Drops {
    page: MetricsPage,
    looking: Option<oneshot::Receiver<Option<Dropped>>>,
    before: Option<Dropped>,
    after: Option<JoinHandle<Option<Dropped>>>,
}

impl Drops {
    /// Looks at `page` now.
    pub(crate) fn watch(page: &MetricsPage) -> Self {
        let (tell, looking) = oneshot::channel();
        let read = page.clone();
        let work = move || drop(tell.send(look(&read)));
        // Without a thread nothing is known, which spoils no run.
        let begun = thread::Builder::new().name("drops".to_owned()).spawn(work);
        Self { page: page.clone(), looking: begun.ok().map(|_| looking), before: None, after: None }
    }

    /// Waits for that look. One that has not come when the load begins says nothing of what was before it: who gives up waiting by
    /// then has none.
    pub(crate) async fn looked(&mut self) {
        if let Some(looking) = &mut self.looking {
            self.before = looking.await.ok().flatten();
            self.looking = None;
        }
    }

    /// Whether the page tells what is dropped.
    pub(crate) fn tells(&self) -> bool {
        self.before.is_some()
    }

    /// Looks again, at the end of the load and before anybody leaves: what waits for clients that leave is dropped, too.
    pub(crate) fn look_again(&mut self) {
        let page = self.page.clone();
        self.after = thread::Builder::new().name("drops".to_owned()).spawn(move || look(&page)).ok();
    }

    /// What was dropped between the two looks; absent when nobody knows. The broker may be `known` to have begun again.
    pub(crate) fn told(self, known: bool) -> Option<BrokerDrops> {
        let (causes, note) = between(&self.before?, self.after?.join().ok().flatten()?, known);
        Some(BrokerDrops { source: self.page.to_string(), causes, note })
    }
}

fn look(page: &MetricsPage) -> Option<Dropped> {
    dropped(&page.text(&page.agent(PATIENCE).ok()?, LONGEST).ok()?)
}

/// What was counted from `before` to `after`, without causes that nothing was dropped for, and what a reader must know. Counters of
/// another process than before began at 0.
fn between(before: &Dropped, after: Dropped, known: bool) -> (BTreeMap<String, u64>, String) {
    let counted = |cause: &str| before.causes.get(cause).copied().unwrap_or(0);
    let is_another = match (before.began, after.began) {
        (Some(one), Some(other)) => (one - other).abs() > SAME,
        _ => false,
    };
    let began_again = known || is_another || after.causes.iter().any(|(cause, count)| *count < counted(cause));
    let since = |(cause, count): (String, u64)| {
        let count = if began_again { count } else { count - counted(&cause) };
        (count > 0).then_some((cause, count))
    };
    let causes = after.causes.into_iter().filter_map(since).collect();
    (causes, if began_again { BEGAN_AGAIN.to_owned() } else { String::new() })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        sync::mpsc,
        time::Duration,
    };

    use super::*;

    fn said(all: &[(&str, u64)], began: Option<f64>) -> Dropped {
        Dropped { causes: counts(all), began }
    }

    fn counts(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
        all.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect()
    }

    #[test]
    fn what_was_dropped_is_the_difference_of_two_looks() {
        let before = said(&[("slow", 3), ("denied", 5)], Some(1e9));
        let told = between(&before, said(&[("slow", 10), ("denied", 5), ("expired", 1)], Some(1e9)), false);
        assert_eq!(told, (counts(&[("slow", 7), ("expired", 1)]), String::new()));
    }

    #[test]
    fn a_broker_that_began_again_has_counted_from_nothing() {
        let again = BEGAN_AGAIN.to_owned();
        let before = said(&[("slow", 3), ("denied", 5)], None);
        assert_eq!(between(&before, said(&[("slow", 2), ("denied", 5)], None), false).1, again, "a counter went back");
        // None went back, and it is another process all the same.
        let before = said(&[("slow", 3)], Some(1_800_000_000.25));
        let told = between(&before, said(&[("slow", 4)], Some(1_800_000_007.5)), false);
        assert_eq!(told, (counts(&[("slow", 4)]), again.clone()));
        assert_eq!(
            between(&before, said(&[("slow", 4)], None), true),
            (counts(&[("slow", 4)]), again),
            "so it is known"
        );
    }

    /// A broker that answers when it is told to: the first answer counts 4, later ones more.
    #[tokio::test]
    async fn a_look_that_comes_late_is_none_from_before_the_load() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let page: MetricsPage = format!("http://{}/metrics", server.local_addr().unwrap()).parse().unwrap();
        let (go_on, held) = mpsc::channel::<()>();
        thread::spawn(move || {
            for (nth, peer) in server.incoming().enumerate() {
                let mut peer = peer.unwrap();
                // All of it: what is not read when a connection is closed resets it.
                let lines = BufReader::new(&peer).lines();
                let _request = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
                let _closed = held.recv();
                let body = format!("paddock_broker_messages_dropped_total{{cause=\"slow\"}} {}\n", 4 + nth);
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                let _gone = peer.write_all((head + &body).as_bytes());
            }
        });
        let mut late = Drops::watch(&page);
        let waited = tokio::time::timeout(Duration::from_millis(50), late.looked()).await;
        assert!(waited.is_err() && !late.tells(), "nobody answers yet");
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        late.look_again();
        let after = late.after.take().unwrap().join().unwrap();
        assert!(after.is_some(), "by then both looks have been answered");
        late.after = Some(thread::spawn(|| after));
        assert_eq!(late.told(false), None);
        let mut awaited = Drops::watch(&page);
        go_on.send(()).unwrap();
        awaited.looked().await;
        assert!(awaited.tells());
        go_on.send(()).unwrap();
        awaited.look_again();
        assert_eq!(awaited.told(false).unwrap().causes, counts(&[("slow", 1)]));
    }
}
