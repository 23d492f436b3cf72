//! `paddock certs`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};
use jiff::{Span, SpanRelativeTo};
use transport::certificates::{DeviceName, HostName, Period, Subject};

#[derive(Debug, Args)]
pub(crate) struct Certs {
    /// The folder: ca.crt, ca.key, server.crt, server.key, devices/NAME.crt, devices/NAME.key.
    #[arg(long, value_name = "DIR", default_value = "certs", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    /// A DNS name, such as mqtt.farm.example or *.farm.example, or an IP address of the broker; may be given several times.
    /// The first is the Common Name. [default: localhost, 127.0.0.1, ::1]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| text.parse::<HostName>())]
    pub(crate) server: Vec<HostName>,
    /// A device: the Common Name of its certificate, by which the broker knows it; may be given several times.
    #[arg(long, value_name = "NAME", value_parser = |text: &str| text.parse::<DeviceName>())]
    pub(crate) device: Vec<DeviceName>,
    /// A file with the name of one device per line; empty lines and those that begin with # do not count.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) devices: Option<PathBuf>,
    /// What stands before the Common Name, in the CA's certificate too. A / inside a value is written \/.
    #[arg(long, value_name = "SUBJECT", default_value = "/C=BD/ST=Dhaka/L=Dhaka/O=Smart Dairy Ltd")]
    pub(crate) subject: Subject,
    /// The Common Name of a new CA.
    #[arg(long, value_name = "NAME", default_value = "Smart Dairy IoT CA")]
    pub(crate) ca_name: String,
    /// What keys are made of.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) key: KeyKind,
    /// How long server and device certificates are valid from now on, such as 365d or 12h.
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = validity)]
    pub(crate) validity: Duration,
    /// How long a new CA is valid from now on.
    #[arg(long, value_name = "TIME", default_value = "3650d", value_parser = validity)]
    pub(crate) ca_validity: Duration,
    /// Also make certificates that nobody may accept, in bad/: expired, not yet valid, for another name, from another CA,
    /// self-signed, weak, for another use, issued by a device. For tests of clients and brokers.
    #[arg(long)]
    pub(crate) bad: bool,
    /// Replace server and device certificates, with new keys. The CA stays: to replace it, remove ca.crt and ca.key.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What keys are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    /// 4,096 bits for a CA, 2,048 for what it issues.
    #[default]
    Rsa,
    /// P-256: quickly made, and cheap for small devices.
    Ecdsa,
}

fn validity(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|_| "a time is wanted, such as 365d, 52w or 12h".to_owned())?;
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "count in weeks, days, hours or less, such as 365d".to_owned())?;
    let length = Duration::try_from(length).map_err(|_| "a time ahead is wanted, such as 365d".to_owned())?;
    if length < Duration::from_secs(1) || length > Period::LONGEST {
        return Err("between 1s and 36500d is wanted".to_owned());
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validity_is_counted_in_days_or_less() {
        assert_eq!(validity("365d"), Ok(Duration::from_secs(365 * 86_400)));
        assert_eq!(validity("1h 30m"), Ok(Duration::from_secs(5400)));
        for text in ["", "365", "-1d", "0s", "36501d", "1y", "2 months"] {
            assert!(validity(text).is_err(), "{text}");
        }
    }
}
