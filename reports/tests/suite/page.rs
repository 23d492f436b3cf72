//! The page: self-contained, well-formed, escaped, complete.

use super::specimen::{cut_off, forgiven, mixed, passing, proof, suite};
use reports::observation::{Observation, SuiteTarget};
use reports::suite_html;
use std::collections::BTreeSet;

fn page(run: &[Observation]) -> String {
    suite_html(&suite(run)).unwrap()
}

fn every() -> Vec<String> {
    [mixed(), passing(), cut_off(), proof(), Vec::new()].iter().map(|run| page(run)).collect()
}

/// What is neither style nor script.
fn body(page: &str) -> &str {
    let from = page.find("</style>").unwrap();
    &page[from..page.rfind("<script>").unwrap()]
}

fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let lead = format!(" {name}=\"");
    body(page).split(lead.as_str()).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn nothing_is_loaded_and_one_script_runs() {
    for page in every() {
        assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
        assert_eq!(page.matches("<script").count(), 1);
        let body = body(&page);
        for forbidden in [" src=", " style=", "<link", "<img", " onclick", " onload", "<iframe"] {
            assert!(!body.contains(forbidden), "{forbidden}");
        }
        for forbidden in ["@import", "url(", "http://", "https://", "fetch(", "innerHTML", "eval("] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(attributes(&page, "href").iter().all(|link| link.starts_with('#')));
    }
}

#[test]
fn tags_are_balanced_and_links_lead_somewhere() {
    const VOID: [&str; 4] = ["meta", "br", "input", "col"];
    for page in every() {
        let mut open: Vec<&str> = vec!["html", "head", "style"];
        for tag in body(&page).split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag ends").0) {
            let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
            match tag {
                _ if VOID.contains(&name) || tag.ends_with('/') => {}
                _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "{tag}"),
                _ => open.push(name),
            }
        }
        assert_eq!(open, ["html", "body"]);
        let ids = attributes(&page, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "ids repeat");
        let links = attributes(&page, "href").into_iter().map(|link| &link[1..]);
        let names = attributes(&page, "aria-labelledby").into_iter().flat_map(|list| list.split(' '));
        for place in links.chain(names) {
            assert!(unique.contains(place), "{place} is nowhere");
        }
    }
}

#[test]
fn every_cell_says_its_verdict_and_leads_to_its_evidence() {
    let page = page(&mixed());
    for cell in [
        "<td class=\"f\"><a href=\"#s5.0-3.3.1-4~1\">✕ fail</a></td>",
        "<td class=\"p\"><a href=\"#s5.0-3.3.1-4\">✓ pass</a></td>",
        "<td class=\"p\"><a href=\"#s5.0-3.8.4-1~0\">✓ pass</a></td>",
        "<td class=\"w\"><a href=\"#s5.0-3.8.4-1~1\">! warn</a></td>",
        "<td class=\"i\"><a href=\"#s5.0-3.3.1-6~1\">? unclear</a></td>",
        "<td class=\"k\"><a href=\"#s5.0-3.1.2-8~1\">≈ known</a></td>",
        "<td class=\"e\"><a href=\"#s5.0-3.1.2-8~0\">‼ error</a></td>",
        "<td class=\"n\"><a href=\"#s5.0-4.8.2-4~1\">– n&#x2f;a</a></td>",
        "<td class=\"f\"><a href=\"#s5.0-limits.packet_size~1\">✕ fail</a></td>",
        "<td class=\"x\" colspan=\"2\">· excused</td>",
        "Excused: a rule about the transport",
        "<p class=\"note\">MQTT 5.0 · section 3.1.2.11.4</p>",
        "Known: wills are lost until 3.0 (#17)",
        "<dt>expected</dt><dd>DISCONNECT 0x95</dd>",
        "Noted: SUBACK came first",
        "36 07 00 03 61 20 62 00 01",
    ] {
        assert!(page.contains(cell), "{cell} is missing in\n{page}");
    }
    let elsewhere = "Its packets are at <a href=\"#s5.0-3.3.1-5~1\">MQTT-3.3.1-5</a>";
    assert!(page.contains(elsewhere), "packets are shown once");
}

