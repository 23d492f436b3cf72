//! Taking back what a program left behind.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use wire::{Connect, Direction, Disconnect, Frames, Packet, Publish};

use super::execution::Execution;
use crate::model::Client;

/// A target that is slower keeps what it has.
const LONGEST: Duration = Duration::from_secs(2);

impl Execution<'_> {
    /// Ends the sessions and removes the retained messages of this program, as far as the target plays along.
    pub(super) async fn clean_up(&mut self) {
        self.links.clear();
        let topics: Vec<String> = self.model.retained_topics().into_iter().map(|topic| self.filter(topic)).collect();
        let clients = (0..self.dialects.len()).map(|place| Client(place as u8));
        let left: Vec<Client> = clients.filter(|client| self.model.has_session(*client)).collect();
        let last = left.last().copied().or((!topics.is_empty()).then_some(Client(0)));
        for client in left {
            let none = Vec::new();
            let _ = timeout(LONGEST, self.clean(client, none)).await;
        }
        // Ending those sessions may have published wills.
        if let Some(client) = last.filter(|_| !topics.is_empty()) {
            let _ = timeout(LONGEST, self.clean(client, topics)).await;
        }
    }

    /// Connects once with a clean start.
    async fn clean(&self, client: Client, topics: Vec<String>) -> Option<()> {
        let version = self.version(client);
        let mut stream = self.site.dial(version).await.ok()?;
        let mut connect = Connect::as_(format!("{}{client}", self.name));
        if let Some((user, password)) = &self.site.credentials {
            connect = connect.user(user);
            connect.password.clone_from(password);
        }
        stream.write_all(&connect.draft(version).encode()).await.ok()?;
        let mut frames = Frames::new();
        let mut buffer = [0; 1024];
        loop {
            let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
            frames.push(&buffer[..length]);
            let accepted = |packet| matches!(packet, Ok(Packet::Connack(connack)) if connack.reason == 0);
            if frames.by_ref().any(|frame| accepted(frame.parse(version, Direction::FromServer))) {
                break;
            }
        }
        for topic in topics {
            stream.write_all(&Publish::to(topic).retain(true).draft(version).encode()).await.ok()?;
        }
        stream.write_all(&Disconnect::normal().draft(version).encode()).await.ok()?;
        stream.shutdown().await.ok()?;
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
        Some(())
    }
}
