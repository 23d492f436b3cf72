//! The nodes of a cluster, and how one of them goes away.

use std::{collections::BTreeSet, io, sync::Arc};

use faults::{Proxy, Rules, Upstream};
use targets::{Live, Node};
use tokio::sync::Mutex;
use transport::Endpoint;

use crate::{Bench, CaseResult, Site, Stop};

/// What was started for a target. Cases may stop one of its nodes; whoever started it ends it. Clones are the same.
#[derive(Clone, Debug)]
pub struct Started(Arc<Mutex<Nodes>>);

#[derive(Debug)]
struct Nodes {
    /// Gone once all were ended.
    live: Option<Live>,
    stopped: BTreeSet<usize>,
}

impl Started {
    /// A target that runs.
    pub fn new(live: Live) -> Self {
        Self(Arc::new(Mutex::new(Nodes { live: Some(live), stopped: BTreeSet::new() })))
    }

    /// Ends every node.
    ///
    /// # Errors
    ///
    /// As [`Live::stop`].
    pub async fn stop(&self) -> io::Result<()> {
        let live = self.0.lock().await.live.take();
        match live {
            Some(live) => live.stop().await,
            None => Ok(()),
        }
    }

    /// What `look` sees of the target; nothing once it was ended.
    pub(crate) async fn look<T>(&self, look: impl FnOnce(&Live) -> T) -> Option<T> {
        self.0.lock().await.live.as_ref().map(look)
    }

    /// Whether each node can be stopped alone.
    pub(crate) async fn is_stoppable(&self) -> bool {
        let is_own = |node: &Node| node.running().is_some_and(|running| running.pid().is_some());
        let all = |live: &Live| live.nodes().len() > 1 && live.nodes().iter().all(is_own);
        self.0.lock().await.live.as_ref().is_some_and(all)
    }
}

/// How a node of a site can be stopped.
#[derive(Clone, Debug)]
pub enum Stopping {
    /// Each is a process of its own, and does not come back.
    Processes(Started),
    /// They are listeners of one broker: what can be stopped is a way to it that a case makes for itself.
    Ways,
}

/// A node that a case may stop.
#[derive(Debug)]
pub(crate) struct Mortal {
    /// Where it listens.
    pub(crate) endpoint: Endpoint,
    how: How,
}

#[derive(Debug)]
enum How {
    Process(Started, usize),
    Way(Proxy),
}

impl Bench {
    /// The node `node`, counted from 0, of a cluster, which may be stopped.
    ///
    /// # Errors
    ///
    /// Not applicable when there is none, or it was stopped before; an error when the way to it cannot be made.
    pub(crate) async fn mortal(&self, node: usize) -> CaseResult<Mortal> {
        let none = |why: String| Stop::NotApplicable(why);
        let site = self.site();
        let endpoint = site.nodes.get(node).ok_or_else(|| none(format!("the target has no node {node}")))?;
        match &site.stopping {
            None => Err(none("no node of the target can be stopped".into())),
            Some(Stopping::Processes(started)) => {
                if started.0.lock().await.stopped.contains(&node) {
                    return Err(none(format!("node {node} was stopped before and does not come back")));
                }
                Ok(Mortal { endpoint: endpoint.clone(), how: How::Process(started.clone(), node) })
            }
            Some(Stopping::Ways) => {
                let (site, node) = (Site::clone(site), endpoint.clone());
                let upstream = Upstream::dialled(move || {
                    let (site, node) = (site.clone(), node.clone());
                    async move { site.dial(&node).await.map_err(io::Error::other) }
                });
                let proxy = Proxy::start(upstream, Rules::none(), 0).await;
                let proxy = proxy.map_err(|error| Stop::Error(error.to_string()))?;
                let endpoint = format!("mqtt://{}", proxy.address()).parse();
                let endpoint = endpoint.map_err(|error| Stop::Error(format!("{error}")))?;
                Ok(Mortal { endpoint, how: How::Way(proxy) })
            }
        }
    }
}

impl Mortal {
    /// Stops it.
    ///
    /// # Errors
    ///
    /// An error when that fails.
    pub(crate) async fn stop(self) -> CaseResult {
        match self.how {
            How::Way(proxy) => {
                drop(proxy);
                Ok(())
            }
            How::Process(started, node) => {
                let mut nodes = started.0.lock().await;
                nodes.stopped.insert(node);
                let Some(live) = &mut nodes.live else { return Ok(()) };
                live.stop_node(node).await.map_err(|error| Stop::Error(format!("stopping node {node}: {error}")))
            }
        }
    }
}
