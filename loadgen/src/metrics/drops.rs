//! What a broker says that it dropped, from its own metrics page before a load and after it.

use std::{
    collections::BTreeMap,
    thread::{self, JoinHandle},
};

use reports::observation::BrokerDrops;

use super::{LONGEST, MetricsPage, PATIENCE, text::dropped};

/// Messages dropped so far, by cause; absent when the page cannot be read or does not say.
type Counts = Option<BTreeMap<String, u64>>;

/// Reads a page twice, each time in a thread of its own: no answer, however late, delays a message.
#[derive(Debug)]
pub(crate) struct Drops {
    page: MetricsPage,
    before: Option<JoinHandle<Counts>>,
    after: Option<JoinHandle<Counts>>,
}

impl Drops {
    /// Looks at `page` now.
    pub(crate) fn watch(page: &MetricsPage) -> Self {
        Self { page: page.clone(), before: look(page), after: None }
    }

    /// Looks again, at the end of the load and before anybody leaves: what waits for clients that leave is dropped, too.
    pub(crate) fn look_again(&mut self) {
        self.after = look(&self.page);
    }

    /// What was dropped between the two looks; absent when nobody knows.
    pub(crate) fn told(self) -> Option<BrokerDrops> {
        let counts = |look: Option<JoinHandle<Counts>>| look?.join().ok().flatten();
        let causes = between(&counts(self.before)?, counts(self.after)?)?;
        Some(BrokerDrops { source: self.page.to_string(), causes })
    }
}

fn look(page: &MetricsPage) -> Option<JoinHandle<Counts>> {
    let page = page.clone();
    let work = move || dropped(&page.text(&page.agent(PATIENCE).ok()?, LONGEST).ok()?);
    // Without a thread nothing is known, which spoils no run.
    thread::Builder::new().name("drops".to_owned()).spawn(work).ok()
}

/// What was counted from `before` to `after`, without causes that nothing was dropped for; absent where a counter went back, which
/// then belongs to another process.
fn between(before: &BTreeMap<String, u64>, after: BTreeMap<String, u64>) -> Counts {
    let mut causes = BTreeMap::new();
    for (cause, after) in after {
        let count = after.checked_sub(before.get(&cause).copied().unwrap_or(0))?;
        if count > 0 {
            causes.insert(cause, count);
        }
    }
    Some(causes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_is_the_difference_of_two_looks() {
        let counts = |all: &[(&str, u64)]| all.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect();
        let before = counts(&[("slow", 3), ("denied", 5)]);
        let told = between(&before, counts(&[("slow", 10), ("denied", 5), ("expired", 1)]));
        assert_eq!(told, Some(counts(&[("slow", 7), ("expired", 1)])));
        assert_eq!(between(&before, counts(&[("slow", 2), ("denied", 5)])), None, "it was started again");
    }
}
