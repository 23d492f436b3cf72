//! Times that are measured once per client, not per message.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use reports::observation::house_histogram;

use super::window::nanos;

/// Distributions by metric, stage (an index; absent after the last) and group of clients.
#[derive(Debug, Default)]
pub(super) struct Moments(BTreeMap<(&'static str, Option<usize>, u16), Box<Histogram<u64>>>);

impl Moments {
    pub(super) fn record(&mut self, metric: &'static str, stage: Option<usize>, group: u16, took: Duration) {
        let distribution = self.0.entry((metric, stage, group)).or_insert_with(|| Box::new(house_histogram()));
        distribution.saturating_record(nanos(took));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Option<usize>, u16, &Histogram<u64>)> {
        self.0.iter().map(|((metric, stage, group), distribution)| (*metric, *stage, *group, &**distribution))
    }
}
