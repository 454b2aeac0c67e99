//! What is allowed: rules over a request's host, method and path, judged in Rust on both sides of the policy, and the
//! scopes that credentials are bound to.

mod forwarders;
mod host;
mod localhost;
mod normal_path;
mod overrides;
mod path;
mod peer;
mod problem;
mod readings;
mod route;

use std::num::NonZeroU16;
use std::sync::Arc;

use deno_core::url::Url;
use http::Method;
use workerd_lite_ops::Request;
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::websocket::is_handshake;

pub use forwarders::{Forwarder, Forwarders};
pub use host::{HostPattern, HostPatternError};
pub(crate) use localhost::is_localhost;
pub use path::{PathPattern, PathPatternError};
pub use peer::Peer;
pub(crate) use problem::{by_rule, named_rule, outside_of_scope, plaintext, problem};
pub(crate) use readings::PathReadings;
pub use route::{RoutePattern, RoutePatternError};

/// Hosts, methods and paths that belong together. Empty methods or paths mean all.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Which hosts. None means no request at all.
    pub hosts: Vec<HostPattern>,
    /// Which methods.
    pub methods: Vec<Method>,
    /// Which paths.
    pub paths: Vec<PathPattern>,
    /// Whether requests for WebSockets too, where it says so. Else they are, unless there are methods: a WebSocket carries more than a
    /// GET does.
    pub websocket: Option<bool>,
    /// Which protocols; without any, those of HTTP.
    pub protocols: Vec<Protocol>,
    /// Which ports; without any, every one.
    pub ports: Vec<NonZeroU16>,
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP over TLS.
    Https,
    /// HTTP in the clear.
    Http,
    /// What `connect()` opens, with TLS or without.
    Tcp,
}

/// Which part of a request lies outside of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// The host.
    #[error("host")]
    Host,
    /// The method.
    #[error("method")]
    Method,
    /// The path.
    #[error("path")]
    Path,
    /// What it opens.
    #[error("WebSocket")]
    WebSocket,
    /// What is spoken.
    #[error("protocol")]
    Protocol,
    /// The port.
    #[error("port")]
    Port,
}

/// What is judged of a request.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its URL.
    pub url: &'a Url,
    /// Whether it asks for a WebSocket.
    pub websocket: bool,
    /// Whether it asks for a connection, over which anything may be said.
    pub tcp: bool,
}

impl<'a> From<&'a Request> for Subject<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            method: &request.method,
            url: &request.url,
            websocket: is_handshake(request),
            tcp: is_connect(request),
        }
    }
}

impl Scope {
    fn speaks(&self, url: &Url, tcp: bool) -> bool {
        if tcp {
            return self.protocols.contains(&Protocol::Tcp);
        }
        let spoken = if url.scheme() == "https" {
            Protocol::Https
        } else {
            Protocol::Http
        };
        self.protocols.is_empty() || self.protocols.contains(&spoken)
    }

    /// Whether a request lies within it.
    pub fn check(&self, asked: Subject<'_>) -> Result<(), Outside> {
        let Subject {
            method,
            url,
            websocket,
            tcp,
        } = asked;
        if !self.hosts.iter().any(|pattern| pattern.matches_url(url)) {
            return Err(Outside::Host);
        }
        if !self.speaks(url, tcp) {
            return Err(Outside::Protocol);
        }
        let port = url.port_or_known_default().and_then(NonZeroU16::new);
        if !self.ports.is_empty() && !port.is_some_and(|port| self.ports.contains(&port)) {
            return Err(Outside::Port);
        }
        // A connection has neither method nor path.
        if tcp {
            return if self.methods.is_empty() && self.paths.is_empty() {
                Ok(())
            } else {
                Err(Outside::Method)
            };
        }
        if !self.methods.is_empty() && !self.methods.contains(method) {
            return Err(Outside::Method);
        }
        // One way to write a path, or none: what two servers may read differently is in no pattern.
        let matches = || normal_path::is_normal(url) && self.paths.iter().any(|pattern| pattern.matches(url));
        if !self.paths.is_empty() && !matches() {
            return Err(Outside::Path);
        }
        if websocket && !self.websocket.unwrap_or(self.methods.is_empty()) {
            return Err(Outside::WebSocket);
        }
        Ok(())
    }
}

