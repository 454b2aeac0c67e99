//! Projects with a wrangler file, and what commands say of them.

use std::process::Output;

use super::Project;

pub const WORKER: (&str, &str) = ("worker.js", "export default { fetch: (r, env) => Response.json(env) };");

pub fn project(wrangler: &str) -> Project {
    Project::new(&[WORKER, ("wrangler.jsonc", wrangler)])
}

/// What a command wrote, with messages that were wrapped in one line.
pub fn told(output: Output) -> (Option<i32>, String) {
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text.replace("\n  \u{2502} ", " "))
}

pub fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    told(project.command(arguments).output().unwrap())
}

#[track_caller]
pub fn good(project: &Project, arguments: &[&str], expected: &[&str]) -> String {
    let (code, text) = run(project, arguments);
    assert!(code == Some(0), "{text}");
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    text
}

#[track_caller]
pub fn refused(project: &Project, arguments: &[&str], expected: &[&str]) -> String {
    let (code, text) = run(project, arguments);
    assert!(code == Some(1), "{text}");
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    text
}
