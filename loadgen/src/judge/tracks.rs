//! What a jury remembers of the seconds that went by.

use std::{collections::VecDeque, time::Duration};

use hdrhistogram::Histogram;
use reports::observation::{EncodedHistogram, Event, Flow, Stretch, Window, house_histogram};
use scenarios::model::{Aggregation, Comparison, Metric, Selector, Series, Threshold};

use super::{
    jury::Frame,
    source::{Source, key, source},
    threshold::{Compared, Finding, NOTHING, aggregate, bound_of, plain},
};

/// Windows shorter than this say more about their borders than about a rate.
const SHORTEST: Duration = Duration::from_millis(500);

/// What one window says of one metric.
#[derive(Clone, Debug)]
enum Value {
    Samples(Vec<EncodedHistogram>),
    Messages(Flow),
    Level(f64),
    /// Nanoseconds of processor time, and messages sent.
    Cost(f64, u64),
}

/// The messages that `series` selects among those of `window`; `None` when it did not keep them apart.
pub(super) fn flow(series: &Series, window: &Window, frame: &Frame) -> Option<Flow> {
    if let Some(kept) = window.kept.get(&key(series)) {
        return Some(kept.flow);
    }
    let qos = series.selectors.iter().find_map(|selector| match selector {
        Selector::Qos(qos) => Some(usize::from(qos.level())),
        _ => None,
    });
    match (qos, frame.groups(series)) {
        (None, None) => Some(window.total),
        (Some(qos), None) => window.qos.get(qos).copied(),
        (None, Some(groups)) => {
            let mut sum = Flow::default();
            for flow in groups.iter().filter_map(|group| window.groups.get(*group)) {
                sum += *flow;
            }
            Some(sum)
        }
        (Some(_), Some(_)) => None,
    }
}

/// The samples that `series` selects among those of `window`; `None` when it did not keep them apart.
pub(super) fn samples<'a>(series: &Series, window: &'a Window) -> Option<Option<&'a EncodedHistogram>> {
    if let Some(kept) = window.kept.get(&key(series)) {
        return Some(kept.samples.as_ref());
    }
    let own = match source(series.metric) {
        Source::Samples(reports::metric::E2E, _) => &window.e2e,
        Source::Samples(reports::metric::SERVICE, _) => &window.service,
        Source::Samples(reports::metric::GENERATOR_LAG, _) => &window.lag,
        Source::Samples(reports::metric::ROUND_TRIP, _) => &window.round_trip,
        _ => return None,
    };
    (!series.is_narrow()).then_some(own.histogram.as_ref())
}

fn value(series: &Series, window: &Window, frame: &Frame) -> Option<Value> {
    match source(series.metric) {
        Source::Samples(..) => {
            samples(series, window).map(|samples| Value::Samples(samples.into_iter().cloned().collect()))
        }
        Source::Messages(..) | Source::Pace(_) => flow(series, window, frame).map(Value::Messages),
        Source::Level(pick) => pick(window).map(Value::Level),
        Source::Connections if !series.is_narrow() => Some(Value::Level(window.connections as f64)),
        Source::Connections => Some(Value::Level(window.kept.get(&key(series))?.connections? as f64)),
        Source::Cost => {
            let cpu = window.target?.cpu?;
            Some(Value::Cost(cpu * window.length.as_nanos() as f64, window.total.sent))
        }
        Source::Fault(_) | Source::Requests(_) | Source::Growth(_) | Source::Events(_) => None,
    }
}

/// Slides a window over the measured stages and remembers the worst one. Without a length each second is judged alone.
#[derive(Debug, Default)]
pub(super) struct Windows {
    stage: String,
    ring: VecDeque<(Stretch, Value)>,
    covered: Duration,
    /// Of the samples in the ring.
    sum: Option<Box<Histogram<u64>>>,
    worst: Option<Finding>,
    /// Whether a window had nothing to say of the metric.
    unkept: bool,
}

