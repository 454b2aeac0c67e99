//! Whether a policy's verdict about a host is one about its spelling.

use super::ask::Ask;
use super::board::Board;
use super::paths::CANARY;
use super::probe::Prober;
use crate::diagnostic::SourceDiagnostic;

const CLASS: &str = "other spellings of a host that is denied";

/// Asks every host that is named and denied, in every agent's name, as others write it.
pub(super) async fn run(prober: &mut Prober<'_>, board: &mut Board, agents: &[String]) -> Result<(), SourceDiagnostic> {
    let hosts: Vec<String> = prober.named.samples().map(ToOwned::to_owned).collect();
    let named = prober.named.paths.iter().take(4).map(|(path, _)| path.clone());
    let paths: Vec<String> = [CANARY.to_owned(), "/".to_owned()].into_iter().chain(named).collect();
    for (number, agent) in agents.iter().enumerate() {
        for host in &hosts {
            for path in &paths {
                if board.is_over() {
                    return Ok(());
                }
                let Some(plain) = Ask::new("GET", &format!("https://{host}{path}")) else {
                    continue;
                };
                if reaches(prober, &plain, number, host).await? {
                    continue;
                }
                for (case, url) in [
                    ("a final dot", format!("https://{host}.{path}")),
                    ("in the clear", format!("http://{host}{path}")),
                    ("a final dot, in the clear", format!("http://{host}.{path}")),
                ] {
                    let case = format!("{case}, {host}");
                    let Some(ask) = Ask::new("GET", &url).filter(|_| board.wants(CLASS, &case)) else {
                        continue;
                    };
                    let reached = reaches(prober, &ask, number, host).await?;
                    board.tried(CLASS, &case);
                    if reached {
                        let message =
                            format!("the policy denies https://{host}{path}, but {url} went out: it is the same host");
                        let place = prober.named.place(host).cloned();
                        board.found((CLASS, &case), Some((&ask, agent)), message, place);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Whether the host is reached by it, however its name is written.
async fn reaches(prober: &mut Prober<'_>, ask: &Ask, agent: usize, host: &str) -> Result<bool, SourceDiagnostic> {
    let got = prober.ask(ask, agent).await?;
    let reached = got.seen().iter().filter_map(|seen| seen.url.host_str());
    Ok(reached.map(|name| name.trim_end_matches('.')).any(|name| name == host))
}
