//! All runs below a folder.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the list, newest first, kept up to date |
//! | `/events` | what keeps it up to date, server-sent events |
//! | `/run/PATH` | one run, comparison or search: its files, and the runs inside of it |
//! | `/file/PATH` | one file |
//! | `/compare?run=PATH&run=PATH` | two runs side by side |

mod entry;
mod files;
mod list;
mod pair;

use crate::page::{assets, broken, shell, template};
use crate::server::Server;
use crate::stream::{Frame, Viewers};
use axum::Router;
use axum::extract::{Path as Named, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use list::List;
use minijinja::context;
use percent_encoding::percent_decode_str;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often the folder is looked at while somebody looks on.
const PACE: Duration = Duration::from_secs(2);
const FOLLOWS: &str = "This list follows the folder.";

/// A page that lists the runs below a folder, until it is dropped. Nothing outside of the folder can be reached through it.
#[derive(Debug)]
pub struct Browse {
    server: Server,
}

impl Browse {
    /// Listens at `address` (port 0 picks a free one) and shows what is below `folder`.
    ///
    /// # Errors
    /// When the folder cannot be opened, the address cannot be bound, or a thread could not be set up.
    pub fn start(address: SocketAddr, folder: &Path) -> io::Result<Self> {
        let dir = Arc::new(Dir::open_ambient_dir(folder, ambient_authority())?);
        let name = folder.display().to_string();
        let site = Site { list: Arc::new(Mutex::new(List::default())), dir, name, viewers: Viewers::new() };
        let server = Server::start(address, "browse", move || {
            tokio::spawn(publish(site.clone()));
            routes(site)
        })?;
        Ok(Self { server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

#[derive(Debug, Clone)]
struct Site {
    dir: Arc<Dir>,
    /// The folder as the user named it.
    name: String,
    list: Arc<Mutex<List>>,
    viewers: Viewers,
}

impl Site {
    /// The list as it is now, HTML.
    fn listed(&self) -> Result<String, minijinja::Error> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = list.look(&self.dir);
        template("list.html", &context! { folder => self.name, entries => shown.entries, left_out => shown.left_out })
    }

    fn event(&self) -> Result<Bytes, minijinja::Error> {
        let page = format!("<!doctype html><title>Runs</title><body>{}", self.listed()?);
        Ok(Frame { page: &page, words: FOLLOWS, ended: false, report: false }.event())
    }
}

async fn publish(site: Site) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Bytes::new();
    loop {
        pace.tick().await;
        if site.viewers.count() == 0 {
            continue;
        }
        match site.event() {
            Ok(event) if event != last => {
                last = event.clone();
                site.viewers.show(event);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the list could not be made"),
        }
    }
}

fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/run/{*path}", get(one))
        .route("/file/{*path}", get(file))
        .route("/compare", get(compare))
        .with_state(site)
        .merge(assets())
}

async fn page(State(site): State<Site>) -> Response {
    match site.listed() {
        Ok(list) => shell("Runs", "", FOLLOWS, true, &list),
        Err(error) => broken(&error),
    }
}

async fn events(State(site): State<Site>) -> Response {
    match site.event() {
        Ok(first) => site.viewers.admit(first),
        Err(error) => broken(&error),
    }
}

async fn one(State(site): State<Site>, Named(path): Named<String>) -> Response {
    let Some(path) = files::inside(&path) else { return nothing() };
    let Some(entry) = entry::read(&site.dir, &path) else { return nothing() };
    let inside = list::below(&site.dir, &path);
    let values = context! { entry => entry, files => files::of(&site.dir, &path), inside => inside.entries };
    match template("folder.html", &values) {
        Ok(page) => shell(&entry.title, entry.tone, "", false, &page),
        Err(error) => broken(&error),
    }
}

async fn file(State(site): State<Site>, Named(path): Named<String>) -> Response {
    match files::inside(&path) {
        Some(path) => files::answer(&site.dir, &path).unwrap_or_else(nothing),
        None => nothing(),
    }
}

async fn compare(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let values = query.split('&').filter_map(|pair| pair.strip_prefix("run="));
    let decoded = values.map(|value| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned());
    let chosen: Vec<String> = decoded.take(3).collect();
    let [base, new] = &chosen[..] else {
        let words = "choose two runs of the list to compare them\n";
        return (StatusCode::BAD_REQUEST, words).into_response();
    };
    let both = [base, new].map(|path| files::inside(path).and_then(|path| pair::figures(&site.dir, &path)));
    let [Some(base), Some(new)] = both else { return nothing() };
    let values = context! { rows => pair::rows(&base, &new), base => base.entry, new => new.entry };
    match template("compare.html", &values) {
        Ok(page) => shell("Two runs", "", "", false, &page),
        Err(error) => broken(&error),
    }
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here; / lists the runs\n").into_response()
}
