//! When devices speak by nature. Every answer is a function of the device and `after`; nothing is remembered.

use std::time::Duration;

use super::{
    Model, Profile, Rhythm,
    barn::Barn,
    clock::{DAY, Moment},
    device::Device,
    dice::{Dice, mix},
    parlour::Line,
};

/// How long an alert waits after the message that called for it.
const ALERT_DELAY: Duration = Duration::from_millis(200);

/// The share of an interval by which a device is early or late.
const JITTER: f64 = 0.05;

/// The first instant after `after` at which `device` speaks.
pub(super) fn next(device: &Device, barn: &Barn, after: Duration) -> Duration {
    let after = Moment::new(0, after).at;
    if device.alert.is_some() {
        return after + ALERT_DELAY;
    }
    let profile = device.profile();
    let line = &barn.lines[barn.line(device.place)];
    match (device.interval, profile.rhythm, device.model) {
        (None, Rhythm::Parlour, Model::ParlourReader) => line.next_scan_time(after),
        (None, Rhythm::Parlour, Model::MilkMeter) => line.next_milk_time(barn.rank(device.place), after),
        (None, Rhythm::Parlour, _) => {
            line.next_sample_time(barn.rank(device.place), barn.analyzers_of_line(device.place), after)
        }
        (None, Rhythm::Hours(hours), _) if device.curve.is_none() => {
            // The busiest hour has intensity 1, so slots are as dense as in that hour.
            let mean = hours.iter().copied().map(f64::from).sum::<f64>() / 24.0;
            let intensity = |at: Duration| f64::from(hours[Moment::new(0, at).hour() as usize % 24]);
            next_slot(device.seed, profile.interval.mul_f64(mean), intensity, after)
        }
        (interval, ..) => {
            let interval = interval.unwrap_or(profile.interval);
            let Some(curve) = device.curve.as_deref() else { return next_slot(device.seed, interval, |_| 1.0, after) };
            // A curve is linear between its points, so its greatest factor is at one of them; it is above 0.
            let peak = curve.points.iter().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
            next_slot(device.seed, interval.div_f64(peak), |at| curve.factor(at) / peak, after)
        }
    }
}

/// The first slot after `after` out of one per `interval`, each off by the jitter and taken with the probability that
/// `intensity` gives.
fn next_slot(seed: u64, interval: Duration, intensity: impl Fn(Duration) -> f64, after: Duration) -> Duration {
    let interval = interval.max(Duration::from_millis(1)).as_secs_f64();
    let phase = Dice::new(seed, 0x51).unit();
    let mut slot = (after.as_secs_f64() / interval - phase - 1.0).floor().max(-1.0) as i64;
    loop {
        slot += 1;
        let mut dice = Dice::new(mix(seed, 0x52), slot.cast_unsigned());
        let off = JITTER * (2.0 * dice.unit() - 1.0);
        let instant = Duration::from_secs_f64(((slot as f64 + phase + off) * interval).max(0.0));
        if instant > after && dice.chance(intensity(instant)) {
            return instant;
        }
    }
}

/// The mean time between two messages of `device`, in force now.
pub(super) fn interval(device: &Device, barn: &Barn) -> Duration {
    device.interval.unwrap_or_else(|| natural(device.model, barn, device.place))
}

/// The natural mean time between two messages of the device of `model` at `place`. In a parlour it follows from the
/// number of stalls.
pub(super) fn natural(model: Model, barn: &Barn, place: u32) -> Duration {
    let line = &barn.lines[barn.line(place)];
    let rounds = f64::from(Line::rounds_per_day());
    let per_day = match model {
        Model::MilkMeter => rounds,
        Model::ParlourReader => rounds * f64::from(line.stall_count()),
        Model::QualityAnalyzer => {
            let share = f64::from(line.stall_count()) / f64::from(barn.analyzers_of_line(place).max(1));
            rounds * share.max(1.0)
        }
        _ => return Profile::of(model).interval,
    };
    Duration::from_secs_f64(DAY as f64 / per_day)
}
