//! Whether a verdict for one agent is one for another that asks after it: decisions that are kept without who asked.

use super::ask::Ask;
use super::attackers::Attacker;
use super::board::Board;
use super::paths::CANARY;
use super::probe::Prober;
use crate::diagnostic::SourceDiagnostic;

const CLASS: &str = "what another agent was allowed";

/// So many agents are compared with each other, at so many hosts and paths.
const AGENTS: usize = 6;
const HOSTS: usize = 12;
const PATHS: usize = 8;

/// Tries each pair of agents.
pub(super) async fn run(
    prober: &mut Prober<'_>,
    board: &mut Board,
    attackers: &[Attacker],
) -> Result<(), SourceDiagnostic> {
    let agents = attackers
        .iter()
        .enumerate()
        .filter(|(_, attacker)| attacker.door.is_none());
    let agents: Vec<(usize, &str)> = agents
        .map(|(number, attacker)| (number, attacker.label.as_str()))
        .take(AGENTS)
        .collect();
    if agents.len() < 2 || !board.wants(CLASS, "") {
        return Ok(());
    }
    let asks = asks(prober);
    for (second, label) in &agents {
        prober.renew().await?;
        // What it gets in time by itself is not another's doing.
        pass(prober, &asks, *second).await?;
        let alone = pass(prober, &asks, *second).await?;
        for (first, before) in agents.iter().filter(|(first, _)| first != second) {
            if board.is_over() {
                return Ok(());
            }
            prober.renew().await?;
            pass(prober, &asks, *first).await?;
            let after = pass(prober, &asks, *second).await?;
            let case = format!("{label} after {before}");
            for (ask, (alone, after)) in asks.iter().zip(alone.iter().zip(after)) {
                board.tried(CLASS, &case);
                if after && !alone {
                    let message = format!(
                        "the policy denies {} {} to {label}, but after {before} had asked it went out",
                        ask.method, ask.url
                    );
                    let place = ask.url.host_str().and_then(|host| prober.named.place(host)).cloned();
                    board.found((CLASS, &case), Some((ask, label)), message, place);
                }
            }
        }
    }
    Ok(())
}

fn asks(prober: &Prober<'_>) -> Vec<Ask> {
    let paths = prober.named.paths.iter().map(|(path, _)| path.as_str()).take(PATHS);
    let paths: Vec<&str> = [CANARY].into_iter().chain(paths).collect();
    let urls = prober
        .named
        .samples()
        .take(HOSTS)
        .flat_map(|host| paths.iter().map(move |path| format!("https://{host}{path}")));
    urls.flat_map(|url| ["GET", "POST"].map(|method| Ask::new(method, &url)))
        .flatten()
        .collect()
}

/// Whether each reached the host that it is for.
async fn pass(prober: &mut Prober<'_>, asks: &[Ask], agent: usize) -> Result<Vec<bool>, SourceDiagnostic> {
    let mut reached = Vec::with_capacity(asks.len());
    for ask in asks {
        let got = prober.ask(ask, agent).await?;
        reached.push(got.seen().iter().any(|seen| seen.url.host_str() == ask.url.host_str()));
    }
    Ok(reached)
}
