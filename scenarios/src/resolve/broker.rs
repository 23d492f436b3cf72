//! Brokers.

use located::{At, Problems, Table};

use crate::{
    document::BrokerSection,
    model::{Address, Broker, Credentials, Name, Password, Scheme, Version},
};

/// The brokers, in the order of the text; one embedded broker when the text names none.
pub(super) fn resolve(table: At<Table<Name, BrokerSection>>, problems: &mut Problems) -> Vec<Broker> {
    if table.value.0.is_empty() {
        return vec![Broker {
            name: "broker".parse().expect("the default broker has a name"),
            address: Address::Embedded,
            version: Version::V5,
            credentials: None,
            connect_timeout: std::time::Duration::from_secs(5),
            ca: None,
        }];
    }
    table.value.0.into_iter().map(|(name, section)| broker(name.value, section.value, problems)).collect()
}

fn broker(name: Name, section: BrokerSection, problems: &mut Problems) -> Broker {
    let timeout = &section.connect_timeout;
    if timeout.value.0.is_zero() {
        problems.push(timeout.problem("nobody connects in no time", "write a duration above 0, such as `5s`"));
    }
    if let Some(ca) = &section.ca {
        let tls = matches!(&section.url.value, Address::Url(url) if matches!(url.scheme, Scheme::Mqtts | Scheme::Wss));
        if !tls {
            problems.push(ca.problem("`ca` only serves mqtts and wss", "change the url, or leave `ca` out"));
        }
    }
    let credentials = credentials(&section, problems);
    Broker {
        name,
        address: section.url.value,
        version: section.version.value,
        credentials,
        connect_timeout: section.connect_timeout.value.0,
        ca: section.ca.map(|ca| ca.value),
    }
}

fn credentials(section: &BrokerSection, problems: &mut Problems) -> Option<Credentials> {
    let password = match (&section.password, &section.password_file) {
        (Some(_), Some(file)) => {
            problems.push(file.problem("the password is given twice", "keep `password_file` and remove `password`"));
            None
        }
        (Some(text), None) => Some(text.with(Password::Text(text.value.clone()))),
        (None, Some(file)) => Some(file.with(Password::File(file.value.clone()))),
        (None, None) => None,
    };
    match (&section.user, password) {
        (Some(user), password) => {
            Some(Credentials { user: user.value.clone(), password: password.map(|password| password.value) })
        }
        (None, Some(password)) => {
            // MQTT-3.1.2-22 forbids a password alone in 3.1.1; brokers know passwords by user in 5.0 too.
            problems.push(password.problem("a password without a user", "add `user`"));
            None
        }
        (None, None) => None,
    }
}
