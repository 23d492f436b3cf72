//! What both pages share: the shell, the style sheets, the script that keeps a page up to date.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Value, context};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const SHELL: &str = include_str!("assets/shell.html.j2");
const LIST: &str = include_str!("assets/list.html.j2");
const FOLDER: &str = include_str!("assets/folder.html.j2");
const COMPARE: &str = include_str!("assets/compare.html.j2");
const STYLE: &str = include_str!("assets/live.css");
const SCRIPT: &str = include_str!("assets/live.js");

/// Only what is embedded; and the report that a page keeps, whose own style is named by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let report = STANDARD.encode(Sha256::digest(reports::report_style().as_bytes()));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{report}'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// A page: the style sheet of reports and ours, `inner`, which is HTML, and above it `status`, which says how a page is kept up
/// to date that `follows` events.
pub(crate) fn shell(title: &str, tone: &str, status: &str, follows: bool, inner: &str) -> Response {
    let values = context! { title, tone, status, follows, inner => Value::from_safe_string(inner.to_owned()) };
    match template("shell.html", &values) {
        Ok(page) => {
            ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, &POLICY)], page).into_response()
        }
        Err(error) => broken(&error),
    }
}

/// A template of ours with its values, everything escaped.
pub(crate) fn template(name: &str, values: &Value) -> Result<String, minijinja::Error> {
    static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
        let mut environment = Environment::new();
        let all = [("shell.html", SHELL), ("list.html", LIST), ("folder.html", FOLDER), ("compare.html", COMPARE)];
        for (name, text) in all {
            environment.add_template(name, text).expect("the embedded templates are tested");
        }
        environment
    });
    TEMPLATES.get_template(name)?.render(values)
}

pub(crate) fn broken(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a page could not be made");
    (axum::http::StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made\n").into_response()
}

/// The embedded files.
pub(crate) fn assets() -> Router {
    let css = "text/css; charset=utf-8";
    Router::new()
        .route("/report.css", get(move || async move { ([(CONTENT_TYPE, css)], reports::report_style()) }))
        .route("/live.css", get(move || async move { ([(CONTENT_TYPE, css)], STYLE) }))
        .route("/live.js", get(|| async { ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT) }))
}
