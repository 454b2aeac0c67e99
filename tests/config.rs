//! Configuration: what is wrong is told by file, line, field and remedy.

use crate::harness::Project;

const FILES: [(&str, &str); 2] = [
    ("worker.js", "export default { fetch: (r, env) => Response.json(env) };"),
    ("outbound.js", "export default { fetch: () => new Response() };"),
];

#[test]
fn wrong_fields_are_told_with_their_place() {
    let cases = [
        (
            "[outbound]\nmian = 'outbound.js'\n",
            &["workerd-lite.toml:2", "outbound", "did you mean `main`?"][..],
        ),
        (
            "threads = 'two'\n",
            &["workerd-lite.toml:1", "threads", "expected usize"],
        ),
        (
            "[timeouts]\nconnect = '5 parsecs'\n",
            &["workerd-lite.toml:2", "timeouts.connect", "expected a duration"],
        ),
        (
            "[network]\nallow = ['intranet']\n",
            &["workerd-lite.toml:2", "network.allow", "expected \"public\""],
        ),
        ("listen = 8787\n", &["workerd-lite.toml:1", "listen"]),
        (
            "[outbound]\nmain = 'outbound.js'\nsecrets = ['ABSENT_SECRET']\n",
            &["ABSENT_SECRET", ".dev.vars"],
        ),
        (
            "[outbound]\nmain = 'outbound.js'\nmtls_certificates = [{ binding = 'A', certificate_id = 'b' }]\n",
            &["there is no certificate \"b\"", "[certificates.b]"],
        ),
        (
            "[outbound]\nvars = {}\n",
            &["outbound.main", "expected `main` or `config`"],
        ),
        ("threads = 0\n", &["threads"]),
        ("= 1\n", &["workerd-lite.toml:1"]),
    ];
    for (config, expected) in cases {
        let project = Project::new(&FILES);
        project.write("workerd-lite.toml", config);
        let report = project.refused(&["worker.js"]);
        for text in expected {
            assert!(report.contains(text), "{config}: {text:?} is not in\n{report}");
        }
    }
}

#[test]
fn wranglers_file_is_read_unmodified() {
    for (name, text) in [
        (
            "wrangler.jsonc",
            "{ // comment\n \"main\": \"worker.js\", \"name\": \"w\", \"vars\": { \"A\": \"1\", \"B\": { \"c\": [2] } }, \"kv_namespaces\": [], \"limits\": { \"cpu_ms\": 5 }, }",
        ),
        (
            "wrangler.toml",
            "main = 'worker.js'\nname = 'w'\nkv_namespaces = []\nlimits = { cpu_ms = 5 }\n[vars]\nA = '1'\nB = { c = [2] }\n",
        ),
    ] {
        let project = Project::new(&FILES);
        project.write(name, text);
        let server = project.serve(&[]);
        assert_eq!(server.get("/").body, r#"{"A":"1","B":{"c":[2]}}"#, "{name}");
        server.logged("ignored, because workerd-lite does not support them: kv_namespaces");
    }
}

#[test]
fn a_wrong_wrangler_file_is_told() {
    let project = Project::new(&FILES);
    project.write("wrangler.jsonc", "{\n  \"main\": 5\n}");
    let report = project.refused(&[]);
    assert!(
        report.contains("wrangler.jsonc:2, main: invalid type: integer"),
        "{report}"
    );
}

#[test]
fn secrets_come_from_the_environment_too_and_never_reach_the_agent() {
    let project = Project::new(&FILES);
    project.write(
        "outbound.js",
        "export default { fetch: (r, env) => new Response(env.TOKEN) };",
    );
    project.write(
        "worker.js",
        "export default { fetch: async (r, env) => Response.json([env, await (await fetch('http://a/')).text()]) };",
    );
    project.write(
        "workerd-lite.toml",
        "[outbound]\nmain = 'outbound.js'\nsecrets = ['TOKEN']\n",
    );
    let server = project.serve_with(&["worker.js"], &[("TOKEN", "from the environment")]);
    assert_eq!(server.get("/").body, r#"[{},"from the environment"]"#);
}

#[test]
fn nothing_to_serve_is_told() {
    let report = Project::new(&[]).refused(&[]);
    assert!(report.contains("workerd-lite serve worker.js"), "{report}");
}

#[test]
fn the_outbound_worker_may_have_a_wrangler_file_of_its_own() {
    let project = Project::new(&[
        (
            "agents/worker.js",
            "export default { fetch: (request) => fetch('http://policy.example/') };",
        ),
        (
            "wrangler.json",
            "{ \"name\": \"scout\", \"main\": \"agents/worker.js\" }",
        ),
        (
            "workerd-lite.toml",
            "[outbound]\nconfig = 'policy/wrangler.jsonc'\nvars = { B = 'ours' }\nsecrets = ['S']\n",
        ),
        (
            "policy/wrangler.jsonc",
            "{ \"name\": \"gateway\", \"main\": \"src/index.js\", \"vars\": { \"A\": \"theirs\", \"B\": \"theirs\" } }",
        ),
        ("policy/.dev.vars", "S=hidden\n"),
        (
            "policy/src/index.js",
            "export default { fetch(request, env, ctx) { console.log('seen'); return Response.json([env, ctx.agent.name]); } };",
        ),
    ]);
    let server = project.serve(&["--log-format", "json"]);
    assert_eq!(
        server.get("/").body,
        r#"[{"A":"theirs","B":"ours","S":"hidden"},"scout"]"#
    );
    server.logged(r#""message":"seen","worker":"gateway""#);
    // An agent that imports the policy does not start.
    project.write(
        "agents/worker.js",
        "import policy from '../policy/src/index.js';\nexport default policy;\n",
    );
    let report = project.refused(&[]);
    assert!(report.contains("belongs to the owner"), "{report}");
}
