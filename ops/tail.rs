//! What tail workers are told of an event: https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/. It is put together here,
//! as the event's own script may be stopped before it could.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use deno_core::serde_json::{Value, json};
use deno_core::url::Url;
use http::{HeaderMap, Method};

use crate::error::Termination;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::Origin;
use crate::rpc::read_plain;
use crate::worker_log::cut;

/// The most bytes of lines and exceptions that are kept of one event. What is more is left out, and `truncated` says so.
const MOST: usize = 128 << 10;

/// What a line or an exception takes beside its text.
const ENTRY: usize = 128;

/// So many tail workers' events may lead to one of which others are told: a tail worker of a tail worker hears of that, and nobody of what it does
/// itself.
pub const TAILS: u8 = 1;

/// Parts of names of headers whose values are not told, as on Workers.
const SECRETS: [&str; 6] = ["auth", "cookie", "jwt", "key", "secret", "token"];

/// Tells a `TraceItem`.
pub type Told = Rc<dyn Fn(&Origin, &Value)>;

/// Whose events are told, and to whom.
pub(crate) struct Tails {
    pub(crate) told: Told,
    /// The script's name.
    pub(crate) script: Rc<str>,
    /// Where what is kept is counted.
    pub(crate) memory: ExternalMemory,
}

/// What is known of one event so far.
pub struct Tail {
    told: Told,
    script: Rc<str>,
    memory: ExternalMemory,
    began: Instant,
    cpu: Cell<Duration>,
    timestamp: u64,
    event: RefCell<Value>,
    entrypoint: RefCell<Option<String>>,
    logs: RefCell<Vec<Value>>,
    exceptions: RefCell<Vec<Value>>,
    outcome: Cell<&'static str>,
    held: RefCell<Vec<Reservation>>,
    left: Cell<usize>,
    truncated: Cell<bool>,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

/// The event of a handler that the host calls. Scripts write their calls in a later version of the format.
fn handled(path: &[String], arguments: &[u8]) -> Option<Value> {
    let [handler] = path else { return None };
    let of_host = || read_plain(arguments)?.get(0).cloned();
    match handler.as_str() {
        "scheduled" => {
            let controller = of_host()?;
            let time = controller.get("scheduledTime")?.as_f64()?;
            Some(json!({ "cron": controller.get("cron")?, "scheduledTime": time }))
        }
        "tail" => {
            let items = of_host()?;
            let scripts = items
                .as_array()?
                .iter()
                .map(|item| json!({ "scriptName": item["scriptName"] }));
            Some(json!({ "consumedEvents": scripts.collect::<Vec<_>>() }))
        }
        _ => None,
    }
}

impl Tail {
    pub(crate) fn new(tails: &Tails) -> Self {
        Self {
            told: Rc::clone(&tails.told),
            script: Rc::clone(&tails.script),
            memory: tails.memory.clone(),
            began: Instant::now(),
            cpu: Cell::default(),
            timestamp: now(),
            event: RefCell::new(Value::Null),
            entrypoint: RefCell::default(),
            logs: RefCell::default(),
            exceptions: RefCell::default(),
            outcome: Cell::new("ok"),
            held: RefCell::default(),
            left: Cell::new(MOST),
            truncated: Cell::new(false),
        }
    }

    /// Its script has computed for so long.
    pub fn computed(&self, time: Duration) {
        self.cpu.set(self.cpu.get() + time);
    }

    /// The event is this request.
    pub fn is_request(&self, (method, url, headers): (&Method, &Url, &HeaderMap), entrypoint: Option<&str>) {
        let headers = headers.iter().map(|(name, value)| {
            let is_secret = SECRETS.iter().any(|part| name.as_str().contains(part));
            let value = String::from_utf8_lossy(value.as_bytes());
            let told = if is_secret {
                "REDACTED".into()
            } else {
                cut(&value).into_owned()
            };
            (name.as_str().to_owned(), Value::String(told))
        });
        let request = json!({
            "method": method.as_str(),
            "url": cut(url.as_str()),
            "headers": Value::Object(headers.collect()),
        });
        self.event.replace(json!({ "request": request }));
        self.entrypoint.replace(entrypoint.map(ToOwned::to_owned));
    }

