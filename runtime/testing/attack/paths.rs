//! Whether a policy's verdict about a path is one about its spelling: what it denies in plain is asked for in every way that
//! servers read as the same.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::Ask;
use super::board::Board;
use super::faults::{faults, pairs};
use super::named::{Named, SPELT};
use super::probe::{Got, Prober};
use super::readings::variants;
use super::shape::sent_method;
use crate::diagnostic::SourceDiagnostic;
use crate::testing::source::Place;

/// A path that nobody has.
pub(super) const CANARY: &str = "/wlcanary7";

/// How many requests about one agent's paths are made, at most, for so many hosts; more hosts have more.
const MOST: usize = 6000;
const MOST_FOR: usize = 6;

/// How many hosts are asked.
pub(super) const HOSTS: usize = SPELT;

const CLASS: &str = "other spellings of what is denied";
const PLAIN: &str = "what is named, as it is named";
const FAULTS: &str = "what makes a check of paths fail";
const WORDS: &str = "verdicts that rest on what an agent writes";

/// What an upstream is given: nothing where it is not reached, or the credentials and secrets that it gets.
pub(super) type Power = Option<BTreeSet<String>>;

/// A request by a method, with a value in some place.
type Way<'w> = &'w dyn Fn(&str, &str) -> Option<Ask>;

/// Whether something is reached that is not otherwise.
pub(super) fn exceeds(power: &Power, other: &Power) -> bool {
    power.is_some() && other.is_none()
}

/// A path that the policy denies.
struct Area {
    path: String,
    /// Whether what lies below it is denied too.
    below: bool,
    place: Option<Place>,
    /// Only ways out of what is allowed are tried: nothing names it.
    unnamed: bool,
}

impl Area {
    /// Itself, and what lies in it.
    fn examples(&self) -> Vec<String> {
        let mut examples = vec![self.path.clone()];
        examples.extend(self.below.then(|| child(&self.path)));
        examples
    }

    /// A path in it.
    fn example(&self) -> String {
        if self.below {
            child(&self.path)
        } else {
            self.path.clone()
        }
    }
}

/// Tries every host in every agent's name.
pub(super) async fn run(prober: &mut Prober<'_>, board: &mut Board, agents: &[String]) -> Result<(), SourceDiagnostic> {
    let hosts: Vec<String> = prober.named.samples().take(HOSTS).map(ToOwned::to_owned).collect();
    for (place, agent) in agents.iter().enumerate() {
        let before = prober.asked;
        for host in &hosts {
            for method in methods(prober.named) {
                if board.is_over() {
                    return Ok(());
                }
                let mut paths = Paths {
                    prober: &mut *prober,
                    board: &mut *board,
                    host,
                    method: &method,
                    agent: (place, agent),
                    until: before + MOST * hosts.len().div_ceil(MOST_FOR),
                };
                paths.run().await?;
            }
        }
    }
    Ok(())
}

