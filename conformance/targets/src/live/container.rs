//! Brokers in containers, through testcontainers.

use std::io;

use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt, TestcontainersError,
    core::{ContainerPort, IntoContainerPort},
    runners::AsyncRunner,
};
use tokio::{runtime::Handle, time};

use super::Node;
use crate::{
    LaunchError, Running,
    descriptor::{
        Container,
        listeners::Listeners,
        template::{Hole, Template},
    },
    launch::ready,
};

/// A container that runs. Dropping it removes it, also outside of the runtime that it was started on.
#[derive(Debug)]
pub(crate) struct Boxed {
    container: Option<Box<ContainerAsync<GenericImage>>>,
    runtime: Handle,
}

/// Starts the container and waits until the broker in it answers.
pub(super) async fn launch(container: &Container, listeners: &Listeners<Template>) -> Result<Node, LaunchError> {
    let image = format!("{}:{}", container.image, container.tag);
    let failed = |error: TestcontainersError| LaunchError::Container { image: image.clone(), said: reasons(&error) };
    let running = request(container).start().await.map_err(failed)?;
    let host = match running.get_host().await.map_err(failed)?.to_string() {
        // Docker maps the ports of IPv4.
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    };
    let mut ports = Vec::new();
    for (name, inside) in all_ports(container) {
        ports.push((name, running.get_host_port_ipv4(inside).await.map_err(failed)?));
    }
    let text = |text: &Template| {
        text.fill(&|hole| match hole {
            Hole::Port { name, .. } => {
                let port = ports.iter().find(|(known, _)| known == name);
                port.map_or_else(String::new, |(_, port)| port.to_string())
            }
            Hole::Host => host.clone(),
            // The descriptor was read so that there are no others.
            _ => hole.to_string(),
        })
    };
    let listeners = listeners.map(text);
    let address = format!("mqtt://{host}:{}", ports[0].1);
    let boxed = Boxed { container: Some(Box::new(running)), runtime: Handle::current() };
    if time::timeout(container.deadline, ready::answers(&address)).await.is_err() {
        let said = boxed.last_words().await;
        return Err(LaunchError::Container {
            image,
            said: format!("it did not answer within {:?}{said}", container.deadline),
        });
    }
    Ok(Node::new(Running::in_container(address, boxed), listeners))
}

/// The ports inside, by name; MQTT over TCP first, which has none.
fn all_ports(container: &Container) -> impl Iterator<Item = (&str, ContainerPort)> {
    let named = container.ports.iter().map(|(name, port)| (name.as_str(), port.tcp()));
    std::iter::once(("", container.port.tcp())).chain(named)
}

fn request(container: &Container) -> ContainerRequest<GenericImage> {
    let image = GenericImage::new(&container.image, &container.tag);
    let image = all_ports(container).fold(image, |image, (_, port)| image.with_exposed_port(port));
    let mut request = ContainerRequest::from(image);
    if !container.arguments.is_empty() {
        request = request.with_cmd(&container.arguments);
    }
    for (name, value) in &container.environment {
        request = request.with_env_var(name, value);
    }
    for (path, text) in &container.files {
        request = request.with_copy_to(path.as_str(), text.clone().into_bytes());
    }
    request
}

/// What went wrong, with what lies below it.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let reason = error.to_string();
        if !said.contains(&reason) {
            said = format!("{said}: {reason}");
        }
        below = error.source();
    }
    said
}

impl Boxed {
    /// Removes it.
    pub(crate) async fn remove(mut self) -> io::Result<()> {
        match self.container.take() {
            Some(container) => container.rm().await.map_err(io::Error::other),
            None => Ok(()),
        }
    }

    /// The last lines of its log, as a clause to append; empty when there are none.
    async fn last_words(&self) -> String {
        const LINES: usize = 20;
        let Some(container) = &self.container else { return String::new() };
        let mut said = Vec::new();
        for log in [container.stdout_to_vec().await, container.stderr_to_vec().await] {
            said.extend(log.unwrap_or_default());
        }
        let said = String::from_utf8_lossy(&said);
        let mut last: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(LINES).collect();
        last.reverse();
        if last.is_empty() { String::new() } else { format!("; it said: {}", last.join(" / ")) }
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        drop(self.container.take());
    }
}
