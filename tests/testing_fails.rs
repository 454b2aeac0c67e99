//! `workerd-lite test`: what is wrong fails, wherever in a test it is found.

use crate::harness::Project;

const POLICY: &str = "export default { fetch: (request) => fetch(request) };\n";

/// It makes nothing of what its requests come to.
const AGENT: &str = r#"export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/later") {
      ctx.waitUntil((async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        await fetch("https://partner.test/late").catch(() => {});
      })());
      return new Response("done");
    }
    if (pathname === "/socket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => server.send(`wrong:${data}`));
      return new Response(null, { status: 101, webSocket: client });
    }
    try {
      if (pathname === "/call") return new Response(await env.DESK.open("a"));
      return await fetch("https://partner.test/");
    } catch {
      return new Response("caught");
    }
  },
};
"#;

fn project(tests: &str) -> Project {
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY)]);
    project.write(
        "workerd-lite.toml",
        "[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'scout'\nmain = 'agent.js'\nmatch = ['scout.localhost']\n\
         [[agents.services]]\nbinding = 'DESK'\nservice = 'outbound'\n",
    );
    project.write(
        "a.test.js",
        &format!("import test, {{ after, before, describe }} from 'node:test';\nimport assert from 'node:assert/strict';\n{tests}"),
    );
    project
}

/// Runs one file, which must fail, and gives what it says.
fn failed(tests: &str) -> String {
    let (code, out, err) = project(tests).run(&["test"]);
    assert_eq!(code, Some(1), "{tests}\n{out}{err}");
    out
}

fn passed(tests: &str) -> String {
    let (code, out, err) = project(tests).run(&["test"]);
    assert_eq!(code, Some(0), "{tests}\n{out}{err}");
    out
}

#[test]
fn a_test_within_a_test_is_its_subtest() {
    let out = failed("test('outer', async () => { await test('inner', () => { assert.equal(1, 2); }); });");
    assert!(out.contains("inner") && out.contains("1 subtest failed"), "{out}");
    // Whether it is awaited or not, and from hooks.
    failed("test('outer', () => { test('inner', () => { assert.equal(1, 2); }); });");
    failed("before(() => test('inner', () => { assert.equal(1, 2); }));\ntest('outer', () => {});");
    let out = passed("test('outer', async () => { await test('inner', () => {}); });");
    assert!(out.contains("2 passed"), "{out}");
    for late in [
        "test('outer', () => { describe('inner', () => {}); });",
        "test('outer', () => { before(() => {}); });",
    ] {
        let out = failed(late);
        assert!(out.contains("after the file's tests were listed"), "{out}");
    }
}

#[test]
fn what_fails_where_the_network_would_be_fails_the_test() {
    let ask = "const response = await t.agent('scout').fetch('http://scout.localhost/'); await response.text();";
    let out = failed(&format!(
        "test('x', async (t) => {{ t.upstream('https://partner.test/*', (request) => {{ assert.equal(request.method, 'PUT'); }}); {ask} }});"
    ));
    assert!(
        out.contains("'GET' !== 'PUT'") && out.contains("0 passed, 1 failed"),
        "{out}"
    );
    for (answer, told) in [
        ("undefined", "gave undefined"),
        ("Response.error()", "gave Response.error()"),
    ] {
        let out = failed(&format!(
            "test('x', async (t) => {{ t.upstream('https://partner.test/*', () => {answer}); {ask} }});"
        ));
        assert!(out.contains(told) && out.contains("t.fault()"), "{out}");
    }
    // A failure that is meant.
    passed(&format!(
        "test('x', async (t) => {{ t.fault('https://partner.test/*', 'reset'); {ask} }});"
    ));
}

#[test]
fn an_assertion_in_a_stand_in_for_a_service_fails_the_test() {
    let ask = "await (await t.agent('scout').fetch('http://scout.localhost/call')).text();";
    let out = failed(&format!(
        "test('x', async (t) => {{ t.service('DESK', {{ open(name) {{ assert.equal(name, 'b'); return 'ok'; }} }}); {ask} }});"
    ));
    assert!(out.contains("'a' !== 'b'") || out.contains("+ 'a'"), "{out}");
    // Another error may be meant for the agent.
    passed(&format!(
        "test('x', async (t) => {{ t.service('DESK', {{ async open() {{ throw new Error('closed'); }} }}); {ask} }});"
    ));
    passed(
        "test('x', async (t) => { t.service('DESK', { open: async (name) => `ok ${name}` }); \
         assert.equal(await (await t.agent('scout').fetch('http://scout.localhost/call')).text(), 'ok a'); });",
    );
}

