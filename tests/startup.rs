//! What a worker may do while its top level runs, and what that leaves behind.

use crate::harness::{Project, json};

const LEAVES: &str = "
Promise.reject(new Error('left behind'));
fetch('https://a.test/').then((response) => response.text());
(async () => { await null; throw new Error('later'); })();
import('./missing.js');
await Promise.resolve();
export default { fetch: () => new Response('alive') };
";

#[test]
fn an_agent_starts_though_its_top_level_leaves_rejections() {
    let project = Project::new(&[("agent.js", LEAVES)]);
    let server = project.serve(&["agent.js"]);
    assert_eq!(server.ok("/"), "alive");
    for told in ["nobody handled it: Error: left behind", "agent.js:2:16"] {
        server.logged(told);
    }
}

#[test]
fn the_error_of_the_top_level_itself_is_told() {
    let thrown = "Promise.reject(new Error('left behind')); throw new Error('its own');";
    let late = "Promise.reject(new Error('left behind')); await null; await Promise.reject(new Error('its own'));";
    for script in [thrown, late] {
        let project = Project::new(&[("agent.js", script)]);
        let told = project.refused(&["agent.js"]);
        assert!(told.contains("failed to start: Error: its own"), "{told}");
    }
}

#[test]
fn a_policy_that_leaves_rejections_does_not_start() {
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('alive') };"),
        ("policy.js", LEAVES),
    ]);
    let told = project.refused(&["agent.js", "--outbound", "policy.js"]);
    assert!(told.contains("failed to start: Error: left behind"), "{told}");
}

/// What makes code of strings and of bytes, and what came of it.
const MAKES: &str = "
const bytes = () => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const ways = [() => eval('1'), () => (0, eval)('1'), () => new Function('return 1')(), () => (async () => {}).constructor('return 1')() && 1,
  () => new WebAssembly.Module(bytes()) && 1];
const tried = (run) => { try { return run(); } catch (error) { return error.name; } };
const made = [...ways.map(tried), await Promise.resolve().then(() => tried(ways[2])), (await WebAssembly.instantiate(bytes()).then(() => 1, (error) => error.name))];
const { Function: kept } = globalThis;
const told = () => Response.json({ made, later: [...ways.map(tried), tried(() => kept('return 1')())] });
";

#[test]
fn code_is_made_while_a_worker_starts_as_its_date_says() {
    let all = [1; 7].map(serde_json::Value::from);
    let none = [
        "EvalError",
        "EvalError",
        "EvalError",
        "EvalError",
        "CompileError",
        "EvalError",
        "CompileError",
    ]
    .map(serde_json::Value::from);
    let later = [
        "EvalError",
        "EvalError",
        "EvalError",
        "EvalError",
        "CompileError",
        "EvalError",
    ];
    let agent = format!("{MAKES} export default {{ fetch: told }};");
    for (settings, made) in [
        ("", &all),
        (r#", "compatibility_date": "2025-06-01""#, &all),
        (r#", "compatibility_date": "2025-05-31""#, &none),
        (
            r#", "compatibility_date": "2025-05-31", "compatibility_flags": ["allow_eval_during_startup"]"#,
            &all,
        ),
        (r#", "compatibility_flags": ["disallow_eval_during_startup"]"#, &none),
    ] {
        let wrangler = format!(r#"{{ "name": "a", "main": "agent.js"{settings} }}"#);
        let project = Project::new(&[("agent.js", &agent), ("wrangler.json", &wrangler)]);
        let answer = json(&project.serve(&[]).ok("/"));
        assert_eq!(answer["made"], serde_json::json!(made), "{settings}");
        assert_eq!(answer["later"], serde_json::json!(later), "{settings}");
    }
}

#[test]
fn what_an_event_imports_makes_no_code_of_strings() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch() { return (await import('./late.js')).default(); } };",
        ),
        ("late.js", &format!("{MAKES} export default told;")),
    ]);
    let answer = json(&project.serve(&["agent.js"]).ok("/"));
    assert_eq!(answer["made"][2], "EvalError", "{answer}");
    assert_eq!(answer["made"][4], "CompileError", "{answer}");
}

#[test]
fn a_policy_makes_code_while_it_starts() {
    let policy = format!("{MAKES} export default {{ fetch: told }};");
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => fetch('https://a.test/') };"),
        ("policy.js", &policy),
    ]);
    let answer = json(&project.serve(&["agent.js", "--outbound", "policy.js"]).ok("/"));
    assert_eq!(answer["made"], serde_json::json!([1, 1, 1, 1, 1, 1, 1]), "{answer}");
    assert_eq!(answer["later"][2], "EvalError", "{answer}");
}

#[test]
fn an_await_that_nothing_settles_does_not_start() {
    for script in [
        "await new Promise(() => {}); export default {};",
        "Promise.reject(new Error('left behind')); await new Promise(() => {}); export default {};",
        "import './never.js'; export default {};",
    ] {
        let project = Project::new(&[("agent.js", script), ("never.js", "await new Promise(() => {});")]);
        let told = project.refused(&["agent.js"]);
        assert!(told.contains("await"), "{told}");
        assert!(told.len() < 4000, "{told}");
    }
}
