//! `workerd-lite test --coverage`: what never ran is not covered, in whatever form it is written.

use std::fmt::Write as _;

use crate::harness::Project;

const POLICY: &str = "const deny = () => new Response('no', { status: 403 });
export default { async fetch(request, env) {
  const url = new URL(request.url);
  if (url.pathname === '/deny') return deny();
  if (url.pathname === '/block') { return deny(); }
  const kind = url.search ? 'query' : 'none';
  const both = url.search && url.search.length;
  const either = url.host || 'nothing';
  const nullish = request.method ?? 'none';
  try { JSON.parse('{}'); } catch { return deny(); }
  named(1);
  switch (kind) { case 'none': break; case 'query': both.toString(); }
  let late; late ??= 'set'; late ||= 'never';
  return new Response([either, nullish, late].join());
} };
function named(a = 1, { b = 2 } = {}) { return a + b; }
/* node:coverage ignore next 2 */
if (globalThis.never) {
  throw new Error('never');
}
/* node:coverage disable */
function ignored() { return 1; }
/* node:coverage enable */
";

fn project(policy: &str, text: &str, calls: &str) -> Project {
    Project::new(&[
        ("agent.js", "export default { fetch() {} };\n"),
        (policy, text),
        (
            "workerd-lite.toml",
            &format!("main = 'agent.js'\n[outbound]\nmain = '{policy}'\n"),
        ),
        (
            "a.test.mjs",
            &format!(
                "import test from 'node:test';\ntest('calls', async (t) => {{ {calls} }});\n\
                 async function call(t, url) {{ return (await t.outbound().fetch(url)).text(); }}\n"
            ),
        ),
    ])
}

/// A module's row of the table, without what stands between its cells.
fn row(out: &str, module: &str) -> String {
    let line = out.lines().map(str::trim).find(|line| line.starts_with(module));
    let line = line.unwrap_or_else(|| panic!("{module}: {out}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_branch_that_was_not_taken_is_told() {
    let project = project("policy.js", POLICY, "await call(t, 'http://a.test/');");
    let (code, out, err) = project.run(&["test", "--coverage-lcov", "lcov.info"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(
        row(&out, "policy.js"),
        "policy.js 26.7% 4/15 41.2% 7/17 66.7% 2/3 1 4-10 12-13 16 4 5 6 7 8 9 10 12 13 16"
    );
    let lcov = std::fs::read_to_string(project.path().join("lcov.info")).unwrap();
    let policy = lcov
        .split("end_of_record")
        .find(|record| record.contains("policy.js"))
        .unwrap();
    for line in [
        "BRDA:4,0,0,0",
        "BRDA:4,0,1,1",
        "BRF:17",
        "BRH:7",
        "FNDA:0,deny",
        "FNDA:1,named",
        "FNF:3",
        "FNH:2",
        "DA:4,1",
    ] {
        assert!(policy.lines().any(|found| found == line), "{line}: {policy}");
    }
    assert!(!policy.contains("DA:19") && !policy.contains("ignored"), "{policy}");
    // All of it is run by a test that is thorough.
    let mut calls = String::new();
    for path in ["", "deny", "block", "?x"] {
        let _ = write!(calls, "await call(t, 'http://a.test/{path}');");
    }
    let whole = project_of_all(&calls);
    let (code, out, err) = whole.run(&["test", "--coverage-min", "100", "--coverage-min-branches", "100"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(row(&out, "policy.js"), "policy.js 100.0% 9/9 100.0% 9/9 100.0% 3/3");
}

/// A policy all of whose ways can be gone.
fn project_of_all(calls: &str) -> Project {
    let policy = "const deny = () => new Response('no', { status: 403 });
export default { async fetch(request) {
  const url = new URL(request.url);
  if (url.pathname === '/deny') return deny();
  if (url.pathname === '/block') { return deny(); }
  const kind = url.search ? 'query' : 'none';
  const both = url.search && named() || named(1);
  return new Response(kind + both);
} };
function named(a = 1) { return a - 1; }
";
    project("policy.js", policy, calls)
}

#[test]
fn minimums_of_each_kind() {
    let project = project("policy.js", POLICY, "await call(t, 'http://a.test/');");
    for (option, what, percent) in [
        ("--coverage-min", "lines", "31.2"),
        ("--coverage-min-lines", "lines", "31.2"),
        ("--coverage-min-branches", "branches", "41.2"),
        ("--coverage-min-functions", "functions", "50.0"),
    ] {
        let (code, out, err) = project.run(&["test", option, "90"]);
        let option = option.trim_end_matches("-lines");
        let told = format!("the tests run {percent} % of the {what}: {option} asks for 90 %");
        assert!(code == Some(1) && err.contains(&told), "{told}: {out}{err}");
        let (code, out, err) = project.run(&["test", option, "20"]);
        assert_eq!(code, Some(0), "{out}{err}");
    }
}

#[test]
fn typescript_is_counted_in_its_own_lines() {
    let policy = "type A = {
  a: string;
};

export default {
  async fetch(request: Request, env: A = { a: 'x' }): Promise<Response> {
    if ((request as unknown as { never: boolean }).never) return new Response(env.a as string);
    const answer: string = request.url
      ? named()
      : denied();
    return new Response(answer);
  },
};

function named(first: string = 'yes', second?: string): string {
  return first + (second ?? '');
}
function denied(): string {
  return 'no';
}
";
    let project = project("policy.ts", policy, "await call(t, 'http://a.test/');");
    let (code, out, err) = project.run(&["test", "--coverage"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let row = row(&out, "policy.ts");
    assert!(row.starts_with("policy.ts ") && row.contains(" 6-7 10 19 "), "{row}");
    assert!(row.ends_with(" 66.7% 2/3 6-7 10 19 6 7 8"), "{row}");
}