#[test]
fn an_assertion_in_a_listener_fails_the_test() {
    let out = failed(
        "test('x', async (t) => {\n\
           const { webSocket } = await t.agent('scout').fetch('http://scout.localhost/socket', { headers: { upgrade: 'websocket' } });\n\
           webSocket.accept();\n\
           const answered = new Promise((resolve) => webSocket.addEventListener('message', resolve));\n\
           webSocket.addEventListener('message', ({ data }) => assert.equal(data, 'hello'));\n\
           webSocket.send('hello');\n\
           await answered;\n\
         });",
    );
    assert!(out.contains("wrong:hello"), "{out}");
    failed(
        "test('x', () => { const target = new EventTarget(); target.addEventListener('a', () => assert.equal(1, 2)); target.dispatchEvent(new Event('a')); });",
    );
    failed("test('x', () => reportError(new Error('told')));");
}

#[test]
fn what_an_agent_sends_after_its_response_is_counted() {
    let ask = "const response = await t.agent('scout').fetch('http://scout.localhost/later'); assert.equal(response.status, 200);";
    let out = failed(&format!("test('x', async (t) => {{ {ask} }});"));
    assert!(out.contains("GET https://partner.test/late"), "{out}");
    passed(&format!(
        "test('x', async (t) => {{ t.upstream('https://partner.test/*', () => new Response('ok')); {ask} }});"
    ));
}

#[test]
fn what_a_test_does_not_wait_for_is_waited_for_and_told() {
    let out = failed(
        "test('x', (t) => { t.upstream('https://partner.test/*', () => new Response('ok'));\n\
         t.agent('scout').fetch('http://scout.localhost/').then((response) => assert.equal(response.status, 201)); });",
    );
    assert!(out.contains("201") && out.contains("which it did not await"), "{out}");
    failed("test('x', (t) => { t.clock.advance('10s').then(() => assert.equal(1, 2)); });");
    let out = passed(
        "test('x', (t) => { t.upstream('https://partner.test/*', () => new Response('ok')); t.agent('scout').fetch('http://scout.localhost/'); });",
    );
    assert!(
        out.contains("it left the answer to GET http://scout.localhost/, which it did not await, open"),
        "{out}"
    );
}

#[test]
fn a_test_that_is_to_be_done_forgives_no_hook() {
    let out =
        failed("before(() => { throw new Error('no database'); });\ntest.todo('a', () => {});\ntest('b', () => {});");
    assert!(
        out.contains("0 passed, 2 failed") && out.contains("no database"),
        "{out}"
    );
    failed("after(() => { throw new Error('not closed'); });\ntest('a', () => {});\ntest.todo('b', () => {});");
    passed("test.todo('a', () => { throw new Error('not yet'); });\ntest('b', () => {});");
}

#[test]
fn callbacks_come_once_and_alone() {
    let out = failed("test('x', (t, done) => { done(); done(new Error('second')); });");
    assert!(out.contains("callback invoked multiple times"), "{out}");
    let out = failed("test('x', async (t, done) => { done(); });");
    assert!(out.contains("also returned a Promise"), "{out}");
    passed("test('x', (t, done) => { setTimeout(done, 5); });");
}

#[test]
fn options_that_there_are_not_are_refused() {
    let out = failed("test('x', (t) => { t.env({ A: '1' }, { agnet: 'scout' }); });");
    assert!(out.contains("t.env() has no option \"agnet\""), "{out}");
    failed("test('x', (t) => { t.service('DESK', {}, { agnt: 'scout' }); });");
}

#[test]
fn a_file_whose_tests_are_not_known_fails() {
    let lost = "Object.defineProperty(Object.prototype, 'toJSON', { value: () => 1 });\ntest('x', () => { assert.equal(1, 2); });";
    let out = failed(lost);
    assert!(out.contains("can not be listed"), "{out}");
    failed("Array.prototype.map = () => [];\ntest('x', () => { assert.equal(1, 2); });");
    // What loops when its test has ended takes along what had failed by then.
    let loops = project(
        "test('x', () => { setTimeout(() => Promise.reject(new Error('late')), 10); setTimeout(() => { for (;;); }, 40); });\ntest('y', () => {});",
    );
    let (code, out, err) = loops.run(&["test", "--timeout", "500ms"]);
    assert_eq!(code, Some(1), "{out}{err}");
    let project = project("test('x', () => {});");
    project.write("b.test.js", "export const x = 1;\n");
    let (code, _, err) = project.run(&["test"]);
    assert!(code == Some(0) && err.contains("b.test.js has no tests"), "{err}");
}

