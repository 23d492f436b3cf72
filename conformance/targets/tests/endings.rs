//! Brokers that neither announce themselves nor watch their standard input: when they are ready, and how they end.

mod support;

use std::{ffi::OsString, fs, os::unix::process::ExitStatusExt, process::Stdio, time::Duration};

use support::gone;
use targets::{Command, Descriptor, Ending, Host, LaunchError, Readiness, Running, Sampler, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(20);

/// A shell script as a broker whose port is the test's.
fn script(text: &str, readiness: Readiness) -> Command {
    Command {
        arguments: vec!["-c".into(), text.into()],
        readiness,
        deadline: DEADLINE,
        ending: Ending::Terminated,
        ..Command::new("/bin/sh")
    }
}

/// A port that accepts, and its URL.
async fn port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("mqtt://{}", listener.local_addr().expect("it is bound"));
    (listener, url)
}

async fn launched(command: Command) -> Running {
    Target::Child(command).launch().await.unwrap_or_else(|error| panic!("{error}"))
}

/// The number that the broker wrote into its folder. It tells nobody when it has, so the file is looked at again and again.
async fn noted(folder: &tempfile::TempDir) -> u32 {
    let note = async {
        loop {
            let text = fs::read_to_string(folder.path().join("note")).unwrap_or_default();
            if let Some(Ok(pid)) = text.strip_suffix('\n').map(str::parse) {
                return pid;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, note).await.expect("the broker writes its note")
}

#[tokio::test]
async fn a_broker_and_its_children_are_terminated() {
    let (_listener, url) = port().await;
    let folder = tempfile::tempdir().unwrap();
    let text = "trap 'exit 6' TERM; tail -f /dev/null & echo $! >note; while :; do wait; done";
    let command = Command { folder: Some(folder.path().into()), ..script(text, Readiness::Connects(url)) };
    let running = launched(command).await;
    let child = noted(&folder).await;
    assert_eq!(running.stop().await.unwrap().unwrap().code(), Some(6));
    gone(child).await;
}

#[tokio::test]
async fn one_that_ignores_the_signal_is_killed_with_its_children_after_its_grace() {
    let (_listener, url) = port().await;
    let folder = tempfile::tempdir().unwrap();
    let text = "trap '' TERM; tail -f /dev/null & echo $! >note; while :; do wait; done";
    let command = Command {
        folder: Some(folder.path().into()),
        grace: Duration::from_millis(200),
        ..script(text, Readiness::Connects(url))
    };
    let running = launched(command).await;
    let child = noted(&folder).await;
    assert_eq!(running.stop().await.unwrap().unwrap().signal(), Some(9));
    gone(child).await;
}

#[tokio::test]
async fn dropping_kills_the_children_too() {
    let (_listener, url) = port().await;
    let folder = tempfile::tempdir().unwrap();
    let text = "tail -f /dev/null & echo $! >note; wait";
    let command = Command { folder: Some(folder.path().into()), ..script(text, Readiness::Connects(url)) };
    let running = launched(command).await;
    let child = noted(&folder).await;
    drop(running);
    gone(child).await;
}

/// A launcher that is to be killed: it says which process it started, and waits.
async fn launches_and_waits(note: OsString) {
    let (_listener, url) = port().await;
    // Unlike `tail -f`, it does not notice that nobody listens any more.
    let running = launched(script("exec sleep 1000", Readiness::Connects(url))).await;
    let pid = running.pid().expect("a process of its own");
    fs::write(note, format!("{pid}\n")).expect("the folder can be written");
    std::future::pending::<()>().await;
}

/// The launcher is this test once more, in a process of its own.
#[tokio::test]
async fn a_broker_does_not_outlive_a_launcher_that_is_killed() {
    if let Some(note) = std::env::var_os("PADDOCK_NOTE") {
        return launches_and_waits(note).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut launcher = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_broker_does_not_outlive_a_launcher_that_is_killed"])
        .env("PADDOCK_NOTE", folder.path().join("note"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = noted(&folder).await;
    assert!(Sampler::new(pid).is_ok());
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    gone(pid).await;
}

#[tokio::test]
async fn a_port_is_not_enough_for_one_that_has_to_answer() {
    let (listener, url) = port().await;
    let broker = tokio::spawn(async move {
        let mut asked = 0;
        // Closed, Server unavailable, something else, and only then a CONNACK.
        for answer in [&b""[..], b"\x20\x02\x00\x03", b"HTTP", b"\x20\x02\x00\x00"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut connect = [0; 30];
            stream.read_exact(&mut connect).await.unwrap();
            assert_eq!((connect[0], &connect[4..8]), (0x10, &b"MQTT"[..]));
            stream.write_all(answer).await.unwrap();
            asked += 1;
        }
        asked
    });
    let running = launched(script("exec tail -f /dev/null", Readiness::Answers(url.clone()))).await;
    assert_eq!(running.address(), url);
    assert_eq!(timeout(DEADLINE, broker).await.unwrap().unwrap(), 4);
}

#[tokio::test]
async fn what_it_says_on_either_output_is_quoted() {
    let (listener, url) = port().await;
    drop(listener);
    let command = script("echo 'port in use'; echo 'giving up' >&2; exit 1", Readiness::Answers(url));
    let error = Target::Child(command).launch().await.expect_err("it ended");
    assert!(matches!(error, LaunchError::Died { .. }), "{error:?}");
    assert!(error.to_string().contains("port in use") && error.to_string().contains("giving up"), "{error}");
}

/// Somebody presses Ctrl-C while a broker is being prepared.
#[tokio::test]
async fn what_a_preparing_command_started_ends_when_it_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name = \"x\"\nproduct = \"X\"\nversions = [\"3.1.1\"]\n[process]\nprogram = \"true\"\n\
         prepare = [[\"sh\", \"-c\", \"sleep 300 & echo $! >{}/note; wait\"]]\n",
        folder.path().display()
    );
    let descriptor = Descriptor::parse("x.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let host = Host::with_paddock("/bin/true");
    let child = tokio::select! {
        launched = descriptor.launch(&host) => panic!("{launched:?}"),
        child = noted(&folder) => child,
    };
    gone(child).await;
}
