//! `workerd-lite test --mutate`: changes that no test notices are told with their lines.

use serde_json::Value;

use crate::harness::Project;

const POLICY: &str = r#"import { deny } from "workerd-lite:policy";

const HOSTS = new Set(["api.partner.com", "cdn.partner.com"]);

export default {
  async fetch(request, env) {
    const { hostname, pathname } = new URL(request.url);
    if (!HOSTS.has(hostname)) return deny("elsewhere");
    if (request.method !== "GET" && request.method !== "HEAD") return deny("reading only");
    if (pathname !== "/v1/items" && pathname !== "/v1/users") return deny("not this");
    return fetch(request);
  },
};
"#;

/// Tests that look at each part of it.
const TESTS: &str = r#"import { test } from "workerd-lite:test";
import assert from "node:assert/strict";

const asked = (method, url, status) =>
  test(`${method} ${url}`, async (t) => {
    t.upstream("https://*/*", () => new Response("fine"));
    const response = await t.outbound().fetch(url, { method });
    assert.equal(response.status, status);
  });

asked("GET", "https://api.partner.com/v1/items", 200);
asked("GET", "https://cdn.partner.com/v1/users", 200);
asked("HEAD", "https://api.partner.com/v1/items", 200);
asked("POST", "https://api.partner.com/v1/items", 403);
asked("GET", "https://api.partner.com/v1/other", 403);
asked("GET", "https://other.example/v1/items", 403);
"#;

fn project(policy: (&str, &str), tests: &str) -> Project {
    let project = Project::new(&[
        ("agent.js", "export default { fetch() {} };"),
        policy,
        ("policy.test.js", tests),
    ]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\n[outbound]\nmain = '{}'\n", policy.0),
    );
    project
}

/// An error without the breaks of its lines.
fn flat(error: &str) -> String {
    error
        .replace('\u{2502}', "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn mutated(project: &Project, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["test", "--mutate", "--reporter", "json"];
    all.extend(arguments);
    let (code, out, error) = project.run(&all);
    let json = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}"));
    (code, json)
}

#[test]
fn whole_tests_kill_every_change_and_no_file_is_touched() {
    let project = project(("policy.js", POLICY), TESTS);
    let (code, json) = mutated(&project, &["--mutate-min", "100"]);
    assert!(
        code == Some(0) && json["survived"] == 0 && json["score"] == 100.0,
        "{json:#}"
    );
    assert!(json["killed"].as_u64().unwrap() >= 12, "{json:#}");
    let operators: Vec<&str> = json["mutants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mutant| mutant["operator"].as_str().unwrap())
        .collect();
    for operator in ["negation", "equality", "logic", "list", "denial"] {
        assert!(operators.contains(&operator), "{operators:?}");
    }
    assert_eq!(
        std::fs::read_to_string(project.path().join("policy.js")).unwrap(),
        POLICY
    );
}

#[test]
fn survivors_are_told_with_their_lines_and_fail_below_the_minimum() {
    // Nobody asks the second host, nor the second path, nor HEAD.
    let tests = TESTS
        .replace("asked(\"GET\", \"https://cdn", "// ")
        .replace("asked(\"HEAD\"", "// ");
    let project = project(("policy.js", POLICY), &tests);
    let (code, json) = mutated(&project, &["--mutate-min", "100"]);
    assert_eq!(code, Some(1), "{json:#}");
    let survived = survivors(&json);
    let dropped = survived.iter().find(|mutant| mutant["operator"] == "list").unwrap();
    assert!(
        dropped["location"]["start"]["line"] == 3 && dropped["original"].as_str().unwrap().contains("cdn.partner.com"),
        "{dropped}"
    );
    let (code, text, _) = project.run(&["test", "--mutate"]);
    assert_eq!(code, Some(0), "{text}");
    for part in [
        "\u{2717} policy.js:3:",
        "     3 - const HOSTS = new Set([\"api.partner.com\", \"cdn.partner.com\"]);",
        "     3 + const HOSTS = new Set([\"api.partner.com\"]);",
        "mutation score ",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let (code, _, error) = project.run(&["test", "--mutate-min", "100"]);
    assert!(
        code == Some(1) && error.contains("--mutate-min asks for 100 %"),
        "{error}"
    );
}

#[test]
fn attacks_kill_what_no_test_asks_for() {
    let tests = "import { test } from 'node:test';\ntest('nothing', () => {});\n";
    let project = project(("policy.js", POLICY), tests);
    let (_, json) = mutated(&project, &[]);
    let by_attacks = json["mutants"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|mutant| mutant["status"] == "killed" && mutant["by"].as_str().unwrap().starts_with("attack: "));
    assert!(
        by_attacks.count() >= 1 && json["survived"].as_u64().unwrap() > 3,
        "{json:#}"
    );
}

#[test]
fn typescript_is_changed_in_its_own_text_and_comments_leave_out() {
    let policy = r#"interface Env { readonly on: true }
const DENIED: readonly string[] = ["/accounts"];
async function isDenied(path: string): Promise<boolean> {
  return DENIED.includes(path);
}
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const loud = true; // mutate: ignore it only logs
    if (loud) console.log(url.pathname); // mutate: ignore it only logs
    if (url.origin !== "https://api.partner.com") throw new Error("elsewhere");
    if (!/^\/[a-z]+$/.test(url.pathname)) return new Response("no", { status: 403 });
    if (await isDenied(url.pathname)) return new Response("no", { status: 403 });
    return fetch(request);
  },
};
"#;
    let tests = r#"import { test } from "node:test";
import assert from "node:assert/strict";
test("all", async (t) => {
  t.upstream("https://*/*", () => new Response("fine"));
  const status = async (url) => (await t.outbound().fetch(url)).status;
  assert.equal(await status("https://api.partner.com/items"), 200);
  assert.equal(await status("https://api.partner.com/accounts"), 403);
  assert.equal(await status("https://api.partner.com/x.y"), 403);
  assert.equal(await status("https://api.partner.com/x.y/items"), 403);
  assert.equal(await status("https://other.example/items"), 500);
});
"#;
    let project = project(("policy.ts", policy), tests);
    let (code, json) = mutated(&project, &["--mutate-min", "100"]);
    let mutants = json["mutants"].as_array().unwrap();
    let of = |operator: &str| {
        mutants
            .iter()
            .filter(|mutant| mutant["operator"] == operator)
            .collect::<Vec<_>>()
    };
    assert!(json["ignored"].as_u64().unwrap() >= 2, "{json:#}");
    for operator in ["await", "throw", "anchor", "denial", "list"] {
        let all = of(operator);
        assert!(
            !all.is_empty() && all.iter().all(|mutant| mutant["status"] == "killed"),
            "{operator}: {all:#?}"
        );
    }
    assert!(
        code == Some(0) && of("await")[0]["location"]["start"]["line"] == 13,
        "{json:#}"
    );
    // A type is no value.
    assert!(
        mutants.iter().all(|mutant| mutant["location"]["start"]["line"] != 1),
        "{json:#}"
    );
}

