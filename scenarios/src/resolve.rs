//! From the document to the model: references are followed, ranges that span several keys are checked.
//!
//! Every section is resolved as far as it goes, so that one run of `check` shows every error. A model is only made when
//! there was none.

mod broker;
mod client;
mod event;
mod identity;
mod network;
mod requests;
mod search;
mod stage;
mod threshold;
mod trace;

use std::{ops::Range, path::Path};

use located::{At, Problem, Problems, Table, did_you_mean};

use crate::{
    document::{CompareSection, ContractSection, DaySection, Document, OutputSection},
    model::{BarnId, Compare, Curve, Day, Factor, Name, Output, Scenario, Threshold, TimeOfDay},
};

/// Makes the model; absent when anything was reported. Files that it names are looked for in `folder`.
pub(crate) fn resolve(document: Document, folder: Option<&Path>, problems: &mut Problems) -> Option<Scenario> {
    let names = Names::of(&document);
    let head = document.scenario.map(|head| head.value);
    let barns = match head.as_ref().and_then(|head| head.barns.as_ref()) {
        None => default_barns(),
        Some(barns) => barns_of(barns, problems),
    };
    let defaults = broker::resolve(document.brokers, problems);
    let day = resolve_day(document.day.map(|day| day.value), problems);
    let mut context = Context { names: &names, brokers: &defaults, barns: &barns, day: &day, folder, problems };
    let devices = client::devices(document.devices, &mut context);
    let subscribers = client::subscribers(document.subscribers, &mut context);
    let counts = devices.iter().map(|group| group.as_ref().map(|(group, _)| group.count));
    let total = counts.collect::<Option<Vec<u32>>>().map(|counts| counts.into_iter().fold(0, u32::saturating_add));
    let requests = requests::resolve(document.requests, &devices, &mut context);
    let (stages, traces) = stage::resolve(document.stages, total, &mut context);
    let network = network::resolve(document.network, &mut context);
    let events = event::resolve(document.events.map_or_else(Vec::new, |events| events.value), &stages, &mut context);
    let thresholds = threshold::resolve(document.thresholds, Some(context.names), context.problems);
    let search = search::resolve(document.search.map(|search| search.value), &mut context);
    let compare = resolve_compare(document.compare.map(|compare| compare.value), context.problems);
    identity::check(&devices, &subscribers, &requests, context.problems);

    let head = head?;
    above_zero(&head.drain, "a run cannot drain in no time", "write a duration above 0, such as `10s`", problems);
    if let Some(limit) = &head.lag_limit {
        above_zero(limit, "every generator lags a little", "write a duration above 0, such as `5ms`", problems);
    }
    let name = head.name?.value;
    if !problems.is_empty() {
        return None;
    }
    Some(Scenario {
        title: head.title.map_or_else(|| name.to_string(), |title| title.value),
        name,
        description: head.description.value,
        seed: head.seed.value,
        epoch_ms: head.date.value.midnight_ms(),
        warm_up: head.warm_up.value.0,
        drain: head.drain.value.0,
        lag_limit: head.lag_limit.map(|limit| limit.value.0),
        brokers: defaults,
        barns,
        devices: devices.into_iter().map(|group| Some(group?.0)).collect::<Option<_>>()?,
        subscribers: subscribers.into_iter().map(|group| Some(group?.0)).collect::<Option<_>>()?,
        requests: requests.into_iter().map(|group| Some(group?.0)).collect::<Option<_>>()?,
        day,
        stages: stages.into_iter().collect::<Option<_>>()?,
        traces,
        events,
        thresholds,
        compare,
        network,
        search,
        output: resolve_output(document.output.map(|output| output.value)),
    })
}

/// The thresholds that stand alone; absent when anything was reported.
pub(crate) fn contract(document: ContractSection, problems: &mut Problems) -> Option<Vec<Threshold>> {
    let thresholds = threshold::resolve(document.thresholds?, None, problems);
    problems.is_empty().then_some(thresholds)
}

/// What the sections refer to.
struct Context<'a> {
    names: &'a Names,
    brokers: &'a [crate::model::Broker],
    barns: &'a [BarnId],
    day: &'a Day,
    folder: Option<&'a Path>,
    problems: &'a mut Problems,
}

/// Every name that can be referred to, whether or not what bears it is right.
struct Names {
    brokers: Vec<Name>,
    devices: Vec<Name>,
    subscribers: Vec<Name>,
    stages: Vec<Name>,
    rules: Vec<Name>,
    curves: Vec<Name>,
    requests: Vec<Name>,
}

impl Names {
    fn of(document: &Document) -> Self {
        fn keys<V>(table: &Table<Name, V>) -> Vec<Name> {
            table.0.iter().map(|(name, _)| name.value.clone()).collect()
        }
        let stages = document.stages.iter().flat_map(|stages| &stages.value);
        Self {
            brokers: keys(&document.brokers.value),
            devices: document.devices.as_ref().map_or_else(Vec::new, |devices| keys(&devices.value)),
            subscribers: keys(&document.subscribers.value),
            stages: stages.filter_map(|stage| Some(stage.value.name.as_ref()?.value.clone())).collect(),
            rules: keys(&document.network.value),
            requests: keys(&document.requests.value),
            curves: document.day.as_ref().map_or_else(Vec::new, |day| keys(&day.value.curves.value)),
        }
    }
}

