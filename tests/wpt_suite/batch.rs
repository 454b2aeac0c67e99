//! One server with an agent for each run: each has an isolate of its own, and none costs a process.

use std::fmt::Write as _;

use super::areas::Run;
use super::copy::Copy;
use super::tree::{Tree, worker};
use super::{Outcome, Subtests, WHOLE};
use crate::harness::Server;
use crate::harness::suite::serve;

/// What tests may do of themselves makes no difference to their harness, which makes objects of strings: `unsafe_eval` is an owner's to give.
const LIMITS: &str = "threads = 1\n[limits]\ncpu_ms = 12000\nwall = '18s'\nstartup_cpu_ms = 8000\nmemory_mb = 512\nbuffers_mb = 512\nlog_lines = 20\nsubrequests = 1000\n";

/// What became of each run, by its name.
pub fn run(tree: &Tree, copy: &Copy, runs: &[Run]) -> Vec<(String, Subtests)> {
    let server = start(tree, copy, runs);
    let answers = runs.iter().enumerate();
    answers
        .map(|(index, run)| (run.name(), ask(&server, copy, index)))
        .collect()
}

fn start(tree: &Tree, copy: &Copy, runs: &[Run]) -> Server {
    let mut config = LIMITS.to_owned();
    if let Some(server) = &copy.server {
        let _ = write!(
            config,
            "[outbound]\nmain = 'policy.mjs'\nvars = {{ HTTP = '{}', HTTPS = '{}' }}\n[network]\nallow = ['local']\nca = ['{}']\n",
            server.http,
            server.https,
            server.authority().display()
        );
    }
    for (index, run) in runs.iter().enumerate() {
        let _ = write!(
            config,
            "[[agents]]\nname = 't{index}'\nconfig = '{}.json'\nroot = '.'\nmatch = ['t{index}.localhost']\nunsafe_eval = true\n",
            worker(run)
        );
    }
    let name = format!("{}.toml", worker(&runs[0]));
    serve(tree.path(), &name, &config)
}

fn ask(server: &Server, copy: &Copy, index: usize) -> Subtests {
    let answer = server.curl("/", &["-H", &format!("Host: t{index}.localhost")]);
    let mut subtests = Subtests::new();
    let Ok(told) = serde_json::from_str::<serde_json::Value>(&answer.body) else {
        let why = format!("status {}: {}", answer.status, answer.body);
        subtests.insert(WHOLE.to_owned(), Outcome::Fail(why));
        return subtests;
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for test in told["tests"].as_array().into_iter().flatten() {
        let outcome = match test[1].as_str() {
            Some("pass") => Outcome::Pass,
            Some(status) => Outcome::Fail(format!("{status}: {}", text(&test[2]))),
            None => continue,
        };
        // Some files have two of a name.
        let name = one_line(&text(&test[0]));
        let name = copy
            .server
            .as_ref()
            .map_or_else(|| name.clone(), |server| server.without_ports(&name));
        let known = subtests.get(&name);
        if matches!(known, None | Some(Outcome::Pass)) {
            subtests.insert(name, outcome);
        }
    }
    let whole = if told["harness"].is_null() {
        Outcome::Pass
    } else {
        Outcome::Fail(text(&told["harness"]))
    };
    subtests.insert(WHOLE.to_owned(), whole);
    subtests
}

/// A name as a line of the list: names may hold anything.
fn one_line(name: &str) -> String {
    let mut line = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() || character == '\u{2028}' || character == '\u{2029}' {
            let _ = write!(line, "\\u{{{:x}}}", u32::from(character));
        } else {
            line.push(character);
        }
    }
    line.trim().to_owned()
}
