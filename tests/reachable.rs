//! What scripts can reach, against committed lists: a new way to something is a decision, not an accident.

use crate::harness::Project;

const AGENT: &str = "
import { hidden, walk } from './walk.js';
export default { async fetch(request, env, ctx) {
  if (request.url.endsWith('/policy')) return fetch('http://a.test/');
  return new Response(walk({ globalThis, ...await hidden(), request, env, ctx }));
} };";

const POLICY: &str = "
import { hidden, walk } from './walk.js';
import * as policy from 'workerd-lite:policy';
export default { async fetch(request, env, ctx) {
  return new Response(walk({ globalThis, ...await hidden(), request, env, ctx, policy }));
} };";

fn check(role: &str, path: &str, committed: &str) {
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("policy/outbound.js", POLICY),
        ("policy/walk.js", include_str!("../fixtures/reachable/walk.js")),
        ("walk.js", include_str!("../fixtures/reachable/walk.js")),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[limits]\ncpu_ms = 5000\n[outbound]\nmain = 'policy/outbound.js'\n",
        ),
    ]);
    let server = project.serve(&[]);
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let found = answer.body;
    if std::env::var_os("UPDATE_REACHABLE").is_some() {
        let file = format!("{}/../fixtures/reachable/{role}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(file, found).unwrap();
        return;
    }
    let known: std::collections::HashSet<&str> = committed.lines().collect();
    let new: Vec<&str> = found.lines().filter(|line| !known.contains(line)).collect();
    let now: std::collections::HashSet<&str> = found.lines().collect();
    let gone: Vec<&str> = committed.lines().filter(|line| !now.contains(line)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "new: {new:#?}\ngone: {gone:#?}\nset UPDATE_REACHABLE=1 to write the list anew"
    );
    for ours in [".Deno ", "__bootstrap", "op_", "ext:", "/src/"] {
        assert!(!found.contains(ours), "{ours} is reachable");
    }
}

#[test]
fn what_an_agent_reaches_was_decided() {
    check("agent", "/", include_str!("../fixtures/reachable/agent.txt"));
}

#[test]
fn what_a_policy_reaches_was_decided() {
    check(
        "outbound",
        "/policy",
        include_str!("../fixtures/reachable/outbound.txt"),
    );
}

/// Every built-in that can be replaced is, and the policy still sees and sends what the host recorded.
#[test]
fn a_script_that_tampers_with_everything_changes_nothing_of_what_is_sent() {
    let upstream = crate::harness::plain();
    let project = Project::new(&[
        ("agent.js", include_str!("../fixtures/reachable/tamper.js")),
        (
            "outbound.js",
            "export default { async fetch(request, env) { const seen = new Request(request); seen.headers.set('x-seen', request.url); return fetch(seen); } };",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[limits]\ncpu_ms = 20000\nsubrequests = 10000\n[outbound]\nmain = 'outbound.js'\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n",
        ),
    ]);
    let port = upstream.address.port();
    let server = project.serve(&[]);
    let answer = server.get(&format!("/{port}"));
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let records: Vec<serde_json::Value> = audit.lines().map(crate::harness::json).collect();
    let mut told = answer.body.lines();
    let asked: usize = told.next().unwrap().parse().unwrap();
    // Whatever the script's objects said, what arrived is what was judged and recorded.
    let recorded: std::collections::HashSet<&str> =
        records.iter().map(|record| record["url"].as_str().unwrap()).collect();
    let own = format!("http://127.0.0.1:{port}/");
    let mut arrived = 0;
    // What its own lies made of an answer tells nothing.
    for seen in told.filter(|line| line.starts_with('{')).map(crate::harness::json) {
        let judged = seen["headers"]["x-seen"].as_str().unwrap_or_else(|| panic!("{seen}"));
        assert_eq!(
            judged,
            format!("{own}{}", &seen["path"].as_str().unwrap()[1..]),
            "{seen}"
        );
        assert!(recorded.contains(judged), "{seen}");
        arrived += 1;
    }
    assert!(asked > 300 && arrived > asked / 2, "{arrived} of {asked}");
}

/// A wrapper is in the place of every built-in, and a setter and getter on `Object.prototype`. What they are given of ours was decided:
/// objects of the web's own APIs, which their scripts pass to each other by name. No op and no method beneath ours is among it.
#[test]
fn what_authors_put_in_the_place_of_built_ins_is_given_nothing_of_ours() {
    let upstream = crate::harness::plain();
    let project = Project::new(&[
        ("hook.js", include_str!("../fixtures/reachable/hook.js")),
        ("walk.js", include_str!("../fixtures/reachable/walk.js")),
        (
            "policy/outbound.js",
            "export default { fetch: (request) => fetch(request) };",
        ),
        (
            "workerd-lite.toml",
            "main = 'hook.js'\nthreads = 1\n[limits]\ncpu_ms = 20000\nsubrequests = 1000\n[outbound]\nmain = 'policy/outbound.js'\n[network]\nallow = ['local']\n",
        ),
    ]);
    let server = project.serve(&[]);
    let answer = server.get(&format!("/{}", upstream.address.port()));
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let mut lines = answer.body.lines();
    let used: usize = lines.next().unwrap().parse().unwrap();
    // Which use it was may differ, as what is told once is not told again.
    let given: std::collections::BTreeSet<&str> = lines.filter_map(|line| Some(line.split_once(": ")?.1)).collect();
    let decided: std::collections::BTreeSet<&str> = include_str!("../fixtures/reachable/given.txt").lines().collect();
    let new: Vec<&&str> = given.difference(&decided).collect();
    assert!(used > 30 && new.is_empty(), "{used} {new:#?}");
    for line in decided {
        assert!(!line.contains("native") && !line.contains("op_"), "{line}");
    }
}
