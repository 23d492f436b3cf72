//! Whether a value of the whole run can still come right.
//!
//! A percentile that is bad after ten seconds may be good after ten minutes, so a run is not ended for what it is, but for
//! what it cannot become: `p(99)<200ms` is lost once more than 1 % of all samples that the run will have are above 200 ms.
//! How many it will have is estimated from the busiest second so far and the stages to come, rather too high than too low, so
//! that a run that ends early would have missed its threshold.

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::observation::{EncodedHistogram, PlannedStage, Window, house_histogram};
use scenarios::model::{Aggregation, Comparison, Threshold};

use super::{
    jury::Frame,
    source::{Source, source},
    threshold::plain,
    tracks::{flow, samples},
};

/// The samples of the whole run so far, and how many come in a second.
#[derive(Debug, Default)]
pub(super) struct Prospect {
    samples: Option<Histogram<u64>>,
    now: Duration,
    /// The most samples that were due in one second, with the planned rate of its stage.
    busiest: (f64, Option<f64>),
}

/// By how much the estimate of what is to come is raised.
const MARGIN: f64 = 1.2;

impl Prospect {
    pub(super) fn see(&mut self, threshold: &Threshold, window: &Window, frame: &Frame) {
        self.now = window.at + window.length;
        let series = &threshold.series;
        let Source::Samples(_, due) = source(series.metric) else { return };
        if let Some(Some(Ok(more))) = samples(series, window).map(|samples| samples.map(EncodedHistogram::decoded)) {
            let _same_bounds = self.samples.get_or_insert_with(house_histogram).add(more);
        }
        // Windows that are cut short by a border say little about a second.
        if frame.is_inside(series, &window.stage) && window.length >= Duration::from_millis(500) {
            let seconds = window.length.as_secs_f64();
            let kept = samples(series, window).flatten().and_then(|samples| samples.decoded().ok());
            let came = kept.map_or(0, |kept| kept.len()) as f64;
            let due = flow(series, window, frame).as_ref().map_or(came, due).max(came) / seconds;
            if due > self.busiest.0 {
                let rate = frame.stages.iter().find(|stage| stage.name == window.stage).and_then(|stage| stage.rate);
                self.busiest = (due, rate);
            }
        }
    }

    /// What was seen that nothing to come can mend.
    pub(super) fn lost(&self, threshold: &Threshold, frame: &Frame) -> Option<String> {
        let samples = self.samples.as_ref()?;
        let expression = &threshold.expression;
        let bound = plain(&expression.bound);
        let holds = |value: u64| expression.comparison.holds(value as f64, bound);
        let bad = || -> u64 {
            let bad = samples.iter_recorded().filter(|value| !holds(value.value_iterated_to()));
            bad.map(|value| value.count_at_value()).sum()
        };
        match expression.aggregation {
            Aggregation::Maximum | Aggregation::Minimum => {
                let bad = bad();
                (bad > 0).then(|| format!("{bad} of {} samples so far were not within", samples.len()))
            }
            Aggregation::Count => {
                let over = samples.len() as f64;
                let beyond = match expression.comparison {
                    Comparison::Equal => over > bound,
                    comparison => !comparison.holds(over, bound),
                };
                beyond.then(|| format!("{} samples so far", samples.len()))
            }
            Aggregation::Percentile(percentile) => {
                let all = self.all(threshold, frame);
                let share = match expression.comparison {
                    Comparison::Less | Comparison::LessOrEqual => 1.0 - percentile.value() / 100.0,
                    _ => percentile.value() / 100.0,
                };
                let (bad, tolerated) = (bad(), share * all);
                (bad as f64 > tolerated + 1.0).then(|| {
                    format!(
                        "{bad} of {} samples so far were not within, and of the about {all:.0} of the whole run only \
                         {tolerated:.0} may be so",
                        samples.len()
                    )
                })
            }
            Aggregation::Average => {
                let all = self.all(threshold, frame);
                let sum = samples.mean() * samples.len() as f64;
                (sum > bound * all).then(|| {
                    format!("the samples so far make too great an average even if the rest of the about {all:.0} took no time")
                })
            }
            Aggregation::Rate => None,
        }
    }

    /// How many samples the run will have.
    fn all(&self, threshold: &Threshold, frame: &Frame) -> f64 {
        let (due, at_rate) = self.busiest;
        let to_come = |stage: &PlannedStage| {
            let left = (stage.start + stage.duration).saturating_sub(self.now.max(stage.start)).as_secs_f64();
            let scale = match (stage.rate, at_rate) {
                (Some(rate), Some(at)) if at > 0.0 => rate / at,
                _ => 1.0,
            };
            left * due * scale
        };
        let stages = frame.stages.iter().filter(|stage| frame.is_inside(&threshold.series, &stage.name));
        let so_far = self.samples.as_ref().map_or(0, Histogram::len) as f64;
        so_far + MARGIN * stages.map(to_come).sum::<f64>()
    }
}
