//! Load averages: how much per minute, weighted exponentially over one, five and fifteen minutes.

use std::time::Duration;

/// The names of the windows and their length.
pub(super) const WINDOWS: [(&str, Duration); 3] =
    [("1min", Duration::from_secs(60)), ("5min", Duration::from_secs(300)), ("15min", Duration::from_secs(900))];

/// A change smaller than this does not show.
const VISIBLE: f64 = 0.01;

/// The averages of one counter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    averages: [f64; WINDOWS.len()],
}

impl Load {
    /// Takes in that the counter rose by `rise` in `elapsed`; the averages, and whether the change of each is worth showing.
    pub(super) fn update(&mut self, rise: u64, elapsed: Duration) -> [(f64, bool); WINDOWS.len()] {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 {
            return self.averages.map(|average| (average, false));
        }
        #[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
        let per_minute = rise as f64 * 60.0 / seconds;
        let mut shown = [(0.0, false); WINDOWS.len()];
        for (index, (_, window)) in WINDOWS.iter().enumerate() {
            let weight = (-seconds / window.as_secs_f64()).exp();
            let before = self.averages[index];
            let after = per_minute + weight * (before - per_minute);
            self.averages[index] = after;
            shown[index] = (after, (after - before).abs() >= VISIBLE);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_approached_by_the_weight_of_each_window() {
        let mut load = Load::default();
        let mut last = [0.0; 3];
        for _ in 0..6 {
            last = load.update(10, Duration::from_secs(10)).map(|(average, _)| average);
        }
        // 60 per minute for one minute: 60 * (1 - e^(-60/window)).
        for (average, expected) in last.into_iter().zip([37.927, 10.876, 3.870]) {
            assert!((average - expected).abs() < 0.001, "{last:?}");
        }
    }

    #[test]
    fn an_average_at_rest_is_not_shown_again() {
        let mut load = Load::default();
        assert!(load.update(1, Duration::from_secs(10)).iter().all(|(_, shows)| *shows));
        let rounds =
            (0..10_000).take_while(|_| load.update(0, Duration::from_secs(10)).iter().any(|(_, shows)| *shows));
        assert!(rounds.count() < 1_000, "an average that is nearly zero comes to rest");
        assert!(load.update(0, Duration::ZERO).iter().all(|(average, shows)| average.is_finite() && !shows));
    }
}
