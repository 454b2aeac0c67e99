//! What a policy's text states and does not do: denials that never take effect, and promises that are taken for truth values.

use super::ask::Ask;
use super::board::Board;
use super::paths::{CANARY, child};
use super::probe::Prober;
use super::shape::{self, sent_method};
use crate::diagnostic::SourceDiagnostic;
use crate::testing::source::{Denial, Kind};

const DENIALS: &str = "denials that never take effect";
const PROMISES: &str = "promises taken for truth values";

/// Judges what is stated.
pub(super) async fn run(prober: &mut Prober<'_>, board: &mut Board, agents: &[String]) -> Result<(), SourceDiagnostic> {
    let named = prober.named;
    for place in &named.text.promises {
        let case = "a check that is not awaited";
        if board.wants(PROMISES, case) {
            board.tried(PROMISES, case);
            let message = "a promise is always true: await it".to_owned();
            board.found((PROMISES, case), None, message, Some(place.clone()));
        }
    }
    for denial in &named.text.denials {
        let Some(meant) = Meant::of(denial) else { continue };
        for subject in meant.subjects() {
            if board.is_over() || !board.wants(DENIALS, &subject) {
                continue;
            }
            judge(prober, board, agents, denial, &meant.only(&subject)).await?;
        }
    }
    Ok(())
}

/// The requests that a denial means.
#[derive(Default, Clone)]
struct Meant {
    hosts: Vec<String>,
    paths: Vec<String>,
    methods: Vec<String>,
}

impl Meant {
    /// Nothing where a condition is about something else.
    fn of(denial: &Denial) -> Option<Self> {
        let mut meant = Self::default();
        for condition in &denial.conditions {
            let before = meant.count();
            for (kind, text) in condition {
                meant.add(*kind, text);
            }
            let is_everything = condition
                .iter()
                .all(|(_, text)| matches!(&**text, "*" | "**" | "/*" | ".*" | "/"));
            if meant.count() == before && !is_everything && !denial.is_data {
                return None;
            }
        }
        (meant.count() > 0).then_some(meant)
    }

    fn count(&self) -> usize {
        self.hosts.len() + self.paths.len() + self.methods.len()
    }

    fn add(&mut self, kind: Kind, text: &str) {
        if kind == Kind::Regex {
            // Of patterns only those that are a path and nothing else.
            let plain = shape::plain(text);
            let path = plain.trim_end_matches(['*', '.', '?', '(', ')', '|', '\n', '/']);
            let is_path = path.starts_with('/')
                && path
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte));
            self.paths.extend((is_path && path.len() > 1).then(|| path.to_owned()));
            return;
        }
        let hosts = shape::hosts(kind, text).into_iter();
        self.hosts.extend(hosts.map(|named| {
            if named.below {
                format!("a.{}", named.host)
            } else {
                named.host
            }
        }));
        self.paths.extend(shape::paths(kind, text));
        self.methods
            .extend(shape::method(kind, text).map(|method| sent_method(&method.to_uppercase())));
    }

    /// What must be denied each: the paths, or without any the hosts, or without any the methods.
    fn subjects(&self) -> Vec<String> {
        let most = [&self.paths, &self.hosts, &self.methods]
            .into_iter()
            .find(|all| !all.is_empty());
        most.cloned().unwrap_or_default()
    }

    fn only(&self, subject: &str) -> Self {
        let mut only = self.clone();
        let most = [&mut only.paths, &mut only.hosts, &mut only.methods]
            .into_iter()
            .find(|all| !all.is_empty());
        if let Some(most) = most {
            most.retain(|one| one == subject);
        }
        only
    }
}

async fn judge(
    prober: &mut Prober<'_>,
    board: &mut Board,
    agents: &[String],
    denial: &Denial,
    meant: &Meant,
) -> Result<(), SourceDiagnostic> {
    let subject = meant.subjects().join(", ");
    let hosts = if meant.hosts.is_empty() {
        prober.named.samples().take(6).map(ToOwned::to_owned).collect()
    } else {
        meant.hosts.clone()
    };
    let methods = if meant.methods.is_empty() {
        super::paths::methods(prober.named)
    } else {
        meant.methods.clone()
    };
    let paths: Vec<String> = if meant.paths.is_empty() {
        let named = prober.named.paths.iter().map(|(path, _)| path.clone()).take(6);
        [CANARY.to_owned()].into_iter().chain(named).collect()
    } else {
        meant
            .paths
            .iter()
            .flat_map(|path| [path.clone(), child(path)])
            .collect()
    };
    let mut through = None;
    for (number, agent) in agents.iter().enumerate() {
        for host in &hosts {
            for method in &methods {
                for path in &paths {
                    let Some(ask) = Ask::new(method, &format!("https://{host}{path}")) else {
                        continue;
                    };
                    let power = prober.ask(&ask, number).await?.power(path, false);
                    board.tried(DENIALS, &subject);
                    if power.is_none() {
                        return Ok(());
                    }
                    through.get_or_insert((ask, agent.clone()));
                }
            }
        }
    }
    if let Some((ask, agent)) = through {
        let message = format!("the policy's text denies {subject}, but every request for it went out");
        board.found(
            (DENIALS, &subject),
            Some((&ask, &agent)),
            message,
            Some(denial.place.clone()),
        );
    }
    Ok(())
}
