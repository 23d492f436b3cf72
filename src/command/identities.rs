//! One certificate for each client: read from files, or issued by a CA that is given.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use scenarios::Scenario;
use simulator::Identities;
use transport::{
    ClientTls,
    certificates::{Authority, DeviceName, KeyKind, Period, Profile, Subject},
};

use crate::{cli, exit::Failure};

/// What stands for a client's name in paths.
const PLACE: &str = "{client_id}";
/// How long an issued certificate is valid, unless its CA ends before.
const VALID: Duration = Duration::from_secs(7 * 86_400);
/// Who clients are that the scenario does not name.
const OTHERS: &str = "paddock";
/// So many missing files are named.
const NAMED: usize = 3;

/// Whether clients show certificates of their own.
pub(super) fn are_many(options: &cli::Target) -> bool {
    let named = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.to_string_lossy().contains(PLACE));
    named(&options.access.cert) || named(&options.access.key)
}

/// A certificate for each client of `scenario`; `None` where all show the same.
pub(super) fn of(options: &cli::Target, tls: &ClientTls, scenario: &Scenario) -> Result<Option<Identities>, Failure> {
    if let [authority, key] = &options.access.client_ca[..] {
        return issued(authority, key, tls, scenario).map(Some);
    }
    match (&options.access.cert, &options.access.key) {
        (Some(certificate), Some(key)) if are_many(options) => read(certificate, key, tls, scenario).map(Some),
        _ => Ok(None),
    }
}

/// Every client of the scenario by name, in order.
fn clients(scenario: &Scenario) -> impl Iterator<Item = String> + '_ {
    let devices = scenario.devices.iter().flat_map(|group| (1..=group.count).map(|n| group.client_id(n)));
    let subscribers = scenario.subscribers.iter().flat_map(|group| (1..=group.count).map(|n| group.client_id(n)));
    let requesters = scenario.requests.iter().flat_map(|group| (1..=group.requesters).map(|n| group.client_id(n)));
    devices.chain(subscribers).chain(requesters)
}

fn issued(authority: &Path, key: &Path, tls: &ClientTls, scenario: &Scenario) -> Result<Identities, Failure> {
    let wrong = |error: String| Failure::usage(format!("--client-ca: {error}"));
    let text = |path: &Path| {
        fs::read_to_string(path).map_err(|error| Failure::usage(format!("--client-ca {}: {error}", path.display())))
    };
    let authority = Authority::from_pem(&text(authority)?, &text(key)?).map_err(|error| wrong(error.to_string()))?;
    let now = SystemTime::now();
    let left = authority.until().duration_since(now).map_err(|_| wrong("the CA's certificate has expired".into()))?;
    let period = Period::starting(now, VALID.min(left));
    let issue = |name: &str| -> Result<ClientTls, Failure> {
        let wrong = |error: String| wrong(format!("no certificate for the client {name}: {error}"));
        let device: DeviceName = name.parse().map_err(|error| wrong(format!("{error}")))?;
        let issued = authority.issue(&Profile::Device(device), &Subject::default(), KeyKind::Ecdsa, period);
        let issued = issued.map_err(|error| wrong(error.to_string()))?;
        tls.showing(&issued).map_err(|error| wrong(error.to_string()))
    };
    let by_name: Result<HashMap<String, ClientTls>, Failure> =
        clients(scenario).map(|name| issue(&name).map(|tls| (name, tls))).collect();
    Ok(Identities::new(by_name?, issue(OTHERS)?))
}

fn read(certificate: &Path, key: &Path, tls: &ClientTls, scenario: &Scenario) -> Result<Identities, Failure> {
    let place = |pattern: &Path, name: &str| PathBuf::from(pattern.to_string_lossy().replace(PLACE, name));
    let (mut by_name, mut missing, mut first) = (HashMap::new(), Vec::new(), None);
    for name in clients(scenario) {
        let files = (place(certificate, &name), place(key, &name));
        if let Some(absent) = [&files.0, &files.1].into_iter().find(|file| !file.exists()) {
            missing.push(absent.display().to_string());
            continue;
        }
        let own = tls.showing_files(&files.0, &files.1).map_err(|error| Failure::usage(format!("TLS: {error}")))?;
        first.get_or_insert_with(|| own.clone());
        by_name.insert(name, own);
    }
    if !missing.is_empty() {
        let named = missing.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = missing.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Err(Failure::usage(format!(
            "these certificates or keys of the scenario's clients are missing: {named}{more}; --client-ca CA KEY makes one for each"
        )));
    }
    let others = first.ok_or_else(|| Failure::usage("the scenario has no client that could show a certificate"))?;
    Ok(Identities::new(by_name, others))
}