impl Windows {
    pub(super) fn see(&mut self, threshold: &Threshold, window: &Window, frame: &Frame) {
        let inside = frame.is_inside(&threshold.series, &window.stage);
        match (value(&threshold.series, window, frame), inside) {
            (None, inside) => self.unkept |= inside,
            (Some(value), true) => {
                if self.stage != window.stage {
                    self.stage.clone_from(&window.stage);
                    while self.pop().is_some() {}
                }
                let length = threshold.expression.window.unwrap_or(Duration::ZERO);
                self.push(Stretch { at: window.at, length: window.length }, value);
                while self.ring.len() > 1 && self.covered - self.ring[0].0.length >= length {
                    self.pop();
                }
                self.judge(threshold, length);
            }
            // What came after the stage, of messages that were intended within it: it belongs to the last window.
            (Some(Value::Samples(late)), false) if !self.ring.is_empty() && self.takes(threshold, window) => {
                self.add(&late);
                if let Some((_, Value::Samples(last))) = self.ring.back_mut() {
                    last.extend(late);
                }
                self.judge(threshold, threshold.expression.window.unwrap_or(Duration::ZERO));
            }
            (Some(_), false) => {}
        }
    }

    /// Whether the samples of a window outside are of messages within: those that were kept for this are, and those of the
    /// drain.
    fn takes(&self, threshold: &Threshold, window: &Window) -> bool {
        // Who connects does so in the stage of the window.
        let of_messages = threshold.series.metric != Metric::Connect;
        of_messages && (window.stage.is_empty() || window.kept.contains_key(&key(&threshold.series)))
    }

    fn push(&mut self, stretch: Stretch, value: Value) {
        if let Value::Samples(samples) = &value {
            self.add(samples);
        }
        self.covered += stretch.length;
        self.ring.push_back((stretch, value));
    }

    fn add(&mut self, samples: &[EncodedHistogram]) {
        let sum = self.sum.get_or_insert_with(|| Box::new(house_histogram()));
        for samples in samples.iter().filter_map(|samples| samples.decode().ok()) {
            let _same_bounds = sum.add(samples);
        }
    }

    fn pop(&mut self) -> Option<()> {
        let (stretch, value) = self.ring.pop_front()?;
        self.covered -= stretch.length;
        if let (Value::Samples(samples), Some(sum)) = (value, &mut self.sum) {
            for samples in samples.iter().filter_map(|samples| samples.decode().ok()) {
                let _was_added = sum.subtract(samples);
            }
        }
        Some(())
    }

    fn judge(&mut self, threshold: &Threshold, length: Duration) {
        let Some((first, _)) = self.ring.front() else { return };
        let stretch = Stretch { at: first.at, length: self.covered };
        let paced = matches!(source(threshold.series.metric), Source::Pace(_));
        if self.covered < length || (paced && self.covered < SHORTEST) {
            return;
        }
        let Some(compared) = self.compared(threshold) else { return };
        let finding = Finding { compared, worst: Some(stretch) };
        if self.worst.as_ref().is_none_or(|worst| badness(threshold, &compared) > badness(threshold, &worst.compared)) {
            self.worst = Some(finding);
        }
    }

    fn compared(&self, threshold: &Threshold) -> Option<Compared> {
        let (aggregation, seconds) = (threshold.expression.aggregation, self.covered.as_secs_f64());
        if let Some(sum) = &self.sum {
            let counts = aggregation == Aggregation::Count;
            return (counts || !sum.is_empty())
                .then(|| Compared::plain(aggregate(aggregation, sum), &threshold.expression.bound));
        }
        let values = || self.ring.iter().map(|(stretch, value)| (stretch.length.as_secs_f64(), value));
        let levels = || {
            values().filter_map(|(length, value)| match value {
                Value::Level(level) => Some((length, *level)),
                _ => None,
            })
        };
        let mut messages = Flow::default();
        let (mut busy, mut sent) = (0.0, 0);
        for (_, value) in values() {
            match value {
                Value::Messages(flow) => messages += *flow,
                Value::Cost(nanos, count) => (busy, sent) = (busy + nanos, sent + count),
                Value::Samples(_) | Value::Level(_) => {}
            }
        }
        match source(threshold.series.metric) {
            Source::Pace(pick) => Some(paced(threshold, pick(&messages), seconds)),
            Source::Messages(_, _, pick) => {
                let (counted, should) = pick(&messages);
                Some(Compared::new(counted as f64, bound_of(&threshold.expression.bound, should as f64)))
            }
            Source::Cost => (sent > 0).then(|| Compared::plain(busy / sent as f64, &threshold.expression.bound)),
            _ => {
                let observed = match aggregation {
                    Aggregation::Minimum => levels().map(|(_, level)| level).reduce(f64::min)?,
                    Aggregation::Maximum => levels().map(|(_, level)| level).reduce(f64::max)?,
                    _ => levels().map(|(length, level)| length * level).sum::<f64>() / seconds,
                };
                Some(Compared::plain(observed, &threshold.expression.bound))
            }
        }
    }

