//! `workerd-lite test --attack`: hostile requests against the project's policy, with the network pretended. It reports where a host
//! was reached that the project does not name, where a secret went that is not for it or came back to the agent, and where what the
//! policy denies passes when it is spelled otherwise.

mod answer;
mod ask;
mod attackers;
mod authority;
mod board;
mod climbing;
mod corpus;
mod faults;
mod hosts;
mod judge;
mod methods;
mod named;
mod others;
mod paths;
mod probe;
mod readings;
mod report;
mod sarif;
mod shape;
mod shared;
mod stated;
mod strangers;
mod targets;
mod upstream;
mod wildcards;

use std::io::Write;

use regex::Regex;
use tracing::subscriber::{NoSubscriber, with_default};
use workerd_lite_ops::worker_log;

use crate::assembly::load;
use crate::config::Flags;
use crate::diagnostic::SourceDiagnostic;
use crate::serve::Loaded;
use crate::testing::Ended;
use attackers::Attackers;
use board::Board;
use judge::Secrets;
use named::Named;
use probe::Prober;
pub use report::Form;
use report::Told;

/// What is tried, and how it is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the project is configured, and what the command line says of it.
    pub flags: Flags,
    /// Which attacks, by `class > case`; all without.
    pub name: Option<Regex>,
    /// How findings are told.
    pub form: Form,
}

/// Attacks the policy in each agent's name, and writes a report.
pub fn run(options: &Options, out: &mut dyn Write) -> Result<Ended, SourceDiagnostic> {
    let loaded = load(&options.flags)?;
    let board = Board {
        filter: options.name.clone(),
        ..Board::default()
    };
    let (board, named) = attacked(&loaded, board)?;
    let allowed = loaded
        .attack
        .as_ref()
        .map(|open| (open.patterns.join(", "), &*open.reason));
    let told = Told { named: &named, allowed };
    let plain = &board.plain;
    let fails = plain.failed * 2 > plain.asked;
    if fails && plain.passed == 0 && board.findings().next().is_none() {
        let why = plain.why.as_deref().unwrap_or_default();
        return Err(SourceDiagnostic::new(format!(
            "the policy lets nothing pass, and {} of {} requests for hosts that the project names ended in a failure of it: {why}",
            plain.failed, plain.asked
        ))
        .with_help("Mend that first: what a policy denies because it fails tells nothing of what it lets pass"));
    }
    report::write(options.form, &board, &told, out)
        .map_err(|error| SourceDiagnostic::new(format!("the report can not be written: {error}")))?;
    if board.attacks() == 0 {
        return Err(SourceDiagnostic::new("no attack has such a name").with_help("-t is compared with 'class > case'"));
    }
    Ok(match board.findings().next() {
        None => Ended::Passed,
        Some(_) => Ended::Failed,
    })
}

/// Whether a policy withstands every attack; the first that gets through, otherwise.
pub(super) fn first_finding(loaded: &Loaded) -> Result<Option<String>, SourceDiagnostic> {
    let board = Board {
        bail: true,
        ..Board::default()
    };
    let (board, _) = attacked(loaded, board)?;
    let first = board.findings().next();
    Ok(first.map(|finding| format!("{} > {}: {}", finding.class, finding.case, finding.message)))
}

fn attacked(loaded: &Loaded, board: Board) -> Result<(Board, Named), SourceDiagnostic> {
    if !loaded.project.has_outbound() {
        return Err(SourceDiagnostic::new("there is no outbound worker to attack")
            .with_help("Name one under [outbound] in workerd-lite.toml"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| SourceDiagnostic::new(error.to_string()))?;
    // What is logged of attacks that fail tells nobody anything.
    with_default(NoSubscriber::default(), || runtime.block_on(attack(loaded, board)))
}

async fn attack(loaded: &Loaded, mut board: Board) -> Result<(Board, Named), SourceDiagnostic> {
    let open = loaded.attack.iter().flat_map(|open| open.allow.iter().cloned());
    let mut named = Named::of(loaded, open.collect());
    let secrets = Secrets::of(loaded);
    let attackers = Attackers::of(&loaded.project);
    let words = others::words(&attackers.all);
    named.fill(&words);
    if attackers.all.is_empty() {
        return Err(
            SourceDiagnostic::new("there is no agent in whose name the policy could be attacked")
                .with_help("Name one under [[agents]], or put one into the folder of agents_dir"),
        );
    }
    let agents: Vec<String> = attackers.all.iter().map(|attacker| attacker.label.clone()).collect();
    // What the policy says of each case is not of interest.
    worker_log::capture();
    let mut prober = Prober::new(loaded, &named, &secrets, &attackers.all).await?;
    listed(&mut prober, &mut board, (&agents, &attackers.names)).await?;
    prober.renew().await?;
    stated::run(&mut prober, &mut board, &agents).await?;
    prober.renew().await?;
    paths::run(&mut prober, &mut board, &agents).await?;
    prober.renew().await?;
    methods::run(&mut prober, &mut board, &agents).await?;
    prober.renew().await?;
    hosts::run(&mut prober, &mut board, &agents).await?;
    prober.renew().await?;
    climbing::run(&mut prober, &mut board, &agents).await?;
    prober.renew().await?;
    others::run(&mut prober, &mut board, (&attackers.all, &words)).await?;
    shared::run(&mut prober, &mut board, &attackers.all).await?;
    prober.renew().await?;
    authority::run(&mut prober, &mut board, &attackers.all).await?;
    board.plain = prober.plain.clone();
    board.notes.extend(attackers.left_out.iter().cloned());
    board.notes.extend(named.left_out.iter().cloned());
    prober.end();
    worker_log::capture();
    Ok((board, named))
}

/// The corpus, for each host that is named, and what is made of the policy's words.
async fn listed(
    prober: &mut Prober<'_>,
    board: &mut Board,
    (agents, names): (&[String], &[String]),
) -> Result<(), SourceDiagnostic> {
    let named = prober.named;
    let mut class = String::new();
    let made = strangers::attacks(named, names).into_iter();
    let mut attacks: Vec<_> = made
        .map(|attack| (attack.class.to_owned(), attack.case, attack.ask, None))
        .collect();
    for known in corpus::classes()? {
        for case in &known.cases {
            for host in named.samples() {
                if let Some(ask) = case.ask(host) {
                    let subject = named.place(host).map(|_| host.to_owned());
                    attacks.push((known.class.clone(), case.name.clone(), ask, subject));
                }
            }
        }
    }
    for (of, case, ask, host) in attacks {
        if of != class {
            prober.renew().await?;
            class = of;
        }
        if !board.wants(&class, &case) {
            continue;
        }
        for (number, agent) in agents.iter().enumerate() {
            if board.is_over() {
                return Ok(());
            }
            let got = prober.ask(&ask, number).await?;
            board.tried(&class, &case);
            for violation in got.violations {
                let place = host.as_deref().and_then(|host| named.place(host)).cloned();
                board.found((&class, &case), Some((&ask, agent)), violation.to_string(), place);
                if let Some(host) = &host {
                    board.about(&class, host);
                }
            }
        }
    }
    Ok(())
}
