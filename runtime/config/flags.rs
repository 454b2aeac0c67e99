//! What the command line says of the configuration.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD as STANDARD, BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD};
use deno_core::url;

use crate::isolate::modules::Overlay;
use crate::listen::ListenAddress;

/// Secrets that were given out, so that whoever prints can keep them to itself.
#[derive(Default, Clone)]
pub struct SeenSecrets(Arc<Mutex<BTreeSet<String>>>);

/// Shorter values are no secrets, and would be found everywhere.
const SHORTEST: usize = 4;

impl SeenSecrets {
    pub(crate) fn add(&self, value: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(value.to_owned());
    }

    /// The text with each of them taken out: as they are, and as JSON, URLs and Base64 have them.
    pub(crate) fn masked(&self, text: &str) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The longest first: one may be a part of another.
        let mut forms: Vec<String> = secrets.iter().flat_map(|value| forms(value)).collect();
        forms.sort_by_key(|form| Reverse(form.len()));
        let mut masked = text.to_owned();
        for form in forms {
            masked = masked.replace(&form, "[secret]");
        }
        masked
    }
}

fn forms(value: &str) -> Vec<String> {
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let json = serde_json::Value::from(value).to_string();
    let url: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    vec![
        value.to_owned(),
        json.trim_matches('"').to_owned(),
        url.replace('+', "%20"),
        STANDARD.encode(value).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(value),
    ]
}

impl fmt::Debug for SeenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeenSecrets")
    }
}

/// What the command line says. It wins over the files.
#[derive(Debug, Default, Clone)]
pub struct Flags {
    /// The agent's script.
    pub script: Option<PathBuf>,
    /// The outbound worker's script.
    pub outbound: Option<PathBuf>,
    /// A wrangler file or a `workerd-lite.toml`.
    pub config: Option<PathBuf>,
    /// The section of wrangler's files below `env` that holds. An empty name is the top level, as no name is.
    pub env: Option<String>,
    /// Secrets that go before the environment's, in the grammar of `.dev.vars`.
    pub env_file: Option<PathBuf>,
    /// Whether a binding that there is nothing behind is left out of `env`, with a warning. Otherwise it is an error.
    pub allow_missing_bindings: bool,
    /// Where to listen.
    pub listen: Vec<ListenAddress>,
    /// On which port, where the configuration says.
    pub port: Option<u16>,
    /// How many worker threads.
    pub threads: Option<usize>,
    /// Whether clients may read why a handler failed.
    pub dev: bool,
    /// Whether the project is loaded anew when a file of it changes.
    pub watch: bool,
    /// Whether the project is only looked at: no file is made or written, as whoever looks may not be whom the server works as.
    pub looks: bool,
    /// Whether this is for tests: nothing is written, and every secret has a value of no worth.
    pub testing: bool,
    /// Whether tests have the real secrets all the same.
    pub live: bool,
    /// The real secrets that were given out.
    pub secrets: SeenSecrets,
    /// Whether an agent whose script cannot be loaded answers 503, and the others are served. Otherwise nothing is.
    pub spares: bool,
    /// Whether scripts of agents that are many are read when they are needed, and not now.
    pub lazy: bool,
    /// A file of the policy that is read as if it had another text.
    pub overlay: Option<Arc<Overlay>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_each_form() {
        let seen = SeenSecrets::default();
        seen.add("pa\"ss word");
        seen.add("pa");
        let text = format!(
            r#"pa"ss word; {{"a":"pa\"ss word"}}; ?a=pa%22ss%20word; {}; pa stays"#,
            STANDARD.encode("pa\"ss word")
        );
        let masked = seen.masked(&text);
        assert_eq!(masked.matches("[secret]").count(), 4, "{masked}");
        assert!(masked.contains("pa stays") && !masked.contains("ss word"), "{masked}");
    }
}
