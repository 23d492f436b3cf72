//! Which release a broker is.

use std::{process::Stdio, time::Duration};

use tokio::time;

use super::Host;
use crate::{
    descriptor::{Release, template::Hole},
    launch::group,
};

/// Asks for the release; what does not say it leaves it unknown, which is logged.
pub(super) async fn ask(release: &Release, host: &Host) -> Option<String> {
    match release {
        Release::Unknown => None,
        Release::Is(release) => Some(release.clone()),
        Release::Asked { command, after } => {
            let fill = |hole: &Hole| match hole {
                Hole::Paddock => host.paddock().display().to_string(),
                _ => hole.to_string(),
            };
            let words: Vec<String> = command.iter().map(|word| word.fill(&fill)).collect();
            let said = said(&words, host).await;
            let found = said.as_deref().and_then(|said| find(said, after));
            if found.is_none() {
                tracing::warn!(?words, "the command does not say the release of the broker");
            }
            found
        }
    }
}

/// What the command says.
async fn said(words: &[String], host: &Host) -> Option<String> {
    /// Starting an Erlang or Python program on a loaded machine takes seconds.
    const PATIENCE: Duration = Duration::from_secs(30);
    let (program, arguments) = words.split_first()?;
    let mut command = tokio::process::Command::new(host.find(program)?);
    command.args(arguments).stdin(Stdio::null());
    let output = time::timeout(PATIENCE, group::output(command)).await.ok()?.ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(text(&output.stdout) + "\n" + &text(&output.stderr))
}

/// The word after `after`.
fn find(said: &str, after: &str) -> Option<String> {
    let (_, rest) = said.split_once(after)?;
    let ends = |c: char| c.is_whitespace() || c.is_control() || ",;()[]{}\"'".contains(c);
    let word = rest.trim_start().split(ends).next()?;
    (!word.is_empty()).then(|| word.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_release_is_the_word_after_the_text() {
        assert_eq!(find("mosquitto version 2.0.11\n\nmosquitto is", "mosquitto version ").unwrap(), "2.0.11");
        assert_eq!(find("nats-server: v2.9.10", "nats-server: v").unwrap(), "2.9.10");
        assert_eq!(find("\n 3.10.8\n", "").unwrap(), "3.10.8");
        assert_eq!(find("{\"version\": \"1.2.0\"}", "\"version\": \"").unwrap(), "1.2.0");
        assert_eq!(find("nothing", "version "), None);
        assert_eq!(find("version ,", "version "), None);
    }
}