/// The methods that agents can send, of those that are named and the usual ones.
pub(super) fn methods(named: &Named) -> Vec<String> {
    let mut methods = vec!["GET".to_owned(), "POST".to_owned()];
    for (method, _) in &named.methods {
        let method = sent_method(&method.to_uppercase());
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods.truncate(6);
    methods
}

struct Paths<'p, 'a> {
    prober: &'p mut Prober<'a>,
    board: &'p mut Board,
    host: &'p str,
    method: &'p str,
    agent: (usize, &'p str),
    /// When enough was asked.
    until: usize,
}

impl Paths<'_, '_> {
    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host)
    }

    async fn got(&mut self, ask: &Ask) -> Result<Got, SourceDiagnostic> {
        self.prober.ask(ask, self.agent.0).await
    }

    /// What an upstream is given for a plain path.
    async fn power(&mut self, path: &str) -> Result<Power, SourceDiagnostic> {
        let Some(ask) = Ask::new(self.method, &self.url(path)) else {
            return Ok(None);
        };
        let got = self.got(&ask).await?;
        let power = got.power(path, false);
        let case = format!("{} {path}", self.method);
        if self.board.wants(PLAIN, &case) {
            self.board.tried(PLAIN, &case);
            for violation in got.violations {
                let place = self.prober.named.place(self.host).cloned();
                self.board
                    .found((PLAIN, &case), Some((&ask, self.agent.1)), violation.to_string(), place);
            }
        }
        Ok(power)
    }

    async fn run(&mut self) -> Result<(), SourceDiagnostic> {
        let canary = self.power(CANARY).await?;
        let mut powers: BTreeMap<String, (Power, Option<Place>)> = BTreeMap::new();
        for (path, place) in self.prober.named.paths.clone() {
            let power = self.power(&path).await?;
            powers.insert(path, (power, place));
        }
        let mut allowed: Vec<String> = Vec::new();
        for (path, (power, _)) in &powers {
            if power.is_some() && self.power(&child(path)).await?.is_some() {
                allowed.push(path.clone());
            }
        }
        // Words are paths where a path that nobody names passes, or below one that does.
        for word in self.prober.named.fragments.clone() {
            let fronts = canary
                .iter()
                .map(|_| String::new())
                .chain(allowed.iter().take(3).map(|path| path.trim_end_matches('/').to_owned()));
            for path in fronts.map(|front| format!("{front}/{word}")).collect::<Vec<_>>() {
                let power = self.power(&path).await?;
                powers.entry(path).or_insert((power, None));
            }
        }
        let reachable = powers.values().any(|(power, _)| power.is_some()) || canary.is_some();
        let mut areas = Vec::new();
        for (path, (power, place)) in powers {
            if power.is_none() {
                let below = self.power(&child(&path)).await?.is_none();
                areas.push(Area {
                    path,
                    below,
                    place,
                    unnamed: false,
                });
            }
        }
        if canary.is_none() {
            areas.push(Area {
                path: CANARY.to_owned(),
                below: true,
                place: None,
                unnamed: true,
            });
        }
        for area in &areas {
            if reachable {
                self.spellings(area, &allowed, canary.is_some()).await?;
                self.faults(area).await?;
            }
            self.words(area).await?;
        }
        Ok(())
    }

    async fn spellings(&mut self, area: &Area, allowed: &[String], open: bool) -> Result<(), SourceDiagnostic> {
        let path = area.example();
        for variant in variants(&path, allowed) {
            let out = variant.name.contains("what is allowed");
            let is_named = out
                && allowed
                    .iter()
                    .any(|allowed| allowed.starts_with(&area.path) && variant.path.starts_with(allowed));
            if is_named || (area.unnamed && !out) || (variant.slash && !open) {
                continue;
            }
            let case = variant.name;
            let asks = Ask::new(self.method, &self.url(&variant.path));
            self.judge(CLASS, case, area, asks.into_iter().collect()).await?;
        }
        if !area.unnamed {
            let queries = ["?", "?x=1", "?x=/.css"]
                .iter()
                .filter_map(|query| Ask::new(self.method, &self.url(&format!("{path}{query}"))));
            self.judge(CLASS, "a query behind it", area, queries.collect()).await?;
            let plain = Ask::new(self.method, &format!("http://{}{path}", self.host));
            let port = Ask::new(self.method, &format!("https://{}:8443{path}", self.host));
            let dot = Ask::new(self.method, &format!("https://{}.{path}", self.host));
            self.judge(
                CLASS,
                "another port or scheme, a final dot",
                area,
                [plain, port, dot].into_iter().flatten().collect(),
            )
            .await?;
        }
        Ok(())
    }

    async fn faults(&mut self, area: &Area) -> Result<(), SourceDiagnostic> {
        if area.unnamed {
            return Ok(());
        }
        for path in area.examples() {
            for (case, ask) in faults(self.method, &self.url(&path), self.prober.named) {
                // With a body it is another method, which may be allowed.
                if ask.method.as_str() == self.method {
                    self.judge(FAULTS, &case, area, vec![ask]).await?;
                }
            }
        }
        Ok(())
    }

    /// Headers and parameters with the policy's own words. What has any value at all is no matter of trust.
    async fn words(&mut self, area: &Area) -> Result<(), SourceDiagnostic> {
        let named = &self.prober.named.names;
        let names: Vec<String> = named.iter().filter(|name| is_trusted(name)).cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut values: Vec<String> = ["1", "true", "yes", "admin", "internal"]
            .map(ToOwned::to_owned)
            .to_vec();
        values.push(self.agent.1.to_owned());
        values.push(self.host.to_owned());
        values.extend(self.prober.named.values.iter().cloned());
        let parameters: Vec<&str> = names.iter().map(String::as_str).collect();
        for path in area.examples() {
            let url = self.url(&path);
            let headers = |method: &str, value: &str| {
                let ask = Ask::new(method, &url)?;
                Some(names.iter().fold(ask, |ask, name| ask.header(name, value)))
            };
            let query = |method: &str, value: &str| Ask::new(method, &format!("{url}?{}", pairs(&parameters, value)));
            let ways: [(&str, Way<'_>); 2] = [("headers", &headers), ("the query", &query)];
            for (place, with) in ways {
                if let Some(ask) = with(self.method, "wlrandom") {
                    if self.got(&ask).await?.power(&area.path, area.below).is_some() {
                        continue;
                    }
                }
                for value in &values {
                    let ask = with(self.method, value);
                    let case = format!("the value {value:?} in {place}");
                    self.judge(WORDS, &case, area, ask.into_iter().collect()).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells where what is restricted is reached all the same.
    async fn judge(&mut self, class: &str, case: &str, area: &Area, asks: Vec<Ask>) -> Result<(), SourceDiagnostic> {
        for ask in asks {
            if self.board.is_over() || !self.board.wants(class, case) {
                return Ok(());
            }
            if self.prober.asked >= self.until {
                self.board.left_out += 1;
                return Ok(());
            }
            let got = self.got(&ask).await?;
            self.board.tried(class, case);
            let power = got.power(&area.path, area.below);
            let asked = Some((&ask, self.agent.1));
            if let Some(carried) = power {
                let carried: Vec<String> = carried.into_iter().map(|what| format!("the {what}")).collect();
                let with = if carried.is_empty() {
                    String::new()
                } else {
                    format!(" with {}", carried.join(" and "))
                };
                let below = if area.below { " and what is below" } else { "" };
                let message = format!(
                    "the policy denies {} {}{below}, but this went out{with}, which servers may read as the same",
                    self.method, area.path
                );
                self.board.found((class, case), asked, message, area.place.clone());
            }
            for violation in got.violations {
                let place = self.prober.named.place(self.host).cloned();
                self.board.found((class, case), asked, violation.to_string(), place);
            }
        }
        Ok(())
    }
}

/// Something below a path.
pub(super) fn child(path: &str) -> String {
    format!("{}/wl7", path.trim_end_matches('/'))
}

/// Whether a header says who asks or what they may: others, which say how to read a request or an answer, may change a verdict.
fn is_trusted(name: &str) -> bool {
    let lower = name.to_lowercase();
    let negotiates = lower.starts_with("accept")
        || lower.starts_with("if-")
        || lower.starts_with("content-")
        || ["range", "user-agent", "cache-control", "expect", "te", "prefer"].contains(&&*lower);
    let is_name = !lower.is_empty() && http::HeaderName::from_bytes(lower.as_bytes()).is_ok();
    // A field of an object is one word.
    is_name && !negotiates && (lower.contains('-') || name == lower)
}