    pub(super) fn finding(&self, threshold: &Threshold) -> Result<Finding, String> {
        match (&self.worst, threshold.expression.window) {
            (Some(worst), _) => Ok(worst.clone()),
            (None, _) if self.unkept => Err(format!("the run did not keep {} second by second", threshold.series)),
            (None, Some(length)) if self.covered < length && !self.ring.is_empty() => {
                let length = scenarios::model::format_duration(length);
                Err(format!("nothing was measured for as long as {length} within one stage"))
            }
            (None, _) => Err(NOTHING.to_owned()),
        }
    }
}

/// A rate against its bound, give or take the one message that may fall on either side of a window's border.
fn paced(threshold: &Threshold, (counted, should): (u64, u64), seconds: f64) -> Compared {
    let bound = &threshold.expression.bound;
    let slack = match (bound, threshold.expression.comparison) {
        (scenarios::model::Bound::Intended(_), Comparison::Greater | Comparison::GreaterOrEqual) => 1.0 / seconds,
        (scenarios::model::Bound::Intended(_), Comparison::Less | Comparison::LessOrEqual) => -1.0 / seconds,
        _ => 0.0,
    };
    Compared { observed: counted as f64 / seconds, bound: bound_of(bound, should as f64 / seconds), slack }
}

/// How far from holding; the greatest is the worst.
fn badness(threshold: &Threshold, compared: &Compared) -> f64 {
    let over = compared.observed + compared.slack - compared.bound;
    match (threshold.expression.aggregation, threshold.expression.comparison) {
        // Without a window the least or greatest second is asked for, whatever it is compared with.
        (Aggregation::Minimum, _) if threshold.expression.window.is_none() => -over,
        (Aggregation::Maximum, _) if threshold.expression.window.is_none() => over,
        (_, Comparison::Less | Comparison::LessOrEqual) => over,
        (_, Comparison::Greater | Comparison::GreaterOrEqual) => -over,
        (_, Comparison::Equal) => over.abs(),
        (_, Comparison::NotEqual) => -over.abs(),
    }
}

/// Adds up over the measured stages.
#[derive(Debug, Default)]
pub(super) struct Total {
    covered: Duration,
    messages: Flow,
    /// Values times seconds.
    weighed: f64,
    busy: f64,
    unkept: bool,
}

impl Total {
    pub(super) fn see(&mut self, threshold: &Threshold, window: &Window, frame: &Frame) {
        if !frame.is_inside(&threshold.series, &window.stage) {
            return;
        }
        match value(&threshold.series, window, frame) {
            None => {
                self.unkept = true;
                return;
            }
            Some(Value::Messages(flow)) => self.messages += flow,
            Some(Value::Level(level)) => self.weighed += level * window.length.as_secs_f64(),
            Some(Value::Cost(nanos, sent)) => {
                self.busy += nanos;
                self.messages.sent += sent;
            }
            Some(Value::Samples(_)) => {}
        }
        self.covered += window.length;
    }

