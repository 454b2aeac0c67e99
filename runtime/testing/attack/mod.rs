//! `workerd-lite test --attack`: a corpus of hostile requests against the project's policy, with the network pretended.
//! It reports where a credential, a certificate or a secret went to a host that neither the configuration nor the
//! policy's text names, where a denied address was reached, and where an answer carried a secret back.

mod corpus;
mod judge;
mod targets;
mod upstream;

use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use deno_core::url::Url;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use workerd_lite_ops::head::strip_hop_by_hop;
use workerd_lite_ops::{Body, Origin, Request, worker_log};

use crate::assembly::load;
use crate::config::Flags;
use crate::diagnostic::SourceDiagnostic;
use crate::host::Instance;
use crate::serve::Loaded;
use crate::testing::Ended;
use corpus::Case;
use judge::{Secrets, Violation};
use targets::Targets;
use upstream::Recorder;

/// How many redirects an agent follows.
const HOPS: usize = 4;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Runs the corpus against the policy in each agent's name, and writes a report.
pub fn run(flags: &Flags, out: &mut dyn Write) -> Result<Ended, SourceDiagnostic> {
    let loaded = load(flags)?;
    if !loaded.project.has_outbound() {
        return Err(SourceDiagnostic::new("there is no outbound worker to attack")
            .with_help("Name one under [outbound] in workerd-lite.toml"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| SourceDiagnostic::new(error.to_string()))?;
    runtime.block_on(attack(&loaded, out))
}

async fn attack(loaded: &Loaded, out: &mut dyn Write) -> Result<Ended, SourceDiagnostic> {
    let classes = corpus::classes()?;
    let targets = Targets::of(loaded);
    let secrets = Secrets::of(loaded);
    let recorder = Rc::new(Recorder::default());
    let instance = Instance::mocked(&loaded.project, Rc::<Recorder>::clone(&recorder)).await?;
    // What the policy says of each case is not of interest.
    worker_log::capture();
    let (mut cases, mut violations) = (0, 0);
    for class in &classes {
        for case in &class.cases {
            for target in targets.samples() {
                for (place, agent) in loaded.project.agent_names().enumerate() {
                    cases += 1;
                    let found = attempt(&instance, &recorder, &secrets, &targets, case, target, place).await;
                    for violation in &found {
                        violations += 1;
                        tell(out, &class.class, case, target, agent, violation, &targets);
                    }
                }
            }
        }
    }
    instance.abort();
    let hosts = targets.samples().collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        out,
        "hosts that the project names: {hosts}\n{cases} attacks, {violations} got through"
    );
    Ok(if violations == 0 { Ended::Passed } else { Ended::Failed })
}

/// One case against one host. What an agent cannot even ask for violates nothing.
async fn attempt(
    instance: &Instance,
    recorder: &Recorder,
    secrets: &Secrets,
    targets: &Targets,
    case: &Case,
    target: &str,
    agent: usize,
) -> Vec<Violation> {
    let Some(mut url) = parse(&case.url(target)) else {
        return Vec::new();
    };
    let Ok(method) = Method::from_bytes(case.method().as_bytes()) else {
        return Vec::new();
    };
    let mut headers = case_headers(case, target);
    strip_hop_by_hop(&mut headers);
    headers.remove(http::header::HOST);
    let mut violations = Vec::new();
    for _ in 0..HOPS {
        recorder.expect(case.answer(target));
        let request = Request {
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body: Body::Empty,
        };
        let Some((cell, caller)) = instance.policy_cell(agent) else {
            break;
        };
        let origin = Origin {
            caller,
            trace: Rc::default(),
        };
        let answer = tokio::time::timeout(LIMIT, cell.dispatch(request, origin)).await;
        for seen in recorder.take() {
            violations.extend(judge::request(&seen, secrets, targets));
        }
        let Ok(Ok(response)) = answer else { break };
        let location = response.headers.get(http::header::LOCATION).cloned();
        let redirected = response.status.is_redirection();
        violations.extend(judge::answer(response, secrets).await);
        // The agent follows, and asks the policy again.
        let next = location
            .filter(|_| redirected)
            .and_then(|location| url.join(location.to_str().ok()?).ok())
            .and_then(|url| parse(url.as_str()));
        match next {
            Some(next) => url = next,
            None => break,
        }
    }
    violations
}

/// A URL that `new Request()` takes.
fn parse(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_fragment(None);
    Some(url)
}

fn case_headers(case: &Case, target: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in case.headers(target) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    headers
}

fn tell(
    out: &mut dyn Write,
    class: &str,
    case: &Case,
    target: &str,
    agent: &str,
    violation: &Violation,
    targets: &Targets,
) {
    let _ = writeln!(out, "\u{2717} {class} > {} (agent {agent})", case.name);
    let _ = writeln!(out, "    {} {}", case.method(), case.url(target).escape_debug());
    let _ = writeln!(out, "    {violation}");
    if let Some(place) = targets.place(target) {
        let _ = writeln!(out, "    {target} is named at {place}");
    }
    let _ = writeln!(out);
}
