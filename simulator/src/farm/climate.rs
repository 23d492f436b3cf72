//! The air of a barn as a function of time: no state, any instant may be asked in any order.

use super::{
    clock::Moment,
    dice::{drift, mix},
};

/// The air at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Air {
    /// Degrees Celsius.
    pub(super) temperature: f64,
    /// Relative humidity, percent.
    pub(super) humidity: f64,
    /// Ammonia, ppm.
    pub(super) ammonia: f64,
    /// Carbon dioxide, ppm.
    pub(super) co2: f64,
    /// How far the ventilation is open, percent.
    pub(super) ventilation: f64,
    /// Light, lux.
    pub(super) light: f64,
    /// Pressure, hPa.
    pub(super) pressure: f64,
}

impl Air {
    /// The air in the barn with the given seed.
    pub(super) fn inside(barn_seed: u64, moment: Moment) -> Self {
        let seed = |what: u64| mix(barn_seed, 0xA100 + what);
        let (hour, seconds) = (moment.hour(), moment.seconds());
        // Warmest at 15 h, coldest at 3 h; the weather turns within days.
        let sun = ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin();
        let outside = 24.0 + 4.5 * sun + 3.0 * drift(seed(0), seconds, 2.0 * 86_400.0);
        // Inside is 1 to 3 degrees above outside with a slope of about 0.8 (Danish free-stall barns).
        let temperature = 6.0 + 0.8 * outside + 0.4 * drift(seed(1), seconds, 1800.0);
        let humidity = 70.0 - 11.0 * sun + 9.0 * drift(seed(2), seconds, 6.0 * 3600.0);
        let failed = fans_failed(seed(3), moment);
        let opened = if failed { 12.0 } else { 62.0 + 28.0 * sun + 8.0 * drift(seed(4), seconds, 1200.0) };
        let ventilation = opened.clamp(5.0, 100.0);
        // Gases gather where air does not move: ammonia 0.2 to 8 ppm, highest at night; carbon dioxide 400 to 2,000.
        let still = 100.0 / ventilation;
        let ammonia = (1.6 * still + 0.7 * drift(seed(5), seconds, 3600.0)).clamp(0.1, 60.0);
        let co2 = 405.0 + 210.0 * still + 45.0 * drift(seed(6), seconds, 1500.0);
        let daylight = ((hour - 6.0) / 12.0 * std::f64::consts::PI).sin().max(0.0);
        Self {
            temperature,
            humidity: humidity.clamp(40.0, 95.0),
            ammonia,
            co2,
            ventilation,
            light: 12.0 + 900.0 * daylight * (0.8 + 0.2 * drift(seed(7), seconds, 900.0)),
            pressure: 1008.0 + 7.0 * drift(seed(8), seconds, 36.0 * 3600.0),
        }
    }
}

/// Once in about ten days the fans stand still for two hours.
fn fans_failed(seed: u64, moment: Moment) -> bool {
    let slot = moment.at.as_secs() / 7200;
    mix(seed, slot).is_multiple_of(120)
}

/// The dew point in degrees Celsius (Magnus, coefficients of Alduchov and Eskridge 1996).
pub(super) fn dew_point(temperature: f64, humidity: f64) -> f64 {
    let gamma = (humidity / 100.0).ln() + 17.625 * temperature / (243.04 + temperature);
    243.04 * gamma / (17.625 - gamma)
}

/// The temperature-humidity index 0.8 T + RH (T - 14.4) + 46.4 with RH from 0 to 1.
pub(super) fn temperature_humidity_index(temperature: f64, humidity: f64) -> f64 {
    0.8 * temperature + humidity / 100.0 * (temperature - 14.4) + 46.4
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn year(of: impl Fn(Air) -> f64) -> Vec<f64> {
        (0..365 * 48).map(|n| of(Air::inside(77, Moment::new(0, Duration::from_secs(n * 1800))))).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn the_index_agrees_with_its_published_example() {
        assert!((temperature_humidity_index(32.0, 22.0) - 75.9).abs() < 0.1);
        assert!((dew_point(25.0, 60.0) - 16.7).abs() < 0.1);
    }

    #[test]
    fn days_are_warmer_and_gas_gathers_at_night() {
        let at = |hour: u64, of: fn(Air) -> f64| {
            let days: Vec<f64> = (0..60)
                .map(|day| of(Air::inside(5, Moment::new(0, Duration::from_secs(day * 86_400 + hour * 3600)))))
                .collect();
            mean(&days)
        };
        assert!(at(15, |air| air.temperature) > at(3, |air| air.temperature) + 4.0);
        assert!(at(3, |air| air.humidity) > at(15, |air| air.humidity) + 10.0);
        assert!(at(3, |air| air.ammonia) > 1.5 * at(15, |air| air.ammonia));
        assert!(at(3, |air| air.co2) > at(15, |air| air.co2) + 150.0);
    }

    #[test]
    fn yearly_means_are_those_of_barns() {
        let ammonia = mean(&year(|air| air.ammonia));
        let co2 = mean(&year(|air| air.co2));
        assert!((2.2..3.8).contains(&ammonia), "{ammonia}");
        assert!((600.0..1100.0).contains(&co2), "{co2}");
        let alarms = year(|air| air.ammonia).iter().filter(|&&ppm| ppm > 10.0).count();
        assert!((20..800).contains(&alarms), "{alarms}");
        assert!(year(|air| air.temperature).iter().all(|t| (10.0..40.0).contains(t)));
    }
}