#[test]
fn a_project_that_can_not_be_loaded_is_told() {
    let project = project("test('x', () => {});");
    project.write("policy.js", "syntax(");
    let (code, out, err) = project.run(&["test"]);
    assert!(
        code == Some(0) && err.contains("the project can not be loaded"),
        "{out}{err}"
    );
    let (code, _, err) = project.run(&["test", "--coverage-min", "90"]);
    assert!(code == Some(2) && err.contains("policy.js"), "{err}");
    let (code, _, err) = project.run(&["test", "--config", "nope.toml"]);
    assert!(
        code == Some(2) && err.contains("nope.toml: there is no such file"),
        "{err}"
    );
    project.write(
        "policy.js",
        "/* node:coverage disable */\nexport default { fetch: (request) => fetch(request) };\n",
    );
    project.write(
        "agent.js",
        "/* node:coverage disable */\nexport default { fetch() {} };\n",
    );
    let (code, _, err) = project.run(&["test", "--coverage-min", "90"]);
    assert!(code == Some(1) && err.contains("there are no lines"), "{err}");
    // A directive in a string is none.
    project.write(
        "policy.js",
        "const note = '/* node:coverage disable */';\nexport default { fetch: (request) => fetch(request, note) };\n",
    );
    let (code, out, _) = project.run(&["test", "--coverage-min", "100"]);
    assert!(code == Some(1) && !out.contains("policy.js  100"), "{out}");
}

#[test]
fn a_report_that_nobody_can_read_is_no_success() {
    let project = project("test('x', () => {});");
    for form in ["pretty", "tap", "json", "junit"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = project.command(&["test", "--reporter", form]);
        let output = command.stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(2) && err.contains("can not be written"),
            "{form}: {err}"
        );
    }
}

#[test]
fn flags_that_would_be_ignored_are_refused() {
    let project = project("test('x', () => {});");
    for flags in [
        &["--attack", "--coverage-min", "90"][..],
        &["--attack", "--bail"],
        &["--attack", "--live"],
        &["--attack", "-u"],
        &["--attack", "a.test.js"],
        &["--attack", "--timeout", "1s"],
        &["--mutate", "-u"],
        &["--mutate", "--coverage-min", "90"],
        &["--timeout", "0s"],
    ] {
        let mut all = vec!["test"];
        all.extend_from_slice(flags);
        let (code, _, err) = project.run(&all);
        assert!(
            code == Some(2) && (err.contains("cannot be used with") || err.contains("some time")),
            "{flags:?}: {err}"
        );
    }
    let (code, out, err) = project.run(&["test", "--timeout", "20ms"]);
    assert!(code.is_some(), "{out}{err}");
    let (code, _, err) = project.run(&["test", "-t", "nomatch"]);
    assert!(
        code == Some(2) && err.contains("no test has a name that matches \"nomatch\""),
        "{err}"
    );
}

#[test]
fn a_difference_of_large_values_is_what_differs() {
    let project = Project::new(&[(
        "a.test.js",
        "import { test } from 'node:test'; import assert from 'node:assert';\n\
         const list = () => Array.from({ length: 2000 }, (_, i) => i);\n\
         test('one of many', () => { const other = list(); other[1000] = 'x'; assert.deepEqual(list(), other); });\n\
         test('nothing alike', () => assert.deepEqual(list().map((i) => -1 - i), list()));\n",
    )]);
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(1), "{out}{err}");
    let (one, all) = out.split_at(out.find("nothing alike").unwrap());
    assert!(
        one.contains("+   1000,") && one.contains("-   'x',") && one.contains("equal lines"),
        "{one}"
    );
    assert!(one.lines().count() < 40, "{one}");
    // Where all differs there is nothing to leave out.
    assert!(all.contains("+   -2000") && all.contains("-   1999"), "{}", all.len());
}
