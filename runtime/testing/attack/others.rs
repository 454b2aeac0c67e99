//! Whether an agent reaches paths of others, where the policy's text makes a path of who asks.

use serde_json::Value;

use super::ask::Ask;
use super::attackers::Attacker;
use super::board::Board;
use super::faults::{fields, pairs, with_headers};
use super::named::filled;
use super::paths::{HOSTS, child, methods};
use super::probe::Prober;
use crate::diagnostic::SourceDiagnostic;
use crate::testing::source::Template;

/// Nobody is called so.
const NOBODY: &str = "wlother7";

const CLASS: &str = "paths of other agents";

/// So many agents' and tenants' names are put into paths.
const FILLED: usize = 6;

/// So many of the policy's templates are tried.
const TEMPLATES: usize = 24;

/// The names that are put into paths: those of agents and tenants, and nobody's.
pub(super) fn words(attackers: &[Attacker]) -> Vec<&str> {
    let all = attackers.iter().flat_map(|attacker| &attacker.words);
    all.map(String::as_str).take(FILLED).chain([NOBODY]).collect()
}

/// Tries each path that an agent's name or tenant stands in, with these words in the places of others'.
pub(super) async fn run(
    prober: &mut Prober<'_>,
    board: &mut Board,
    (attackers, words): (&[Attacker], &[&str]),
) -> Result<(), SourceDiagnostic> {
    let hosts: Vec<String> = prober.named.samples().take(HOSTS).map(ToOwned::to_owned).collect();
    let templates: Vec<Template> = prober.named.text.templates.iter().take(TEMPLATES).cloned().collect();
    let methods = methods(prober.named);
    for (number, attacker) in attackers.iter().enumerate() {
        for word in &attacker.words {
            for template in &templates {
                for (host, method) in hosts
                    .iter()
                    .flat_map(|host| methods.iter().map(move |method| (host, method)))
                {
                    if board.is_over() {
                        return Ok(());
                    }
                    let mut tried = Tried {
                        prober: &mut *prober,
                        board: &mut *board,
                        agent: (number, &attacker.label),
                        template,
                        host,
                        method,
                    };
                    if tried.decides(word).await? {
                        tried.alike(word).await?;
                        let others = words
                            .iter()
                            .filter(|other| !attacker.words.iter().any(|own| own == **other));
                        for other in others {
                            tried.said(other).await?;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

struct Tried<'t, 'a> {
    prober: &'t mut Prober<'a>,
    board: &'t mut Board,
    agent: (usize, &'t str),
    template: &'t Template,
    host: &'t str,
    method: &'t str,
}

impl Tried<'_, '_> {
    /// The path with a word, and what lies below it.
    fn paths(&self, word: &str) -> Vec<String> {
        let path = filled(self.template, word);
        path.into_iter().flat_map(|path| [path.clone(), child(&path)]).collect()
    }

    fn ask(&self, path: &str) -> Option<Ask> {
        Ask::new(self.method, &format!("https://{}{path}", self.host))
    }

    async fn reaches(&mut self, ask: Option<&Ask>, path: &str) -> Result<bool, SourceDiagnostic> {
        match ask {
            Some(ask) => Ok(self.prober.ask(ask, self.agent.0).await?.power(path, false).is_some()),
            None => Ok(false),
        }
    }

    /// Whether an agent's own word opens the path, and another does not.
    async fn decides(&mut self, word: &str) -> Result<bool, SourceDiagnostic> {
        for (own, other) in self.paths(word).into_iter().zip(self.paths(NOBODY)) {
            let asks = (self.ask(&own), self.ask(&other));
            if self.reaches(asks.0.as_ref(), &own).await? && !self.reaches(asks.1.as_ref(), &other).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Words that begin with the agent's own.
    async fn alike(&mut self, word: &str) -> Result<(), SourceDiagnostic> {
        for end in ["2", "-x", ".x", "_x"] {
            let case = format!("a name that begins alike, {word}{end}");
            for path in self.paths(&format!("{word}{end}")) {
                let Some(ask) = self.ask(&path).filter(|_| self.board.wants(CLASS, &case)) else {
                    continue;
                };
                let reached = self.reaches(Some(&ask), &path).await?;
                self.board.tried(CLASS, &case);
                if reached {
                    let message = format!(
                        "the policy lets {word:?} pass to paths of its own, and {path} went out, which is another's"
                    );
                    self.found(&case, &ask, message);
                }
            }
        }
        Ok(())
    }

    /// Another's path, for an agent that says that it is that one.
    async fn said(&mut self, other: &str) -> Result<(), SourceDiagnostic> {
        let names: Vec<String> = self.prober.named.names.clone();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if names.is_empty() {
            return Ok(());
        }
        for path in self.paths(other) {
            let plain = self.ask(&path);
            if self.reaches(plain.as_ref(), &path).await? {
                continue;
            }
            let query = self.ask(&format!("{path}?{}", pairs(&names, other)));
            let headers = self.ask(&path).map(|ask| with_headers(ask, &names, other));
            let body = (self.method != "GET").then(|| self.ask(&path)).flatten();
            let json = Value::Object(fields(&names, &other.into())).to_string();
            let body = body.map(|ask| ask.body("application/json", json));
            for (place, ask) in [("the query", query), ("headers", headers), ("JSON", body)] {
                let case = format!("{other:?} said in {place}");
                let Some(ask) = ask.filter(|_| self.board.wants(CLASS, &case)) else {
                    continue;
                };
                let reached = self.reaches(Some(&ask), &path).await?;
                self.board.tried(CLASS, &case);
                if reached {
                    let message = format!("{path} is denied, and went out once the agent said that it is {other:?}");
                    self.found(&case, &ask, message);
                }
            }
        }
        Ok(())
    }

    fn found(&mut self, case: &str, ask: &Ask, message: String) {
        let place = Some(self.template.place.clone());
        self.board
            .found((CLASS, case), Some((ask, self.agent.1)), message, place);
    }
}
