//! Who is answered, and what every answer says.
//!
//! A page of somebody else's must not read ours: a name that its owner points at this machine (DNS rebinding) is refused, an
//! address or a name of this machine's own is not. Only GET and HEAD are answered, and no answer may be framed, guessed at or
//! kept.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// For answers that say nothing else: nothing is loaded, nothing runs.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SAME_ORIGIN: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Names under which this machine may be asked for, besides addresses.
#[derive(Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn of_this_machine() -> Self {
        let own = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
        Self(vec!["localhost".to_owned(), own])
    }

    fn include(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let Some(authority) = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()) else { return false };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        name.parse::<IpAddr>().is_ok() || self.0.contains(&name)
    }
}

/// `routes`, guarded.
pub(crate) fn guarded(routes: Router, names: Names) -> Router {
    routes.layer(from_fn_with_state(Arc::new(names), guard))
}

async fn guard(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    let mut response = if !names.include(request.headers()) {
        let words = "this page is asked for under a name that is not this machine's; use its address\n";
        (StatusCode::MISDIRECTED_REQUEST, words).into_response()
    } else if ![Method::GET, Method::HEAD].contains(request.method()) {
        (StatusCode::METHOD_NOT_ALLOWED, [("allow", "GET, HEAD")], "nothing here can be changed\n").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(SAME_ORIGIN, HeaderValue::from_static("same-origin"));
    response
}
