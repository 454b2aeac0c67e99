//! What test files for `node --test` have here as there: mocks, mocked timers and modules, snapshots. Node.js is the judge.

use std::path::Path;
use std::process::Command;

use crate::harness::{Project, json, peers};

const FILES: [&str; 8] = [
    "dep.mjs",
    "mock.test.mjs",
    "module.test.mjs",
    "snapshots.test.mjs",
    "sut.mjs",
    "timers.test.mjs",
    "top.test.mjs",
    "uses.mjs",
];

fn project() -> Project {
    let project = Project::new(&[
        ("node_modules/cjs/package.json", "{\"main\":\"i.js\"}"),
        ("node_modules/cjs/i.js", "module.exports = {a: 1, b: 2};"),
        ("node_modules/cjs2/package.json", "{\"main\":\"i.js\"}"),
        ("node_modules/cjs2/i.js", "exports.got = require(\"cjs\");"),
    ]);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/testing-node");
    for name in FILES {
        project.write(name, &std::fs::read_to_string(source.join(name)).unwrap());
    }
    project
}

fn ours(project: &Project, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut all = vec!["test"];
    all.extend_from_slice(arguments);
    project.run(&all)
}

/// Node.js of a version that has all this.
fn node(project: &Project, arguments: &[&str]) -> Option<(Option<i32>, String)> {
    let folder = peers::npm()?;
    let mut options = vec!["--experimental-test-module-mocks", "--test-reporter=tap"];
    options.extend_from_slice(arguments);
    let mut command: Command = peers::node_command(&folder, "--test", &options);
    let output = command.current_dir(project.path()).output().unwrap();
    Some((
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

#[test]
fn what_passes_in_nodes_runner_passes_in_ours() {
    let project = project();
    let (code, out, err) = ours(&project, &["--update-snapshots"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, err) = ours(&project, &["--reporter", "json"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(json(&out)["passed"], 37, "{out}");
    let files: Vec<&str> = FILES.into_iter().filter(|name| name.contains(".test.")).collect();
    if let Some((code, out)) = node(&project, &files) {
        assert_eq!(code, Some(0), "{out}");
    }
}

#[test]
fn assertions_fail_as_nodes_do() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/testing-node/assertions.test.mjs");
    let project = Project::new(&[("a.test.mjs", &std::fs::read_to_string(source).unwrap())]);
    let told = || json(&std::fs::read_to_string(project.path().join("assertions.json")).unwrap());
    let (code, out, err) = ours(&project, &["-u"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let ours = told();
    let Some((code, out)) = node(&project, &["--test-update-snapshots", "a.test.mjs"]) else {
        return;
    };
    assert_eq!(code, Some(0), "{out}");
    let nodes = told();
    let (ours, nodes) = (ours.as_array().unwrap(), nodes.as_array().unwrap());
    assert_eq!(ours.len(), nodes.len());
    let mut differ = 0;
    for (ours, nodes) in ours.iter().zip(nodes) {
        let (ours, nodes) = (ours.as_array().unwrap(), nodes.as_array().unwrap());
        let short = |told: &[serde_json::Value]| told.iter().take(5).cloned().collect::<Vec<_>>();
        assert_eq!(short(ours), short(nodes));
        differ += usize::from(ours != nodes);
    }
    // Of the messages few are worded otherwise: what is compared is shown as a difference where Node.js does not.
    assert!(differ < 15 && ours.len() > 90, "{differ} of {}", ours.len());
}

#[test]
fn snapshots_are_written_and_compared_as_nodes_are() {
    const FILE: &str = "snapshots.test.mjs";
    const SNAPSHOTS: &str = "snapshots.test.mjs.snapshot";
    let project = project();
    let read = |name: &str| std::fs::read_to_string(project.path().join(name)).unwrap_or_default();
    let (code, out, _) = ours(&project, &[FILE]);
    assert!(code == Some(1) && out.contains("Cannot read snapshot file"), "{out}");
    assert!(
        out.contains("--update-snapshots") && read(SNAPSHOTS).is_empty(),
        "{out}"
    );
    let (code, out, err) = ours(&project, &[FILE, "--update-snapshots"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let written = read(SNAPSHOTS);
    assert!(
        written.contains("exports[`plain 2`] = `\n\"second\"\n`;\n"),
        "{written}"
    );
    assert_eq!(read("out/deep/z.json"), "{\n  \"z\": 1\n}");
    if let Some((code, out)) = node(&project, &[FILE]) {
        assert_eq!(code, Some(0), "{out}");
        std::fs::remove_file(project.path().join(SNAPSHOTS)).unwrap();
        let (code, out) = node(&project, &["--test-update-snapshots", FILE]).unwrap();
        assert_eq!(code, Some(0), "{out}");
        assert_eq!(read(SNAPSHOTS), written);
    }
    let (code, out, err) = ours(&project, &[FILE]);
    assert_eq!(code, Some(0), "{out}{err}");
    // What changed is told as a difference.
    project.write(SNAPSHOTS, &written.replace("\"a\": 1,", "\"a\": 2,"));
    let (code, out, _) = ours(&project, &[FILE]);
    assert!(
        code == Some(1) && out.contains("+   \"a\": 1,") && out.contains("-   \"a\": 2,"),
        "{out}"
    );
    assert!(out.contains("3 passed, 1 failed"), "{out}");
    // A run of some keeps the others'.
    let (_, out, _) = ours(&project, &[FILE, "-t", "plain", "-u"]);
    assert!(out.contains("1 passed"), "{out}");
    assert_eq!(read(SNAPSHOTS), written);
    // One that has no such name.
    project.write(SNAPSHOTS, &written.replace("`plain 2`", "`plain 9`"));
    let (_, out, _) = ours(&project, &[FILE]);
    assert!(
        out.contains("Snapshot 'plain 2' not found in")
            && out.contains("rerunning the command with --update-snapshots"),
        "{out}"
    );
    // It is no program.
    project.write(SNAPSHOTS, "exports[`plain 1`] = `x`;\nfetch('http://x/');\n");
    let (_, out, _) = ours(&project, &[FILE]);
    assert!(
        out.contains("Malformed snapshot file") && out.contains("line 2"),
        "{out}"
    );
}

#[test]
fn snapshots_are_kept_in_the_project_and_without_secrets() {
    const REAL: &str = "sk-real-9f8e7d6c";
    let outside = tempfile::tempdir().unwrap();
    let place = outside.path().display();
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => fetch('https://api.test/') };"),
        (
            "policy.js",
            "export default { fetch: (request, env) => new Response(env.TOKEN) };",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nsecrets = ['TOKEN']\n",
        ),
        (".dev.vars", &format!("TOKEN={REAL}\n")),
        (
            "a.test.mjs",
            "import test from 'node:test';
             test('secret', async (t) => {
               const token = await (await t.agent().fetch('http://a/')).text();
               t.assert.snapshot({ token }); t.assert.fileSnapshot(token, 'token.json');
             });",
        ),
        (
            "b.test.mjs",
            &format!(
                "import test, {{ snapshot }} from 'node:test';
                 for (const path of ['../x.json', '{place}/y.json', 'link/z.json', 'dangling', 'link/../../w.json']) \
                 test(path, (t) => t.assert.fileSnapshot(1, path));
                 snapshot.setResolveSnapshotPath((file) => file.replace('b.test.mjs', 'snapshots/b.snap'));
                 snapshot.setDefaultSnapshotSerializers([(value) => `[${{value}}]`]);
                 test('own', (t) => t.assert.snapshot(5));
                 test('none', (t) => t.assert.throws(() => t.assert.snapshot(1, {{ serializers: [() => Symbol()] }}), {{ code: 'ERR_INVALID_STATE' }}));"
            ),
        ),
    ]);
    std::os::unix::fs::symlink(outside.path(), project.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("d"), project.path().join("dangling")).unwrap();
    let (code, out, err) = ours(&project, &["--update-snapshots", "--live"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(
        out.contains("3 passed, 5 failed") && out.contains("is outside of the project"),
        "{out}"
    );
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    let read = |name: &str| std::fs::read_to_string(project.path().join(name)).unwrap();
    let written = read("a.test.mjs.snapshot") + &read("token.json");
    assert!(written.contains("[secret]") && !written.contains(REAL), "{written}");
    assert_eq!(read("snapshots/b.snap"), "exports[`own 1`] = `\n[5]\n`;\n");
    let (code, out, err) = ours(&project, &["--live", "a.test.mjs"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(!out.contains(REAL) && !err.contains(REAL), "{out}{err}");
}

#[test]
fn what_the_runner_has_besides() {
    let project = Project::new(&[
        ("helper.mjs", "export const a = 1;"),
        ("agent.js", "import { a } from './helper.mjs'; export default { fetch: () => new Response(String(a)) };"),
        ("workerd-lite.toml", "main = 'agent.js'\n"),
        (
            "a.test.mjs",
            "import test, { assert as asserts, describe, mock } from 'node:test';
             import assert from 'node:assert';
             asserts.register('even', function (n) { assert.equal(this.name, 'registered'); assert.equal(n % 2, 0); });
             test('registered', (t) => { t.plan(3); t.assert.even(2); t.assert.throws(() => t.assert.ok(false)); });
             test('clock', async (t) => {
               t.mock.timers.enable({ apis: ['Date', 'setTimeout', 'scheduler.wait', 'AbortSignal.timeout'], now: 1e6 });
               const late = t.mock.fn(); setTimeout(late, 60000);
               const signal = AbortSignal.timeout(60000), waits = scheduler.wait(60000);
               await t.clock.advance('59s'); assert.equal(late.mock.callCount(), 0);
               await t.clock.advance('2s'); assert.equal(late.mock.callCount(), 1);
               assert.equal(Date.now(), 1061000); assert.equal(signal.reason.name, 'TimeoutError'); await waits;
             });
             test('waits with mocked timers', (t) => { t.mock.timers.enable(); let n = 0; return t.waitFor(() => assert.ok(n++ > 2)); });
             test('runs all in their order', (t) => {
               t.mock.timers.enable(); const seen = [];
               for (const ms of [3000, 1000, 2000]) setTimeout(() => seen.push(ms), ms);
               t.mock.timers.runAll(); assert.deepEqual(seen, [1000, 2000, 3000]);
             });
             test('only', async (t) => { t.runOnly(true); await t.test('out', () => assert.ok(false)); await t.test('in', { only: true }, () => {}); });
             test('FAILS module', (t) => { t.mock.module('./helper.mjs', { namedExports: { a: 2 } }); });
             test('FAILS aborted', { signal: AbortSignal.abort() }, () => {});
             test('FAILS aborted later', { signal: AbortSignal.timeout(20) }, () => new Promise(() => {}));
             test('FAILS plan', { plan: 2 }, (t) => t.assert.ok(1));
             test('FAILS plan in time', (t) => { t.plan(1, { wait: 20 }); });
             describe('hooks', () => { test('FAILS hook', (t) => { t.after(() => new Promise(() => {}), { timeout: 20 }); }); });",
        ),
    ]);
    let (code, out, err) = ours(&project, &["--reporter", "json"]);
    assert_eq!(code, Some(1), "{out}{err}");
    for test in json(&out)["files"][0]["tests"].as_array().unwrap() {
        let wanted = if test["name"].as_str().unwrap().contains("FAILS") {
            "failed"
        } else {
            "passed"
        };
        assert_eq!(test["state"], wanted, "{test:#}");
    }
    assert!(out.contains("isolates of their own"), "{out}");
}

#[test]
fn expect_of_npm_works_in_a_test_file() {
    let Some(folder) = peers::npm() else { return };
    let project = Project::new(&[(
        "a.test.mjs",
        "import test from 'node:test';
import * as chai from 'chai';
import { ASYMMETRIC_MATCHERS_OBJECT, GLOBAL_EXPECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect';
for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect, writable: true, configurable: true });
setState({ assertionCalls: 0 }, expect);
test('chai', () => { chai.expect([1]).to.deep.equal([1]); chai.assert.equal(1, 1); chai.should(); 'x'.should.equal('x'); });
test('matchers', () => {
  expect({ a: 1, b: 'xyz' }).toEqual(expect.objectContaining({ a: expect.any(Number), b: expect.stringMatching(/y/) }));
  expect(() => { throw new TypeError('boom'); }).toThrow(/boom/);
  expect([1, 2]).not.toContain(3);
});
test('promises', async () => {
  await expect(Promise.resolve(3)).resolves.toBe(3);
  await expect(Promise.reject(new Error('no'))).rejects.toThrow('no');
});
test('FAILS chai', () => { chai.expect({ a: 1 }).to.deep.equal({ a: 2 }); });
test('FAILS equal', () => { expect({ a: 1, b: { c: [1, 2] } }).toEqual({ a: 1, b: { c: [1, 3] } }); });
test('FAILS rejects', async () => { await expect(Promise.resolve(1)).rejects.toThrow('x'); });
",
    )]);
    crate::packages::install(&folder, &project, &["@vitest/expect", "chai"]);
    let (code, out, err) = ours(&project, &[]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("3 passed, 3 failed"), "{out}");
    // The difference, and the author's own line.
    for line in [
        "      +   a: 1",
        "      -   a: 2",
        "      +       2",
        "      -       3",
        "a.test.mjs:18:",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(!out.contains("node_modules/chai"), "{out}");
}
