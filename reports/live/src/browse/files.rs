//! Files below the folder, and none else: a path is taken apart before it is used, and the folder itself is opened such that
//! neither `..` nor a symbolic link leads out of it.

use super::entry::href;
use crate::watch::self_contained_headers;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use cap_std::fs::{Dir, File};
use serde::Serialize;
use std::io::Read;
use std::path::PathBuf;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

/// The largest document that is read for a list, in bytes.
const LARGEST: u64 = 16 << 20;
/// Most files that a folder's page names.
const MOST: usize = 200;

/// A path below the folder; `None` for any that is not plainly one. Names that begin with a dot are nobody's business.
pub(super) fn inside(path: &str) -> Option<PathBuf> {
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['\0', '\\']);
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    parts.iter().all(|name| plain(name)).then(|| parts.iter().collect())
}

/// A regular file, opened.
fn open(dir: &Dir, path: &std::path::Path) -> Option<(File, u64)> {
    // A pipe would wait for its other end.
    let known = dir.metadata(path).ok()?;
    let file = known.is_file().then(|| dir.open(path).ok())??;
    Some((file, known.len()))
}

/// A document, whole, if it is there and not too large.
pub(super) fn document(dir: &Dir, path: &std::path::Path) -> Option<serde_json::Value> {
    let (file, length) = open(dir, path)?;
    let mut text = Vec::new();
    (length <= LARGEST).then(|| file.take(LARGEST).read_to_end(&mut text).ok())??;
    serde_json::from_slice(&text).ok()
}

/// The beginning of a file.
pub(super) fn beginning(dir: &Dir, path: &std::path::Path) -> Option<impl Read + use<>> {
    Some(open(dir, path)?.0.take(LARGEST))
}

/// A file as a folder's page names it.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    name: String,
    href: String,
    /// In bytes.
    size: String,
    /// Whether a browser shows it; others are saved.
    page: bool,
}

/// The files in a folder, pages first.
pub(super) fn of(dir: &Dir, folder: &std::path::Path) -> Vec<Listed> {
    let Ok(entries) = dir.read_dir(folder) else { return Vec::new() };
    let listed = entries.filter_map(Result::ok).filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let known = entry.metadata().ok().filter(cap_std::fs::Metadata::is_file)?;
        inside(&name)?;
        let page = name.ends_with(".html");
        let size = reports::figures::bytes(known.len() as f64);
        Some(Listed { href: href("file", &folder.join(&name))?, name, size, page })
    });
    let mut listed: Vec<Listed> = listed.take(MOST).collect();
    listed.sort_by(|a, b| b.page.cmp(&a.page).then_with(|| a.name.cmp(&b.name)));
    listed
}

/// The answer with a file; `None` when there is none.
pub(super) fn answer(dir: &Dir, path: &std::path::Path) -> Option<Response> {
    let (file, length) = open(dir, path)?;
    // A file that grows is sent as long as it was.
    let content = ReaderStream::new(tokio::fs::File::from_std(file.into_std()).take(length));
    let mut response = Body::from_stream(content).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if path.extension().is_some_and(|extension| extension == "html") {
        headers.extend(self_contained_headers());
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn only_plain_names_lead_inside() {
        assert_eq!(inside("a/b c/report.html").unwrap(), std::path::Path::new("a/b c/report.html"));
        for path in ["", "/", "..", "a/../b", "/etc/passwd", "a//b", "./a", "a/.", ".git/config", "a\\..\\b", "a/\0b"] {
            assert_eq!(inside(path), None, "{path:?}");
        }
    }
}
