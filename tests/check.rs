//! `workerd-lite check`: it makes nothing, and what is not as it was meant is told.

use std::os::unix::fs::MetadataExt as _;

use crate::harness::{Project, json, unwrapped};

const AGENT: &str = "export default { fetch: () => new Response('hello') };\n";
const POLICY: &str = "export default { fetch: (request) => fetch(request) };\n";

fn project(config: &str) -> Project {
    Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", POLICY),
        ("workerd-lite.toml", config),
    ])
}

/// What it says of a project that is good.
fn good(project: &Project) -> String {
    let (code, out, err) = project.run(&["check"]);
    assert!(code == Some(0) && out.starts_with("good: "), "{out}{err}");
    err.replace("\n  \u{2502} ", " ")
}

/// What it says of another.
fn bad(project: &Project) -> String {
    let (code, out, err) = project.run(&["check"]);
    assert_eq!(code, Some(1), "{out}{err}");
    err.replace("\n  \u{2502} ", " ")
}

fn names(project: &Project) -> Vec<String> {
    let entries = std::fs::read_dir(project.path()).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn it_makes_no_file() {
    let project = project(
        "main = 'agent.js'\nstate = 'st'\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n[access_log]\nfile = 'access.ndjson'\n\
         [identity]\nissuer = 'https://id.acme.example'\ntrust_domain = 'acme.example'\n",
    );
    project.write(
        "a.test.js",
        "import { test } from 'node:test'; test('x', (t) => t.agent().fetch('http://x/'));",
    );
    let before = names(&project);
    good(&project);
    let (code, out, _) = project.run(&["check", "--json"]);
    assert!(
        code == Some(0) && json(&out)["agents"][0]["subject"].is_string(),
        "{out}"
    );
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(names(&project), before);
    // A folder of another user's is not root's to take over, nor a reason to stop.
    let state = project.path().join("st");
    std::fs::create_dir(&state).unwrap();
    if std::fs::metadata(&state).unwrap().uid() == 0 {
        std::os::unix::fs::chown(&state, Some(65534), Some(65534)).unwrap();
        good(&project);
        assert!(std::fs::read_dir(&state).unwrap().next().is_none());
    }
    // What could not be written is told all the same.
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[audit]\nfile = 'nowhere/audit.ndjson'\n",
    );
    let text = bad(&project);
    assert!(text.contains("nowhere/audit.ndjson can not be written"), "{text}");
}

#[test]
fn records_do_not_go_to_files_of_the_project() {
    for file in ["policy.js", "workerd-lite.toml", "key.pem"] {
        let project = project(&format!(
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = '{file}'\n[certificates.c]\ncert = 'key.pem'\nkey = 'key.pem'\n"
        ));
        project.write("key.pem", "");
        let text = bad(&project);
        assert!(
            text.contains("audit.file: ") && text.contains("is a file of the project"),
            "{file}: {text}"
        );
        let before = std::fs::read_to_string(project.path().join(file)).unwrap();
        project.refused(&[]);
        assert_eq!(std::fs::read_to_string(project.path().join(file)).unwrap(), before);
    }
}

#[test]
fn limits_that_are_cut_are_told() {
    let cut = project("[outbound]\nmain = 'policy.js'\n");
    cut.write("wrangler.jsonc", "{\n  \"name\": \"a\", \"main\": \"agent.js\", \"compatibility_date\": \"2026-01-01\",\n  \"limits\": { \"cpu_ms\": 5000 }\n}\n");
    let text = good(&cut);
    assert!(
        text.contains("wrangler.jsonc:3, limits.cpu_ms: 5000 is cut to 50")
            && text.contains("cpu_ms = 5000 under [limits]"),
        "{text}"
    );
    cut.write(
        "workerd-lite.toml",
        "[limits]\ncpu_ms = 5000\n[outbound]\nmain = 'policy.js'\n",
    );
    assert!(!good(&cut).contains("is cut"));
}

#[test]
fn an_event_that_was_stopped_is_told_with_its_limit() {
    let project =
        project("[limits]\ncpu_ms = 30\n[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n");
    project.write("agent.js", "export default { fetch() { for (;;); } };\n");
    let server = project.serve(&[]);
    let answer = server.get("/");
    assert!(
        answer.status == 503 && !answer.body.contains("cpu_ms"),
        "{}",
        answer.body
    );
    server.logged("limit of CPU time (30 ms: limits.cpu_ms)");
}

