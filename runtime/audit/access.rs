//! The access log: one line of JSON for each client's request, written when it is over. It is written as records are: in turns, and
//! what finds no room is counted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deno_core::url::Url;
use serde::Serialize;
use workerd_lite_ops::account::AgentId;

use super::masked_url::masked;
use super::share::line;
use super::sink::{About, Sink};
use crate::metrics::Stream;

/// The most bytes of a path, and of a `user-agent`, in a line.
const PATH: usize = 1024;
const USER_AGENT: usize = 256;

/// Where lines go.
#[derive(Debug)]
pub struct AccessLog {
    sink: Arc<Sink>,
    /// Names of query parameters whose values are shown.
    shown: Vec<String>,
}

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct Access<'a> {
    /// What tells it from an audit record in the same stream.
    pub(crate) event: &'static str,
    /// When it came.
    pub(crate) time: String,
    pub(crate) request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<&'a str>,
    pub(crate) client: Option<String>,
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: String,
    pub(crate) protocol: &'a str,
    /// What the client was told, where it was told anything.
    pub(crate) status: Option<u16>,
    /// `ok`, `error`, `limit`, `refused` or `cancelled`.
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    /// Of bodies.
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
    /// Milliseconds until the last byte of the response.
    pub(crate) ms: f64,
    /// Milliseconds of CPU time of scripts.
    pub(crate) cpu_ms: f64,
    pub(crate) egress: u64,
    pub(crate) user_agent: Option<String>,
}

impl AccessLog {
    /// Opens the file, or takes standard output without one. Fails where it cannot be opened.
    pub fn open(path: Option<PathBuf>, shown: Vec<String>) -> std::io::Result<Self> {
        let sink = Sink::open(path, u32::MAX, Stream::Access)?;
        Ok(Self { sink, shown })
    }

    /// A path with its query, as it is shown.
    pub(crate) fn path(&self, target: &http::Uri) -> String {
        let asked = target.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut path = if target.query().is_none() {
            asked.to_owned()
        } else {
            // The host is of no matter, and what can not be read may hold anything.
            Url::parse(&format!("http://host{asked}")).map_or_else(
                |_| format!("{}?***", target.path()),
                |url| {
                    let query = masked(&url, &self.shown);
                    let query = query.split_once('?').map_or("", |(_, query)| query);
                    format!("{}?{query}", target.path())
                },
            )
        };
        path.truncate(path.floor_char_boundary(PATH));
        path
    }

    /// A `user-agent`, cut where it is too long.
    pub(crate) fn user_agent(text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text);
        text[..text.floor_char_boundary(USER_AGENT)].to_owned()
    }

    /// Writes a line, for this agent's share.
    pub(crate) fn write(&self, whose: &AgentId, access: &Access<'_>) {
        self.sink.put(whose, About::Left { reserved: false }, || line(access));
    }

    /// Opens the file anew, after it was rotated away.
    pub fn reopen(&self) -> std::io::Result<()> {
        self.sink.reopen()
    }

    /// Waits until what there is has been written, for so long at most.
    pub(crate) fn flush(&self, limit: Duration) {
        self.sink.flush(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_query_are_masked_and_the_path_is_as_it_was() {
        let log = AccessLog::open(Some("/dev/null".into()), vec!["page".into()]).unwrap();
        for (asked, shown) in [
            ("/", "/"),
            ("/a/../b", "/a/../b"),
            ("/a%2fb?page=2&token=s3cret", "/a%2fb?page=2&token=***"),
            ("http://a.example/x?secret", "/x?secret=***"),
            ("/x?", "/x?"),
        ] {
            assert_eq!(log.path(&asked.parse().unwrap()), shown, "{asked}");
        }
        let long = format!("/{}", "a".repeat(5000));
        assert_eq!(log.path(&long.parse().unwrap()).len(), PATH);
    }
}
