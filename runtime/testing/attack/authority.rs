//! Checks that ask somebody else: what such an authority denies must be denied when it can not be asked, or answers nonsense.

use super::ask::Ask;
use super::attackers::Attacker;
use super::board::Board;
use super::paths::{CANARY, HOSTS, Power, exceeds};
use super::probe::Prober;
use super::upstream::{Behaviour, Word};
use crate::diagnostic::SourceDiagnostic;

const CLASS: &str = "an authority that does not answer";

/// How many named paths are asked for at each host.
const PATHS: usize = 3;

/// In which ways an authority fails, with the case's name.
const FAILURES: [(&str, Word); 4] = [
    ("it can not be reached", Word::Unreachable),
    ("it fails", Word::Fails),
    ("its answer is no JSON", Word::Nonsense),
    ("its answer is empty", Word::Empty),
];

/// Asks for each host that is named while every other host denies, and while every other one fails.
pub(super) async fn run(
    prober: &mut Prober<'_>,
    board: &mut Board,
    agents: &[Attacker],
) -> Result<(), SourceDiagnostic> {
    let hosts: Vec<String> = prober.named.samples().take(HOSTS).map(ToOwned::to_owned).collect();
    let named = prober.named.paths.iter().take(PATHS).map(|(path, _)| path.clone());
    let paths: Vec<String> = std::iter::once(CANARY.to_owned()).chain(named).collect();
    for (number, agent) in agents.iter().enumerate() {
        for host in &hosts {
            for path in &paths {
                for method in ["GET", "POST"] {
                    if board.is_over() {
                        return Ok(());
                    }
                    let Some(ask) = Ask::new(method, &format!("https://{host}{path}")) else {
                        continue;
                    };
                    asked(prober, board, (number, &agent.label), (host, path, &ask)).await?;
                }
            }
        }
    }
    Ok(())
}

async fn asked(
    prober: &mut Prober<'_>,
    board: &mut Board,
    (number, agent): (usize, &str),
    (host, path, ask): (&str, &str, &Ask),
) -> Result<(), SourceDiagnostic> {
    let mut denied_by = None;
    for word in [Word::Denies, Word::SaysNo] {
        let (power, others) = power(prober, number, (host, path, ask), word).await?;
        if let (None, Some(other)) = (power, others) {
            denied_by = Some(other);
            break;
        }
    }
    // Nobody else was asked, or nobody else's word counts.
    let Some(authority) = denied_by else { return Ok(()) };
    for (case, word) in FAILURES {
        if !board.wants(CLASS, case) {
            continue;
        }
        let (power, _) = power(prober, number, (host, path, ask), word).await?;
        board.tried(CLASS, case);
        if exceeds(&power, &None) {
            let message = format!(
                "the policy asks {authority} and denies {} {path} by its word, but lets it pass where {case}",
                ask.method
            );
            board.found((CLASS, case), Some((ask, agent)), message, None);
            board.about(CLASS, host);
        }
    }
    Ok(())
}

/// What the host that is asked for is given where all others answer so, and who of those was asked.
async fn power(
    prober: &mut Prober<'_>,
    number: usize,
    (host, path, ask): (&str, &str, &Ask),
    word: Word,
) -> Result<(Power, Option<String>), SourceDiagnostic> {
    let ask = ask.clone().upstreams(Behaviour::Others(host.to_owned(), word));
    let got = prober.ask(&ask, number).await?;
    let others = got.seen().iter().filter_map(|seen| seen.url.host_str());
    let other = others.filter(|other| *other != host).map(ToOwned::to_owned).next();
    Ok((got.power_at(host, path), other))
}
