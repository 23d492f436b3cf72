//! The HTML report: self-contained, well-formed, escaped, complete.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

mod specimen;

use reports::observation::{BrokerDrops, Event, EventKind, Observation, ProcessUsage, Window};
use reports::{Summary, html};
use specimen::Kind;
use std::time::Duration;

fn page(observations: &[Observation]) -> String {
    let mut summary = Summary::new();
    observations.iter().for_each(|observation| summary.apply(observation));
    html(&summary).unwrap()
}

/// Tags in order of appearance, without their angle brackets.
fn tags(page: &str) -> Vec<&str> {
    let body = &page[page.find("</style>").unwrap()..];
    body.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag ends").0).collect()
}

fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let lead = format!(" {name}=\"");
    page.split(lead.as_str()).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn nothing_is_loaded_or_run() {
    for kind in Kind::ALL {
        let page = page(&specimen::run(kind));
        assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
        assert!(attributes(&page, "href").iter().all(|link| link.starts_with('#')), "in {}", kind.name());
        for forbidden in ["<script", " src=", " style=", "@import", "url(", "http://", "https://", " onload"] {
            assert!(!page.contains(forbidden), "{forbidden} in {}", kind.name());
        }
    }
}

#[test]
fn tags_are_balanced_and_ids_unique() {
    const VOID: [&str; 2] = ["meta", "br"];
    for kind in Kind::ALL {
        let page = page(&specimen::run(kind));
        let mut open: Vec<&str> = vec!["html", "head", "style"];
        for tag in tags(&page) {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            match tag {
                _ if VOID.contains(&name) || tag.ends_with('/') => {}
                _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "in {}", kind.name()),
                _ => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        let ids = attributes(&page, "id");
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "ids repeat");
        for reference in attributes(&page, "aria-labelledby").iter().flat_map(|list| list.split(' ')) {
            assert!(ids.contains(&reference), "{reference} names nothing");
        }
    }
}

#[test]
fn every_image_and_table_speaks() {
    let page = page(&specimen::run(Kind::Failing));
    let images = page.matches("<svg ").count() - page.matches("aria-hidden=\"true\"><rect").count();
    assert_eq!(images, 3 * 2 + 6 + 2, "three charts, wide and narrow, and eight half as wide");
    assert_eq!(page.matches("role=\"img\"").count(), images);
    assert_eq!(page.matches("<desc ").count(), images);
    assert!(tags(&page).iter().filter(|tag| **tag == "th" || tag.starts_with("th ")).all(|tag| tag.contains("scope=")));
    assert!(page.contains("<html lang=\"en\">"));
}

#[test]
fn the_verdict_comes_first_in_plain_words() {
    let sentences = [
        (
            Kind::Passing,
            "PASS</span> <span class=\"sentence\">Phase 1 holds 500 msg&#x2f;s; every one of 30,000 messages arrived; p99 ",
        ),
        (
            Kind::Failing,
            "FAIL</span> <span class=\"sentence\">Phase 1 missed 2 of 4 thresholds; 114 of 30,000 messages never arrived",
        ),
        (
            Kind::Interrupted,
            "INTERRUPTED</span> <span class=\"sentence\">Phase 1 was stopped after 31 s of 1 min 8 s planned; no verdict",
        ),
        (
            Kind::Invalid,
            "INVALID</span> <span class=\"sentence\">The generator was the bottleneck, so this run says nothing about",
        ),
    ];
    for (kind, sentence) in sentences {
        let page = page(&specimen::run(kind)).replace("class=\"sentence long\"", "class=\"sentence\"");
        assert!(page.contains(sentence), "{}", kind.name());
    }
}

#[test]
fn events_and_stages_are_marked_on_every_chart_over_time() {
    let page = page(&specimen::run(Kind::Failing));
    let drawings = 3 * 2 + 5;
    assert_eq!(page.matches("<line class=\"event").count(), drawings * 3, "three events");
    assert_eq!(page.matches("<line class=\"event done\"").count(), drawings, "one of them on purpose");
    assert_eq!(page.matches(">hold</text>").count(), drawings + 1, "and a row of its own where connecting is shown");
    assert!(page.contains("broker frozen for 2 s"));
}

#[test]
fn each_chart_says_what_is_to_be_seen() {
    let page = page(&specimen::run(Kind::Failing));
    for reading in [
        "What was intended was sent, in every second that counts. Delivery was furthest behind at 30 s, 0 of 500 due.",
        "in the worst second, at 32 s, 1.96 s.",
        "The slowest came together: 100 % of those over 1.78 s fell into 1 s of the run, between 32 s and 33 s.",
        "At most: broker 9.26 MiB, generator 21.0 MiB. The broker ended with 9.26 MiB after 9.00 MiB.",
        "Of 337 connections, half within",
    ] {
        assert!(page.contains(reading), "{reading}");
    }
    let page = self::page(&specimen::run(Kind::Passing));
    assert!(page.contains("are spread over the whole run."), "slow ones that did not come together");
}

