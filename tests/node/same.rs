//! The same checks in a worker and in Node.js print the same.

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
    let Some(folder) = peers::npm() else { return };
    let script = project.path().join("node.mjs");
    let node = peers::node(&folder, script.to_str().unwrap(), &[]);
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let theirs = String::from_utf8(node.stdout).unwrap();
    let mut different = Vec::new();
    for (ours, theirs) in ours.body.trim().lines().zip(theirs.trim().lines()) {
        if ours != theirs {
            different.push(format!("ours:   {ours}\nNode's: {theirs}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(ours.body.trim().lines().count(), theirs.trim().lines().count());
}
