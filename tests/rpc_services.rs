//! Services of other agents and of the policy, from both files, with their requests: `fixtures/rpc/services_*`.

use crate::harness::{Project, json};

const CONFIG: &str = r#"
threads = 1
[limits]
subrequests = 100
wall = "2s"
cpu_ms = 2000
[outbound]
main = "policy.js"
[audit]
file = "audit.ndjson"
[[agents]]
name = "scout"
tenant = "acme"
main = "agent.js"
match = ["/scout/*"]
vars = { NAME = "scout" }
[[agents.services]]
binding = "SCRIBE"
service = "scribe"
entrypoint = "Scribe"
props = { of = "the owner" }
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
binding = "SELF"
service = "scout"
entrypoint = "Local"
[[agents.services]]
binding = "CROSS"
service = "spy"
entrypoint = "Scribe"
cross_tenant = true
[[agents]]
name = "scribe"
tenant = "acme"
config = "scribe/wrangler.jsonc"
match = ["/scribe/*"]
vars = { NAME = "scribe" }
[[agents]]
name = "spy"
tenant = "evil"
main = "agent.js"
match = ["/spy/*"]
vars = { NAME = "spy" }
"#;

const WRANGLER: &str = r#"{
  // As it is deployed.
  "name": "scribe", "main": "agent.js", "compatibility_date": "2026-01-01",
  "services": [{ "binding": "BACK", "service": "scout", "entrypoint": "Scribe", "props": { "from": "wrangler" } }]
}"#;

