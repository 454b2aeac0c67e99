//! Fields of wrangler's file: bindings that are not here, names that nobody knows, and values that are wrong.

use crate::harness::wrangler::{good, project, refused};

#[test]
fn what_is_bound_and_not_here_is_refused_by_name() {
    let cases = [
        (
            r#""kv_namespaces": [{ "binding": "CACHE", "id": "1" }]"#,
            "kv_namespaces[0].binding",
            "CACHE",
        ),
        (
            r#""r2_buckets": [{ "binding": "A", "bucket_name": "a" }]"#,
            "r2_buckets[0].binding",
            "A",
        ),
        (
            r#""d1_databases": [{ "binding": "DB" }]"#,
            "d1_databases[0].binding",
            "DB",
        ),
        (
            r#""durable_objects": { "bindings": [{ "name": "ROOM", "class_name": "Room" }] }"#,
            "durable_objects.bindings[0].name",
            "ROOM",
        ),
        (
            r#""queues": { "producers": [{ "queue": "q", "binding": "Q" }] }"#,
            "queues.producers[0].binding",
            "Q",
        ),
        (
            r#""queues": { "consumers": [{ "queue": "q" }] }"#,
            "queues.consumers[0].queue",
            "\"q\" has no effect",
        ),
        (
            r#""services": [{ "binding": "AUTH", "service": "auth" }]"#,
            "services[0].binding",
            "AUTH",
        ),
        (r#""ai": { "binding": "AI" }"#, "ai.binding", "AI"),
        (r#""browser": { "binding": "B" }"#, "browser.binding", "B"),
        (r#""send_email": [{ "name": "MAIL" }]"#, "send_email[0].name", "MAIL"),
        (
            r#""ratelimits": [{ "name": "RATE", "namespace_id": "1" }]"#,
            "ratelimits[0].name",
            "RATE",
        ),
        (
            r#""workflows": [{ "binding": "W", "name": "w", "class_name": "W" }]"#,
            "workflows[0].binding",
            "W",
        ),
        (r#""vectorize": [{ "binding": "V" }]"#, "vectorize[0].binding", "V"),
        (r#""hyperdrive": [{ "binding": "H" }]"#, "hyperdrive[0].binding", "H"),
        (r#""assets": { "binding": "ASSETS" }"#, "assets.binding", "ASSETS"),
        (
            r#""unsafe": { "bindings": [{ "name": "U", "type": "x" }] }"#,
            "unsafe.bindings[0].name",
            "U",
        ),
        (
            r#""wasm_modules": { "MODULE": "m.wasm" }"#,
            "wasm_modules.MODULE",
            "MODULE",
        ),
        (
            r#""streaming_tail_consumers": [{ "service": "tail" }]"#,
            "streaming_tail_consumers[0].service",
            "\"tail\" has no effect",
        ),
        (
            r#""secrets": { "required": ["TOKEN"] }"#,
            "secrets.required[0]",
            "TOKEN",
        ),
        (
            r#""dispatch_namespaces": [{ "binding": "D", "namespace": "n" }]"#,
            "dispatch_namespaces[0].binding",
            "D",
        ),
        (r#""site": { "bucket": "public" }"#, "site", "__STATIC_CONTENT"),
        (r#""kv_namespaces": "CACHE""#, "kv_namespaces", "no KV namespaces"),
    ];
    let head = "{ \"main\": \"worker.js\", // \"binding\": \"name\"\n  \"name\": \"binding\",\n\n  ";
    let project = project("");
    for (text, field, name) in cases {
        project.write("wrangler.jsonc", &format!("{head}{text}\n}}"));
        let report = refused(
            &project,
            &["check"],
            &[
                &format!("wrangler.jsonc:4, {field}: "),
                name,
                "--allow-missing-bindings",
                "wrangler.jsonc:4:",
            ],
        );
        assert!(!report.contains("good:"), "{report}");
        good(
            &project,
            &["check", "--allow-missing-bindings"],
            &[&format!("wrangler.jsonc:4, {field}: "), name, "good: binding"],
        );
    }
    project.write(
        "wrangler.jsonc",
        "{ \"main\": \"worker.js\", \"vars\": { \"A\": 1 },\n\"kv_namespaces\": [\n{ \"binding\": \"K1\" },\n{ \"binding\": \"K2\" }],\n\"ai\": { \"binding\": \"AI\" } }",
    );
    let report = project.refused(&[]);
    for part in [
        ":3, kv_namespaces[0]",
        "K1",
        ":4, kv_namespaces[1]",
        "K2",
        ":5, ai.binding",
        "env.AI",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let server = project.serve(&["--allow-missing-bindings"]);
    assert_eq!(server.get("/").body, r#"{"A":1}"#);
    server.logged("env.K2 would be missing: workerd-lite has no KV namespaces");
    good(&project, &["types", "--allow-missing-bindings"], &["{ \"A\": number }"]);
}

#[test]
fn empty_bindings_and_fields_of_the_deployment_are_nothing() {
    let project = project(
        r#"{ "$schema": "x", "name": "w", "main": "worker.js", "account_id": "a", "workers_dev": true, "routes": ["a.example/*"],
        "observability": { "enabled": true }, "placement": { "mode": "smart" }, "triggers": { "crons": [] }, "dev": { "port": 1 },
        "build": { "command": "x" }, "kv_namespaces": [], "durable_objects": { "bindings": [] }, "queues": { "producers": [], "consumers": [] },
        "unsafe": {}, "r2_buckets": [], "secrets": { "required": [] }, "rules": [], "define": {}, "migrations": [], "upload_source_maps": true,
        "ai": null, "topLevelName": "w", "env": { "a": { "kv_namespaces": [{ "binding": "K" }], "zzz": 1 } } }"#,
    );
    let text = good(&project, &["check"], &["good: w"]);
    for word in ["ignored", "WARN", "kv_namespaces", "zzz"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[test]
fn each_unknown_field_is_warned_of_with_the_nearest_name() {
    let project = project(
        "{\n\"main\": \"worker.js\",\n\"compatibilty_date\": \"x\",\n\"kv_namespace\": [],\n\"zzzzzz\": 1,\n\"limits\": { \"cpu_mss\": 1 },\n\
         \"access\": { \"a\": 1 },\n\"env\": { \"a\": {\n\"varss\": {},\n\"dev\": {} } }\n}",
    );
    let text = good(
        &project,
        &["check"],
        &[
            "wrangler.jsonc:3: `compatibilty_date` is no field that wrangler knows, and is ignored; did you mean `compatibility_date`?",
            "wrangler.jsonc:4: `kv_namespace` is no field that wrangler knows, and is ignored; did you mean `kv_namespaces`?",
            "wrangler.jsonc:5: `zzzzzz` is no field that wrangler knows, and is ignored",
            "wrangler.jsonc:6: `limits.cpu_mss` is not known, and is ignored; did you mean `cpu_ms`?",
            "wrangler.jsonc:7: `access` is ignored: ",
        ],
    );
    assert!(
        !text.contains("zzzzzz` is no field that wrangler knows, and is ignored;"),
        "{text}"
    );
    good(
        &project,
        &["check", "--env", "a"],
        &[
            "wrangler.jsonc:9: `env.a.varss` is no field that wrangler knows, and is ignored; did you mean `vars`?",
            "wrangler.jsonc:10: `env.a.dev` is a field of the top level only",
        ],
    );
}

#[test]
fn compatibility_is_checked() {
    let project = project("");
    for (date, fine) in [
        ("\"2024-02-29\"", true),
        ("\"2023-02-29\"", false),
        ("\"2024-13-01\"", false),
        ("\"2024-1-1\"", false),
        ("\"2024\u{2013}01\u{2013}01\"", false),
        ("\"yesterday\"", false),
        ("20240101", false),
    ] {
        project.write(
            "wrangler.jsonc",
            &format!("{{ \"main\": \"worker.js\",\n\"compatibility_date\": {date} }}"),
        );
        if fine {
            good(&project, &["check"], &[]);
        } else {
            refused(&project, &["check"], &["wrangler.jsonc:2, compatibility_date: "]);
        }
    }
    project.write(
        "wrangler.jsonc",
        "{ \"main\": \"worker.js\",\n\"compatibility_flags\": [\"url_standard\", \"global_navigator\",\n\"nodejs_zlib\",\n\"url_original\",\n\"nodejs_compt\"] }",
    );
    let text = good(
        &project,
        &["check"],
        &[
            "wrangler.jsonc:3: the compatibility flag `nodejs_zlib` is ignored: `nodejs_compat` turns all of Node.js's modules on",
            "wrangler.jsonc:4: the compatibility flag `url_original` is ignored: the standard's behaviour holds",
            "wrangler.jsonc:5: the compatibility flag `nodejs_compt` is not known, and is ignored; did you mean `nodejs_compat`?",
        ],
    );
    assert!(
        !text.contains("url_standard") && !text.contains("global_navigator"),
        "{text}"
    );
    project.write("wrangler.toml", "main = 'worker.js'\n[vars]\nDAY = 2024-01-01\n");
    std::fs::remove_file(project.path().join("wrangler.jsonc")).unwrap();
    refused(
        &project,
        &["check"],
        &["wrangler.toml:3, vars.DAY: expected text, found a date of TOML"],
    );
}

#[test]
fn wrong_values_are_told_by_their_path_and_place() {
    let project = project("");
    for (text, expected) in [
        (
            "{ \"name\": \"main\",\n// \"main\": 4\n\"main\": 5 }",
            "wrangler.jsonc:3, main: invalid type: integer",
        ),
        (
            "{ \"main\": \"worker.js\", \"vars\": { \"limits\": 1 },\n\"limits\": {\n\"cpu_ms\": \"x\" } }",
            "wrangler.jsonc:3, limits.cpu_ms: invalid type: string",
        ),
        (
            "{ \"main\": \"worker.js\", \"vars\": {},\n\"env\": { \"a\": {\n\"vars\": [] } } }",
            "wrangler.jsonc:3, env.a.vars: invalid type: sequence",
        ),
        (
            "{ \"main\": \"worker.js\", \"compatibility_flags\": [\n\"url_standard\",\n7] }",
            "wrangler.jsonc:3, compatibility_flags[1]: invalid type: integer",
        ),
        (
            "{ \"main\": \"worker.js\",\n\"env\": [] }",
            "wrangler.jsonc:2, env: expected a table",
        ),
        (
            "{ \"main\": \"worker.js\",\n\"env\": { \"a\": 1 } }",
            "wrangler.jsonc:2, env.a: expected a table",
        ),
        ("[]", "wrangler.jsonc: expected an object"),
        ("{\n\"main\": \"worker.js\",\n'name': 1 }", "wrangler.jsonc:3"),
        ("{\n\"main\": \"worker.js\"\n\"name\": 1 }", "wrangler.jsonc:"),
        ("{ \"main\": \"worker.js\",\n", "wrangler.jsonc:"),
    ] {
        project.write("wrangler.jsonc", text);
        refused(&project, &["check", "--env", "a"], &[expected]);
    }
    assert!(std::fs::write(project.path().join("wrangler.jsonc"), "[".repeat(100_000)).is_ok());
    refused(&project, &["check"], &["wrangler.jsonc:1"]);
}
