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
    let dump = output(chromium(folder.path()).args(["--enable-logging=stderr", "--dump-dom"]).arg(&page));
    let (dom, log) = (String::from_utf8_lossy(&dump.stdout), String::from_utf8_lossy(&dump.stderr));
    assert!(dom.contains("<svg") && dom.contains("smoke"), "no charts");
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
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
