//! Calls by RPC from an agent to entrypoints of its policy: `fixtures/rpc`.

use crate::harness::{Project, Server, json};

const CONFIG: &str = r#"
threads = 1
[limits]
subrequests = 120
cpu_ms = 1000
wall = "1500ms"
[outbound]
main = "policy.js"
[outbound.limits]
cpu_ms = 200
[audit]
file = "audit.ndjson"
[[agents]]
name = "scout"
tenant = "acme"
main = "agent.js"
[[agents.services]]
binding = "TOOLS"
service = "outbound"
entrypoint = "Tools"
props = { repo = "acme/site" }
[[agents.services]]
binding = "LIST"
service = "outbound"
entrypoint = "Tools"
methods = ["list*"]
[[agents.services]]
binding = "OTHER"
service = "outbound"
entrypoint = "Other"
props = { other = true }
"#;

fn project() -> Project {
    Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", include_str!("../fixtures/rpc/agent.js")),
        ("policy.js", include_str!("../fixtures/rpc/policy.js")),
    ])
}

fn check(server: &Server, cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(case, expected)| {
            let found = server.ok(&format!("/{case}"));
            (found != *expected).then(|| format!("{case}: {found}\n  not: {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), server.log());
}

#[test]
fn values_functions_and_targets_cross() {
    let project = project();
    let server = project.serve(&[]);
    check(
        &server,
        &[
            (
                "who",
                r#"{"name":"scout","tenant":"acme","props":{"repo":"acme/site"}}"#,
            ),
            ("plain", r#"[1,true,5,true,true,2,false,"12",3]"#),
            (
                "proto",
                r#"[[false,false,false,false,false,false,false,false,false],["constructor"],true]"#,
            ),
            ("getters", "[1,1]"),
            ("property", "[42,42]"),
            ("counter", "[[11,13,16],16]"),
            ("pipelined", "15"),
            ("pipelinedFailure", "TypeError: of the standard"),
            ("settledPipeline", "2"),
            ("target", "[9,9,true]"),
            (
                "loopback",
                r#"[9,"Error: RPC stub used after being disposed.",10,false,true]"#,
            ),
            ("callBack", "42"),
            ("callBackThrows", "RangeError: of the agent"),
            ("disposer", r#"[1,"Error: RPC stub used after being disposed."]"#),
            ("roundTrip", "[2,3]"),
            ("stub", "6"),
            ("pool", "1"),
            ("error", r#"[true,"as a value",false,false]"#),
            ("stack", "[false,true]"),
            ("other", r#"{"other":true}"#),
            ("env", r#"[["TOOLS","LIST","OTHER"],"undefined",true]"#),
            ("global", "[1,[]]"),
        ],
    );
}

#[test]
fn what_is_not_public_is_not_reached() {
    let project = project();
    let server = project.serve(&[]);
    let refused = json(&server.ok("/refused"));
    let refused: Vec<&str> = refused
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each.as_str().unwrap())
        .collect();
    let missing = |name: &str| format!("TypeError: The RPC receiver does not implement the method \"{name}\".");
    let reserved = |name: &str| format!("TypeError: '{name}' is a reserved method and cannot be called over RPC.");
    let expected = [
        missing("fetch2"),
        missing("env"),
        missing("ctx"),
        missing("instance"),
        missing("secret"),
        missing("#secret"),
        reserved("connect"),
        reserved("alarm"),
    ];
    assert_eq!(refused, expected.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(
        server.ok("/local"),
        r#"["TypeError: Illegal constructor","[object Fetcher]","[object JsRpcProperty]",false,true,true,"function","[object JsRpcPromise]"]"#
    );
    let values = json(&server.ok("/values"));
    for (place, value) in values.as_array().unwrap().iter().enumerate() {
        assert!(
            value.as_str().unwrap().starts_with("DataCloneError: "),
            "{place}: {value}"
        );
    }
    check(
        &server,
        &[
            (
                "hidden",
                "DataCloneError: Could not serialize object of type \"Hidden\". This type does not support serialization.",
            ),
            ("notCallable", "TypeError: \"answer\" is not a function."),
            (
                "instance",
                r#""TypeError: The RPC receiver does not implement the method \"instance\".""#,
            ),
            (
                "fails",
                r#"["TypeError: of the standard","RpcError: for agents","Error: internal error","Error: internal error"]"#,
            ),
            (
                "granted",
                r#"[["a"],"TypeError: LIST.who() is not among the methods that this agent may call","TypeError: LIST.answer.deep() is not among the methods that this agent may call"]"#,
            ),
        ],
    );
    server.logged("the secret of outbound.js");
    assert!(!refused.iter().any(|each| each.contains("policy.js")));
}

#[test]
fn calls_are_limited_and_end_with_their_event() {
    let project = project();
    let server = project.serve(&[]);
    assert!(
        server
            .ok("/keep")
            .contains("Cannot perform I/O on behalf of a different request")
    );
    server.ok("/leave");
    assert!(
        server
            .ok("/left")
            .contains("Cannot perform I/O on behalf of a different request")
    );
    assert!(server.ok("/flood").contains("too many subrequests"));
    assert!(server.ok("/stubs").contains("stubs at once"));
    assert!(server.ok("/large").contains("limited to 32MiB"));
    assert!(server.ok("/deep").contains("deeper than 500 levels"));
    assert!(server.ok("/recur").contains("too many subrequests"));
    let never = server.get("/never");
    assert_eq!(never.status, 504, "{}", never.body);
    assert!(
        server
            .ok("/loop")
            .contains("was canceled while the call was still running")
    );
    // Another event is served as before.
    assert_eq!(server.ok("/pipelined"), "15");
    let records = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let records: Vec<_> = records
        .lines()
        .map(json)
        .filter(|record| record["kind"] == "rpc")
        .collect();
    let of = |method: &str| records.iter().filter(|record| record["method"] == method).count();
    assert!(of("never") > 1 && of("recur") > 1, "{records:?}");
    assert!(
        records
            .iter()
            .all(|record| record["service"] == "TOOLS" && record["entrypoint"] == "Tools")
    );
}

#[test]
fn a_service_that_is_none_is_refused_at_the_start() {
    let agent = |services: &str| {
        Project::new(&[
            ("agent.js", "export default { fetch: () => new Response() };"),
            ("policy.js", include_str!("../fixtures/rpc/policy.js")),
            (
                "workerd-lite.toml",
                &format!("[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n{services}"),
            ),
        ])
    };
    for (services, expected) in [
        (
            "[[agents.services]]\nbinding = 'A'\nservice = 'b'\n",
            "there is no service \"b\"",
        ),
        (
            "[[agents.services]]\nbinding = 'A'\nservice = 'outbound'\nentrypoint = 'Nowhere'\n",
            "its export Nowhere, which a service names, is not there",
        ),
        (
            "vars = { A = 1 }\n[[agents.services]]\nbinding = 'A'\nservice = 'outbound'\nentrypoint = 'Tools'\n",
            "bound twice",
        ),
    ] {
        let refused = agent(services).refused(&[]);
        assert!(refused.contains(expected), "{services}: {refused}");
    }
}
