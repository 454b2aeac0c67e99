//! Whether a policy's verdict about a method is one about its spelling, or about where it is told.

use super::ask::Ask;
use super::board::Board;
use super::paths::{CANARY, HOSTS, Power, exceeds};
use super::probe::Prober;
use super::shape::sent_method;
use crate::diagnostic::SourceDiagnostic;
use crate::testing::source::Place;

const CLASS: &str = "other ways to tell a method";

/// The methods that a POST may be taken for.
const CHANGING: [&str; 3] = ["DELETE", "PUT", "PATCH"];

/// Tries every method that is named, at every host, in every agent's name.
pub(super) async fn run(prober: &mut Prober<'_>, board: &mut Board, agents: &[String]) -> Result<(), SourceDiagnostic> {
    let hosts: Vec<String> = prober.named.samples().take(HOSTS).map(ToOwned::to_owned).collect();
    let mut paths: Vec<String> = vec![CANARY.to_owned()];
    paths.extend(prober.named.paths.iter().map(|(path, _)| path.clone()));
    let methods = prober.named.methods.clone();
    // A list of what is allowed names none of them.
    let unnamed: Vec<&str> = CHANGING
        .into_iter()
        .filter(|method| !methods.iter().any(|(written, _)| written.eq_ignore_ascii_case(method)))
        .collect();
    for (number, agent) in agents.iter().enumerate() {
        for host in &hosts {
            for path in &paths {
                let url = format!("https://{host}{path}");
                let written = methods.iter();
                let written = written.map(|(written, place)| (written.as_str(), place.as_ref(), true));
                for (written, place, is_named) in written.chain(unnamed.iter().map(|method| (*method, None, false))) {
                    if board.is_over() {
                        return Ok(());
                    }
                    let mut tried = Tried {
                        prober: &mut *prober,
                        board: &mut *board,
                        agent: (number, agent),
                        path,
                        written,
                        place,
                        is_named,
                    };
                    if is_named {
                        tried.cases(&url).await?;
                    }
                    tried.overrides(&url).await?;
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
    path: &'t str,
    /// The method as the policy writes it.
    written: &'t str,
    place: Option<&'t Place>,
    /// Whether something says that it is denied, which a list of others does not say of bodies.
    is_named: bool,
}

impl Tried<'_, '_> {
    async fn power(&mut self, ask: Option<Ask>) -> Result<Power, SourceDiagnostic> {
        match ask {
            Some(ask) => Ok(self.prober.ask(&ask, self.agent.0).await?.power(self.path, false)),
            None => Ok(None),
        }
    }

    /// Methods in other cases: what is denied as it is written and passes as it is sent.
    async fn cases(&mut self, url: &str) -> Result<(), SourceDiagnostic> {
        let denied = self.power(Ask::new(self.written, url)).await?;
        let upper = self.written.to_uppercase();
        let capital = format!("{}{}", &upper[..1], upper[1..].to_lowercase());
        for method in [upper.clone(), upper.to_lowercase(), capital] {
            let case = format!("{method} for {}", self.written);
            if method == self.written || sent_method(&method) != method || !self.board.wants(CLASS, &case) {
                continue;
            }
            let Some(ask) = Ask::new(&method, url) else { continue };
            let power = self.power(Some(ask.clone())).await?;
            self.board.tried(CLASS, &case);
            if exceeds(&power, &denied) {
                let message = format!(
                    "the policy denies {} {}, but {method} went out: servers read them alike",
                    self.written, self.path
                );
                self.board
                    .found((CLASS, &case), Some((&ask, self.agent.1)), message, self.place.cloned());
            }
        }
        Ok(())
    }

    /// A POST that says that it is another method.
    async fn overrides(&mut self, url: &str) -> Result<(), SourceDiagnostic> {
        let method = self.written.to_uppercase();
        if matches!(&*method, "GET" | "POST" | "HEAD" | "OPTIONS") {
            return Ok(());
        }
        let denied = self.power(Ask::new(&method, url)).await?;
        let post = self.power(Ask::new("POST", url)).await?;
        if !exceeds(&post, &denied) {
            return Ok(());
        }
        let base = || Ask::new("POST", url);
        let form = "application/x-www-form-urlencoded";
        let asks = [
            (
                "x-http-method-override",
                base().map(|ask| ask.header("x-http-method-override", &method)),
            ),
            ("x-http-method", base().map(|ask| ask.header("x-http-method", &method))),
            (
                "x-method-override",
                base().map(|ask| ask.header("x-method-override", &method)),
            ),
            ("_method", Ask::new("POST", &format!("{url}?_method={method}"))),
            (
                "_method=",
                base().map(|ask| ask.body(form, format!("_method={method}"))),
            ),
        ];
        for (sign, ask) in asks {
            let case = format!("a POST that {sign} makes a {method}");
            let is_meant = self.is_named || sign != "_method=";
            let Some(ask) = ask.filter(|_| is_meant && self.board.wants(CLASS, &case)) else {
                continue;
            };
            let got = self.prober.ask(&ask, self.agent.0).await?;
            self.board.tried(CLASS, &case);
            let arrives = got.seen().iter().any(|seen| {
                let query = seen.url.query().unwrap_or_default().contains("_method=");
                let body = seen.body.borrow().starts_with(b"_method=");
                seen.method == "POST"
                    && (seen.headers.contains_key(sign) || (sign == "_method" && query) || (sign == "_method=" && body))
            });
            if arrives && exceeds(&got.power(self.path, false), &denied) {
                let message = format!(
                    "the policy denies {method} {}, but a POST went out that servers take for one, by {sign}",
                    self.path
                );
                self.board
                    .found((CLASS, &case), Some((&ask, self.agent.1)), message, self.place.cloned());
            }
        }
        Ok(())
    }
}
