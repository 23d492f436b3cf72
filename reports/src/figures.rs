//! How quantities are written for people: three significant digits, thin units, grouped thousands.

use crate::observation::Unit;
use std::time::Duration;

/// `30,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What stands behind something that happened so often: nothing, or `, 1,200 times`.
pub fn often(times: u64) -> String {
    if times == 1 { String::new() } else { format!(", {} times", count(times)) }
}

/// A latency: `840 µs`, `3.12 ms`, `1.53 s`.
pub fn latency(duration: Duration) -> String {
    let nanos = duration.as_secs_f64() * 1e9;
    match nanos {
        _ if nanos < 999.5 => format!("{nanos:.0} ns"),
        _ if nanos < 999.5e3 => format!("{} µs", three_digits(nanos / 1e3)),
        _ if nanos < 999.5e6 => format!("{} ms", three_digits(nanos / 1e6)),
        _ => format!("{} s", three_digits(nanos / 1e9)),
    }
}

/// How long something took: `8.0 s`, `1 min 12 s`, `2 h 5 min`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", duration.as_secs_f64()).replace(".0 s", " s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Messages per second, without the unit: `500`, `499.6`, `3,000`.
pub fn rate(per_second: f64) -> String {
    if !per_second.is_finite() || per_second < 0.0 {
        return "–".to_owned();
    }
    let tenths = (per_second * 10.0).round();
    let whole = (tenths / 10.0).trunc() as u64;
    let tenth = tenths % 10.0;
    if tenth == 0.0 || per_second >= 10_000.0 { count(whole) } else { format!("{}.{tenth:.0}", count(whole)) }
}

/// Memory: `512 MiB`.
pub fn bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes.max(0.0);
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    // There are no parts of a byte.
    if unit == 0 { format!("{value:.0} B") } else { format!("{} {}", three_digits(value), units[unit]) }
}

/// Processor time per elapsed time: `0.42 cores`.
pub fn cores(cores: f64) -> String {
    format!("{cores:.2} cores")
}

/// A share: `99.98 %`.
pub fn share(part: f64) -> String {
    let percent = part * 100.0;
    let text = format!("{percent:.3}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A value of a threshold.
pub fn quantity(value: f64, unit: Unit) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value < 0.0 {
        let size = quantity(-value, unit);
        // What rounds to nothing has no sign.
        return if size.contains(|digit: char| matches!(digit, '1'..='9')) { format!("−{size}") } else { size };
    }
    match unit {
        Unit::Nanoseconds => latency(Duration::from_nanos(value as u64)),
        Unit::Count => count(value.round() as u64),
        Unit::PerSecond => format!("{}/s", rate(value)),
        Unit::Ratio => share(value),
        Unit::Bytes => bytes(value),
        Unit::Cores => cores(value),
    }
}

/// `one message`, `3 messages`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

fn three_digits(value: f64) -> String {
    match value {
        _ if value < 9.995 => format!("{value:.2}"),
        _ if value < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        assert_eq!([count(0), count(999), count(1000), count(30_000)], ["0", "999", "1,000", "30,000"]);
        assert_eq!(latency(Duration::from_nanos(840)), "840 ns");
        assert_eq!(latency(Duration::from_nanos(999_600)), "1.00 ms");
        assert_eq!(latency(Duration::from_micros(3_120)), "3.12 ms");
        assert_eq!(latency(Duration::from_millis(1_534)), "1.53 s");
        assert_eq!([span(Duration::from_secs(60)), span(Duration::from_secs(72))], ["1 min", "1 min 12 s"]);
        assert_eq!([span(Duration::from_secs(8)), span(Duration::from_millis(8_250))], ["8 s", "8.2 s"]);
        assert_eq!([rate(500.0), rate(499.96), rate(499.62), rate(3000.0)], ["500", "500", "499.6", "3,000"]);
        assert_eq!([share(1.0), share(0.9998)], ["100 %", "99.98 %"]);
        assert_eq!(bytes(13.6 * 1024.0 * 1024.0), "13.6 MiB");
    }

    #[test]
    fn what_shrinks_has_a_sign() {
        assert_eq!(quantity(-1_572_864.0, Unit::Bytes), "−1.50 MiB");
        assert_eq!(quantity(-0.2, Unit::Count), "0");
        assert_eq!(quantity(12_345_678.0, Unit::Nanoseconds), "12.3 ms");
    }
}