    /// The event is a call of this method, or of a handler by the host.
    pub fn is_call(&self, path: &[String], arguments: Option<&[u8]>, entrypoint: Option<&str>) {
        let event = arguments.and_then(|arguments| handled(path, arguments));
        self.event
            .replace(event.unwrap_or_else(|| json!({ "rpcMethod": cut(&path.join(".")) })));
        self.entrypoint.replace(entrypoint.map(ToOwned::to_owned));
    }

    /// The handler has answered so.
    pub(crate) fn responded(&self, status: u16) {
        if let Value::Object(event) = &mut *self.event.borrow_mut() {
            event.insert("response".into(), json!({ "status": status }));
        }
    }

    fn keep(&self, bytes: usize) -> bool {
        let bytes = bytes + ENTRY;
        let reserved = self.left.get().checked_sub(bytes).and_then(|left| {
            let reservation = self.memory.reserve(bytes).ok()?;
            Some((left, reservation))
        });
        let Some((left, reservation)) = reserved else {
            self.truncated.set(true);
            return false;
        };
        self.left.set(left);
        self.held.borrow_mut().push(reservation);
        true
    }

    /// A line of the console. Levels are those of `op_console`. Gives the line's number, from 1; 0 where it is not kept.
    pub(crate) fn line(&self, text: &str, level: i32) -> u32 {
        if !self.keep(text.len()) {
            return 0;
        }
        let level = match level {
            0 => "debug",
            2 => "warn",
            3 => "error",
            4 => "trace",
            _ => "log",
        };
        let line = json!({ "timestamp": now(), "level": level, "message": [text] });
        let mut logs = self.logs.borrow_mut();
        logs.push(line);
        u32::try_from(logs.len()).unwrap_or_default()
    }

    /// What the console was called with, as a list in JSON, takes the place of the text of a line. Where there is no room for it, the
    /// text stays.
    pub(crate) fn arguments(&self, line: u32, list: &str) {
        let Ok(message @ Value::Array(_)) = deno_core::serde_json::from_str(list) else {
            return;
        };
        let mut logs = self.logs.borrow_mut();
        let line = usize::try_from(line).ok().and_then(|number| number.checked_sub(1));
        if let Some(Value::Object(line)) = line.and_then(|index| logs.get_mut(index))
            && self.keep(list.len())
        {
            line.insert("message".into(), message);
        }
    }

    /// An exception that nobody caught: what it says as `Name: message`, and its stack.
    pub(crate) fn exception(&self, summary: &str, stack: &str) {
        self.outcome.set("exception");
        self.note(summary, stack);
    }

    /// The same where the event goes on.
    pub(crate) fn note(&self, summary: &str, stack: &str) {
        let (summary, stack) = (cut(summary), cut(stack));
        if !self.keep(summary.len() + stack.len()) {
            return;
        }
        let (name, message) = summary.split_once(": ").unwrap_or(("Error", &summary));
        let exception = json!({ "timestamp": now(), "name": name, "message": message, "stack": stack });
        self.exceptions.borrow_mut().push(exception);
    }

    /// It was ended.
    pub(crate) fn terminated(&self, why: Termination) {
        self.outcome.set(match why {
            Termination::Cpu => "exceededCpu",
            Termination::Memory => "exceededMemory",
            _ => "canceled",
        });
    }

    /// Nobody waited for its answer any longer.
    pub(crate) fn canceled(&self) {
        self.outcome.set("canceled");
    }

    /// It is over: tail workers are told.
    pub(crate) fn finish(&self, origin: &Origin) {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or_default();
        let item = json!({
            "event": self.event.take(),
            "eventTimestamp": self.timestamp,
            "logs": self.logs.take(),
            "exceptions": self.exceptions.take(),
            "diagnosticsChannelEvents": [],
            "scriptName": &*self.script,
            "entrypoint": self.entrypoint.take().unwrap_or_else(|| "default".to_owned()),
            "outcome": self.outcome.get(),
            "executionModel": "stateless",
            "truncated": self.truncated.get(),
            // As far as it was measured: what a script did at last, for less than the sampling's interval, is not.
            "cpuTime": milliseconds(self.cpu.get()),
            "wallTime": milliseconds(self.began.elapsed()),
        });
        (self.told)(origin, &item);
    }
}
