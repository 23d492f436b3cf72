//! Durations, thresholds, templates and curves mean what they say.

use std::time::Duration;

use proptest::prelude::*;
use scenarios::model::{
    Aggregation, Bound, Comparison, Expression, Fill, Part, Percentile, QoS, Selector, Series, Template, Url,
    format_duration, parse_duration,
};

#[test]
fn durations_are_read_exactly() {
    let nanos = |text| parse_duration(text).unwrap().as_nanos();
    assert_eq!(nanos("1.5h"), 5_400_000_000_000);
    assert_eq!(nanos("1m30s"), 90_000_000_000);
    assert_eq!(nanos("0.1ms"), 100_000);
    assert_eq!(nanos("0.3s"), 300_000_000);
    for bad in ["", "5", "s", "5 sec", "1.s", ".5s", "1..5s", "-1s", "1e3s", "367d", "99999999999999999999s"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
}

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![
        (0..u64::MAX / 1_000_000).prop_map(|micros| Bound::Duration(Duration::from_micros(micros % 86_400_000_000))),
        (0.0..1e9_f64).prop_map(Bound::Number),
        (0.0..1e3_f64).prop_map(Bound::Percent),
        (0..u64::MAX).prop_map(Bound::Bytes),
        (0.0..10.0_f64).prop_map(Bound::Intended),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let aggregation = prop_oneof![
        (0.001..100.0_f64).prop_map(|value| Aggregation::Percentile(Percentile::new(value).expect("in range"))),
        prop::sample::select(vec![
            Aggregation::Average,
            Aggregation::Minimum,
            Aggregation::Maximum,
            Aggregation::Count,
            Aggregation::Rate,
        ]),
    ];
    let comparison = prop::sample::select(vec![
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Equal,
        Comparison::NotEqual,
    ]);
    let window = prop::option::of((1..10_000u64).prop_map(Duration::from_secs));
    (aggregation, comparison, bound(), window, any::<bool>()).prop_map(
        |(aggregation, comparison, bound, window, abort_on_fail)| Expression {
            aggregation,
            comparison,
            bound,
            window,
            abort_on_fail,
        },
    )
}

proptest! {
    #[test]
    fn durations_come_back_as_they_went(nanos in 0..31_622_400_000_000_000u64) {
        let duration = Duration::from_nanos(nanos);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn expressions_come_back_as_they_went(expression in expression()) {
        prop_assert_eq!(expression.to_string().parse::<Expression>(), Ok(expression));
    }

    #[test]
    fn templates_come_back_as_they_went(text in "[a-z/{}]{0,4}(\\{(n|n:05|barn|id)\\}){0,2}[a-z{}]{0,4}") {
        if let Ok(template) = text.parse::<Template>() {
            prop_assert_eq!(template.to_string().parse::<Template>(), Ok(template));
        }
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,40}") {
        let _ = (parse_duration(&text), text.parse::<Expression>(), text.parse::<Series>(), text.parse::<Url>());
        let _ = scenarios::parse("noise", &text);
    }

    #[test]
    fn a_comparison_and_its_opposite_never_both_hold(left in any::<f64>(), right in any::<f64>()) {
        for (one, other) in [
            (Comparison::Less, Comparison::GreaterOrEqual),
            (Comparison::Greater, Comparison::LessOrEqual),
            (Comparison::Equal, Comparison::NotEqual),
        ] {
            let both_numbers = !left.is_nan() && !right.is_nan();
            prop_assert_eq!(one.holds(left, right) != other.holds(left, right), both_numbers);
        }
    }
}

#[test]
fn thresholds_are_read_as_k6_users_write_them() {
    let series: Series = "e2e{qos:1, stage:hold}".parse().unwrap();
    assert_eq!(series.selectors[0], Selector::Qos(QoS::AtLeastOnce));
    assert_eq!(series.to_string(), "e2e{qos:1,stage:hold}");
    let expression: Expression = " p(99) < 200ms  over 10s abort_on_fail ".parse().unwrap();
    assert_eq!(expression.to_string(), "p(99)<200ms over 10s abort_on_fail");
    assert_eq!("min>=0.99 * intended".parse::<Expression>().unwrap().bound, Bound::Intended(0.99));
}

#[test]
fn urls_are_read_with_their_defaults() {
    for (text, read) in [
        ("mqtt://localhost", "mqtt://localhost:1883"),
        ("mqtts://[::1]:9", "mqtts://[::1]:9"),
        ("ws://h", "ws://h:80/mqtt"),
        ("wss://h:1/x", "wss://h:1/x"),
    ] {
        assert_eq!(text.parse::<Url>().unwrap().to_string(), read);
    }
    for bad in ["h:1883", "mqtt://", "mqtt://u:p@h", "mqtt://h:0", "mqtt://h:70000", "mqtt://h/x", "mqtt://[::1"] {
        assert!(bad.parse::<Url>().is_err(), "{bad}");
    }
}

#[test]
fn placeholders_are_filled() {
    let fill = Fill { n: 7, barn: "barn_1", id: "meter-7" };
    let filled = |text: &str| text.parse::<Template>().unwrap().fill(&fill);
    assert_eq!(filled("m-{n:05}-{n}"), "m-00007-7");
    assert_eq!(filled("{barn}/{id}/{{n}}"), "barn_1/meter-7/{n}");
}

#[test]
fn a_curve_is_linear_and_closes_around_midnight() {
    let day = scenarios::load("phase-1-day").unwrap().day;
    let [pasture, feeding] = &day.curves[..] else { panic!("{:?}", day.curves) };
    let at = |hours: f64| pasture.factor(Duration::from_secs_f64(hours * 3600.0));
    assert!((at(0.0) - 0.2).abs() < 1e-9);
    assert!((at(4.75) - 1.4).abs() < 1e-9, "{}", at(4.75));
    assert!((at(6.0) - 2.6).abs() < 1e-9);
    assert_eq!(at(24.0 + 6.0), at(6.0));
    let night = |hours: f64| feeding.factor(Duration::from_secs_f64(hours * 3600.0));
    assert!((night(23.0) - 0.4).abs() < 1e-9 && (night(2.5) - 0.8).abs() < 1e-9);
    for curve in &day.curves {
        let mean = (0..1440).map(|minute| curve.factor(Duration::from_secs(minute * 60))).sum::<f64>() / 1440.0;
        assert!((mean - 1.0).abs() < 0.1, "{} has a mean of {mean}", curve.name);
    }
}

#[test]
fn a_timeline_has_no_gaps_and_follows_the_duration() {
    let mut scenario = scenarios::load("phase-1").unwrap();
    let parts: Vec<Part> = scenario.timeline().iter().map(|segment| segment.part).collect();
    assert_eq!(parts, [Part::Ramp, Part::WarmUp, Part::Hold]);
    scenario.set_hold(Duration::from_secs(5));
    let timeline = scenario.timeline();
    assert!(timeline.windows(2).all(|pair| pair[0].start + pair[0].length == pair[1].start));
    assert_eq!(scenario.length(), Duration::from_secs(20));
    assert_eq!(timeline[2].length, Duration::from_secs(5));
}
