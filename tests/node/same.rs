//! The same checks in a worker and in Node.js print the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::{Project, peers};

#[test]
fn what_needs_no_machine_prints_what_node_prints() {
    let checks = include_str!("../../fixtures/node/checks.js");
    let names: Vec<&str> = include_str!("../../fixtures/node/modules.txt").lines().collect();
    let mut worker = String::from("import { run } from './checks.mjs';\nconst modules = {};\n");
    for (index, name) in names.iter().enumerate() {
        worker = format!("import * as m{index} from 'node:{name}';\n{worker}modules['{name}'] = m{index};\n");
    }
    worker.push_str(
        "export default { async fetch() {\n  const lines = [];\n  await run((name) => modules[name], (name, value) => lines.push(`${name}: ${value}`));\n  \
         return new Response(lines.join('\\n'));\n} };",
    );
    let project = Project::new(&[
        ("checks.mjs", checks),
        ("worker.js", &worker),
        (
            "node.mjs",
            "import { run } from './checks.mjs';\nawait run((name) => import(`node:${name}`), (name, value) => console.log(`${name}: ${value}`));",
        ),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let ours = server.get("/");
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    says_what_node_says(&project, &ours.body, |_| false);
}

/// Runs `node.mjs` of a project under Node, and compares what it prints with what the worker said, line by line: `name: value` each.
/// A check whose name `differs` takes is passed over.
pub(super) fn says_what_node_says(project: &Project, ours: &str, differs: impl Fn(&str) -> bool) {
    let Some(folder) = peers::npm() else { return };
    let script = project.path().join("node.mjs");
    let node = peers::node(&folder, script.to_str().unwrap(), &[]);
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let theirs = String::from_utf8(node.stdout).unwrap();
    let (ours, theirs) = (named(ours), named(&theirs));
    let mut different = Vec::new();
    let names: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
    for name in names {
        let (our, their) = (ours.get(name), theirs.get(name));
        if our != their && !differs(name) {
            let said =
                |lines: Option<&Vec<&str>>| lines.map_or_else(|| "(nothing)".to_owned(), |lines| lines.join("\n"));
            different.push(format!("{name}\nours:   {}\nNode's: {}", said(our), said(their)));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// What was printed, by its names. A line without one goes on with the line before.
fn named(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut last = "";
    for line in text.trim().lines() {
        let value = match line.split_once(": ") {
            Some((name, value)) => {
                last = name;
                value
            }
            None => line,
        };
        found.entry(last).or_default().push(value);
    }
    found
}
