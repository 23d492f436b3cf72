//! The names that stand in certificates, checked.

use std::{fmt, net::IpAddr, str::FromStr};

use rcgen::{DistinguishedName, DnType, DnValue, SanType, string::PrintableString};

use super::CertificateError;

/// RFC 5280, upper bounds of X.520 attributes.
const LONGEST_COMMON_NAME: usize = 64;
const LONGEST_PLACE: usize = 128;
/// RFC 1035, section 2.3.4.
const LONGEST_HOST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// What a distinguished name has beside the Common Name, as openssl's `-subj` writes it:
/// `/C=BD/ST=Dhaka/L=Dhaka/O=Smart Dairy Ltd`. A `/` inside a value is written `\/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject(Vec<(Field, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Country,
    Province,
    Locality,
    Organization,
    Unit,
}

const FIELDS: [(&str, Field); 5] = [
    ("C", Field::Country),
    ("ST", Field::Province),
    ("L", Field::Locality),
    ("O", Field::Organization),
    ("OU", Field::Unit),
];

impl Subject {
    /// The whole name, with this Common Name.
    pub(super) fn named(&self, common_name: &str) -> DistinguishedName {
        let mut name = DistinguishedName::new();
        for (field, value) in &self.0 {
            match field {
                // X.520: a country is a PrintableString. Two letters always are.
                Field::Country => match PrintableString::try_from(value.as_str()) {
                    Ok(country) => name.push(DnType::CountryName, DnValue::PrintableString(country)),
                    Err(_) => name.push(DnType::CountryName, value.as_str()),
                },
                Field::Province => name.push(DnType::StateOrProvinceName, value.as_str()),
                Field::Locality => name.push(DnType::LocalityName, value.as_str()),
                Field::Organization => name.push(DnType::OrganizationName, value.as_str()),
                Field::Unit => name.push(DnType::OrganizationalUnitName, value.as_str()),
            }
        }
        name.push(DnType::CommonName, common_name);
        name
    }
}

impl FromStr for Subject {
    type Err = CertificateError;

    fn from_str(text: &str) -> Result<Self, CertificateError> {
        let wrong = |what: String| CertificateError::Name(format!("`{text}` is no subject: {what}"));
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(wrong("it begins with `/`, such as /C=BD/O=Smart Dairy Ltd".to_owned()));
        };
        let mut fields: Vec<(Field, String)> = Vec::new();
        for part in split(rest) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(wrong(format!("`{part}` has no `=`")));
            };
            let Some(&(_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
                let hint = if name == "CN" { "; the Common Name comes from --server and --device" } else { "" };
                return Err(wrong(format!("`{name}` is none of C, ST, L, O, OU{hint}")));
            };
            if fields.iter().any(|(other, _)| *other == field) {
                return Err(wrong(format!("`{name}` stands there twice")));
            }
            let longest = match field {
                Field::Country => 2,
                Field::Province | Field::Locality => LONGEST_PLACE,
                Field::Organization | Field::Unit => LONGEST_COMMON_NAME,
            };
            if field == Field::Country && (value.len() != 2 || !value.bytes().all(|b| b.is_ascii_alphabetic())) {
                return Err(wrong(format!("a country has two letters, unlike `{value}`")));
            }
            check(value, longest).map_err(|what| wrong(format!("`{name}` {what}")))?;
            fields.push((field, value.to_owned()));
        }
        Ok(Self(fields))
    }
}

/// Cuts at each `/` that no backslash precedes, and takes the backslashes away.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut().expect("it begins with one and none is removed");
        match letter {
            '\\' => part.extend(letters.next()),
            '/' => parts.push(String::new()),
            other => part.push(other),
        }
    }
    parts
}

/// What a certificate says a server is called: a DNS name, perhaps with `*.` before it, or an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// A DNS name, in small letters.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl HostName {
    pub(super) fn san(&self) -> Result<SanType, rcgen::Error> {
        Ok(match self {
            Self::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
            Self::Ip(address) => SanType::IpAddress(*address),
        })
    }
}

impl FromStr for HostName {
    type Err = CertificateError;

    fn from_str(text: &str) -> Result<Self, CertificateError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Ip(address));
        }
        let labels = text.strip_prefix("*.").unwrap_or(text);
        let sound = text.len() <= LONGEST_HOST_NAME
            && labels.split('.').all(|label| {
                (1..=LONGEST_LABEL).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            })
            // Four numbers that are no address are a slip, not a name.
            && !labels.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if sound {
            Ok(Self::Dns(text.to_ascii_lowercase()))
        } else {
            Err(CertificateError::Name(format!(
                "`{text}` is neither a DNS name nor an IP address (without port), such as mqtt.farm.example, \
                 *.farm.example or 192.168.1.100"
            )))
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// The name of a device: the Common Name of its certificate and the stem of its files. At most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceName(String);

impl DeviceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceName {
    type Err = CertificateError;

    fn from_str(text: &str) -> Result<Self, CertificateError> {
        let wrong =
            |what| CertificateError::Name(format!("`{}` is no name of a device: it {what}", text.escape_debug()));
        check(text, LONGEST_COMMON_NAME).map_err(wrong)?;
        // It becomes a file name.
        if text.starts_with(['.', '-']) || text.contains(['/', '\\']) {
            return Err(wrong("may not begin with `.` or `-`, nor have `/` or `\\` in it".to_owned()));
        }
        if text.trim() != text {
            return Err(wrong("begins or ends with a space".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(value: &str, longest: usize) -> Result<(), String> {
    if value.is_empty() {
        Err("is empty".to_owned())
    } else if value.chars().count() > longest {
        Err(format!("has more than {longest} characters"))
    } else if value.chars().any(char::is_control) {
        Err("has control characters".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_a_wildcard_or_an_address() {
        for (text, shown) in [
            ("mqtt.smartdairybd.com", "mqtt.smartdairybd.com"),
            ("*.SmartDairy.local", "*.smartdairy.local"),
            ("192.168.1.100", "192.168.1.100"),
            ("[::1]", "::1"),
            ("barn_7", "barn_7"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().to_string(), shown);
        }
        for text in ["", "a..b", "*", "a.*.b", "-a", "host:8883", "mqtts://host", "300.1.1.1", "a b", "[::1"] {
            let error = text.parse::<HostName>().unwrap_err().to_string();
            assert!(error.contains("192.168.1.100"), "{error}");
        }
    }

    #[test]
    fn a_device_name_can_be_a_common_name_and_a_file() {
        for text in ["milk_meter_001", "cuve n°3", &"x".repeat(64)] {
            assert_eq!(text.parse::<DeviceName>().unwrap().as_str(), text);
        }
        for text in ["", "../ca", "a/b", "a\\b", ".hidden", "-rf", "a\nb", " a", &"x".repeat(65)] {
            assert!(text.parse::<DeviceName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_subject_reads_as_openssl_writes_it() {
        let subject: Subject = "/C=BD/ST=Dhaka/L=Dhaka/O=Smart Dairy\\/Ltd".parse().unwrap();
        assert_eq!(subject.0.last().unwrap().1, "Smart Dairy/Ltd");
        assert_eq!("".parse::<Subject>().unwrap(), Subject::default());
        for (text, why) in [
            ("C=BD", "begins with `/`"),
            ("/C=Bangladesh", "two letters"),
            ("/CN=x", "--server"),
            ("/O=a/O=b", "twice"),
            ("/O", "no `=`"),
            ("/O=", "is empty"),
            ("/X=1", "none of"),
        ] {
            let error = text.parse::<Subject>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
