//! Why there is no broker in a container, in one sentence.

use std::error::Error;

use testcontainers::{
    ContainerAsync, GenericImage, TestcontainersError, bollard::errors::Error as DockerError, core::error::ClientError,
};

/// What went wrong between Docker and us.
pub(super) fn why(error: &TestcontainersError) -> String {
    let TestcontainersError::Client(client) = error else { return reasons(error) };
    match client {
        ClientError::PullImage { err, .. } if !cannot_be_asked(err) => {
            format!("the image is not here and cannot be pulled: {}", said(err))
        }
        ClientError::CreateContainer(error)
        | ClientError::StartContainer(error)
        | ClientError::InspectContainer(error)
        | ClientError::UploadToContainerError(error)
        | ClientError::PullImage { err: error, .. }
        | ClientError::Init(error) => {
            if cannot_be_asked(error) {
                return format!(
                    "Docker does not answer ({}); is it installed and running? DOCKER_HOST says where",
                    said(error)
                );
            }
            format!("Docker refuses it: {}", said(error))
        }
        other => reasons(other),
    }
}

/// Whether the answer is not Docker's.
fn cannot_be_asked(error: &DockerError) -> bool {
    !matches!(error, DockerError::DockerResponseServerError { .. } | DockerError::DockerStreamError { .. })
}

/// Docker's own words, or those of whatever keeps us from it.
fn said(error: &DockerError) -> String {
    match error {
        DockerError::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        DockerError::DockerStreamError { error } => error.trim().to_owned(),
        other => reasons(other),
    }
}

/// What went wrong, with what lies below it.
fn reasons(error: &dyn Error) -> String {
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

/// That the container ended by itself, if it did.
pub(super) async fn ended(container: &ContainerAsync<GenericImage>) -> Option<String> {
    if container.is_running().await.ok()? {
        return None;
    }
    let code = container.exit_code().await.ok().flatten();
    let code = code.map_or_else(String::new, |code| format!(" with exit code {code}"));
    Some(format!("it ended{code}{}", last(container).await))
}

/// The last lines of the container's log, as a clause to append; empty when there are none.
pub(super) async fn last(container: &ContainerAsync<GenericImage>) -> String {
    const LINES: usize = 20;
    let mut said = Vec::new();
    for log in [container.stdout_to_vec().await, container.stderr_to_vec().await] {
        said.extend(log.unwrap_or_default());
    }
    let said = String::from_utf8_lossy(&said);
    let mut last: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(LINES).collect();
    last.reverse();
    if last.is_empty() { String::new() } else { format!("; it said: {}", last.join(" / ")) }
}
