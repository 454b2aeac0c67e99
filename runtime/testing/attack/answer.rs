//! What upstreams answer.

use serde::Deserialize;

/// What the upstream answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Answer {
    /// A redirect.
    Redirect {
        /// Its status.
        redirect: u16,
        /// Where to.
        to: String,
    },
    /// What it was sent, in some form.
    Echo {
        /// Which.
        echo: Echo,
    },
}

/// How an upstream says what it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Echo {
    Headers,
    Reason,
    Cookie,
    Location,
    Body,
    Pieces,
    Gzip,
    Base64,
    Percent,
    Error,
}
