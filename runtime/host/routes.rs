//! Which agent a request is for: by the header that names it, else by host and path. The most specific pattern decides.

use std::cmp::Reverse;
use std::collections::HashMap;

use deno_core::url::Url;
use http::{HeaderMap, HeaderName};

use super::agent::Agent;
use crate::rules::{PathReadings, RoutePattern};

#[derive(Debug)]
struct Route {
    /// The agent's place in the project.
    agent: usize,
    pattern: RoutePattern,
}

/// A name that is nobody's.
pub(super) struct Nobody;

/// The patterns of all agents.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// Those of one host each, by that. The most specific first, here and below.
    literal: HashMap<String, Vec<Route>>,
    others: Vec<Route>,
    /// Agents that answer whatever no pattern fits, the first of which does.
    rest: Option<usize>,
    /// The header that names an agent.
    header: Option<HeaderName>,
    /// Agents by name, and by tenant and name. None where several have it.
    names: HashMap<String, Option<usize>>,
}

impl Routes {
    /// Those of a project. An agent without patterns answers everything, unless a header may name it.
    pub(super) fn new<'a>(agents: impl ExactSizeIterator<Item = &'a Agent>, header: Option<HeaderName>) -> Self {
        let mut routes = Self::default();
        let only = agents.len() == 1;
        for (place, agent) in agents.enumerate() {
            for pattern in &agent.matches {
                let route = Route {
                    agent: place,
                    pattern: pattern.clone(),
                };
                match pattern.host.literal() {
                    Some(host) => routes.literal.entry(host).or_default().push(route),
                    None => routes.others.push(route),
                }
            }
            if agent.matches.is_empty() && (header.is_none() || only) {
                routes.rest.get_or_insert(place);
            }
            let name = &agent.worker.name;
            let full = agent.tenant.as_ref().map(|tenant| format!("{tenant}/{name}"));
            for name in full.into_iter().chain([name.clone()]) {
                let known = routes.names.entry(name).or_insert(Some(place));
                if *known != Some(place) {
                    *known = None;
                }
            }
        }
        // It keeps the order of equals.
        let specific = |route: &Route| Reverse((route.pattern.host.specificity(), route.pattern.path_specificity()));
        routes.literal.values_mut().for_each(|list| list.sort_by_key(specific));
        routes.others.sort_by_key(specific);
        routes.header = header;
        routes
    }

    /// The place of the agent that a request is for. `sent` is its path as it was sent.
    pub(super) fn find(&self, url: &Url, sent: &str, headers: &HeaderMap) -> Option<usize> {
        if let Some(header) = &self.header {
            let mut names = headers.get_all(header).iter();
            if let Some(name) = names.next() {
                // Two names are nobody's.
                let name = name.to_str().ok().filter(|_| names.next().is_none())?;
                return self.names.get(name).copied().flatten();
            }
        }
        self.by_url(url, sent)
    }

    /// The name by which a request names its agent, if it does: an error where that is nobody's, as two are.
    pub(super) fn name(&self, headers: &HeaderMap) -> Option<Result<String, Nobody>> {
        let mut names = headers.get_all(self.header.as_ref()?).iter();
        let name = names.next()?.to_str().ok().filter(|_| names.next().is_none());
        Some(name.map(ToOwned::to_owned).ok_or(Nobody))
    }

    /// Whether some pattern is about this host, whatever it says of paths.
    pub(super) fn knows(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let literal = self.literal.get(host.strip_suffix('.').unwrap_or(host));
        literal.is_some_and(|routes| routes.iter().any(|route| route.pattern.host.matches_url(url)))
    }

    /// The header that names an agent. It is for us.
    pub(super) fn header(&self) -> Option<&HeaderName> {
        self.header.as_ref()
    }

    fn by_url(&self, url: &Url, sent: &str) -> Option<usize> {
        let host = url.host_str().unwrap_or_default();
        let literal = self.literal.get(host.strip_suffix('.').unwrap_or(host));
        let candidates = || {
            let all = literal.into_iter().flatten().chain(&self.others);
            all.filter(|route| route.pattern.host.matches_url(url))
        };
        match candidates().next() {
            None => return self.rest,
            // However the path is read.
            Some(first) if first.pattern.takes_all() => return Some(first.agent),
            Some(_) => {}
        }
        let find = |path: &[String]| {
            let mut fitting = candidates().filter(|route| route.pattern.takes(path));
            fitting.next().map(|route| route.agent).or(self.rest)
        };
        let readings = PathReadings::new(url, sent);
        let found = find(&readings.own)?;
        let alone = candidates().all(|route| route.agent == found) && self.rest.is_none_or(|rest| rest == found);
        let agreed = !readings.doubtful && readings.others.iter().all(|path| find(path) == Some(found));
        (alone || agreed).then_some(found)
    }
}
