//! Targets that run.
//!
//! ```text
//!   Descriptor ─▶ ports, folders, files, commands before ─▶ every node is started ─▶ every node is ready ─▶ Live
//!                        ▲                                        │ a port was taken meanwhile
//!                        └────────────────────────────────────────┘
//! ```

pub(crate) mod container;
mod host;
mod ports;
mod process;
mod release;

pub use host::Host;

use std::{io, time::Duration};

use tempfile::TempDir;

use crate::{
    Descriptor, LaunchError, Running, Target,
    descriptor::{Reach, listeners::Listeners, template::Template},
    launch::ready,
};

/// A target that runs. Dropping it ends what was started for it.
#[derive(Debug)]
pub struct Live {
    nodes: Vec<Node>,
    release: Option<String>,
    /// The folders of the nodes, which go after them.
    folder: Option<TempDir>,
}

/// One node of a target; a target that is no cluster has one.
#[derive(Debug)]
pub struct Node {
    /// Absent once it was stopped.
    running: Option<Running>,
    listeners: Listeners<String>,
}

impl Descriptor {
    /// Makes the target reachable: addresses are taken as they are, and awaited when the descriptor says so; processes and
    /// containers are started and awaited. Runs on
    /// a tokio runtime with time and input/output.
    ///
    /// # Errors
    ///
    /// See [`LaunchError`]; nothing that was started outlives an error.
    pub async fn launch(&self, host: &Host) -> Result<Live, LaunchError> {
        let (nodes, folder) = match &self.reach {
            Reach::Addresses { urls, deadline } => (self.addresses(urls, *deadline).await?, None),
            Reach::Process(process) => {
                let (nodes, folder) = process::launch(process, &self.listeners, host).await?;
                (nodes, Some(folder))
            }
            Reach::Container(container) => (vec![container::launch(container, &self.listeners, host).await?], None),
        };
        let release = release::ask(&self.release, host).await;
        Ok(Live { nodes, release, folder })
    }

    async fn addresses(&self, urls: &[String], deadline: Duration) -> Result<Vec<Node>, LaunchError> {
        let mut nodes = Vec::new();
        for url in urls {
            if !deadline.is_zero() {
                let late = |why| LaunchError::Silent { url: url.clone(), deadline, why };
                ready::within(url, deadline).await.map_err(late)?;
            }
            let running = Target::Address(url.clone()).launch().await?;
            // Nothing is to be filled in: the descriptor was read so.
            let text = |text: &Template| text.fill(&|hole| hole.to_string());
            nodes.push(Node::new(running, self.listeners.map(text)));
        }
        Ok(nodes)
    }
}

impl Live {
    /// The nodes, in the order of the descriptor; several are one cluster.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The same, to be frozen, ended and started again.
    pub fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// The URL of the first node.
    #[must_use]
    pub fn address(&self) -> &str {
        self.nodes[0].address()
    }

    /// The release of the broker, if it is known.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// Ends one node, which counts from 0, and leaves the others; somebody else's stays.
    ///
    /// # Errors
    ///
    /// As [`Running::stop`].
    ///
    /// # Panics
    ///
    /// When there is no such node.
    pub async fn stop_node(&mut self, node: usize) -> io::Result<()> {
        match self.nodes[node].running.take() {
            Some(running) => running.stop().await.map(drop),
            None => Ok(()),
        }
    }

    /// Ends every node, and removes their folders.
    ///
    /// # Errors
    ///
    /// The first one of the nodes' and the folders', after all were tried.
    pub async fn stop(mut self) -> io::Result<()> {
        let mut first = Ok(());
        for node in 0..self.nodes.len() {
            first = first.and(self.stop_node(node).await);
        }
        first.and(self.folder.take().map_or(Ok(()), TempDir::close))
    }
}

impl Node {
    fn new(running: Running, mut listeners: Listeners<String>) -> Self {
        listeners.mqtt.get_or_insert_with(|| running.address().to_owned());
        Self { running: Some(running), listeners }
    }

    /// Its URL: where it speaks MQTT over TCP, unless the descriptor's address is another.
    #[must_use]
    pub fn address(&self) -> &str {
        self.listeners.mqtt.as_deref().unwrap_or_default()
    }

    /// Where it listens.
    #[must_use]
    pub fn listeners(&self) -> &Listeners<String> {
        &self.listeners
    }

    /// It itself; absent once it was stopped.
    #[must_use]
    pub fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// It itself; absent once it was stopped.
    pub fn running_mut(&mut self) -> Option<&mut Running> {
        self.running.as_mut()
    }
}
