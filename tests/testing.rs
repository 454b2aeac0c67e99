//! `workerd-lite test`: what passes, what fails and how it is told, through the binary.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::Project;

fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut all = vec!["test"];
    all.extend_from_slice(arguments);
    project.run(&all)
}

fn sample() -> Project {
    let project = Project::new(&[]);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/testing");
    for name in [
        "workerd-lite.toml",
        "policy.js",
        "agents/scout.js",
        "policy.test.js",
        "exported-test.js",
        "plain-node.test.mjs",
    ] {
        project.write(name, &std::fs::read_to_string(source.join(name)).unwrap());
    }
    project
}

#[test]
fn the_sample_project_passes_in_each_form() {
    let project = sample();
    let (code, out, err) = run(&project, &[]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with("\n19 passed, 0 failed, 1 skipped, 1 todo\n"), "{out}");
    for line in [
        "exported-test.js\n",
        "[policy] to the partner /me",
        "? hooks and contexts > later (todo)",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (code, out, _) = run(&project, &["-t", "^faults", "policy.test.js"]);
    assert!(code == Some(0) && out.ends_with("\n3 passed, 0 failed\n"), "{out}");
    let (code, out, _) = run(&project, &["--reporter", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["passed"]), (Some(0), &19.into()));
    let (_, out, _) = run(&project, &["--reporter", "tap"]);
    assert!(
        out.starts_with("TAP version 14\n") && out.contains("\n1..19\n"),
        "{out}"
    );
    let (_, out, _) = run(&project, &["--reporter", "junit"]);
    assert!(out.contains("<testsuite name=\"policy.test.js\" tests=\"14\""), "{out}");
}

/// Durations differ from run to run.
fn without_times(text: &str) -> String {
    let mut clean = String::new();
    for line in text.lines() {
        match line.rsplit_once(" (") {
            Some((start, end)) if end.ends_with(" ms)") => clean.push_str(start),
            _ if line.ends_with(" s") && line.contains(" in ") => clean.push_str("tests"),
            _ => clean.push_str(line.trim_end()),
        }
        clean.push('\n');
    }
    clean
}

#[test]
fn what_authors_meet_most_is_told_as_reviewed() {
    let project = sample();
    for name in ["policy.test.js", "exported-test.js", "plain-node.test.mjs"] {
        std::fs::remove_file(project.path().join(name)).unwrap();
    }
    project.write(
        "policy.js",
        "export default {\n  fetch(request, env) {\n    if (request.url.includes(\"throw\")) throw new Error(\"no such tenant\");\n    \
         return fetch(request);\n  },\n};\n",
    );
    project.write(
        "fails.test.js",
        r#"import { test } from "workerd-lite:test";
import assert from "node:assert/strict";

test("an assertion", () => {
  const answer = { status: 200, headers: { "x-a": "1" } };
  assert.deepEqual(answer, { status: 201, headers: { "x-a": "1" } });
});

test("the policy throws", async (t) => {
  const response = await t.agent("scout").fetch("http://scout.localhost/throw");
  assert.equal(response.status, 200);
});

test("an unexpected egress", async (t) => {
  await t.agent("scout").fetch("http://scout.localhost/?to=https://elsewhere.test/x");
});
"#,
    );
    let (code, out, err) = run(&project, &[]);
    assert_eq!(code, Some(1), "{err}");
    let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/testing/reviewed.txt");
    if std::env::var_os("UPDATE_REVIEWED").is_some() {
        std::fs::write(&reviewed, without_times(&out)).unwrap();
    }
    assert_eq!(without_times(&out), std::fs::read_to_string(reviewed).unwrap());
}

#[test]
fn exit_codes_and_wrong_commands() {
    let project = Project::new(&[]);
    let (code, _, err) = run(&project, &[]);
    assert!(code == Some(2) && err.contains("no tests were found"), "{err}");
    let (code, _, err) = run(&project, &["missing.test.js"]);
    assert!(code == Some(2) && err.contains("there is no such test file"), "{err}");
    project.write("a.test.js", "import { test } from 'workerd-lite:test'; test('x', (");
    let (code, out, _) = run(&project, &[]);
    assert!(
        code == Some(1) && out.contains("is not valid JavaScript") && out.ends_with("0 passed, 1 failed\n"),
        "{out}"
    );
    // A project that is wrong is said by the test that asks for it.
    project.write("workerd-lite.toml", "[outbound]\nmian = 'x'\n");
    project.write(
        "a.test.js",
        "import { test } from 'workerd-lite:test'; test('needs it', (t) => t.agent()); test('does not', () => {});",
    );
    let (code, out, _) = run(&project, &[]);
    assert!(
        code == Some(1) && out.contains("unknown field `mian`") && out.ends_with("1 passed, 1 failed\n"),
        "{out}"
    );
}

#[test]
fn only_bail_and_what_is_left_open() {
    let project = Project::new(&[]);
    project.write(
        "a.test.js",
        "import { test } from 'workerd-lite:test'; test('a', () => {}); test.only('b', () => { setTimeout(() => {}, 1e6); });",
    );
    let (_, out, _) = run(&project, &[]);
    assert!(
        out.contains("it left 1 timer open") && out.ends_with("1 passed, 0 failed, 1 skipped\n"),
        "{out}"
    );
    project.write(
        "a.test.js",
        "import { test } from 'workerd-lite:test'; test('a', () => { throw 'plain'; }); test('b', () => {});",
    );
    let (code, out, _) = run(&project, &["--bail"]);
    assert!(code == Some(1) && out.ends_with("0 passed, 1 failed\n"), "{out}");
}

#[test]
fn a_test_that_never_ends_does_not_hang_the_run() {
    let project = Project::new(&[(
        "a.test.js",
        "import { test } from 'workerd-lite:test'; test('waits', () => scheduler.wait(60_000)); test('hangs', () => new Promise(() => {})); test('loops', () => { for (;;); }); \
         test('goes on', async (t) => { await t.clock.advance('1h'); });",
    )]);
    let began = Instant::now();
    let (code, out, err) = run(&project, &["--timeout", "200ms"]);
    assert!(
        code == Some(1)
            && out.contains("it did not end within 200ms")
            && out.contains("had hung and would never generate a response")
            && out.contains("it exceeded its limit of CPU time")
            && out.ends_with("1 passed, 3 failed\n"),
        "{out}{err}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn workers_cannot_import_the_tests_modules() {
    let project = Project::new(&[("agent.js", "import 'workerd-lite:test'; export default { fetch() {} };")]);
    let report = project.refused(&["agent.js"]);
    assert!(report.contains("workerd-lite:test"), "{report}");
}

#[test]
fn coverage_of_agents_and_policy_by_line() {
    let project = sample();
    project.write(
        "policy.ts",
        "// Gr\u{fc}\u{df}e \u{1f600}\ntype Unused = {\n  a: string;\n};\n\nexport default {\n  async fetch(request: Request): Promise<Response> {\n    \
         const { host } = new URL(request.url);\n    if (host === 'never.test') {\n      const why = 'never';\n      \
         return new Response(why, { status: 403 });\n    }\n    return fetch(request);\n  },\n};\n\nexport function unused(): number {\n  return 1;\n}\n",
    );
    project.write(
        "agent.js",
        "export default { fetch: (r) => fetch('https://a.test/') };\n",
    );
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[outbound]\nmain = 'policy.ts'\n",
    );
    project.write(
        "one.test.js",
        "import { test } from 'workerd-lite:test';\nfor (const n of [1, 2]) test(`is let through ${n}`, async (t) => {\n  \
         t.upstream('https://a.test/', () => new Response('x'));\n  await t.agent().fetch('http://a.localhost/');\n});\n",
    );
    let (code, out, err) = run(&project, &["--coverage-lcov", "out/lcov.info", "one.test.js"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    for row in [
        vec!["agent.js", "100.0%", "1/1", "100.0%", "0/0", "100.0%", "1/1"],
        vec![
            "policy.ts",
            "57.1%",
            "4/7",
            "50.0%",
            "1/2",
            "50.0%",
            "1/2",
            "10-11",
            "18",
            "9",
        ],
        vec!["all", "62.5%", "5/8", "50.0%", "1/2", "66.7%", "2/3"],
    ] {
        assert!(rows.contains(&row), "{row:?}: {out}");
    }
    assert!(out.ends_with("\n2 passed, 0 failed\n"), "{out}");
    let lcov = std::fs::read_to_string(project.path().join("out/lcov.info")).unwrap();
    let policy = lcov
        .split("end_of_record")
        .find(|record| record.contains("policy.ts"))
        .unwrap();
    assert!(
        policy.ends_with("policy.ts\nFN:7,fetch\nFN:17,unused\nFNDA:2,fetch\nFNDA:0,unused\nFNF:2\nFNH:1\n\
             BRDA:9,0,0,0\nBRDA:9,0,1,2\nBRF:2\nBRH:1\nDA:6,2\nDA:8,2\nDA:9,2\nDA:10,0\nDA:11,0\nDA:13,2\nDA:18,0\nLF:7\nLH:4\n"),
        "{policy}"
    );
    let (code, out, err) = run(&project, &["--coverage-min", "62.6", "one.test.js"]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(
        err.contains("the tests run 62.5 % of the lines: --coverage-min asks for 62.6 %"),
        "{err}"
    );
    let (code, out, err) = run(&project, &["--coverage-min", "62.5", "one.test.js"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, _) = run(&project, &["--reporter", "tap", "--coverage", "one.test.js"]);
    assert!(code == Some(0) && !out.contains('%'), "{out}");
}

/// Each of these passes where nobody waits for what it begins: none may.
#[test]
fn broken_tests_fail_as_nodes_do() {
    let bad = [
        ("stray-rejection", "() => { Promise.reject(new Error('stray')); }"),
        (
            "stray-rejection-later",
            "() => { setTimeout(() => Promise.reject(new Error('x')), 5); }",
        ),
        ("rejects-without-await", "() => { assert.rejects(Promise.resolve(1)); }"),
        (
            "does-not-reject-without-await",
            "() => { assert.doesNotReject(Promise.reject(new Error('x'))); }",
        ),
        (
            "async-without-await",
            "() => { (async () => { assert.equal(1, 2); })(); }",
        ),
        (
            "then-without-return",
            "() => { Promise.resolve().then(() => assert.ok(false)); }",
        ),
        (
            "exception-in-a-timer",
            "async () => { setTimeout(() => { throw new Error('x'); }, 1); await new Promise((r) => setTimeout(r, 20)); }",
        ),
        (
            "exception-after-the-end",
            "() => { setTimeout(() => { throw new Error('x'); }, 30); }",
        ),
        (
            "assertion-after-the-end",
            "() => { setTimeout(() => assert.ok(false), 30); }",
        ),
        (
            "exception-in-a-microtask",
            "() => { queueMicrotask(() => { throw new Error('x'); }); }",
        ),
        (
            "subtest-without-await",
            "(t) => { t.test('inner', () => assert.ok(false)); }",
        ),
        (
            "subtest-of-a-subtest",
            "(t) => { t.test('a', (t) => { t.test('b', () => assert.ok(false)); }); }",
        ),
        (
            "subtest-that-is-slow",
            "(t) => { t.test('a', async () => { await new Promise((r) => setTimeout(r, 20)); assert.ok(false); }); }",
        ),
        (
            "subtest-whose-rejection-strays",
            "async (t) => { await t.test('a', () => { Promise.reject(new Error('x')); }); }",
        ),
        (
            "subtest-awaited-and-caught",
            "async (t) => { try { await t.test('a', () => assert.ok(false)); } catch {} }",
        ),
        (
            "subtest-that-times-out",
            "async (t) => { await t.test('a', { timeout: 10 }, () => new Promise(() => {})); }",
        ),
        (
            "subtest-after-the-end",
            "(t) => { setTimeout(() => t.test('late', () => {}), 60); }",
        ),
        ("plan-too-few", "(t) => { t.plan(2); t.assert.ok(true); }"),
        (
            "plan-too-many",
            "(t) => { t.plan(1); t.assert.ok(true); t.assert.ok(true); }",
        ),
        (
            "plan-of-subtests",
            "async (t) => { t.plan(2); await t.test('a', () => {}); }",
        ),
        ("assert-of-the-context", "(t) => { t.assert.strictEqual(1, 2); }"),
        (
            "waits-in-vain",
            "(t) => t.waitFor(() => { throw new Error('never'); }, { timeout: 30, interval: 5 })",
        ),
        ("hook-after", "(t) => { t.after(() => { throw new Error('x'); }); }"),
        (
            "hook-before-each",
            "async (t) => { t.beforeEach(() => { throw new Error('x'); }); await t.test('a', () => {}); }",
        ),
        (
            "hook-after-each",
            "async (t) => { t.afterEach(() => { throw new Error('x'); }); await t.test('a', () => {}); }",
        ),
        ("throws-nothing", "() => { throw undefined; }"),
        ("rejects-with-nothing", "() => Promise.reject()"),
        ("never-ends", "() => new Promise(() => {})"),
        ("loops", "() => { for (;;); }"),
        (
            "callback-with-an-error",
            "(t, done) => { setTimeout(() => done(new Error('x')), 1); }",
        ),
    ];
    let project = Project::new(&[]);
    let mut files = vec!["--timeout", "700ms"];
    let names: Vec<String> = bad.iter().map(|(name, _)| format!("{name}.test.mjs")).collect();
    for ((name, code), file) in bad.iter().zip(&names) {
        let text =
            format!("import test from 'node:test';\nimport assert from 'node:assert';\ntest('{name}', {code});\n");
        project.write(file, &text);
        files.push(file);
    }
    files.extend(["--reporter", "json"]);
    let (code, out, err) = run(&project, &files);
    assert_eq!(code, Some(1), "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    for file in report["files"].as_array().unwrap() {
        let failed = !file["error"].is_null() || file["tests"][0]["state"] == "failed";
        assert!(failed, "{file:#}");
    }
    assert_eq!(report["files"].as_array().unwrap().len(), bad.len(), "{out}");
    // Node's own runner judges alike.
    if crate::harness::peers::has("node", "https://nodejs.org") {
        let node = |files: &[&String]| {
            let mut command = std::process::Command::new("node");
            command.args(["--test", "--test-timeout=700", "--test-reporter=tap"]);
            command.args(files).current_dir(project.path()).output().unwrap()
        };
        // A loop ends no run of its own, and older ones have no t.waitFor().
        let known = ["loops", "waits-in"];
        let files = names
            .iter()
            .filter(|name| !known.iter().any(|known| name.starts_with(known)));
        let (late, files): (Vec<_>, Vec<_>) = files.partition(|name| name.contains("after-the-end"));
        let run = node(&files);
        let told = String::from_utf8_lossy(&run.stdout);
        for file in files {
            let name = file.trim_end_matches(".test.mjs");
            let failed = told
                .lines()
                .any(|line| line.starts_with("not ok") && line.contains(name));
            assert!(failed, "{file}: {told}");
        }
        // These fail their file, which the exit code alone says.
        for file in late {
            let run = node(&[file]);
            assert!(
                !run.status.success(),
                "{file}: {}",
                String::from_utf8_lossy(&run.stdout)
            );
        }
    }
}

#[test]
fn subtests_are_listed_by_every_reporter() {
    let project = Project::new(&[(
        "a.test.mjs",
        "import test from 'node:test';
         test('outer', async (t) => {
           t.plan(4);
           await t.test('good', (t) => { t.assert.equal(t.fullName, 'outer > good'); t.diagnostic('noted'); });
           await t.test('left out', { skip: 'not now' }, () => { throw new Error('x'); });
           await t.test('later', (t) => { t.todo(); throw new Error('x'); });
           t.test('deep', (t) => { t.test('deeper', () => {}); });
         });",
    )]);
    let (code, out, err) = run(&project, &[]);
    assert_eq!(code, Some(0), "{out}{err}");
    let clean = without_times(&out);
    let expected = "a.test.mjs\n  \u{2713} outer\n    \u{2713} good\n      noted\n    - left out (skipped)\n    ? later (todo)\n    \
                    \u{2713} deep\n      \u{2713} deeper\n\ntests\n4 passed, 0 failed, 1 skipped, 1 todo\n";
    assert_eq!(clean, expected);
    let (_, out, _) = run(&project, &["--reporter", "tap"]);
    assert!(
        out.contains("# Subtest: a.test.mjs > outer\n    ok 1 - good\n"),
        "{out}"
    );
    assert!(
        out.contains("        ok 1 - deeper\n        1..1\n    ok 4 - deep\n    1..4\nok 1 - a.test.mjs > outer\n"),
        "{out}"
    );
    let (_, out, _) = run(&project, &["--reporter", "junit"]);
    assert!(out.contains("name=\"outer &gt; deep &gt; deeper\""), "{out}");
    let (_, out, _) = run(&project, &["--reporter", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        report["files"][0]["tests"][0]["subtests"][3]["subtests"][0]["name"],
        "deeper"
    );
}

#[test]
fn what_is_wrong_with_the_policy_is_shown_in_the_policy() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch: () => fetch('http://x.example/') };",
        ),
        (
            "policy.js",
            "export default {\n  fetch(request) {\n    const x = ;\n  }\n};\n",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
        ),
        (
            "a.test.mjs",
            "import test from 'node:test';\ntest('x', async (t) => { await t.agent().fetch('http://a/'); });",
        ),
    ]);
    let (code, out, _) = run(&project, &[]);
    assert!(code == Some(1) && out.contains("policy.js:3"), "{out}");
}

#[test]
fn real_secrets_are_not_in_tests_and_are_masked_where_they_are() {
    const REAL: &str = "sk-real/9f8e+7d6c";
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch: () => fetch('https://api.test/') };",
        ),
        (
            "policy.js",
            "export default { fetch: (request, env) => { console.log('token', env.TOKEN); return new Response(env.TOKEN); } };",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nsecrets = ['TOKEN']\n",
        ),
        (".dev.vars", &format!("TOKEN={REAL}\n")),
        (
            "a.test.mjs",
            "import test from 'node:test'; import assert from 'node:assert';
             test('x', async (t) => {
               const token = await (await t.agent().fetch('http://a/')).text();
               t.diagnostic(encodeURIComponent(token)); t.diagnostic(btoa(token));
               assert.deepEqual({ token }, { token: 'another' });
             });",
        ),
    ]);
    for reporter in ["pretty", "tap", "json", "junit"] {
        let (_, out, err) = run(&project, &["--reporter", reporter]);
        assert!(out.contains("test-TOKEN"), "{out}{err}");
        assert!(!out.contains("sk-real") && !err.contains("sk-real"), "{out}{err}");
        let (_, out, err) = run(&project, &["--reporter", reporter, "--live"]);
        assert!(out.contains("[secret]") && !out.contains("test-TOKEN"), "{out}{err}");
        for form in ["sk-real", "c2stcmVhbC85Zjhl"] {
            assert!(!out.contains(form) && !err.contains(form), "{form}: {out}{err}");
        }
    }
}
