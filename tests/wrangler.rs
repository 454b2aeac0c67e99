//! wrangler's environments: which fields hold under `--env`, in every file and for every command.

use crate::harness::wrangler::{WORKER, good, project, refused, run, told};
use crate::harness::{Project, json};
use serde_json::json as literal;

const ENVIRONMENTS: [(&str, &str); 2] = [
    (
        "wrangler.jsonc",
        r#"{
  "name": "w", "main": "worker.js", "compatibility_date": "2026-01-31", "limits": { "cpu_ms": 500 },
  "vars": { "A": "top", "B": "top" },
  "kv_namespaces": [],
  "env": {
    "staging": { "vars": { "A": "staging", "J": { "k": [1, null] } } },
    "bare": { "main": "other.js", "workers_dev": false },
    "named": { "name": "mine", "vars": {} }
  }
}"#,
    ),
    (
        "wrangler.toml",
        "name = 'w'\nmain = 'worker.js'\ncompatibility_date = '2026-01-31'\nkv_namespaces = []\nlimits = { cpu_ms = 500 }\n\
         [vars]\nA = 'top'\nB = 'top'\n[env.staging.vars]\nA = 'staging'\nJ = { k = [1] }\n\
         [env.bare]\nmain = 'other.js'\nworkers_dev = false\n[env.named]\nname = 'mine'\n[env.named.vars]\n",
    ),
];

#[test]
fn an_environment_has_its_own_fields_and_what_it_inherits() {
    for (name, text) in ENVIRONMENTS {
        let project = Project::new(&[
            WORKER,
            (
                "other.js",
                "export default { fetch: (r, env) => Response.json(['other', env]) };",
            ),
            (name, text),
        ]);
        let nested = if name.ends_with("toml") {
            literal!([1])
        } else {
            literal!([1, null])
        };
        for (arguments, expected) in [
            (&[][..], literal!({ "A": "top", "B": "top" })),
            (&["--env", ""], literal!({ "A": "top", "B": "top" })),
            (
                &["--env", "staging"],
                literal!({ "A": "staging", "J": { "k": nested } }),
            ),
            (&["-e", "bare"], literal!(["other", {}])),
            (&["--env=named"], literal!({})),
        ] {
            let server = project.serve(arguments);
            assert_eq!(json(&server.get("/").body), expected, "{name} {arguments:?}");
        }
        good(&project, &["check"], &["good: w with"]);
        good(
            &project,
            &["check", "--env", "staging"],
            &[
                "good: w-staging with",
                "`vars.B` is at the top level, but not in `env.staging`",
            ],
        );
        good(
            &project,
            &["check", "--env", "bare"],
            &["good: w-bare with", "`vars` is at the top level, but not in `env.bare`"],
        );
        let text = good(
            &project,
            &["check", "--env", "named"],
            &["good: mine with", "`vars.A`", "`vars.B`"],
        );
        assert!(!text.contains("kv_namespaces"), "{text}");
        let environment = |name: &str, arguments: &[&str]| {
            told(project.command(arguments).env("CLOUDFLARE_ENV", name).output().unwrap()).1
        };
        assert!(environment("staging", &["check"]).contains("good: w-staging"));
        assert!(environment("", &["check"]).contains("good: w with"));
        // The flag goes before the variable.
        assert!(environment("staging", &["check", "--env", "named"]).contains("good: mine"));
        good(
            &project,
            &["types", "--env", "staging"],
            &["\"w-staging\": { \"A\": string; \"J\": { \"k\":"],
        );
        refused(
            &project,
            &["check", "--env", "stagign"],
            &[
                &format!("{name}:"),
                "there is no environment `stagign`",
                "Did you mean `staging`?",
                "bare",
                "named",
            ],
        );
        assert!(environment("nope", &["types"]).contains("There are: "));
    }
}

#[test]
fn an_environment_where_there_are_none_is_the_top_level() {
    let project = project(r#"{ "name": "w", "main": "worker.js", "vars": { "A": "top" } }"#);
    good(
        &project,
        &["check", "--env", "dev"],
        &["good: w-dev", "there is no environment `dev`, and no other"],
    );
    assert_eq!(project.serve(&["--env", "dev"]).get("/").body, r#"{"A":"top"}"#);
}

#[test]
fn agents_and_policies_with_files_of_their_own_have_environments_too() {
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "[outbound]\nconfig = 'policy/wrangler.json'\n[[agents]]\nconfig = 'agent/wrangler.toml'\n",
        ),
        (
            "agent/wrangler.toml",
            "name = 'scout'\nmain = 'a.js'\nvars = { A = 'top' }\n[env.staging]\nmain = 'b.js'\nvars = { A = 'staging' }\n[env.odd]\nkv_namespaces = [{ binding = 'K' }]\n",
        ),
        ("agent/a.js", "export default { fetch: () => new Response('a') };"),
        (
            "agent/b.js",
            "export default { fetch: async (r, env) => Response.json([env, await (await fetch('http://x/')).json()]) };",
        ),
        (
            "policy/wrangler.json",
            "\u{FEFF}{ \"name\": \"p\", \"main\": \"p.js\", \"secrets\": { \"required\": [\"T\"] }, \"env\": { \"odd\": {}, \"staging\": { \"vars\": { \"P\": 1 }, \"secrets\": { \"required\": [\"S\"] } } } }",
        ),
        (
            "policy/p.js",
            "export default { fetch: (r, env, ctx) => Response.json([env, ctx.agent.name]) };",
        ),
        ("policy/.dev.vars", "S=base\nT=base\n"),
        ("policy/.dev.vars.staging", "S=staging\n"),
    ]);
    let server = project.serve(&["--env", "staging"]);
    assert_eq!(
        json(&server.get("/").body),
        literal!([{ "A": "staging" }, [{ "P": 1, "S": "staging" }, "scout-staging"]])
    );
    assert_eq!(project.serve(&[]).get("/").body, "a");
    refused(
        &project,
        &["check", "--env", "odd"],
        &["agent/wrangler.toml:8, env.odd.kv_namespaces[0].binding: env.K would be missing"],
    );
}

#[test]
fn tests_run_in_an_environment() {
    let project = Project::new(&[
        WORKER,
        ENVIRONMENTS[0],
        (
            "a.test.js",
            "import { test } from 'workerd-lite:test';\nimport assert from 'node:assert/strict';\n\
             test('a', async (t) => { const r = await t.agent('w-staging').fetch('http://w/'); assert.equal((await r.json()).A, 'staging'); });",
        ),
    ]);
    good(&project, &["test", "--env", "staging"], &["1 passed, 0 failed"]);
    assert!(run(&project, &["test"]).1.contains("0 passed, 1 failed"));
    assert!(
        run(&project, &["test", "--env", "nope"])
            .1
            .contains("there is no environment `nope`")
    );
}
