//! `WorkerCode`, as `js/loader/code.js` gives it, and the limits that it asks for: never more than its loader has.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::wrangler::{Node, differences};
use crate::isolate::modules::{GivenKind, GivenModule, NodeModules};
use crate::limits::Limits;

/// The heap of a worker that asks for none, in bytes.
const HEAP: usize = 64 << 20;

/// The smallest heap that an isolate starts with, in MiB.
const LEAST_HEAP: u32 = 8;

/// CPU time that any script has until it stands, where its loader's does not have less.
const LEAST_STARTUP: Duration = Duration::from_millis(50);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    main_module: String,
    compatibility_date: String,
    compatibility_flags: Vec<String>,
    /// Names and kinds.
    modules: Vec<(String, Kind)>,
    vars: Map<String, Value>,
    /// Whether it has a way out.
    outbound: bool,
    cpu_ms: Option<u32>,
    sub_requests: Option<u32>,
    memory_mb: Option<u32>,
    wall_ms: Option<u32>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Js,
    Cjs,
    Ts,
    Text,
    Data,
    Json,
    Wasm,
}

impl From<Kind> for GivenKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Js => Self::Script,
            Kind::Cjs => Self::CommonJs,
            Kind::Ts => Self::TypeScript,
            Kind::Text => Self::Text,
            Kind::Data => Self::Data,
            Kind::Json => Self::Json,
            Kind::Wasm => Self::Wasm,
        }
    }
}

/// What a worker is made of.
pub(super) struct Code {
    pub(super) main: String,
    pub(super) modules: Vec<GivenModule>,
    /// What of its `env` is text, for Node's `process.env`.
    pub(super) vars: Map<String, Value>,
    pub(super) fills_environment: bool,
    /// Which of Node's modules are there.
    pub(super) node: NodeModules,
    /// What its date and flags ask for otherwise.
    pub(super) differences: Vec<String>,
    /// Whether it has a way out.
    pub(super) outbound: bool,
    pub(super) limits: Limits,
}

impl Code {
    /// Reads it, for a loader that has these limits. Fails with the field that is wrong.
    pub(super) fn read(settings: &str, contents: Vec<Vec<u8>>, loaders: &Limits) -> Result<Self, String> {
        let settings: Settings = serde_json::from_str(settings).map_err(|error| error.to_string())?;
        if settings.modules.len() != contents.len() {
            return Err("modules: each needs its content".to_owned());
        }
        let date = &settings.compatibility_date;
        if !is_date(date) {
            return Err(format!(
                "compatibilityDate: expected a date such as \"2026-01-01\", found {date:?}"
            ));
        }
        let node = Node::of(Some(date), &settings.compatibility_flags);
        let modules = settings.modules.iter().zip(contents);
        let modules = modules.map(|((name, kind), bytes)| GivenModule {
            name: name.clone(),
            kind: (*kind).into(),
            bytes: bytes.into(),
        });
        Ok(Self {
            modules: modules.collect(),
            limits: settings.limits(loaders),
            main: settings.main_module,
            vars: settings.vars,
            fills_environment: node.fills_environment(),
            node: node.into(),
            differences: differences(Some(date), &settings.compatibility_flags),
            outbound: settings.outbound,
        })
    }
}

impl Settings {
    fn limits(&self, loaders: &Limits) -> Limits {
        let time = |ms: Option<u32>| ms.map_or(Duration::MAX, |ms| Duration::from_millis(ms.into()));
        let cpu = loaders.cpu.min(time(self.cpu_ms));
        let heap = self
            .memory_mb
            .map_or(HEAP, |mib| (mib.max(LEAST_HEAP) as usize).saturating_mul(1 << 20));
        Limits {
            cpu,
            startup: loaders.startup.min(time(self.cpu_ms).max(LEAST_STARTUP)),
            wall: loaders.wall.min(time(self.wall_ms)),
            wait_until: loaders.wait_until.min(time(self.wall_ms)),
            heap: heap.min(loaders.heap),
            buffers: loaders
                .buffers
                .min(self.memory_mb.map_or(usize::MAX, |mib| (mib as usize) << 20)),
            subrequests: loaders.subrequests.min(self.sub_requests.unwrap_or(u32::MAX)),
            ..*loaders
        }
    }
}

/// Whether it is of the form `2026-01-01`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize| {
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    };
    let [year, month, day] = parts[..] else { return false };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limits: &str) -> Limits {
        let settings = format!(
            r#"{{ "mainModule": "a.js", "compatibilityDate": "2026-01-01", "compatibilityFlags": [], "modules": [],
                  "vars": {{}}, "outbound": true, {limits} }}"#
        );
        Code::read(&settings, Vec::new(), &Limits::AGENT).unwrap().limits
    }

    #[test]
    fn limits_are_the_smaller_ones() {
        let few = read(r#""cpuMs": 10, "subRequests": 5, "memoryMb": 16, "wallMs": 1000"#);
        assert_eq!((few.cpu, few.subrequests), (Duration::from_millis(10), 5));
        assert_eq!((few.heap, few.wall), (16 << 20, Duration::from_secs(1)));
        let many = read(r#""cpuMs": 60000, "subRequests": 5000, "memoryMb": 4000, "wallMs": 4000000"#);
        let own = Limits::AGENT;
        assert_eq!((many.cpu, many.subrequests), (own.cpu, own.subrequests));
        assert_eq!((many.heap, many.buffers, many.wall), (own.heap, own.buffers, own.wall));
    }

    #[test]
    fn dates_are_dates() {
        assert!(is_date("2026-01-31"));
        for text in ["", "2026-1-1", "2026-13-01", "26-01-01", "2026-01-01T00", "tomorrow"] {
            assert!(!is_date(text), "{text}");
        }
    }
}
