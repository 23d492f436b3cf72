//! A run while it lasts.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the page: the report so far, kept up to date |
//! | `/events` | what keeps it up to date, server-sent events |
//! | `/now` | the report so far, as it is, without a script |
//! | `/report` | the report as it was written at the end; 404 until then |
//! | `/metrics` | OpenMetrics text |

use crate::frames::{Frames, PACE};
use crate::page::{assets, broken, shell};
use crate::server::Server;
use crate::sink::{Fold, Share};
use crate::stream::Viewers;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use reports::{OPEN_METRICS_TYPE, Sink};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How long viewers may take to fetch the final report after the end of a run.
const FAREWELL: Duration = Duration::from_secs(10);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(50);

/// A page that shows runs while they last, until it is dropped.
#[derive(Debug)]
pub struct Live {
    site: Site,
    server: Server,
}

impl Live {
    /// Listens at `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound, or a thread could not be set up.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let (share, viewers) = (Share::new(), Viewers::new());
        let site = Site {
            frames: Arc::new(Mutex::new(Frames::new(share.clone()))),
            viewers: viewers.clone(),
            share: share.clone(),
        };
        let shown = site.clone();
        let server = Server::start(address, "live", move || {
            tokio::spawn(publish(site.clone()));
            routes(site)
        })?;
        Ok(Self { site: shown, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// An output of a run that this page shows. `report` is the `report.html` that another sink has written when this one is
    /// finished: give this one to the run after that one.
    pub fn sink(&self, report: Option<PathBuf>) -> Box<dyn Sink> {
        Box::new(Fold { share: self.site.share.clone(), which: None, report })
    }

    /// An output of one of several runs, which follow each other on this page; `which` of them it is stands above it. The page goes
    /// on until [`Live::conclude`].
    pub fn part(&self, which: String) -> Box<dyn Sink> {
        Box::new(Fold { share: self.site.share.clone(), which: Some(which), report: None })
    }

    /// After the last of several runs, with the report on all of them.
    pub fn conclude(&self, report: &Path) {
        self.site.share.complete(Some(report));
    }

    /// Ends in order after the last run: who looks on gets the end of the run and its report, for which a few seconds are allowed;
    /// then the page stays reachable for `linger`. `interrupt` cuts both short.
    pub async fn close(self, linger: Duration, interrupt: impl Future<Output = ()>) {
        let stay = async {
            // At once, and on a thread that nothing holds back any more.
            if self.site.viewers.count() > 0
                && let Ok(last) = self.site.frames.lock().await.event()
            {
                self.site.viewers.show(last);
            }
            let patience = Instant::now() + FAREWELL;
            while self.site.viewers.count() > 0 && Instant::now() < patience {
                sleep(LOOK).await;
            }
            sleep(linger).await;
        };
        tokio::select! {
            () = stay => {}
            () = interrupt => {}
        }
    }
}

#[derive(Debug, Clone)]
struct Site {
    frames: Arc<Mutex<Frames>>,
    viewers: Viewers,
    share: Share,
}

/// Shows what is new once a second while somebody looks on.
async fn publish(site: Site) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown = Bytes::new();
    loop {
        pace.tick().await;
        if site.viewers.count() == 0 {
            continue;
        }
        match site.frames.lock().await.event() {
            // Who came meanwhile may have had it made, and is the only one who has it.
            Ok(event) if event != shown => {
                shown = event.clone();
                site.viewers.show(event);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the live page could not be made"),
        }
    }
}

fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/now", get(now))
        .route("/report", get(report))
        .route("/metrics", get(metrics))
        .with_state(site)
        .merge(assets())
}

async fn page(State(site): State<Site>) -> Response {
    let made = site.frames.lock().await.report();
    let page = match made {
        Ok(page) => page,
        Err(error) => return broken(&error),
    };
    // The script puts the whole page in place; until then, and without it, its body stands here as it is.
    let inner = page.split_once("<body").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, rest)| rest);
    let inner = inner.rsplit_once("</body>").map_or(inner, |(inner, _)| inner);
    shell("Paddock: a run", "unsure", "Connecting to the run.", true, inner)
}

async fn events(State(site): State<Site>) -> Response {
    match site.frames.lock().await.event() {
        Ok(first) => site.viewers.admit(first),
        Err(error) => broken(&error),
    }
}

async fn now(State(site): State<Site>) -> Response {
    let made = site.frames.lock().await.report();
    match made {
        Ok(page) => self_contained(page.into_bytes()),
        Err(error) => broken(&error),
    }
}

async fn report(State(site): State<Site>) -> Response {
    let report = site.share.lock().report.clone();
    report.map_or_else(|| (StatusCode::NOT_FOUND, "the run has no report yet\n").into_response(), self_contained)
}

/// A page that brings its own policy and needs nothing from here.
fn self_contained(page: Vec<u8>) -> Response {
    (self_contained_headers(), page).into_response()
}

/// What such a page comes with: it may not ask for anything, and is a stranger to the pages around it.
pub(crate) fn self_contained_headers() -> HeaderMap {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                  sandbox allow-scripts allow-downloads allow-top-navigation-by-user-activation";
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    HeaderMap::from_iter([(CONTENT_TYPE, html), (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))])
}

async fn metrics(State(site): State<Site>) -> Response {
    match site.frames.lock().await.metrics() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS_TYPE)], text).into_response(),
        Err(error) => broken(&error),
    }
}
