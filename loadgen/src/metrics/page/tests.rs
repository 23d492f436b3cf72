//! Pages on `https://` and pages that want a token, served from here.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::SystemTime,
};

use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use transport::certificates::{Authority, Issued, KeyKind, Period, Profile, Subject};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST: u64 = 1 << 16;
const FIGURES: &str = "process_cpu_seconds_total 2.5\n";

/// A CA, and its certificate in a file.
struct Barn {
    authority: Authority,
    period: Period,
    file: tempfile::NamedTempFile,
}

impl Barn {
    fn new(name: &str) -> Self {
        let period = Period::starting(SystemTime::now(), Duration::from_secs(3600));
        let authority = Authority::create(name, &Subject::default(), KeyKind::Ecdsa, period).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), authority.certificate()).unwrap();
        Self { authority, period, file }
    }

    fn issue(&self, host: &str) -> Issued {
        let profile = Profile::Server(vec![host.parse().unwrap()]);
        self.authority.issue(&profile, &Subject::default(), KeyKind::Ecdsa, self.period).unwrap()
    }
}

/// Answers as `answer` does to the head of each request, over TLS with `issued`; its address.
fn serve(issued: Option<Issued>, answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tls = issued.map(|issued| {
        let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
    });
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            match &tls {
                None => exchange(stream, &answer),
                Some(tls) => {
                    exchange(StreamOwned::new(ServerConnection::new(Arc::clone(tls)).unwrap(), stream), &answer);
                }
            }
        }
    });
    address
}

/// One request and its answer; whoever does not trust us goes away.
fn exchange(mut stream: impl Read + Write, answer: &dyn Fn(&str) -> String) {
    /// The first byte of TLS, as which no method of HTTP begins.
    const HANDSHAKE: u8 = 22;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(&[HANDSHAKE]) {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let _gone = stream.write_all(answer(&String::from_utf8_lossy(&head)).as_bytes()).and_then(|()| stream.flush());
}

fn answer(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}", body.len())
}

fn figures(_: &str) -> String {
    answer("200 OK", "", FIGURES)
}

fn look(page: &MetricsPage) -> Result<String, String> {
    page.text(&page.agent(PATIENCE)?, LONGEST)
}

fn page(text: &str) -> Result<MetricsPage, String> {
    text.parse()
}

#[test]
fn a_page_on_https_is_read_when_its_ca_vouches_for_it() {
    let (ours, other) = (Barn::new("Barn CA"), Barn::new("Other CA"));
    let url = format!("https://{}/metrics", serve(Some(ours.issue("127.0.0.1")), figures));
    let trusted = |barn: &Barn| page(&url).unwrap().vouched_for_by(barn.file.path()).unwrap();
    assert_eq!(look(&trusted(&ours)).unwrap(), FIGURES);
    let said = look(&trusted(&other)).unwrap_err();
    assert_eq!(said, "its certificate is from a CA that is not trusted here: name that CA with --metrics-ca FILE");
    // Whom the machine trusts does not vouch for it either.
    assert!(look(&page(&url).unwrap()).unwrap_err().contains("--metrics-ca FILE"));

    let url = format!("https://{}", serve(Some(ours.issue("broker.example")), figures));
    let said = look(&page(&url).unwrap().vouched_for_by(ours.file.path()).unwrap()).unwrap_err();
    assert!(said.contains("not for 127.0.0.1, but for broker.example"), "{said}");
    let url = format!("https://{}", serve(None, |_| answer("400 Bad Request", "", "")));
    let said = look(&page(&url).unwrap().vouched_for_by(ours.file.path()).unwrap()).unwrap_err();
    assert_eq!(said, "no TLS is spoken there: write http://");
}

