//! Whether the generator, not the target, was measured.
//!
//! | finding | health |
//! |---|---|
//! | more than 0.5 % of the intended starts were not offered, through the generator's own fault | saturated |
//! | the judged quantile of its lag is above the limit of the scenario | saturated |
//! | p99.9 of its lag is above 1 ms, or it used more than 80 % of a core | strained |
//!
//! What is no fault of the generator does not count: a message that waits for the target (flow control, a full socket, no
//! connection) was offered when it was handed to its client, and the wait is no lag.
//!
//! The judged quantile is the highest one, p99.9 at most, that ten samples lie beyond: an estimate from fewer says more
//! about one hiccup of the machine than about the generator. From 10,000 messages on it is p99.9; of 2,000 messages it is
//! p99.5; 20 messages or fewer tell nothing.

use std::time::Duration;

use hdrhistogram::Histogram;
use reports::observation::{GeneratorHealth, Health, Percentiles};

/// What is known of the generator, over the measured stages.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Nanoseconds from intended start to writing, waits for the target left out.
    pub lag: &'a Histogram<u64>,
    /// How many starts came to be.
    pub offers: Offers,
    /// Processor time of the process per elapsed time, when known.
    pub cpu: Option<f64>,
    /// Lag above which the generator was measured, not the target.
    pub limit: Duration,
}

/// What became of the starts that the schedule asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// All of them.
    pub intended: u64,
    /// Those that the generator never came to.
    pub missed: u64,
}

/// Lag worth a note.
const LAG_NOTE: Duration = Duration::from_millis(1);
/// Processor time of the generator's one thread worth a note.
const CPU_NOTE: f64 = 0.8;
/// The share of starts that may go without being offered.
const MISSED_LIMIT: f64 = 0.005;
/// So many samples lie beyond a quantile that is judged.
const BEYOND: u64 = 10;

/// Judges the generator.
pub fn health(evidence: &Evidence<'_>) -> GeneratorHealth {
    let Evidence { lag, offers, cpu, limit } = *evidence;
    let lag_p999 = at(lag, 0.999);
    let used = cpu.map_or_else(String::new, |cpu| format!("; this process used {:.0}% of a core", cpu * 100.0));
    let missed = offers.missed as f64 / offers.intended.max(1) as f64;
    let quantile = judged_quantile(lag.len());
    let judged = quantile.map_or(Duration::ZERO, |quantile| at(lag, quantile));
    let (health, cause) = if missed > MISSED_LIMIT {
        let cause = format!(
            "{} of {} intended messages ({:.1}%, limit {}%) were never offered because the generator did not come to \
             them in time{used}",
            offers.missed,
            offers.intended,
            missed * 100.0,
            MISSED_LIMIT * 100.0,
        );
        (Health::Saturated, cause)
    } else if judged > limit {
        let percentile = quantile.map_or(0.0, |quantile| (quantile * 1e4).floor() / 1e2);
        let cause = format!(
            "p{percentile} of its lag was {judged:.1?} (limit {limit:?}; {} messages were measured), waits for the \
             target left out{used}",
            lag.len(),
        );
        (Health::Saturated, cause)
    } else if lag_p999 > LAG_NOTE || cpu.is_some_and(|cpu| cpu > CPU_NOTE) {
        (Health::Strained, format!("p99.9 of the generator's lag was {lag_p999:.1?}{used}"))
    } else {
        (Health::Sound, String::new())
    };
    GeneratorHealth { health, lag: Percentiles::of(lag), lag_p999, cpu, cause }
}

/// The highest quantile, 0.999 at most, beyond which [`BEYOND`] of `samples` lie; `None` when that is below the median.
fn judged_quantile(samples: u64) -> Option<f64> {
    let quantile = 1.0 - BEYOND as f64 / samples.max(1) as f64;
    (quantile > 0.5).then_some(quantile.min(0.999))
}

fn at(lag: &Histogram<u64>, quantile: f64) -> Duration {
    Duration::from_nanos(if lag.is_empty() { 0 } else { lag.value_at_quantile(quantile) })
}

#[cfg(test)]
mod tests {
    use reports::observation::house_histogram;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(5);
    const ALL_OFFERED: Offers = Offers { intended: 1000, missed: 0 };

    /// So many messages without lag, and so many with 20 ms.
    fn lag(prompt: u64, late: u64) -> Histogram<u64> {
        let mut lag = house_histogram();
        lag.record_n(50_000, prompt).unwrap();
        lag.record_n(20_000_000, late).unwrap();
        lag
    }

    fn judged(lag: &Histogram<u64>, offers: Offers) -> GeneratorHealth {
        health(&Evidence { lag, offers, cpu: Some(0.4), limit: LIMIT })
    }

    #[test]
    fn one_in_a_thousand_late_is_still_sound() {
        let health = judged(&lag(99_900, 100), ALL_OFFERED);
        assert_eq!((health.health, health.cause.as_str()), (Health::Sound, ""));
        assert_eq!(health.lag_p999.as_micros(), 50);
    }

    #[test]
    fn more_than_one_in_a_thousand_late_is_saturated() {
        let health = judged(&lag(99_890, 110), ALL_OFFERED);
        assert_eq!(health.health, Health::Saturated);
        assert_eq!(
            health.cause,
            "p99.9 of its lag was 20.0ms (limit 5ms; 100000 messages were measured), waits for the target left out; \
             this process used 40% of a core"
        );
    }

    #[test]
    fn a_scenario_may_bear_more() {
        let patient =
            Evidence { lag: &lag(0, 1000), offers: ALL_OFFERED, cpu: None, limit: Duration::from_millis(250) };
        assert_eq!(health(&patient).health, Health::Strained);
        assert_eq!(health(&Evidence { limit: LIMIT, ..patient }).health, Health::Saturated);
    }

    #[test]
    fn a_short_run_is_judged_by_a_quantile_that_ten_samples_lie_beyond() {
        // p99.9 of 1,000 messages is decided by two of them.
        assert_eq!(judged(&lag(995, 5), ALL_OFFERED).health, Health::Strained);
        let late = judged(&lag(989, 11), ALL_OFFERED);
        assert_eq!(late.health, Health::Saturated);
        assert!(late.cause.starts_with("p99 of its lag was 20.0ms"), "{}", late.cause);
    }

    #[test]
    fn a_handful_of_messages_tells_nothing() {
        assert_eq!(judged(&lag(0, 20), ALL_OFFERED).health, Health::Strained);
        assert_eq!(judged(&lag(0, 21), ALL_OFFERED).health, Health::Saturated);
        assert_eq!(judged(&lag(0, 0), Offers::default()).health, Health::Sound);
    }

    #[test]
    fn messages_that_were_not_offered_are_the_first_cause() {
        assert_eq!(judged(&lag(1000, 0), Offers { intended: 1000, missed: 5 }).health, Health::Sound);
        let health = judged(&lag(900, 100), Offers { intended: 1000, missed: 6 });
        assert_eq!(health.health, Health::Saturated);
        assert!(
            health.cause.starts_with("6 of 1000 intended messages (0.6%, limit 0.5%) were never offered"),
            "{}",
            health.cause
        );
    }

    #[test]
    fn a_busy_core_is_a_note() {
        let health = health(&Evidence { lag: &lag(1000, 0), offers: ALL_OFFERED, cpu: Some(0.9), limit: LIMIT });
        assert_eq!(health.health, Health::Strained);
        assert!(health.cause.ends_with("used 90% of a core"), "{}", health.cause);
    }
}
