//! From the page of a comparison to the reports of its runs.

use super::Comparison;
use crate::run_folder::file;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::iter::repeat_n;
use std::path::Path;

/// What stays as it is in a path of a URL.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Comparison {
    /// Says where the reports of its runs are, as seen from `folder`, which is to hold the comparison and must be there.
    pub fn link(&mut self, folder: &Path) {
        for run in self.base.runs.iter_mut().chain(&mut self.new.runs) {
            let report = Path::new(&run.folder).join(file::REPORT);
            run.report = report.is_file().then(|| relative(folder, &report)).flatten();
        }
    }
}

/// The URL of `to` relative to the folder `from`; `None` when one is not there, or a name is no text.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let (from, to) = (from.canonicalize().ok()?, to.canonicalize().ok()?);
    let (mut up, mut down) = (from.components().peekable(), to.components().peekable());
    while up.peek().is_some() && up.peek() == down.peek() {
        up.next();
        down.next();
    }
    let mut parts: Vec<String> = repeat_n("..".to_owned(), up.count()).collect();
    for part in down {
        parts.push(utf8_percent_encode(part.as_os_str().to_str()?, PLAIN).to_string());
    }
    Some(parts.join("/"))
}

/// Whether it is a link as [`Comparison::link`] makes them: a document from elsewhere may say anything.
pub(crate) fn is_ours(link: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte))
    };
    link.ends_with(file::REPORT) && link.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_report_is_found_from_the_comparison_wherever_it_lies() {
        let base = tempfile::tempdir().unwrap();
        let made = |path: &str| {
            let folder = base.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let out = made("out");
        for (run, wanted) in [
            ("out/01-base", "01-base/report.html"),
            ("before/a b", "../before/a%20b/report.html"),
            ("before/<x>&\"#?%", "../before/%3Cx%3E%26%22%23%3F%25/report.html"),
        ] {
            let report = made(run).join(file::REPORT);
            fs::write(&report, "").unwrap();
            let found = relative(&out, &report).unwrap();
            assert_eq!(found, wanted);
            assert!(is_ours(&found));
        }
        assert_eq!(relative(&out, &out.join("02-new/report.html")), None);
    }

    #[test]
    fn only_links_to_reports_are_followed() {
        for other in [
            "javascript:alert(1)//report.html",
            "//elsewhere.example/report.html",
            "/etc/report.html",
            "https://elsewhere.example/report.html",
            "01-base/summary.json",
            "01-base/report.html?x",
            "a b/report.html",
            "\"/report.html",
            "",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