#[test]
fn a_token_is_shown_and_a_wrong_one_is_said_to_be() {
    let barn = Barn::new("Barn CA");
    let guarded = |head: &str| {
        let shown =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("authorization: ").map(str::to_owned));
        match shown.as_deref() {
            Some("bearer first") => figures(head),
            _ => answer("401 Unauthorized", "", "no"),
        }
    };
    let url = format!("https://{}", serve(Some(barn.issue("127.0.0.1")), guarded));
    let plain = page(&url).unwrap().vouched_for_by(barn.file.path()).unwrap();
    let said = look(&plain).unwrap_err();
    assert_eq!(said, "it answers 401 Unauthorized: it wants a token (--metrics-token-file FILE)");
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "first\n").unwrap();
    let known = plain.with_token_of(token.path()).unwrap();
    assert_eq!(look(&known).unwrap(), FIGURES);
    fs::write(token.path(), "second\n").unwrap();
    let said = look(&known).unwrap_err();
    let expected = format!("it answers 401 Unauthorized: it does not take the token in {}", token.path().display());
    assert_eq!(said, expected, "it is read again, and not shown");
}

#[test]
fn a_page_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let page = page(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let agent = page.agent(Duration::from_millis(50)).unwrap();
    assert_eq!(page.text(&agent, LONGEST).unwrap_err(), "it does not answer in time");
}

#[test]
fn a_page_that_points_elsewhere_is_not_followed() {
    let elsewhere = serve(None, |_| panic!("nobody was to come here"));
    let location = format!("Location: http://{elsewhere}/metrics?key=secret\r\n");
    let url = format!("http://{}", serve(None, move |_| answer("302 Found", &location, "")));
    let said = look(&page(&url).unwrap()).unwrap_err();
    assert_eq!(said, format!("it answers 302 Found and points to http://{elsewhere}/metrics: name that one"));
    let url = format!("http://{}/stats", serve(None, |_| answer("404 Not Found", "", "")));
    assert_eq!(
        look(&page(&url).unwrap()).unwrap_err(),
        "it answers 404 Not Found: the page has another path, so name that"
    );
}

#[test]
fn a_page_is_named_by_its_host() {
    let shown = |text: &str| page(text).map(|page| page.to_string());
    assert_eq!(shown("http://h:9100").unwrap(), "http://h:9100/metrics");
    assert_eq!(shown("https://[::1]:9100").unwrap(), "https://[::1]:9100/metrics");
    assert_eq!(shown("http://h/api/v5/prometheus/stats").unwrap(), "http://h/api/v5/prometheus/stats");
    assert_eq!(shown("https://h/metrics?key=secret").unwrap(), "https://h/metrics");
    for bad in ["h:9100", "ftp://h/metrics", "http://", "http:///metrics", "http://u:p@h/metrics", "http://a b/"] {
        let said = page(bad).unwrap_err();
        assert!(!said.contains("u:p"), "{said}");
    }
}

#[test]
fn a_token_goes_only_where_nobody_else_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, " s3cret-token \nsecond line\n").unwrap();
    assert_eq!(token(&file).unwrap(), "s3cret-token");
    for fine in
        ["https://broker.example/metrics", "http://127.0.0.1:9100", "http://[::1]:9100", "http://localhost:9100"]
    {
        let page = page(fine).unwrap().with_token_of(&file).unwrap();
        assert!(!format!("{page:?} {page}").contains("s3cret"), "{page:?}");
    }
    let said = page("http://192.0.2.7:9100").unwrap().with_token_of(&file).unwrap_err();
    assert_eq!(said, "over http:// everybody on the way to 192.0.2.7 can read it: use https://");
    for bad in ["", "\ntoken", "two words", "tok\u{e9}n", "a\u{1}b"] {
        fs::write(&file, bad).unwrap();
        let said = page("https://h").unwrap().with_token_of(&file).unwrap_err();
        assert!(said.contains("is no token") && !said.contains("two words"), "{said}");
    }
    let said = page("https://h").unwrap().with_token_of(Path::new("/nowhere/token")).unwrap_err();
    assert!(said.starts_with("cannot read /nowhere/token: "), "{said}");
}

#[test]
fn a_ca_is_one_and_for_https() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    fs::write(&file, "no certificate").unwrap();
    let said = page("https://h").unwrap().vouched_for_by(&file).unwrap_err();
    assert!(said.contains("ca.crt: no certificate"), "{said}");
    assert!(page("http://h").unwrap().vouched_for_by(&file).unwrap_err().contains("it is for https://"));
}