impl Scope {
    /// Whether a request keeps to it for servers that read another method or path from headers and parameters too. What proxies
    /// would tell of it is taken off. Without methods and paths there is nothing to keep to.
    pub fn check_overrides(&self, request: &mut Request) -> Result<(), Outside> {
        if self.methods.is_empty() && self.paths.is_empty() {
            return Ok(());
        }
        if overrides::replaces(&request.url, &request.headers) {
            return Err(if self.methods.is_empty() {
                Outside::Path
            } else {
                Outside::Method
            });
        }
        overrides::take_off(&mut request.headers);
        Ok(())
    }
}

/// One rule of an egress list.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name in denials and records.
    pub name: Arc<str>,
    /// What it allows.
    pub scope: Scope,
    /// Whether what it would deny passes, recorded.
    pub audit: bool,
    /// Whether what it allows without TLS is asked by HTTP/2 with prior knowledge.
    pub h2c: bool,
}

/// A list of rules: what no rule allows is denied.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The list's name, for what no rule speaks of.
    pub name: Arc<str>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// What a list says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A rule allows it.
    Allow {
        /// Which.
        rule: Arc<str>,
    },
    /// It would be denied, but the rule only audits.
    Audit(Denial),
    /// It is denied.
    Deny(Denial),
}

/// A denial, as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The rule, or the list where no rule names the host.
    pub rule: Arc<str>,
    /// Which part of the request it is about.
    pub outside: Outside,
}

impl Rules {
    /// Whether the rule that allows a request wants HTTP/2 with prior knowledge for it.
    pub fn wants_h2c(&self, asked: Subject<'_>) -> bool {
        let allowing = self.rules.iter().find(|rule| rule.scope.check(asked).is_ok());
        asked.url.scheme() == "http" && allowing.is_some_and(|rule| rule.h2c)
    }