#[test]
fn the_verdict_comes_first() {
    assert!(page(&mixed()).contains("FAIL</span> <span class=\"sentence\">1 of 2 brokers break statements: sloppy 2."));
    assert!(page(&passing()).contains("careful keeps the 4 statements that were decided."));
    let sloppy = page(&forgiven(&["sloppy"]));
    assert!(sloppy.contains("sloppy departs only where it is known to: from 1 of the 2 statements that were decided."));
    let both = page(&forgiven(&["careful", "sloppy"]));
    assert!(both.contains("No broker departs but where it is known to: sloppy 1."));
    assert!(page(&cut_off()).contains("CUT OFF</span>"));
    let proof = page(&proof());
    assert!(proof.contains("1 of 2 mutants survive.") && proof.contains("✕ survives"));
    assert!(proof.contains("Also seen by subscribe.order"));
}

/// As of random programs, which say afterwards what they are about.
#[test]
fn a_run_that_was_about_no_statement_says_so_and_names_its_broker() {
    let mut run = passing();
    for observation in &mut run {
        match observation {
            Observation::SuiteStarted(started) => started.statements.clear(),
            Observation::CaseJudged(judged) => judged.statements.clear(),
            _ => {}
        }
    }
    let page = page(&run);
    assert!(page.contains("careful passes 3 cases about rules without a number."), "{page}");
    assert!(page.contains("<th scope=\"rowgroup\" rowspan=\"1\">careful"), "{page}");
}

#[test]
fn what_breaks_every_statement_that_was_decided_is_not_compared_with_itself() {
    let mut run = forgiven(&["sloppy"]);
    run.retain(|one| !matches!(one, Observation::CaseJudged(judged) if judged.deviation.is_none()));
    for observation in &mut run {
        if let Observation::CaseJudged(judged) = observation {
            judged.deviation = None;
        }
    }
    assert!(page(&run).contains("sloppy breaks 1 statement."));
}

#[test]
fn hostile_strings_are_shown_and_never_obeyed() {
    const EVIL: &str = "</title></style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"' {{7*7}} }";
    let mut run = mixed();
    for observation in &mut run {
        match observation {
            Observation::SuiteStarted(started) => {
                let evil = |target: &mut SuiteTarget| {
                    target.name += EVIL;
                    target.description = EVIL.into();
                    target.address = EVIL.into();
                };
                started.targets.iter_mut().for_each(evil);
                started.command.push(EVIL.into());
                for case in &mut started.cases {
                    case.id += EVIL;
                    case.title = EVIL.into();
                }
                for statement in &mut started.statements {
                    for text in [&mut statement.version, &mut statement.number, &mut statement.section] {
                        *text += EVIL;
                    }
                    statement.text = EVIL.into();
                    statement.level = EVIL.into();
                    statement.excused = statement.excused.take().map(|_| EVIL.into());
                }
            }
            Observation::CaseJudged(judged) => {
                judged.target += EVIL;
                judged.case += EVIL;
                judged.version += EVIL;
                judged.statements.iter_mut().for_each(|number| *number += EVIL);
                judged.reason = EVIL.into();
                judged.notes.push(EVIL.into());
                judged.configuration = EVIL.into();
                for line in &mut judged.transcript {
                    line.peer = EVIL.into();
                    line.text = EVIL.into();
                    line.hex = EVIL.into();
                }
                for finding in &mut judged.findings {
                    finding.expected = EVIL.into();
                    finding.seen = EVIL.into();
                }
            }
            Observation::SuiteEnded(ended) => ended.reasons.push(EVIL.into()),
            _ => {}
        }
    }
    let page = page(&run);
    assert_eq!(page.matches("<script").count(), 1, "a script got through");
    assert_eq!(page.matches("</style").count(), 1, "the style sheet was left");
    assert!(!page.contains("<img") && !body(&page).contains("' onerror"));
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("{{7*7}}"));
}
