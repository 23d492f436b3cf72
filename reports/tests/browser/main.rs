//! The pages in a real browser: charts are drawn, nothing is asked of anybody, and people can read them, whatever the light,
//! the screen or the keyboard. One browser serves all pages; a second round damages each page and must be found out.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

#[path = "../specimen/capacity.rs"]
mod capacity;
#[path = "../comparison/specimen.rs"]
mod comparison;
mod devtools;
#[path = "../specimen/mod.rs"]
mod specimen;

use devtools::Browser;
use reports::observation::Observation;
use reports::{Summary, capacity_html, comparison_html, html};
use specimen::Kind;
use std::fs;
use std::path::Path;

const CHECKS: &str = include_str!("checks.js");
const EVIL: &str = "\u{202e}</title></svg></code><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' \
                    and_a_name_without_any_place_to_break_that_is_longer_than_any_screen_of_a_phone_could_ever_show_in_a_line";

/// The ways in which pages are looked at.
const LOOKS: [(u32, &str); 3] = [(1200, "light"), (1200, "dark"), (390, "light")];

fn pages() -> Vec<(&'static str, String)> {
    let [_, (_, regressed), _, (_, given_up)] = comparison::all();
    let searches = [capacity::confirmed(), capacity::generator_limited(), capacity::none(), capacity::unfinished()];
    let [confirmed, limited, none, unfinished] = searches.map(|it| capacity_html(&it).unwrap());
    let mut pages = vec![
        (Kind::Failing.name(), run(&specimen::run(Kind::Failing))),
        ("hostile run", run(&hostile())),
        ("comparison", comparison_html(&regressed).unwrap()),
        ("comparison that was given up", comparison_html(&given_up).unwrap()),
        ("capacity", confirmed),
        ("generator-limited capacity", limited),
        ("capacity of hostile names", none),
        ("unfinished capacity", unfinished),
    ];
    pages.push(("empty run", run(&[])));
    pages
}

fn run(observations: &[Observation]) -> String {
    let mut summary = Summary::new();
    observations.iter().for_each(|observation| summary.apply(observation));
    html(&summary).unwrap()
}

/// A run whose every name is an attack.
fn hostile() -> Vec<Observation> {
    let mut run = specimen::run(Kind::Failing);
    for observation in &mut run {
        match observation {
            Observation::RunStarted(run) => {
                run.scenario.title = EVIL.to_owned();
                run.scenario.description = EVIL.to_owned();
                run.target.address = EVIL.to_owned();
                run.environment.host = EVIL.to_owned();
                run.command.push(EVIL.to_owned());
                run.groups[0].name = EVIL.to_owned();
                run.preflight[0].how = EVIL.to_owned();
                run.preflight[0].ok = Some(false);
                run.stages[1].name = EVIL.to_owned();
            }
            Observation::StageStarted(stage) if stage.stage == "hold" => stage.stage = EVIL.to_owned(),
            Observation::Window(window) if window.stage == "hold" => window.stage = EVIL.to_owned(),
            Observation::Witness(witness) => {
                witness.topic = EVIL.to_owned();
                witness.client = EVIL.to_owned();
                witness.subscriber = EVIL.to_owned();
            }
            Observation::Event(event) => event.text = EVIL.to_owned(),
            Observation::Threshold(outcome) => outcome.expression = EVIL.to_owned(),
            Observation::RunEnded(ended) => ended.reasons.push(EVIL.to_owned()),
            _ => {}
        }
    }
    run
}

#[test]
fn every_page_can_be_read_by_everybody_and_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start();
    let mut problems = Vec::new();
    for (name, page) in pages() {
        let file = folder.path().join("page.html");
        fs::write(&file, &page).unwrap();
        for (width, scheme) in LOOKS {
            let found = look(&mut browser, &file, width, scheme, page.contains("<figure"));
            problems.extend(found.into_iter().map(|problem| format!("{name}, {width} px, {scheme}: {problem}")));
        }
        problems.extend(tabs(&mut browser).into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    damaged_pages_are_found_out(&mut browser, folder.path());
}

/// Everything that is wrong with a page.
fn look(browser: &mut Browser, file: &Path, width: u32, scheme: &str, charts: bool) -> Vec<String> {
    browser.open(file, width, scheme);
    let mut problems = browser.complaints();
    browser.evaluate(CHECKS);
    let asked = ["overflow", "contrast", "foreign", "charts"];
    for check in &asked[..if charts { 4 } else { 3 }] {
        let found = browser.evaluate(&format!("paddock.{check}()"));
        let found = found.as_array().expect("a list").iter().map(|text| format!("{check}: {text}"));
        problems.extend(found);
    }
    problems
}

/// The Tab key goes to everything that can be opened, scrolled or followed, in the order of the page, and shows where it is.
fn tabs(browser: &mut Browser) -> Vec<String> {
    let expected: Vec<String> = serde_json::from_value(browser.evaluate("paddock.stops()")).unwrap();
    let mut problems = Vec::new();
    for wanted in &expected {
        browser.press_tab();
        let at = browser.evaluate("paddock.focused()");
        if at["name"] != wanted.as_str() {
            problems.push(format!("Tab leads to {} and not to {wanted}", at["name"]));
            break;
        }
        if at["seen"] != true || at["said"] != true {
            problems.push(format!("focus cannot be seen or has no name: {at}"));
        }
    }
    problems
}

/// Each check is tried on a page that breaks what it demands.
fn damaged_pages_are_found_out(browser: &mut Browser, folder: &Path) {
    let whole = run(&specimen::run(Kind::Passing));
    // A changed style sheet is not the one whose hash the policy names.
    let policy = |page: &str| page.replacen("Content-Security-Policy", "none", 1);
    let image = "<img alt=\"\" src=\"http://127.0.0.1:9/x.png\"></main>";
    let damaged = [
        ("Content Security Policy", whole.replacen("</main>", image, 1)),
        ("request: \"http", policy(&whole).replacen("</main>", image, 1)),
        (
            "overflow: ",
            whole.replacen("</main>", &format!("<pre><code>{}</code></pre></main>", "x".repeat(200)), 1).replacen(
                "<pre><code>",
                "<table><tr><td><nobr>",
                1,
            ),
        ),
        ("contrast: ", policy(&whole).replace("--muted: #63625d", "--muted: #b3b2ad")),
        (
            "charts: ",
            whole.replace("<path class=\"accent\"", "<g class=\"accent\"").replace("<path class=\"h ", "<g class=\"h "),
        ),
        ("console: ", policy(&whole).replacen("</main>", "<script>console.log('here')</script></main>", 1)),
        ("foreign: ", whole.replacen("<main ", "<main onclick=\"x\" ", 1)),
    ];
    let file = folder.join("damaged.html");
    for (sign, page) in damaged {
        assert_ne!(page, whole, "no damage for {sign}");
        fs::write(&file, page).unwrap();
        let found = look(browser, &file, 390, "light", true);
        assert!(found.iter().any(|problem| problem.contains(sign)), "{sign}: {found:#?}");
    }
    fs::write(
        &file,
        whole.replacen(
            "class=\"scroll\" role=\"region\" aria-labelledby=\"h-ledger\" tabindex=\"0\"",
            "class=\"scroll\" tabindex=\"3\"",
            1,
        ),
    )
    .unwrap();
    look(browser, &file, 1200, "light", true);
    assert!(!tabs(browser).is_empty(), "a jump of the focus goes unseen");
}
