//! Targets that are containers: the reference broker in the image of the command, which `tests/image` makes.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use targets::{Descriptor, Version};
use tokio::sync::{Mutex, MutexGuard};

use crate::{DEADLINE, Peer, carries_messages, host, launched, listens_where_it_says, root, speaks_its_versions};

const CONTAINER: &str = r#"
name = "paddock-in-a-container"
product = "Paddock reference broker"
versions = ["3.1", "3.1.1", "5.0"]

[container]
image = "paddock"
tag = "test"
ports = { ws = 8083 }
arguments = ["broker", "--config", "/etc/paddock/broker.toml"]
environment = { PADDOCK_TEST_KEEP_ALIVE = "1h" }

[container.files]
"/etc/paddock/broker.toml" = '''
[[listeners]]
address = "0.0.0.0:1883"
anonymous = true
[[listeners]]
address = "0.0.0.0:8083"
anonymous = true
[listeners.websocket]
[limits]
keep_alive = "${PADDOCK_TEST_KEEP_ALIVE}"
'''

[listeners]
websocket = "ws://${host}:${port:ws}/mqtt"
"#;

fn described(text: &str) -> Descriptor {
    Descriptor::parse("container.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Makes the image, once. Whoever holds the lock is alone with the containers of the image: each test looks at all of them.
async fn image() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    static MADE: OnceLock<()> = OnceLock::new();
    let alone = ALONE.lock().await;
    MADE.get_or_init(|| {
        let made = Command::new(root().join("tests/image")).args(["--tag", "paddock:test"]).status();
        assert!(made.expect("tests/image is there").success());
    });
    assert_eq!(containers(), "", "somebody else's containers of the image are in the way");
    alone
}

fn docker(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("docker is installed")
}

/// What Docker prints when it succeeds.
fn asked(arguments: &[&str]) -> String {
    let output = docker(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The ids of the containers that run the image.
fn containers() -> String {
    asked(&["ps", "--all", "--quiet", "--filter", "ancestor=paddock:test"])
}

/// Waits until there are containers, or none.
async fn there_are_containers(expected: bool) {
    let awaited = async {
        while containers().is_empty() == expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, awaited).await.unwrap_or_else(|_| panic!("containers are there: {}", !expected));
}

/// The command, with the descriptor in a file.
fn paddock(folder: &Path, arguments: &[&str]) -> Command {
    let path = folder.join("container.toml");
    fs::write(&path, CONTAINER).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_paddock"));
    command.args(["conformance", "--targets"]).arg(path).args(arguments);
    command
}

#[tokio::test]
#[ignore = "tests/run --peers has Docker"]
async fn a_broker_in_a_container_is_what_its_descriptor_says() {
    let _alone = image().await;
    let descriptor = described(CONTAINER);
    let live = launched(&descriptor).await;
    assert_eq!(live.release(), Some("test"));
    let node = &live.nodes()[0];
    speaks_its_versions(&descriptor, node).await;
    listens_where_it_says(&descriptor, node).await;
    carries_messages(&descriptor, &live).await;
    assert_eq!(containers().lines().count(), 1);
    live.stop().await.unwrap();
    assert_eq!(containers(), "");
}

#[tokio::test]
#[ignore = "tests/run --peers has Docker"]
async fn a_container_goes_when_it_is_dropped() {
    let _alone = image().await;
    let live = launched(&described(CONTAINER)).await;
    assert!(Peer::connect(live.address(), None, Version::V5, None).await.is_ok());
    drop(live);
    assert_eq!(containers(), "");
}

#[tokio::test]
#[ignore = "tests/run --peers has Docker"]
async fn the_suite_judges_a_broker_in_a_container() {
    let _alone = image().await;
    let folder = tempfile::tempdir().unwrap();
    let output = paddock(folder.path(), &["--seed", "1"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\nPASS (exit code 0); "), "{said}");
    assert_eq!(containers(), "");
}

#[tokio::test]
#[ignore = "tests/run --peers has Docker"]
async fn a_launcher_that_is_killed_takes_its_container_along() {
    let _alone = image().await;
    let folder = tempfile::tempdir().unwrap();
    // It has enough to do until it is killed.
    let mut launcher = paddock(folder.path(), &["--repeat", "1000"]);
    let mut launcher = launcher.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    there_are_containers(true).await;
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    there_are_containers(false).await;
}

#[tokio::test]
#[ignore = "tests/run --peers has Docker"]
async fn what_goes_wrong_with_a_container_is_told() {
    let _alone = image().await;
    let within_2_s = CONTAINER.replace("tag = \"test\"", "tag = \"test\"\ndeadline = \"2s\"");
    for (text, said) in [
        (
            within_2_s.replace("0.0.0.0:1883", "0.0.0.0:1884"),
            &[
                "paddock:test: nobody answered a CONNECT at its port 1883 within 2s: ",
                "listening on mqtt://0.0.0.0:1884",
            ][..],
        ),
        (
            within_2_s.replace("ports = { ws = 8083 }", "port = 8083\nports = { ws = 1883 }"),
            &["paddock:test: nobody answered a CONNECT at its port 8083 within 2s: "],
        ),
        (
            CONTAINER.replace("anonymous = true", "anonymous = perhaps"),
            &["paddock:test: it ended with exit code 2; it said: ", "anonymous = perhaps"],
        ),
        (
            CONTAINER.replace("arguments = [\"broker\"", "arguments = [\"stable\""),
            &["paddock:test: it ended with exit code 2; it said: ", "unrecognized subcommand 'stable'"],
        ),
        (
            CONTAINER.replace("\"paddock\"\ntag", "\"no-such-registry.invalid/paddock\"\ntag"),
            &[
                "no-such-registry.invalid/paddock:test: the image is not here and cannot be pulled: ",
                "no-such-registry.invalid",
            ],
        ),
    ] {
        assert_ne!(text, CONTAINER);
        let error = described(&text).launch(&host()).await.expect_err(said[0]).to_string();
        assert!(error.starts_with(&format!("no broker in a container of {}", said[0])), "{error}");
        assert!(said.iter().all(|said| error.contains(said)), "{error}");
        assert_eq!(containers(), "", "{error}");
    }
}

/// As the Dockerfile and the workflows of `conformance/examples` use the image.
#[tokio::test]
#[ignore = "tests/run --peers has Docker"]
async fn the_image_judges_a_broker_by_its_name_and_ends_when_it_is_asked_to() {
    let _alone = image().await;
    let network = format!("paddock-{}", std::process::id());
    asked(&["network", "create", &network]);
    let broker = ["run", "--detach", "--network", &network, "--network-alias", "broker", "paddock:test"];
    let broker = asked(&[&broker[..], &["broker", "--listen", "0.0.0.0:1883", "--allow-anonymous"]].concat());
    let folder = tempfile::tempdir().unwrap();
    fs::copy(root().join("conformance/examples/conformance.toml"), folder.path().join("conformance.toml")).unwrap();
    let work = format!("{}:/work", folder.path().display());
    let judge = ["run", "--rm", "--network", &network, "--volume", &work, "paddock:test", "conformance", "connect.*"];
    let files = ["--junit", "junit.xml", "--html", "report.html", "--json", "report.json"];
    let described = docker(&[&judge[..], &files, &["--targets", "conformance.toml"]].concat());
    let addressed = docker(&[&judge[..], &["--target", "mqtt://broker:1883", "--junit", "-"]].concat());
    // The broker of its own, in a container that may write nothing.
    let alone = ["run", "--rm", "--read-only", "--tmpfs", "/tmp", "--user", "4711", "paddock:test"];
    let alone = docker(&[&alone[..], &["conformance", "connect.*"]].concat());
    let stopped = std::time::Instant::now();
    asked(&["stop", "-t", "60", broker.trim()]);
    let stopped = stopped.elapsed();
    let code = asked(&["inspect", "--format", "{{.State.ExitCode}}", broker.trim()]);
    asked(&["rm", broker.trim()]);
    asked(&["network", "rm", &network]);
    for output in [&described, &addressed, &alone] {
        let said = [&output.stdout[..], &output.stderr].concat();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&said));
    }
    for (file, begins) in [("junit.xml", "<?xml "), ("report.html", "<!doctype html>"), ("report.json", "{")] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.to_lowercase().starts_with(begins), "{file}: {text}");
    }
    assert!(addressed.stdout.starts_with(b"<?xml "));
    assert_eq!(code, "0\n");
    assert!(stopped < Duration::from_secs(30), "it took {stopped:?} to end");
    assert_eq!(containers(), "");
}

#[test]
fn that_there_is_no_docker_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("unix://{}/docker.sock", folder.path().display());
    let output = paddock(folder.path(), &[]).env("DOCKER_HOST", nowhere).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    let expected = "paddock-in-a-container: no broker in a container of paddock:test: Docker does not answer (";
    assert!(said.contains(expected) && said.contains("docker.sock"), "{said}");
}