    pub(super) fn finding(&self, threshold: &Threshold) -> Result<Finding, String> {
        let seconds = self.covered.as_secs_f64();
        let bound = &threshold.expression.bound;
        let compared = match source(threshold.series.metric) {
            _ if self.covered.is_zero() && self.unkept => {
                return Err(format!("the run did not keep {} second by second", threshold.series));
            }
            _ if self.covered.is_zero() => return Err(NOTHING.to_owned()),
            Source::Pace(pick) => {
                let (counted, should) = pick(&self.messages);
                Compared::new(counted as f64 / seconds, bound_of(bound, should as f64 / seconds))
            }
            Source::Messages(_, _, pick) => {
                let (counted, should) = pick(&self.messages);
                Compared::new(counted as f64, bound_of(bound, should as f64))
            }
            Source::Cost if self.messages.sent == 0 => return Err(NOTHING.to_owned()),
            Source::Cost => Compared::plain(self.busy / self.messages.sent as f64, bound),
            _ => Compared::plain(self.weighed / seconds, bound),
        };
        Ok(Finding { compared, worst: None })
    }
}

/// Counts what happened; over windows it is told of each event and of the time that passes without one.
#[derive(Debug, Default)]
pub(super) struct Events {
    begun: Option<Duration>,
    all: u64,
    recent: VecDeque<(Duration, u64)>,
    worst: Option<Finding>,
}

impl Events {
    pub(super) fn see(&mut self, threshold: &Threshold, window: &Window, frame: &Frame) {
        if frame.is_inside(&threshold.series, &window.stage) {
            self.begun.get_or_insert(window.at);
            self.judge(threshold, window.at + window.length);
        }
    }

    pub(super) fn hear(&mut self, threshold: &Threshold, event: &Event, frame: &Frame) {
        let Source::Events(kind) = source(threshold.series.metric) else { return };
        let stage = frame.stages.iter().find(|stage| (stage.start..stage.start + stage.duration).contains(&event.at));
        // Without a stage all of the run is asked for, unless windows slide over what is measured.
        let anywhere = threshold.series.stage().is_none() && threshold.expression.window.is_none();
        let here = anywhere || stage.is_some_and(|stage| frame.is_inside(&threshold.series, &stage.name));
        let group = event.group.as_deref().unwrap_or_default();
        if event.event != kind || !here || !frame.selects(&threshold.series, group) {
            return;
        }
        self.all += event.count;
        if threshold.expression.window.is_some() {
            self.recent.push_back((event.at, event.count));
            self.judge(threshold, event.at);
        }
    }

    /// Judges the window that ends at `now`.
    fn judge(&mut self, threshold: &Threshold, now: Duration) {
        let Some(length) = threshold.expression.window else { return };
        let from = now.saturating_sub(length);
        while self.recent.front().is_some_and(|(at, _)| *at <= from) {
            self.recent.pop_front();
        }
        let within = self.recent.iter().filter(|(at, _)| *at <= now);
        let count: u64 = within.map(|(_, count)| count).sum();
        let whole = self.begun.is_some_and(|begun| begun <= from);
        let compared = Compared::plain(count as f64, &threshold.expression.bound);
        // A window that is not over yet can only have more.
        let is_certain = match threshold.expression.comparison {
            Comparison::Less | Comparison::LessOrEqual => true,
            Comparison::Equal => compared.observed > compared.bound,
            _ => false,
        };
        if !whole && !is_certain {
            return;
        }
        if self.worst.as_ref().is_none_or(|worst| badness(threshold, &compared) > badness(threshold, &worst.compared)) {
            self.worst = Some(Finding { compared, worst: Some(Stretch { at: from, length: now - from }) });
        }
    }

    pub(super) fn finding(&self, threshold: &Threshold) -> Result<Finding, String> {
        match (threshold.expression.window, &self.worst) {
            (None, _) if self.begun.is_none() && self.all == 0 => Err(NOTHING.to_owned()),
            (None, _) => Ok(Finding {
                compared: Compared::new(self.all as f64, plain(&threshold.expression.bound)),
                worst: None,
            }),
            (Some(_), Some(worst)) => Ok(worst.clone()),
            (Some(_), None) => Err(NOTHING.to_owned()),
        }
    }
}
