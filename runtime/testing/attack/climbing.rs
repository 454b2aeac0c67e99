//! Values of a request that become a part of an upstream's path: whether one of them climbs out of what the policy wrote before it.

use std::collections::BTreeSet;

use deno_core::url::{Url, form_urlencoded};
use http::HeaderValue;
use serde_json::Value;

use super::ask::Ask;
use super::board::Board;
use super::faults::{fields, pairs, with_headers};
use super::probe::{Got, Prober};
use crate::diagnostic::SourceDiagnostic;
use crate::testing::source::Place;

const CLASS: &str = "values that climb out of a path";

/// At how many named hosts, and for how many named paths, a policy is asked.
const HOSTS: usize = 8;
const PATHS: usize = 16;

/// Values that are nothing but themselves: policies take words, or numbers.
const PLAIN: [&str; 2] = ["wl7a", "7193"];

/// What stands for a plain value in those below.
const VALUE: &str = "VALUE";

/// Values that leave the segment which they are written to. Some checks look for a slash, for dots, or at the beginning alone.
const CLIMBS: [(&str, &str); 8] = [
    ("a parent", "../wl7b"),
    ("a parent alone", ".."),
    ("a parent behind a value", "VALUE/../../wl7b"),
    ("another behind a value", "VALUE/../wl7b"),
    ("a parent by a backslash", "..\\wl7b"),
    ("escaped dots", "%2e%2e/wl7b"),
    ("a tab between dots", ".\t./wl7b"),
    ("a parent behind a line", "VALUE\n/../../wl7b"),
];

/// Where an agent writes a value: a name, a method, and how.
type Spot = (&'static str, &'static str, fn(&str, &[&str], &str, &str) -> Option<Ask>);

const SPOTS: [Spot; 5] = [
    ("in the query", "GET", in_query),
    ("in the query", "POST", in_query),
    ("in headers", "GET", in_headers),
    ("in the path", "GET", in_path),
    ("in JSON", "POST", in_json),
];

fn in_query(method: &str, names: &[&str], url: &str, value: &str) -> Option<Ask> {
    Ask::new(method, &format!("{url}?{}", pairs(names, value)))
}

fn in_headers(method: &str, names: &[&str], url: &str, value: &str) -> Option<Ask> {
    HeaderValue::from_str(value).ok()?;
    Some(with_headers(Ask::new(method, url)?, names, value))
}

fn in_path(method: &str, _: &[&str], url: &str, value: &str) -> Option<Ask> {
    let segment: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    // A segment of dots alone is gone before anybody sees it, however it is escaped.
    Ask::new(method, &format!("{}/{segment}", url.trim_end_matches('/')))
}

fn in_json(method: &str, names: &[&str], url: &str, value: &str) -> Option<Ask> {
    let body = Value::Object(fields(names, &value.into())).to_string();
    Some(Ask::new(method, url)?.body("application/json", body))
}

/// A plain value's place in what went out.
struct Hole {
    /// The whole of it, with the value.
    url: Url,
    /// The path before the value.
    before: String,
}

impl Hole {
    /// Where it leads with another value in the place of the plain one, if that is elsewhere.
    fn elsewhere(&self, plain: &str, value: &str) -> Option<Url> {
        let origin = self.url.origin().ascii_serialization();
        let led = Url::parse(&format!("{origin}{}", self.url.path().replace(plain, value))).ok()?;
        (!led.path().starts_with(&self.before)).then_some(led)
    }
}

