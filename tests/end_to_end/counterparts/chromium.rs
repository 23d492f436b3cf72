//! The report in a real browser: it draws, and it asks for nothing from elsewhere.

use std::{fs, path::Path, process::Command};

use crate::support::{output, paddock};

#[test]
fn the_report_opens_without_a_complaint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let made = output(paddock().args(["run", "smoke", "--out"]).arg(&run));
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let page = format!("file://{}", run.join("report.html").display());
    for (width, scheme) in [(1200, 1), (1200, 0), (390, 1)] {
        let picture = folder.path().join(format!("{width}-{scheme}.png"));
        let shot = output(
            chromium(folder.path())
                .arg(format!("--window-size={width},2400"))
                .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
                .arg(format!("--screenshot={}", picture.display()))
                .arg(&page),
        );
        assert!(shot.status.success(), "{}", String::from_utf8_lossy(&shot.stderr));
        assert!(fs::metadata(&picture).is_ok_and(|file| file.len() > 20_000), "an empty picture");
    }
    let dom = dom(folder.path(), &page);
    assert!(dom.contains("<svg") && dom.contains("smoke"), "no charts");
}

/// What a reader does, in a copy of the page that takes a second script.
const READER: &str = include_str!("conformance_page.js");

#[test]
fn the_page_of_a_conformance_run_filters_and_opens_its_evidence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("run.html");
    let run = ["conformance", "acks.identifiers_are_repeated", "--mqtt", "5", "--html"];
    let made = output(paddock().args(run).arg(&page));
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let as_it_is = dom(folder.path(), &format!("file://{}", page.display()));
    assert!(
        as_it_is.contains("<form id=\"filter\" role=\"search\" aria-label=\"Filter the statements\">"),
        "no filter"
    );

    let text = fs::read_to_string(&page).expect("a page");
    let text = text.replacen("Content-Security-Policy", "none", 1);
    let driven = folder.path().join("driven.html");
    fs::write(&driven, text.replacen("</body>", &format!("<script>{READER}</script></body>"), 1)).expect("a file");
    let dom = dom(folder.path(), &format!("file://{}", driven.display()));
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    // The statement of that number in each version, and what the case decides.
    assert_eq!(title, Some("2 of 392 rows | 3 of 392 rows | 1 open | 0 open | back"));
}

/// The page after its scripts ran, which nobody complained about.
fn dom(profile: &Path, page: &str) -> String {
    let arguments = ["--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom"];
    let dump = output(chromium(profile).args(arguments).arg(page));
    let log = String::from_utf8_lossy(&dump.stderr);
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    String::from_utf8_lossy(&dump.stdout).into_owned()
}

/// Chromium without a window, with a profile of its own in `folder`.
pub(super) fn chromium(folder: &Path) -> Command {
    let mut command = Command::new("chromium");
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command
}
