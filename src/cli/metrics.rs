//! `--metrics`, of every verb that measures a broker.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use loadgen::MetricsPage;

/// The target's own page of metrics.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Metrics {
    /// The target's own page of metrics, such as http://192.0.2.7:9100/metrics, also on https://: what its CPU, memory and open
    /// files are read from where its process is not on this machine, or not to be seen.
    #[arg(long = "metrics", value_name = "URL", value_hint = ValueHint::Url)]
    page: Option<MetricsPage>,
    /// A file with the CA that vouches for that page on https://, PEM. [default: the CAs that this machine trusts]
    #[arg(long = "metrics-ca", value_name = "FILE", requires = "page", value_hint = ValueHint::FilePath)]
    authority: Option<PathBuf>,
    /// A file whose first line is the token that the page wants (Authorization: Bearer). It is read again for every look.
    #[arg(long = "metrics-token-file", value_name = "FILE", requires = "page", value_hint = ValueHint::FilePath)]
    token: Option<PathBuf>,
}

impl Metrics {
    /// The page with what it takes to be read.
    ///
    /// # Errors
    ///
    /// A file that is of no use, in one line.
    pub(crate) fn page(&self) -> Result<Option<MetricsPage>, String> {
        let Some(mut page) = self.page.clone() else { return Ok(None) };
        if let Some(file) = &self.authority {
            page = page.vouched_for_by(file).map_err(|error| format!("--metrics-ca: {error}"))?;
        }
        if let Some(file) = &self.token {
            page = page.with_token_of(file).map_err(|error| format!("--metrics-token-file: {error}"))?;
        }
        Ok(Some(page))
    }
}