/// The place of a name among `known`, or an error that says what it could have been.
fn refer(name: &At<Name>, known: &[Name], what: &str, problems: &mut Problems) -> Option<u16> {
    let found = known.iter().position(|known| *known == name.value).and_then(|index| u16::try_from(index).ok());
    if found.is_none() {
        problems.push(
            name.problem(format!("there is no {what} called `{}`", name.value), suggest(&name.value, known, what)),
        );
    }
    found
}

fn suggest(name: &Name, known: &[Name], what: &str) -> String {
    match did_you_mean(name.as_str(), known.iter().map(Name::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("the scenario defines no {what}"),
        None => {
            let known: Vec<_> = known.iter().take(12).map(Name::as_str).collect();
            format!("known: {}", known.join(", "))
        }
    }
}

fn default_barns() -> Vec<BarnId> {
    vec!["barn_1".parse().expect("the default barn has a name")]
}

/// The barns of a list; never none, for what is checked next deals clients to them.
fn barns_of(list: &At<Vec<At<BarnId>>>, problems: &mut Problems) -> Vec<BarnId> {
    let barns = at_least_one(list, "barn", problems);
    if barns.is_empty() { default_barns() } else { barns }
}

/// The values of a list that may be neither empty nor repeat itself.
fn at_least_one<T: Clone + PartialEq + ToString>(list: &At<Vec<At<T>>>, what: &str, problems: &mut Problems) -> Vec<T> {
    if list.value.is_empty() {
        problems.push(list.problem(format!("the list names no {what}"), "name at least one, or leave the key out"));
    }
    for (index, item) in list.value.iter().enumerate() {
        if list.value[..index].iter().any(|earlier| earlier.value == item.value) {
            problems.push(item.problem(format!("the {what} `{}` stands here twice", item.value.to_string()), ""));
        }
    }
    let mut values: Vec<T> = Vec::new();
    for item in &list.value {
        if !values.contains(&item.value) {
            values.push(item.value.clone());
        }
    }
    values
}

fn above_zero(span: &At<crate::document::Span>, wrong: &str, hint: &str, problems: &mut Problems) {
    if span.value.0.is_zero() {
        problems.push(span.problem(wrong, hint));
    }
}

fn resolve_day(section: Option<DaySection>, problems: &mut Problems) -> Day {
    let Some(section) = section else {
        return Day { compress: Factor::ONE, start: TimeOfDay::default(), curves: Vec::new() };
    };
    let mut curves = Vec::new();
    for (name, curve) in section.curves.value.0 {
        let mut points: Vec<_> = curve.value.0.iter().map(|(time, level)| (time.value, level.value.0)).collect();
        points.sort_by_key(|(time, _)| *time);
        if points.iter().all(|(_, level)| *level == 0.0) {
            problems.push(name.problem(
                format!("the curve `{}` is never above 0", name.value),
                "give it at least one time of day with a level, such as `\"06:00\" = 2.0`",
            ));
        }
        curves.push(Curve { name: name.value, points });
    }
    Day { compress: section.compress.value, start: section.start.value, curves }
}

fn resolve_compare(section: Option<CompareSection>, problems: &mut Problems) -> Compare {
    let (mut compare, Some(section)) = (Compare::default(), section) else { return Compare::default() };
    if let Some(share) = section.max_regression {
        compare.max_regression = share.value;
    }
    if let Some(share) = section.confidence {
        compare.confidence = share.value;
    }
    if let Some(repeats) = section.repeats {
        if repeats.value.0 < 3 {
            problems.push(repeats.problem("fewer than 3 runs of a side tell nothing", "write at least 3"));
        }
        compare.repeats = repeats.value.0;
    }
    if let Some(metrics) = section.metrics {
        if metrics.value.is_empty() {
            problems.push(metrics.problem("nothing is compared here", "write such as [\"e2e p(99)\"]"));
        }
        compare.metrics = metrics.value.into_iter().map(|metric| metric.value).collect();
    }
    compare
}

fn resolve_output(section: Option<OutputSection>) -> Output {
    match section {
        None => Output {
            folder: "runs".into(),
            html: true,
            json: true,
            junit: true,
            hdr_log: true,
            csv: true,
            open_metrics: true,
        },
        Some(section) => Output {
            folder: section.folder.value,
            html: section.html.value,
            json: section.json.value,
            junit: section.junit.value,
            hdr_log: section.hdr_log.value,
            csv: section.csv.value,
            open_metrics: section.open_metrics.value,
        },
    }
}

/// An error about a key that is absent from a section.
fn missing(section: &Range<usize>, path: String, message: String, hint: &str) -> Problem {
    Problem { span: section.clone(), path, message, hint: Some(hint.to_owned()) }
}