#[test]
fn tail_workers_are_found_by_the_names_in_their_own_files() {
    let project = project(
        "[outbound]\nmain = 'policy.js'\n[[agents]]\nconfig = 'shop/wrangler.jsonc'\nmatch = ['shop.localhost']\n\
         [[agents]]\nconfig = 'tail/wrangler.jsonc'\nmatch = ['tail.localhost']\n",
    );
    for (name, more) in [
        ("shop", ", \"tail_consumers\": [{ \"service\": \"tail-worker\" }]"),
        ("tail", ""),
    ] {
        project.write(&format!("{name}/index.js"), AGENT);
        let text = format!(
            "{{ \"name\": \"{name}-worker\", \"main\": \"index.js\", \"compatibility_date\": \"2026-01-01\"{more} }}"
        );
        project.write(&format!("{name}/wrangler.jsonc"), &text);
    }
    good(&project);
    project.write(
        "shop/wrangler.jsonc",
        "{ \"name\": \"shop-worker\", \"main\": \"index.js\", \"compatibility_date\": \"2026-01-01\", \"tail_consumers\": [{ \"service\": \"tial\" }] }",
    );
    let text = bad(&project);
    assert!(
        text.contains("there is no other agent \"tial\"") && text.contains("there are tail-worker"),
        "{text}"
    );
}

