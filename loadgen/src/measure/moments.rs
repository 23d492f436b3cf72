//! Times that are measured once per client, not per message.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use reports::observation::house_histogram;

use super::window::nanos;

/// Metric, stage (an index; absent in a run without one) and group of clients.
type Place = (&'static str, Option<usize>, u16);

/// Distributions by what they are about.
#[derive(Debug, Default)]
pub(super) struct Moments(BTreeMap<Place, Box<Histogram<u64>>>);

impl Moments {
    pub(super) fn record(&mut self, metric: &'static str, stage: Option<usize>, group: u16, took: Duration) {
        let distribution = self.0.entry((metric, stage, group)).or_insert_with(|| Box::new(house_histogram()));
        distribution.saturating_record(nanos(took));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Option<usize>, u16, &Histogram<u64>)> {
        self.0.iter().map(|((metric, stage, group), distribution)| (*metric, *stage, *group, &**distribution))
    }
}