#[test]
fn seed_and_command_are_there() {
    let page = page(&specimen::run(Kind::Passing));
    assert!(page.contains("<dt>Seed</dt><dd>42</dd>"));
    assert!(page.contains("paddock run scenarios&#x2f;catalogue&#x2f;phase-1.toml --seed 42"));
}

#[test]
fn hostile_strings_are_shown_and_never_obeyed() {
    const EVIL: &str =
        "\u{202e}</title></code><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' {{7*7}} {% raw %}";
    let mut run = specimen::run(Kind::Failing);
    for observation in &mut run {
        match observation {
            Observation::RunStarted(run) => {
                for text in [
                    &mut run.scenario.name,
                    &mut run.scenario.title,
                    &mut run.scenario.description,
                    &mut run.target.address,
                    &mut run.target.description,
                    &mut run.environment.host,
                    &mut run.run_id,
                ] {
                    *text = EVIL.to_owned();
                }
                run.scenario.phase = Some(EVIL.to_owned());
                run.command.push(EVIL.to_owned());
                run.groups[0].name = EVIL.to_owned();
                run.groups[0].model = EVIL.to_owned();
                run.preflight[0].observed = EVIL.to_owned();
                run.stages[1].name = EVIL.to_owned();
            }
            Observation::StageStarted(stage) => stage.stage = EVIL.to_owned(),
            Observation::StageEnded(stage) => stage.stage = EVIL.to_owned(),
            Observation::Window(window) => window.stage = EVIL.to_owned(),
            Observation::Witness(witness) => {
                witness.topic = EVIL.to_owned();
                witness.client = EVIL.to_owned();
                witness.subscriber = EVIL.to_owned();
            }
            Observation::Threshold(outcome) => {
                outcome.expression = EVIL.to_owned();
                outcome.reason = EVIL.to_owned();
            }
            Observation::Ledger(ledger) => ledger.rows[0].group = EVIL.to_owned(),
            Observation::RunEnded(ended) => ended.reasons = vec![EVIL.to_owned()],
            _ => {}
        }
    }
    run.push(Observation::BrokerDrops(BrokerDrops {
        source: EVIL.to_owned(),
        causes: [(EVIL.to_owned(), 3)].into(),
        note: EVIL.to_owned(),
    }));
    run.push(Observation::Event(Event {
        at: Duration::from_secs(9),
        event: EventKind::Warning,
        count: 2,
        client: Some(EVIL.to_owned()),
        group: Some(EVIL.to_owned()),
        text: EVIL.to_owned(),
    }));
    let page = page(&run);
    assert!(!page.contains("<script") && !page.contains("<img"), "a tag got through");
    let allowed = ["on", "src"];
    for tag in tags(&page) {
        assert!(
            !allowed.iter().any(|name| tag.contains(&format!(" {name}error=")) || tag.contains(" onload=")),
            "{tag}"
        );
    }
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("{{7*7}}"), "templates in data are text");
    assert!(!page.contains('\u{202e}'), "text from elsewhere turns the direction of the page's own");
}

#[test]
fn an_hour_fits_in_a_megabyte() {
    const SECONDS: u64 = 3600;
    let mut run = specimen::run(Kind::Passing);
    let windows: Vec<Window> = run
        .iter()
        .filter_map(|observation| match observation {
            Observation::Window(window) if window.stage == "hold" => Some((**window).clone()),
            _ => None,
        })
        .collect();
    run.retain(|observation| !matches!(observation, Observation::Window(_)));
    let at = run.len() - 1;
    let hour = (0..SECONDS).map(|second| {
        let window = windows[second as usize * 7 % windows.len()].clone();
        // Level lines cost next to nothing: here nothing is level.
        let target = window
            .target
            .map(|usage| ProcessUsage { rss_bytes: usage.rss_bytes.map(|b| b + second * 40_000), ..usage });
        let connections = window.connections + second % 7;
        let mut window = Window { at: Duration::from_secs(second), target, connections, ..window };
        // Reading them takes most of the time, and every fourth fills each column of the heat map.
        (window.service.histogram, window.lag.histogram) = (None, None);
        window.e2e.histogram = window.e2e.histogram.filter(|_| second % 4 == 0);
        Observation::Window(Box::new(window))
    });
    run.splice(at..at, hour.collect::<Vec<_>>());
    if let Some(Observation::RunEnded(ended)) = run.last_mut() {
        ended.at = Duration::from_secs(SECONDS);
    }
    let page = page(&run);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.len() > 400_000, "{} bytes: were all windows drawn?", page.len());
}
