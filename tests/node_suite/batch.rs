//! One server with an agent for each file: each has an isolate of its own, and no file costs a process.

use std::fmt::Write as _;

use super::Outcome;
use super::tree::Tree;
use crate::harness::Server;
use crate::harness::suite::serve;

const LIMITS: &str = "threads = 1\n[limits]\ncpu_ms = 15000\nwall = '20s'\nstartup_cpu_ms = 8000\nmemory_mb = 512\nbuffers_mb = 512\nlog_lines = 100\n";

/// What became of each file, in order. Where no server starts with all of them it is tried with halves.
pub fn run(tree: &Tree, files: &[String]) -> Vec<(String, Outcome)> {
    match std::panic::catch_unwind(|| start(tree, files)) {
        Ok(server) => files
            .iter()
            .enumerate()
            .map(|(index, file)| (file.clone(), ask(&server, index)))
            .collect(),
        Err(panic) if files.len() == 1 => {
            let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            vec![(files[0].clone(), Outcome::Fail(why))]
        }
        Err(_) => {
            let (one, other) = files.split_at(files.len() / 2);
            let mut outcomes = run(tree, one);
            outcomes.extend(run(tree, other));
            outcomes
        }
    }
}

fn start(tree: &Tree, files: &[String]) -> Server {
    let mut config = LIMITS.to_owned();
    for (index, file) in files.iter().enumerate() {
        let _ = write!(
            config,
            "[[agents]]\nname = 't{index}'\nmain = 'run/{file}.worker.mjs'\nroot = '..'\nmatch = ['t{index}.localhost']\nvars = {{ NODE_TEST_DIR = '/tmp' }}\n"
        );
    }
    let name = format!("{}.toml", files[0]);
    serve(tree.path(), &name, &config)
}

fn ask(server: &Server, index: usize) -> Outcome {
    let answer = server.curl("/", &["-H", &format!("Host: t{index}.localhost")]);
    let Ok(told) = serde_json::from_str::<serde_json::Value>(&answer.body) else {
        return Outcome::Fail(format!("status {}: {}", answer.status, answer.body));
    };
    let why = told["why"].as_str().unwrap_or_default().to_owned();
    match told["result"].as_str() {
        Some("pass") => Outcome::Pass,
        Some("skip") => Outcome::Skip(why),
        _ => Outcome::Fail(why),
    }
}