#[test]
fn what_fails_already_tells_nothing() {
    let failing = TESTS.replace("200)", "201)");
    let (code, _, error) = project(("policy.js", POLICY), &failing).run(&["test", "--mutate"]);
    assert!(
        code == Some(2) && flat(&error).contains("fails before anything is changed"),
        "{error}"
    );
    let open = "export default { fetch: (r) => fetch(r) };";
    let nothing = "import { test } from 'node:test';\ntest('nothing', () => {});\n";
    let (code, _, error) = project(("policy.js", open), nothing).run(&["test", "--mutate"]);
    assert!(
        code == Some(2) && flat(&error).contains("an attack gets through before anything is changed"),
        "{error}"
    );
    let bare = Project::new(&[
        ("agent.js", "export default {};"),
        ("workerd-lite.toml", "main = 'agent.js'\n"),
    ]);
    let (code, _, error) = bare.run(&["test", "--mutate"]);
    assert!(
        code == Some(2) && error.contains("no outbound worker to change"),
        "{error}"
    );
}

#[test]
fn a_change_that_never_ends_is_killed() {
    let policy = r#"export default {
  fetch(request) {
    let rest = new URL(request.url).pathname;
    while (rest !== "") rest = rest.slice(1);
    return new Response("no", { status: 403 });
  },
};
"#;
    let tests = r#"import { test } from "node:test";
import assert from "node:assert/strict";
test("all", async (t) => assert.equal((await t.outbound().fetch("https://a.example/x")).status, 403));
"#;
    let (code, json) = mutated(&project(("policy.js", policy), tests), &["--timeout", "1s"]);
    let survived = survivors(&json);
    assert!(
        code == Some(0) && json["killed"].as_u64().unwrap() + json["timeout"].as_u64().unwrap() >= 1,
        "{json:#}"
    );
    assert!(survived.iter().all(|mutant| mutant["operator"] != "denial"), "{json:#}");
}

/// The changes that no test noticed.
fn survivors(json: &Value) -> Vec<&Value> {
    let mutants = json["mutants"].as_array().unwrap().iter();
    mutants.filter(|mutant| mutant["status"] == "survived").collect()
}
