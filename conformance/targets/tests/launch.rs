//! Brokers are started, awaited and ended; the brokers here are shell scripts.

mod support;

use std::{fs, io, net::TcpListener, os::unix::process::ExitStatusExt, time::Duration};

use support::gone;
use targets::{Command, Descriptor, Host, LaunchError, Readiness, Running, Sampler, Silence, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

/// A shell script as a broker.
fn script(text: &str) -> Command {
    let arguments = vec!["-c".into(), text.into()];
    Command { arguments, grace: Duration::from_secs(10), ..Command::new("/bin/sh") }
}

async fn launched(command: Command) -> Running {
    Target::Child(command).launch().await.unwrap_or_else(|error| panic!("{error}"))
}

async fn refused(command: Command) -> LaunchError {
    Target::Child(command).launch().await.expect_err("the broker must not become ready")
}

#[tokio::test]
async fn an_address_is_taken_as_it_is() {
    let running = Target::Address("mqtt://broker.example:1883".to_owned()).launch().await.unwrap();
    assert_eq!(running.address(), "mqtt://broker.example:1883");
    assert_eq!(running.pid(), None);
    assert_eq!(running.stop().await.unwrap(), None);
}

/// A descriptor of somebody else's broker that is waited for.
fn awaited(url: &str, deadline: &str) -> Descriptor {
    let text = format!(
        "name = \"x\"\nproduct = \"X\"\nversions = [\"3.1.1\"]\n[address]\nurls = [\"{url}\"]\ndeadline = \"{deadline}\"\n"
    );
    Descriptor::parse("x.toml", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[tokio::test]
async fn an_address_is_waited_for_until_a_connect_is_answered() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    let broker = tokio::spawn(async move {
        // Closed; Server unavailable; accepted.
        for answer in [&b""[..], b"\x20\x02\0\x03", b"\x20\x02\0\0"] {
            let mut stream = listener.accept().await.unwrap().0;
            stream.read_exact(&mut [0; 30]).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    let live = awaited(&url, "20s").launch(&Host::here().unwrap()).await.unwrap();
    assert_eq!(live.address(), url);
    broker.await.unwrap();
}

#[tokio::test]
async fn an_address_where_nobody_answers_in_time_is_told_with_the_reason() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = awaited(&format!("mqtt://{free}"), "50ms").launch(&Host::here().unwrap()).await.unwrap_err();
    assert!(matches!(error, LaunchError::Silent { why: Silence::Refused, .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("nobody answered at mqtt://{free} within 50ms: nobody listens there"));
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", mute.local_addr().unwrap());
    let error = awaited(&url, "50ms").launch(&Host::here().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("nobody answered at {url} within 50ms: no answer comes"));
}

#[tokio::test]
async fn the_announced_address_is_the_broker_s() {
    let mut running = launched(script("echo 'listening on mqtt://127.0.0.1:40123'; exec cat")).await;
    assert_eq!(running.address(), "mqtt://127.0.0.1:40123");
    assert_eq!(running.ended(), None);
    let usage = Sampler::new(running.pid().unwrap()).unwrap().sample().unwrap();
    assert!(usage.open_files >= 3 && usage.resident > 0, "{usage:?}");
}

#[tokio::test]
async fn closing_standard_input_ends_the_broker() {
    let running = launched(script("echo 'listening on mqtt://127.0.0.1:1'; cat >/dev/null; exit 7")).await;
    let pid = running.pid().unwrap();
    let status = running.stop().await.unwrap().unwrap();
    assert_eq!(status.code(), Some(7));
    gone(pid).await;
}

#[tokio::test]
async fn a_broker_that_ignores_the_request_is_killed_after_its_grace() {
    let mut command = script("exec 0<&-; echo 'listening on mqtt://127.0.0.1:1'; exec tail -f /dev/null");
    command.grace = Duration::from_millis(100);
    let status = launched(command).await.stop().await.unwrap().unwrap();
    assert_eq!(status.signal(), Some(9));
}

#[tokio::test]
async fn dropping_kills_the_broker() {
    let running = launched(script("echo 'listening on mqtt://127.0.0.1:1'; exec tail -f /dev/null")).await;
    let pid = running.pid().unwrap();
    drop(running);
    gone(pid).await;
}

#[tokio::test]
async fn a_broker_that_dies_is_quoted() {
    let error = refused(script("echo 'address in use' >&2; printf 'try\\033[31m another' >&2; exit 2")).await;
    assert!(matches!(error, LaunchError::Died { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "/bin/sh ended before it was ready (exit status: 2); it said: address in use / try [31m another"
    );
}

#[tokio::test]
async fn a_silent_broker_is_given_up_at_its_deadline_and_killed() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let mut command =
        script(&format!("echo $$ > {}; echo 'still thinking' >&2; exec tail -f /dev/null", note.display()));
    command.deadline = Duration::from_millis(500);
    let before = Instant::now();
    let error = refused(command).await;
    assert!(before.elapsed() < Duration::from_secs(8));
    assert_eq!(error.to_string(), "/bin/sh was not ready within 500ms; it said: still thinking");
    gone(fs::read_to_string(note).unwrap().trim().parse().unwrap()).await;
}

#[tokio::test]
async fn a_broker_that_says_something_else_is_not_believed() {
    for line in ["hello", "listening on", "listening on port 1883"] {
        let error = refused(script(&format!("echo '{line}'; exec tail -f /dev/null"))).await;
        assert!(matches!(&error, LaunchError::Unintelligible { line: said, .. } if said == line), "{error:?}");
    }
}

#[tokio::test]
async fn an_endless_first_line_is_not_collected() {
    let error = refused(script("exec tr '\\0' x </dev/zero")).await;
    assert!(matches!(&error, LaunchError::Unintelligible { line, .. } if line.len() == 200), "{error:?}");
}

#[tokio::test]
async fn only_the_last_lines_of_standard_error_are_kept() {
    let script = script("i=0; while [ $i -lt 1000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1");
    let error = refused(script).await.to_string();
    assert!(error.contains("line 999") && error.contains("line 980") && !error.contains("line 979"), "{error}");
}

#[tokio::test]
async fn a_talkative_broker_is_never_stopped_by_a_full_pipe() {
    let text = "echo 'listening on mqtt://127.0.0.1:1'; head -c 1000000 /dev/zero | tee /dev/stderr; exit 5";
    let mut running = launched(script(text)).await;
    gone(running.pid().unwrap()).await;
    assert_eq!(running.ended().unwrap().code(), Some(5));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let mut command = script("");
    command.program = "/nonexistent/broker".into();
    let error = refused(command).await;
    assert!(matches!(&error, LaunchError::Spawn { source, .. } if source.kind() == io::ErrorKind::NotFound));
    assert!(error.to_string().starts_with("cannot start /nonexistent/broker: "), "{error}");
}

#[tokio::test]
async fn a_port_that_accepts_is_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    let mut command = script("exec tail -f /dev/null");
    command.readiness = Readiness::Connects(url.clone());
    assert_eq!(launched(command).await.address(), url);
}

#[tokio::test]
async fn a_port_that_nobody_opens_is_given_up() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = script("exec tail -f /dev/null");
    command.readiness = Readiness::Connects(format!("mqtt://{port}"));
    command.deadline = Duration::from_millis(300);
    assert!(matches!(refused(command).await, LaunchError::NotReady { .. }));
}
