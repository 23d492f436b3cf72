//! Brokers in containers, through testcontainers.
//!
//! ```text
//!   guard ─▶ image is there or pulled ─▶ container ─▶ its ports here ─▶ a CONNECT is answered ─▶ Node
//!     │                                                                 │ it ended, or time is up
//!     └── removes the container whenever this process has not ◀─────────┘
//! ```

mod words;

use std::{
    hash::{BuildHasher, RandomState},
    io,
    path::Path,
    time::Duration,
};

use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt,
    core::{ContainerPort, IntoContainerPort},
    runners::AsyncRunner,
};
use tokio::{runtime::Handle, task, time};

use super::{Host, Node};
use crate::{
    LaunchError, Running,
    descriptor::{
        Container,
        listeners::Listeners,
        template::{Hole, Template},
    },
    launch::{guard::Guard, ready},
};

/// A container that runs. Dropping it removes it, also outside of the runtime that it was started on.
#[derive(Debug)]
pub(crate) struct Boxed {
    /// Absent once it is gone, or while it is not known to be there.
    container: Option<Box<ContainerAsync<GenericImage>>>,
    runtime: Handle,
    /// Absent where there is no command `docker`, and once the container is gone.
    guard: Option<Guard>,
}

/// Starts the container and waits until the broker in it answers.
pub(super) async fn launch(
    container: &Container,
    listeners: &Listeners<Template>,
    host: &Host,
) -> Result<Node, LaunchError> {
    let image = format!("{}:{}", container.image, container.tag);
    let name = format!("paddock-{}-{:08x}", std::process::id(), RandomState::new().hash_one(&image) as u32);
    let mut boxed = Boxed { container: None, runtime: Handle::current(), guard: guard(&name, host) };
    match boxed.fill(container, listeners, name).await {
        Ok((address, listeners)) => Ok(Node::new(Running::in_container(address, boxed), listeners)),
        Err(said) => {
            // What was made before the error goes too.
            let _ = boxed.remove().await;
            Err(LaunchError::Container { image, said })
        }
    }
}

/// Removes the container of this name when this process ends without having done so.
fn guard(name: &str, host: &Host) -> Option<Guard> {
    let made = match host.find("docker").as_deref().and_then(Path::to_str) {
        Some(docker) => Guard::with("\"$1\" rm --force --volumes \"$2\"", &[docker, name]),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "there is no command `docker`")),
    };
    made.inspect_err(|error| tracing::warn!(%error, name, "when this program is killed its container stays")).ok()
}

impl Boxed {
    /// Starts the container and waits until the broker in it answers. Gives its address and where else it listens, or says why
    /// not.
    async fn fill(
        &mut self,
        container: &Container,
        listeners: &Listeners<Template>,
        name: String,
    ) -> Result<(String, Listeners<String>), String> {
        let request = request(container).with_container_name(name);
        let running = request.start().await.map_err(|error| words::why(&error))?;
        let running = &**self.container.insert(Box::new(running));
        let (host, ports) = match reached(container, running).await {
            Ok(reached) => reached,
            Err(error) => return Err(words::ended(running).await.unwrap_or_else(|| words::why(&error))),
        };
        let address = format!("mqtt://{host}:{}", ports[0].1);
        answers(container, running, &address).await?;
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
        Ok((address, listeners.map(text)))
    }

    /// Removes it.
    pub(crate) async fn remove(mut self) -> io::Result<()> {
        if let Some(container) = self.container.take() {
            match container.rm().await {
                Ok(()) => drop(self.guard.take()),
                Err(error) if self.guard.is_none() => return Err(io::Error::other(error)),
                Err(error) => tracing::warn!(%error, "trying to remove the container in another way"),
            }
        }
        let Some(guard) = self.guard.take() else { return Ok(()) };
        task::spawn_blocking(|| guard.act()).await.map_err(io::Error::other)?.map(drop)
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        if let Some(container) = self.container.take() {
            let _inside = self.runtime.enter();
            drop(container);
        }
        // Nobody hears whether that went well.
        if let Some(guard) = self.guard.take()
            && let Err(error) = guard.act()
        {
            tracing::warn!(%error, "cannot see to the end of a container");
        }
    }
}

/// Where the container's ports are reached from here: the host, and the ports by name; MQTT over TCP is first.
async fn reached(
    container: &Container,
    running: &ContainerAsync<GenericImage>,
) -> testcontainers::core::error::Result<(String, Vec<(String, u16)>)> {
    let host = match running.get_host().await?.to_string() {
        // Docker maps the ports of IPv4.
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    };
    let mut ports = Vec::new();
    for (name, inside) in all_ports(container) {
        ports.push((name.to_owned(), running.get_host_port_ipv4(inside).await?));
    }
    Ok((host, ports))
}

/// Waits until the broker answers; otherwise says why it does not.
async fn answers(container: &Container, running: &ContainerAsync<GenericImage>, address: &str) -> Result<(), String> {
    /// Between two looks at whether it still runs.
    const LOOK: Duration = Duration::from_millis(250);
    let end = async {
        loop {
            time::sleep(LOOK).await;
            if let Some(said) = words::ended(running).await {
                return said;
            }
        }
    };
    let silence = tokio::select! {
        outcome = ready::within(address, container.deadline) => match outcome {
            Ok(()) => return Ok(()),
            Err(silence) => silence,
        },
        said = end => return Err(said),
    };
    let (port, deadline) = (container.port, container.deadline);
    let said = words::last(running).await;
    Err(format!("nobody answered a CONNECT at its port {port} within {deadline:?}: {silence}{said}"))
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