/// Asks for each host and path that is named, with values that climb where plain ones become a part of a path.
pub(super) async fn run(prober: &mut Prober<'_>, board: &mut Board, agents: &[String]) -> Result<(), SourceDiagnostic> {
    let named = prober.named;
    let names: Vec<&str> = named.names.iter().map(String::as_str).collect();
    let root = String::from("/");
    for (number, agent) in agents.iter().enumerate() {
        for host in named.samples().take(HOSTS) {
            for path in std::iter::once(&root).chain(named.paths.iter().map(|(path, _)| path).take(PATHS)) {
                let url = format!("https://{host}{path}");
                for spot in &SPOTS {
                    if board.is_over() {
                        return Ok(());
                    }
                    let mut climber = Climber {
                        prober,
                        board,
                        names: &names,
                        agent: (number, agent),
                    };
                    climber.climb(&url, spot).await?;
                }
            }
        }
    }
    if named.samples().nth(HOSTS).is_some() || named.paths.len() > PATHS {
        board.notes.push(format!(
            "at hosts behind the {HOSTS}th and for paths behind the {PATHS}th, values that climb out of a path were not tried"
        ));
    }
    Ok(())
}

struct Climber<'p, 'a> {
    prober: &'p mut Prober<'a>,
    board: &'p mut Board,
    names: &'p [&'p str],
    agent: (usize, &'p str),
}

impl Climber<'_, '_> {
    async fn climb(&mut self, url: &str, (spot, method, put): &Spot) -> Result<(), SourceDiagnostic> {
        for plain in PLAIN {
            let Some(ask) = put(method, self.names, url, plain) else {
                continue;
            };
            let Some(hole) = hole(&self.prober.ask(&ask, self.agent.0).await?, plain) else {
                continue;
            };
            for (how, climb) in CLIMBS {
                let case = format!("{how}, {spot}");
                if !self.board.wants(CLASS, &case) {
                    continue;
                }
                let value = climb.replace(VALUE, plain);
                let (Some(led), Some(ask)) = (hole.elsewhere(plain, &value), put(method, self.names, url, &value))
                else {
                    continue;
                };
                self.board.tried(CLASS, &case);
                let got = self.prober.ask(&ask, self.agent.0).await?;
                // Where a policy falls back to another path than the value leads to, it chose that itself.
                let Some(went) = got.seen().iter().find(|seen| is_at(&seen.url, &led)) else {
                    continue;
                };
                let (method, went, carried) = (went.method.to_string(), went.url.clone(), went.carried.clone());
                if self.may_plainly(&method, &went, &carried).await? {
                    continue;
                }
                let with: Vec<String> = carried.iter().map(|what| format!(" with the {what}")).collect();
                let with = with.concat();
                // Without its query, where a credential may stand.
                let message = format!(
                    "the value {value:?} {spot} went out as {method} {led}{with}: it left {}, where plain values are put",
                    hole.before
                );
                let place = self.place(&hole.before);
                self.board
                    .found((CLASS, &case), Some((&ask, self.agent.1)), message, place);
                self.board.about(CLASS, hole.url.host_str().unwrap_or_default());
                // One way out is enough for a place.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether an agent may ask for it as it is, and gets as much.
    async fn may_plainly(
        &mut self,
        method: &str,
        went: &Url,
        carried: &BTreeSet<String>,
    ) -> Result<bool, SourceDiagnostic> {
        let Some(ask) = Ask::new(method, went.as_str()) else {
            return Ok(false);
        };
        let got = self.prober.ask(&ask, self.agent.0).await?;
        Ok(got
            .seen()
            .iter()
            .any(|seen| seen.url == *went && seen.carried.is_superset(carried)))
    }

    /// Where the policy writes what stands before the value.
    fn place(&self, before: &str) -> Option<Place> {
        let wanted = before.trim_end_matches('/');
        let mut paths = self.prober.named.paths.iter();
        let found = paths.find(|(path, _)| path.trim_end_matches('/') == wanted);
        found.and_then(|(_, place)| place.clone())
    }
}

/// Where a plain value stands in the path of what went out. At the top there is nothing to leave.
fn hole(got: &Got, plain: &str) -> Option<Hole> {
    got.seen().iter().find_map(|seen| {
        let before = seen.url.path().split_once(plain)?.0;
        (before.len() > 1).then(|| Hole {
            url: seen.url.clone(),
            before: before.to_owned(),
        })
    })
}

/// Whether both are one path of one origin.
fn is_at(url: &Url, other: &Url) -> bool {
    url.origin() == other.origin() && url.path() == other.path()
}
