//! Configuration: what is wrong is told by file, line, field and remedy.

use crate::harness::{Project, json, peers};
use serde_json::{Value, json as literal};

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
            "{ // comment\n \"main\": \"worker.js\", \"name\": \"w\", \"vars\": { \"A\": \"1\", \"B\": { \"c\": [2] } }, \"kv_namespaces\": [], \"limits\": { \"cpu_ms\": 5 }, \"access\": { \"a\": \"b\" }, }",
        ),
        (
            "wrangler.toml",
            "main = 'worker.js'\nname = 'w'\nkv_namespaces = []\nlimits = { cpu_ms = 5 }\naccess = { a = 'b' }\n[vars]\nA = '1'\nB = { c = [2] }\n",
        ),
    ] {
        let project = Project::new(&FILES);
        project.write(name, text);
        let server = project.serve(&[]);
        assert_eq!(server.get("/").body, r#"{"A":"1","B":{"c":[2]}}"#, "{name}");
        server.logged("`access` is ignored: requests are not checked by Cloudflare Access");
        assert!(!server.log().contains("kv_namespaces"), "{}", server.log());
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

/// A policy that answers with what it reads, and the names of its secrets.
fn reads_secrets(names: &[&str]) -> Project {
    Project::new(&[
        (
            "worker.js",
            "export default { fetch: () => fetch('http://a.example/') };",
        ),
        (
            "outbound.js",
            "export default { fetch: (request, env) => Response.json(env) };",
        ),
        (
            "workerd-lite.toml",
            &format!("main = 'worker.js'\n[outbound]\nmain = 'outbound.js'\nsecrets = {names:?}\n"),
        ),
    ])
}

#[test]
fn dev_vars_are_read_as_wrangler_reads_them() {
    let expected = literal!({
        "DOLLAR": "pa$$word", "HOME_": "x$HOME", "BRACES": "${HOME:-x}", "JSON": "{\"a\": [1, \"b c\"]}", "SPACES": "a b  c",
        "APOSTROPHE": "it's", "HASH": "a # b", "COMMENT": "a", "SINGLE": "a\\nb", "DOUBLE": "a\nb", "BACKTICK": "'a' \"b\"",
        "PEM": "-----BEGIN-----\nabc=\n-----END-----", "COLON": "https://a:b@c/", "dotted.name-1": "x", "TWICE": "second",
    });
    let names: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
    let project = reads_secrets(&names);
    let text = "\u{FEFF}# secrets\nDOLLAR=pa$$word\nHOME_=x$HOME\nBRACES=${HOME:-x}\nJSON={\"a\": [1, \"b c\"]}\n  SPACES =  a b  c  \n\
                APOSTROPHE=it's # isn't it\nHASH='a # b' # c\nCOMMENT=a#b\nSINGLE='a\\nb'\nDOUBLE=\"a\\nb\"\nBACKTICK=`'a' \"b\"`\n\
                export PEM=\"-----BEGIN-----\nabc=\n-----END-----\"\nCOLON: https://a:b@c/\ndotted.name-1=x\nTWICE=first\nTWICE=second";
    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
        project.write(".dev.vars", &text);
        let server = project.serve_with(&[], &[("HOME", "/home/nobody"), ("word", "no")]);
        assert_eq!(json(&server.get("/").body), expected);
    }
}

#[test]
fn a_line_of_dev_vars_that_cannot_be_read_is_told_without_its_text() {
    let project = reads_secrets(&["A"]);
    for (text, line) in [
        ("A=b\nhunter2\n", 2),
        ("A=b\r\n\r\n# c\r\n+hunter2=hunter2\r\n", 4),
        ("A=-----BEGIN-----\nhunter2+x=\n-----END-----", 2),
        ("A='b\nc'\nB\n", 3),
        ("A:hunter2", 1),
    ] {
        project.write(".dev.vars", text);
        let report = project.refused(&[]);
        assert!(
            report.contains(&format!(".dev.vars:{line}: expected a line of the form NAME=value")),
            "{text}: {report}"
        );
        assert!(!report.contains("hunter2"), "{report}");
    }
    std::fs::write(project.path().join(".dev.vars"), b"\xFF\xFEA\0=\0b\0").unwrap();
    assert!(project.refused(&[]).contains("it is UTF-16; save it as UTF-8"));
}

#[test]
fn npms_dotenv_reads_the_same() {
    let Some(peers) = peers::npm() else { return };
    let output = peers::node(&peers, "dotenv.mjs", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // `config::dotenv` is tested against this file.
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/dotenv/cases.json")).unwrap();
    assert!(
        String::from_utf8(output.stdout).unwrap() == kept,
        "run tests/peers/dotenv.mjs again"
    );
    // Some of them through the program: those whose names and values can be secrets.
    let cases: Vec<Value> = serde_json::from_str(&kept).unwrap();
    let usable = cases.iter().filter(|case| {
        let parsed = case["parsed"].as_object().unwrap();
        case["skipped"].is_null() && parsed.len() > 1 && parsed.values().all(|value| value != "")
    });
    let mut count = 0;
    for case in usable.take(12) {
        count += 1;
        let names: Vec<&str> = case["parsed"].as_object().unwrap().keys().map(String::as_str).collect();
        let project = reads_secrets(&names);
        project.write(".dev.vars", case["text"].as_str().unwrap());
        assert_eq!(json(&project.serve(&[]).get("/").body), case["parsed"], "{case}");
    }
    assert_eq!(count, 12);
}

#[test]
fn byte_order_marks_are_no_part_of_files() {
    let project = reads_secrets(&["A"]);
    let config = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    project.write(
        "workerd-lite.toml",
        &format!(
            "\u{FEFF}{config}credentials = [{{ binding = 'B', credential = 'b' }}]\n\
        [network]\nallow = ['local']\n[credentials.b]\ntype = 'bearer'\nfile = 'token'\nhosts = ['127.0.0.1']\nredact = 'body'\n"
        ),
    );
    project.write("token", "\u{FEFF}secret\n");
    project.write(".dev.vars", "\u{FEFF}A=b");
    project.write(
        "wrangler.jsonc",
        "\u{FEFF}{ \"name\": \"scout\", \"main\": \"worker.js\" }",
    );
    let upstream = crate::harness::plain();
    project.write(
        "outbound.js",
        &format!("export default {{ fetch: async (request, env) => Response.json([env.A, await (await env.B.fetch('http://127.0.0.1:{}/')).json()]) }};", upstream.address.port()),
    );
    let body = json(&project.serve(&[]).get("/").body);
    assert_eq!(body[0], "b");
    assert!(body.to_string().contains("[redacted]"), "{body}");
    project.write("wrangler.toml", "\u{FEFF}name = 'other'\nmain = 'worker.js'\n");
    std::fs::remove_file(project.path().join("wrangler.jsonc")).unwrap();
    assert!(project.run(&["check"]).1.contains("good: other"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let project = Project::new(&FILES);
    project.write("outbound.js", "export default { fetch() { return ( } };");
    project.write("wrangler.jsonc", "{\n  \"name\": 5,\n  \"main\": \"workr.js\",\n  \"compatibility_date\": \"soon\",\n  \"kv_namespaces\": [{ \"binding\": \"KV\" }]\n}");
    project.write(
        "workerd-lite.toml",
        "threads = 'two'\n[outbound]\nmian = 'outbound.js'\nmain = 'outbound.js'\nsecrets = ['ABSENT_A', 'ABSENT_B']\n\
         mtls_certificates = [{ binding = 'P', certificate_id = 'partner' }, { binding = 'Q', certificate_id = 'nobody' }]\n\
         credentials = [{ binding = 'G', credential = 'github' }, { binding = 'H', credential = 'absent' }]\n\
         [credentials.github]\ntype = 'bearerr'\nhosts = ['api.github.com']\nsecret = 'T'\n\
         [credentials.other]\ntype = 'header'\nhosts = ['a b', 'a.example', '']\nsecret = 'T'\n\
         [certificates.partner]\ncert = 'no.pem'\nkey = 'no.key'\n\
         [network]\nca = ['no-ca.pem']\n[timeouts]\nconnect = 'never'\n",
    );
    let report = project.refused(&[]);
    for text in [
        "workerd-lite.toml:1, threads: ",
        "workerd-lite.toml:3, outbound.mian: unknown field",
        "did you mean `main`?",
        "outbound.secrets[0]: the secret \"ABSENT_A\"",
        "outbound.secrets[1]: the secret \"ABSENT_B\"",
        "credentials.github.type: unknown variant",
        "credentials.other.hosts: ",
        "\"a b\"",
        "there is no certificate \"nobody\"",
        "there is no credential \"absent\"",
        "certificates.partner: ",
        "network.ca: ",
        "timeouts.connect: ",
        "outbound.js",
        "wrangler.jsonc:2, name: invalid type",
        "wrangler.jsonc:3, main: the script",
        "Did you mean ./worker.js?",
        "compatibility_date: expected a date",
        "KV namespaces",
        "did you mean `bearer`?",
        "the configuration has 16 errors",
    ] {
        assert!(report.contains(text), "{text:?} is not in\n{report}");
    }
    // What only follows is not told.
    for text in [
        "credential \"github\"",
        "outbound.main: expected",
        "an agent needs",
        "missing field",
    ] {
        assert!(!report.contains(text), "{text:?} is in\n{report}");
    }
}

#[test]
fn a_script_that_is_not_there_is_told_with_who_named_it() {
    let project = Project::new(&FILES);
    let report = project.refused(&["wrker.js"]);
    assert!(
        report.contains("Did you mean ") && report.contains("worker.js?"),
        "{report}"
    );
    let report = project.refused(&["worker.js", "--outbound", "policies/none.js"]);
    assert!(
        report.contains("--outbound: the script ") && report.contains("--outbound outbound.js"),
        "{report}"
    );
    project.write("workerd-lite.toml", "main = 'worker.js'\n[outbound]\nmain = 'policy'\n");
    std::fs::create_dir(project.path().join("policy")).unwrap();
    let report = project.refused(&[]);
    assert!(
        report.contains("workerd-lite.toml:3, outbound.main: ") && report.contains("it is not a file"),
        "{report}"
    );
}