/// A configuration, files beside it, and what is told of it.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn what_is_passed_over_is_told() {
    let wrangler = "{ \"name\": \"a\", \"main\": \"agent.js\", \"compatibility_date\": \"2026-01-01\" }";
    let cases: &[Case<'_>] = &[
        (
            "main = 'other.js'\n",
            &[("wrangler.jsonc", wrangler), ("other.js", AGENT)],
            "workerd-lite.toml:1, main: \"other.js\" is passed over",
        ),
        (
            "",
            &[("wrangler.jsonc", wrangler), ("wrangler.toml", "main = 'x.js'")],
            "wrangler.toml is not read",
        ),
        (
            "main = 'agent.js'\n",
            &[(".dev.vars", "API_KEY=abc\n")],
            "nobody reads API_KEY",
        ),
        (
            "main = 'agent.js'\n[credentials.unused]\ntype = 'bearer'\nsecret = 'T'\nhosts = ['a.example']\n",
            &[(".dev.vars", "T=abc\n")],
            "credentials.unused: nobody is given it",
        ),
        (
            "[[agents]]\nname = 'a'\nmain = 'agent.js'\n",
            &[("wrangler.jsonc", wrangler)],
            "wrangler.jsonc is not read",
        ),
        (
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nconfig = 'wrangler.policy.jsonc'\n",
            &[("wrangler.policy.jsonc", wrangler)],
            "main: \"agent.js\" is passed over: ./workerd-lite.toml:3 says \"policy.js\"",
        ),
        (
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\nhosts = ['a.example']\nmethods = ['GTE']\n",
            &[],
            "did you mean GET?",
        ),
        (
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\nhosts = ['a.example']\nmode = 'audit'\n",
            &[],
            "only audits and has no effect",
        ),
        (
            "",
            &[(
                "wrangler.jsonc",
                "{ \"name\": \"a\", \"main\": \"agent.js\", \"compatibility_date\": \"2099-01-01\" }",
            )],
            "2099-01-01 is in the future",
        ),
        (
            "main = 'agent.js'\n[isolation]\nagents = 'process'\n",
            &[],
            "are read here and not started",
        ),
    ];
    for (config, files, told) in cases {
        let project = project(config);
        for (name, text) in *files {
            project.write(name, text);
        }
        let text = good(&project);
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn what_can_not_be_meant_is_refused() {
    let cases: &[Case<'_>] = &[
        (
            "main = 'agent.js'\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n",
            &[],
            "expected this of each agent, not of all",
        ),
        (
            "[[agents]]\nname = 'a'\nmain = 'agent.js'\nmatch = []\n",
            &[],
            "an empty list would limit nothing",
        ),
        (
            "[[agents]]\nname = 'a'\nmain = 'agent.js'\nvars = { d = 2020-01-01 }\n",
            &[],
            "JSON has no dates",
        ),
        (
            "[[agents]]\nname = 'a'\nmain = 'agent.js'\nvars = { i = 9007199254740993 }\n",
            &[],
            "write it as text",
        ),
        (
            "[[agents]]\nname = 'a'\nmain = 'agent.js'\nvars = { f = inf }\n",
            &[],
            "JSON has no nan and no inf",
        ),
        (
            "main = 'agent.js'\n[certificates.unused]\ncert = 'none.pem'\nkey = 'none.pem'\n",
            &[],
            "none.pem",
        ),
        (
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\ncredentials = [{ binding = 'P', credential = 'p' }]\n\
             [credentials.p]\ntype = 'bearer'\nsecret = 'T'\nhosts = ['a.example']\n",
            &[(".dev.vars", "T=\"abc\\n\"\n")],
            "has a line end or another control character",
        ),
        (
            "[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n[agents.outbound]\nentrypoint = 'N'\n",
            &[(
                "policy.js",
                "import { WorkerEntrypoint } from 'cloudflare:workers';\nexport class N extends WorkerEntrypoint { get() {} }\nexport default { fetch: (request) => fetch(request) };\n",
            )],
            "has no fetch() method",
        ),
    ];
    for (config, files, told) in cases {
        let project = project(config);
        for (name, text) in *files {
            project.write(name, text);
        }
        let text = bad(&project);
        assert!(text.contains(told), "{told}: {text}");
    }
    // What does not follow from the file is not told of it.
    let text = bad(&project("main = 'agent.js'\nmain = 'agent.js'\n"));
    assert!(
        !text.contains("there is no script to serve") && !text.contains("2 errors"),
        "{text}"
    );
}

#[test]
fn a_folder_of_agents_is_described_and_what_is_none_is_told() {
    let project = project("agents_dir = 'agents'\n[outbound]\nmain = 'policy.js'\n");
    for name in [
        "one/worker.js",
        "acme/two/worker.js",
        "Three/worker.js",
        "typo/worker.ts",
        "acme/bad name/worker.js",
    ] {
        project.write(&format!("agents/{name}"), AGENT);
    }
    let text = good(&project);
    for told in [
        "nobody can ask for the agent Three",
        "agents/typo is no agent",
        "agents/acme/bad name is no agent",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let (code, out, _) = project.run(&["check", "--json"]);
    let told = json(&out);
    let agents = told["agents"].as_array().unwrap();
    assert!(code == Some(0) && agents.len() == 3, "{out}");
    let two = agents.iter().find(|agent| agent["name"] == "two").unwrap();
    assert_eq!(
        (&two["tenant"], &two["match"][0]),
        (&"acme".into(), &"two.acme.localhost".into())
    );
    assert!(two["code_sha256"].is_string());
    // Tests know them, too.
    project.write(
        "a.test.js",
        "import { test } from 'node:test'; import assert from 'node:assert';\n\
         test('x', async (t) => { assert.equal(await (await t.agent('acme/two').fetch('http://x/')).text(), 'hello');\n\
           t.upstream('https://p.test/*', () => new Response('up'));\n\
           assert.equal(await (await t.outbound('one').fetch('https://p.test/')).text(), 'up'); });\n\
         test('y', (t) => assert.throws(() => t.agent('none'), /there are Three, acme\\/two, one/));\n",
    );
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, err) = project.run(&["test", "--attack", "--verbose"]);
    assert!(
        code == Some(1) && out.contains("(agent acme/two)") && out.contains("of 3 agents of agents_dir 2 attack"),
        "{out}{err}"
    );
}

#[test]
fn what_is_wrong_is_told_once_and_in_words_of_toml() {
    for (config, told, lacks) in [
        (
            "[agents]\nname = 'a'\nmain = 'agent.js'\n",
            "Write [[agents]] for each of them",
            "there is no script",
        ),
        (
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\nhosts = ['a.example']\nports = [0]\n",
            "ports",
            "an empty list",
        ),
        (
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\nhosts = ['a.example']\nprotocols = ['ws']\n",
            "protocols",
            "an empty list",
        ),
    ] {
        let (code, _, text) = project(config).run(&["check"]);
        let text = unwrapped(&text);
        assert!(
            code == Some(1) && text.contains(told) && !text.contains(lacks),
            "{text}"
        );
        assert!(!text.contains("errors"), "{text}");
    }
}

#[test]
fn rules_that_allow_nothing_are_told() {
    let rule = |fields: &str| {
        let config = format!(
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\nhosts = ['a.example']\n{fields}\n"
        );
        unwrapped(&project(&config).run(&["check"]).2)
    };
    assert!(
        rule("paths = ['/a//b']").contains("an empty segment"),
        "{}",
        rule("paths = ['/a//b']")
    );
    let tcp = rule("protocols = ['tcp']\nports = [5432]\npaths = ['/a']");
    assert!(tcp.contains("outbound.egress[0] allows no connection of TCP"), "{tcp}");
    assert!(!rule("protocols = ['tcp']\nports = [5432]").contains("allows no connection"));
}

#[test]
fn files_that_read_as_tests_and_are_none_are_told() {
    let project = project("main = 'agent.js'\n");
    for name in ["a.test.js", "b.spec.ts", "c-test.mjs", "d.test.tsx"] {
        project.write(name, "import { test } from 'node:test'; test('x', () => {});");
    }
    let (code, _, err) = project.run(&["test"]);
    assert!(
        code == Some(0) && err.contains("b.spec.ts, ") && err.contains("c-test.mjs"),
        "{err}"
    );
    assert!(
        err.contains("d.test.tsx read as tests and are not run") && !err.contains("a.test.js read"),
        "{err}"
    );
    let (_, _, err) = project.run(&["test", "a.test.js"]);
    assert!(!err.contains("not run"), "{err}");
}

#[test]
fn a_broken_folder_is_its_own_trouble() {
    let project = project("agents_dir = 'agents'\n[outbound]\nmain = 'policy.js'\n");
    for (name, text) in [
        ("acme/scout/worker.js", AGENT),
        ("big/worker.js", AGENT),
        (
            "big/wrangler.jsonc",
            r#"{ "main": "worker.js", "kv_namespaces": [{ "binding": "KV", "id": "1" }] }"#,
        ),
        ("syntax/worker.js", "export default { fetch( }"),
        ("throws/worker.js", "throw new Error('at the top');"),
        ("none/worker.js", "export default { fetched() {} };"),
    ] {
        project.write(&format!("agents/{name}"), text);
    }
    // All of them at once: who has a thousand tenants wants one run.
    let (code, _, text) = project.run(&["check"]);
    for told in [
        "4 errors",
        "KV",
        "agents/syntax/worker.js",
        "at the top",
        "agents/none/worker.js",
    ] {
        assert!(code == Some(1) && text.contains(told), "{told}: {text}");
    }
    let (code, out, _) = project.run(&["check", "--json"]);
    assert!(
        code == Some(1) && json(&out)["errors"].as_array().unwrap().len() == 4,
        "{out}"
    );
    // Tests and attacks of the others go on.
    project.write(
        "a.test.js",
        "import { test } from 'node:test'; import assert from 'node:assert';\n\
         test('x', async (t) => assert.equal(await (await t.agent('acme/scout').fetch('http://x/')).text(), 'hello'));\n",
    );
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, err) = project.run(&["test", "--attack"]);
    assert!(
        code == Some(1) && out.contains("(agent acme/scout)") && out.contains("of 5 agents of agents_dir 2 attack"),
        "{out}{err}"
    );
    // And its own fail.
    project.write(
        "b.test.js",
        "import { test } from 'node:test';\ntest('y', (t) => t.agent('big').fetch('http://x/'));\n",
    );
    let (code, out, err) = project.run(&["test", "b.test.js"]);
    assert!(
        code == Some(1) && (out.contains("KV") || err.contains("KV")),
        "{out}{err}"
    );
}

#[test]
fn tools_write_over_nothing_but_their_own() {
    let project = project("[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n");
    project.write("a.test.js", "import { test } from 'node:test'; test('x', () => {});");
    for arguments in [
        &["types", "-o", "policy.js"][..],
        &["test", "--coverage-lcov", "policy.js"],
    ] {
        let (code, _, err) = project.run(arguments);
        assert!(code != Some(0) && err.contains("is there already"), "{err}");
        assert_eq!(
            std::fs::read_to_string(project.path().join("policy.js")).unwrap(),
            POLICY
        );
    }
    for arguments in [
        &["types", "-o", "types.d.ts"][..],
        &["test", "--coverage-lcov", "cover/lcov.info"],
    ] {
        for _ in 0..2 {
            let (code, out, err) = project.run(arguments);
            assert_eq!(code, Some(0), "{out}{err}");
        }
    }
}