    /// Judges a request. Of the rules that name its host one must allow all else of it too.
    pub fn judge(&self, asked: Subject<'_>) -> Verdict {
        let mut denial = Denial {
            rule: Arc::clone(&self.name),
            outside: Outside::Host,
        };
        let mut audit = false;
        for rule in &self.rules {
            match rule.scope.check(asked) {
                Ok(()) => {
                    return Verdict::Allow {
                        rule: Arc::clone(&rule.name),
                    };
                }
                Err(Outside::Host) => {}
                Err(outside) => {
                    // What no rule speaks of at all is not what an audit is about.
                    audit |= rule.audit && !(asked.tcp && outside == Outside::Protocol);
                    denial = Denial {
                        rule: Arc::clone(&rule.name),
                        outside,
                    };
                }
            }
        }
        if audit {
            Verdict::Audit(denial)
        } else {
            Verdict::Deny(denial)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, host: &str, methods: &[Method], paths: &[&str], audit: bool) -> Rule {
        Rule {
            name: name.into(),
            scope: Scope {
                hosts: vec![host.parse().unwrap()],
                methods: methods.to_vec(),
                paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
                websocket: None,
                ..Scope::default()
            },
            audit,
            h2c: false,
        }
    }

    fn judge(rules: &[Rule], method: Method, url: &str) -> Verdict {
        let rules = Rules {
            name: "list".into(),
            rules: rules.to_vec(),
        };
        rules.judge(Subject {
            method: &method,
            url: &Url::parse(url).unwrap(),
            websocket: false,
            tcp: false,
        })
    }

    #[test]
    fn a_rule_with_methods_allows_no_websocket_unless_it_says_so() {
        let url = Url::parse("https://api.example/feed").unwrap();
        let allowed = |methods: &[Method], websocket: Option<bool>, asks: bool| {
            let mut rule = rule("feed", "api.example", methods, &[], false);
            rule.scope.websocket = websocket;
            let asked = Subject {
                method: &Method::GET,
                url: &url,
                websocket: asks,
                tcp: false,
            };
            rule.scope.check(asked)
        };
        let get = &[Method::GET][..];
        for (methods, websocket, expected) in [
            (&[][..], None, Ok(())),
            (&[], Some(true), Ok(())),
            (&[], Some(false), Err(Outside::WebSocket)),
            (get, None, Err(Outside::WebSocket)),
            (get, Some(true), Ok(())),
            (get, Some(false), Err(Outside::WebSocket)),
        ] {
            assert_eq!(allowed(methods, websocket, true), expected, "{methods:?} {websocket:?}");
            assert_eq!(allowed(methods, websocket, false), Ok(()), "{methods:?} {websocket:?}");
        }
    }

    #[test]
    fn a_connection_wants_a_rule_that_says_so() {
        let url = Url::parse("http://db.example:5432/").unwrap();
        let judge = |protocols: &[Protocol], ports: &[u16], methods: &[Method], audit: bool| {
            let mut rule = rule("db", "db.example", methods, &[], audit);
            rule.scope.protocols = protocols.to_vec();
            rule.scope.ports = ports.iter().filter_map(|port| NonZeroU16::new(*port)).collect();
            let rules = Rules {
                name: "list".into(),
                rules: vec![rule],
            };
            matches!(
                rules.judge(Subject {
                    method: &Method::CONNECT,
                    url: &url,
                    websocket: false,
                    tcp: true,
                }),
                Verdict::Allow { .. } | Verdict::Audit(_)
            )
        };
        let tcp = &[Protocol::Tcp][..];
        assert!(judge(tcp, &[5432], &[], false) && judge(tcp, &[], &[], false));
        assert!(!judge(tcp, &[5433], &[], false));
        assert!(judge(tcp, &[5433], &[], true), "a rule that audits names the protocol");
        assert!(!judge(tcp, &[5432], &[Method::GET], false));
        for protocols in [&[][..], &[Protocol::Https], &[Protocol::Https, Protocol::Http]] {
            for audit in [false, true] {
                assert!(!judge(protocols, &[], &[], audit), "{protocols:?} {audit}");
            }
        }
        let mut only = rule("db", "db.example", &[], &[], false);
        only.scope.protocols = tcp.to_vec();
        let asked = Subject {
            method: &Method::GET,
            url: &url,
            websocket: false,
            tcp: false,
        };
        assert_eq!(only.scope.check(asked), Err(Outside::Protocol));
    }

    #[test]
    fn one_rule_must_allow_all_of_a_request() {
        let rules = [
            rule("read", "api.example", &[Method::GET], &[], false),
            rule("write", "api.example", &[Method::POST], &["/repos/acme/*"], false),
        ];
        let allowed = |name: &str| Verdict::Allow { rule: name.into() };
        let denied = |name: &str, outside| {
            Verdict::Deny(Denial {
                rule: name.into(),
                outside,
            })
        };
        assert_eq!(judge(&rules, Method::GET, "https://api.example/x"), allowed("read"));
        assert_eq!(
            judge(&rules, Method::POST, "https://api.example/repos/acme/1"),
            allowed("write")
        );
        for path in [
            "/x",
            "/repos/acme%2f1",
            "/repos/acme/%2e%2e/x",
            "/repos/acme/a%2eb",
            "/repos/acme/a%252fb",
            "/repos/acme/..%5cx",
            "/repos/acme/%25252fx",
            "/repos/acme",
        ] {
            assert_eq!(
                judge(&rules, Method::POST, &format!("https://api.example{path}")),
                denied("write", Outside::Path),
                "{path}"
            );
        }
        assert_eq!(
            judge(&rules, Method::GET, "https://other.example/"),
            denied("list", Outside::Host)
        );
        assert_eq!(judge(&[], Method::GET, "https://a/"), denied("list", Outside::Host));
    }

    #[test]
    fn a_rule_that_audits_lets_pass() {
        let rules = [rule("later", "**", &[Method::GET], &[], true)];
        let verdict = judge(&rules, Method::PUT, "https://a.example/");
        assert!(matches!(verdict, Verdict::Audit(denial) if denial.outside == Outside::Method));
    }
}