#[test]
fn agents_call_each_other_where_it_is_written() {
    let agent = include_str!("../fixtures/rpc/services_agent.js");
    // Its own way back.
    let scout = agent.replace("this.env.BACK", "this.env.SCRIBE");
    let project = Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", &scout),
        ("scribe/agent.js", agent),
        ("scribe/wrangler.jsonc", WRANGLER),
        ("policy.js", include_str!("../fixtures/rpc/services_policy.js")),
    ]);
    let server = project.serve(&[]);
    let who = r#"{"name":"scout","tenant":"acme","props":{"repo":"acme/site"}}"#;
    let cases = [
        (
            "who",
            r#"{"called":"scribe","name":"scout","tenant":"acme","props":{"of":"the owner"}}"#,
        ),
        ("value", "1"),
        ("callBack", "42"),
        ("fails", r#""RangeError: of the scribe""#),
        (
            "fetch",
            r#"["scribe","POST","http://scribe.example/x","hello","scout",{"of":"the owner"}]"#,
        ),
        ("fetchThrows", r#""TypeError/of its fetch: no""#),
        (
            "policyFetch",
            r#"["GET","http://tools.example/y","scout",{"repo":"acme/site"}]"#,
        ),
        (
            "policyDenied",
            r#"["TypeError: LIST.fetch() is not among the methods that this agent may call","TypeError: LIST.who() is not among the methods that this agent may call"]"#,
        ),
        // A service that is lent stays that of the agent which has it.
        ("smuggle", who),
        (
            "keep",
            r#"[1,"Error: Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response bodies, and others) created in the context of one request handler cannot be accessed from a different request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall performance."]"#,
        ),
        ("cross", r#""scout""#),
        ("env", r#"["CROSS","LIST","NAME","SCRIBE","SELF","TOOLS"]"#),
        ("self", "[3,1]"),
        (
            "exports",
            r#"[5,{"p":1},{},1,"bottom","TypeError: Illegal constructor","TypeError: The RPC receiver does not implement the method \"ctx\"."]"#,
        ),
        ("lent", r#"{"given":true}"#),
        (
            "classes",
            r#"[true,true,false,true,false,true,"ok","function",false,"TypeError: Illegal constructor"]"#,
        ),
        ("global", r#"{"repo":"acme/site"}"#),
    ];
    let mut wrong: Vec<String> = cases
        .iter()
        .filter_map(|(case, expected)| {
            let found = server.ok(&format!("/scout/{case}"));
            (found != *expected).then(|| format!("{case}: {found}\n  not: {expected}"))
        })
        .collect();
    let mut holds = |case: &str, path: &str, needle: &str| {
        let found = server.ok(path);
        if !found.contains(needle) {
            wrong.push(format!("{case}: {found}\n  without: {needle}"));
        }
    };
    holds(
        "recursion",
        "/scout/recursion",
        "too many workers have called each other",
    );
    holds("forged", "/scout/forged", r#"{\"repo\":\"acme/site\"}"#);
    holds("then", "/scout/then", r#"["undefined",true,"#);
    // The other agent's own, from wrangler's file; and nobody else's.
    holds("wrangler", "/scribe/env", r#"["BACK","NAME"]"#);
    holds("granted to nobody", "/spy/env", r#"["NAME"]"#);
    assert!(!server.ok("/scout/forged").contains("admin"));
    for path in ["/scout/hidden"] {
        let found = json(&server.ok(path));
        for each in found.as_array().unwrap() {
            if !each.as_str().unwrap().starts_with("TypeError: ") {
                wrong.push(format!("{path}: {each}"));
            }
        }
    }
    assert_eq!(server.get("/scout/never").status, 504);
    assert_eq!(server.ok("/scout/value"), "1");
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), server.log());
    let records = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let records: Vec<_> = records.lines().map(json).collect();
    let of = |service: &str, method: &str, verdict: &str| {
        let is = |record: &&serde_json::Value| {
            record["kind"] == "rpc"
                && record["service"] == service
                && record["method"] == method
                && record["verdict"] == verdict
        };
        let found = records.iter().find(is);
        found.unwrap_or_else(|| panic!("{service}.{method}: {records:#?}"))
    };
    assert_eq!(of("SCRIBE", "fetch", "answer")["bytes_sent"], 5);
    assert_eq!(of("SCRIBE", "who", "answer")["agent"], "scout");
    assert_eq!(of("TOOLS", "fetch", "answer")["status"], 200);
    assert_eq!(of("LIST", "fetch", "deny")["by"], "rule");
    assert_eq!(of("BACK", "again", "deny")["agent"], "scribe");
}

#[test]
fn services_that_may_not_be_are_refused_at_the_start() {
    let agent = "export default { fetch: () => new Response() };";
    let refused = |services: &str, wrangler: &str| {
        let project = Project::new(&[
            ("agent.js", agent),
            ("a/agent.js", agent),
            ("a/wrangler.jsonc", wrangler),
            (
                "workerd-lite.toml",
                &format!(
                    "match_header = 'x-agent'\n[[agents]]\nname = 'a'\ntenant = 'acme'\nconfig = 'a/wrangler.jsonc'\n{services}\n\
                     [[agents]]\nname = 'b'\ntenant = 'other'\nmain = 'agent.js'\n"
                ),
            ),
        ]);
        project.refused(&[])
    };
    let plain = r#"{ "main": "agent.js" }"#;
    for (services, wrangler, expected) in [
        (
            "[[agents.services]]\nbinding = 'B'\nservice = 'b'\n",
            plain,
            "the agent \"b\" is of another tenant",
        ),
        (
            "[[agents.services]]\nbinding = 'B'\nservice = 'other/b'\n",
            plain,
            "cross_tenant = true",
        ),
        (
            "[[agents.services]]\nbinding = 'B'\nservice = 'outbound'\n",
            plain,
            "there is no outbound worker",
        ),
        (
            "",
            r#"{ "main": "agent.js", "services": [{ "binding": "B", "service": "b" }] }"#,
            "env.B would be missing: the agent \"b\" is of another tenant",
        ),
        (
            "",
            r#"{ "main": "agent.js", "services": [{ "binding": "B", "service": "nobody" }] }"#,
            "there is no service \"nobody\"",
        ),
        (
            "",
            r#"{ "main": "agent.js", "vars": { "B": 1 }, "services": [{ "binding": "B", "service": "a" }] }"#,
            "bound twice",
        ),
    ] {
        let found = refused(services, wrangler);
        assert!(found.contains(expected), "{services} {wrangler}: {found}");
    }
}
