//! Server-sent events: the latest frame to every viewer, as fast as each can take it.
//!
//! A frame is made once and shared. Who is slow gets the latest when there is room again and never what was missed, so that a
//! viewer holds one frame in memory however badly it behaves.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// Most who look on at once.
const VIEWERS: usize = 64;
/// How often a quiet stream says that it is there.
const BEAT: Duration = Duration::from_secs(15);

/// One state of a page.
#[derive(Debug, Serialize)]
pub(crate) struct Frame<'a> {
    /// The whole page, HTML.
    pub(crate) page: &'a str,
    /// What the line above the page says.
    pub(crate) words: &'a str,
    /// Whether it is the last.
    pub(crate) ended: bool,
    /// Whether `/report` has the final report.
    pub(crate) report: bool,
}

impl Frame<'_> {
    /// As it goes to every viewer.
    pub(crate) fn event(&self) -> Bytes {
        let json = serde_json::to_string(self).expect("text and flags are JSON");
        format!("retry: 1000\nevent: frame\ndata: {json}\n\n").into()
    }
}

/// The frames of one page, and who looks on.
#[derive(Debug, Clone)]
pub(crate) struct Viewers {
    frames: watch::Sender<Bytes>,
    places: Arc<Semaphore>,
}

impl Viewers {
    pub(crate) fn new() -> Self {
        Self { frames: watch::Sender::new(Bytes::new()), places: Arc::new(Semaphore::new(VIEWERS)) }
    }

    pub(crate) fn count(&self) -> usize {
        VIEWERS - self.places.available_permits()
    }

    /// Replaces the latest frame.
    pub(crate) fn show(&self, frame: Bytes) {
        self.frames.send_replace(frame);
    }

    /// A stream for one more viewer, `first` at once.
    pub(crate) fn admit(&self, first: Bytes) -> Response {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let words = format!("{VIEWERS} look on already\n");
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")], words).into_response();
        };
        let viewer = Viewer { frames: self.frames.subscribe(), first: Some(first), last: Bytes::new(), _place: place };
        let events = stream::unfold(viewer, |mut viewer| async move {
            let event = viewer.next().await?;
            Some((Ok::<_, Infallible>(event), viewer))
        });
        ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
    }
}

struct Viewer {
    frames: watch::Receiver<Bytes>,
    first: Option<Bytes>,
    /// What it has; nobody gets the same twice.
    last: Bytes,
    _place: OwnedSemaphorePermit,
}

impl Viewer {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            self.last = first.clone();
            return Some(first);
        }
        loop {
            match timeout(BEAT, self.frames.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_ended)) => return None,
                Err(_quiet) => return Some(Bytes::from_static(b": still here\n\n")),
            }
            let latest = self.frames.borrow_and_update().clone();
            if latest != self.last {
                self.last = latest.clone();
                return Some(latest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A frame that knows how many there are.
    struct Counted(Arc<AtomicUsize>, Vec<u8>);

    impl Counted {
        fn frame(alive: &Arc<AtomicUsize>, text: &str) -> Bytes {
            alive.fetch_add(1, Ordering::Relaxed);
            Bytes::from_owner(Self(Arc::clone(alive), text.as_bytes().to_vec()))
        }
    }

    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.1
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn who_does_not_read_holds_one_frame_and_gets_the_latest() {
        let (viewers, alive) = (Viewers::new(), Arc::new(AtomicUsize::new(0)));
        let mut stuck = Vec::new();
        for _ in 0..20 {
            let mut body = viewers.admit(Counted::frame(&alive, "first")).into_body().into_data_stream();
            assert_eq!(body.next().await.unwrap().unwrap(), "first");
            stuck.push(body);
        }
        for number in 0..10_000 {
            viewers.show(Counted::frame(&alive, &format!("frame {number}")));
        }
        // The first of each, which it may still be sending, and the latest of all.
        assert!(alive.load(Ordering::Relaxed) <= 21, "{} frames are held", alive.load(Ordering::Relaxed));
        for mut body in stuck {
            assert_eq!(body.next().await.unwrap().unwrap(), "frame 9999");
        }
        assert_eq!((viewers.count(), alive.load(Ordering::Relaxed)), (0, 1));
    }
}
