//! What crosses by RPC as itself: streams, requests, responses, headers, signals and errors: `fixtures/rpc/objects_*`.

use crate::harness::Project;

const CONFIG: &str = r#"
threads = 1
[limits]
subrequests = 200
cpu_ms = 2000
wall = "3s"
[outbound]
main = "policy.js"
[outbound.limits]
cpu_ms = 300
[[agents]]
name = "scout"
main = "agent.js"
[[agents.services]]
binding = "T"
service = "outbound"
entrypoint = "T"
"#;

#[test]
fn objects_of_the_platform_cross_as_themselves() {
    let project = Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", include_str!("../fixtures/rpc/objects_agent.js")),
        ("policy.js", include_str!("../fixtures/rpc/objects_policy.js")),
    ]);
    let server = project.serve(&[]);
    let cases = [
        ("readable", r#""abc""#),
        ("readableBack", r#""xy""#),
        ("readableThrough", r#""ABCD""#),
        ("readableEmpty", r#"["",""]"#),
        ("readableCancelled", r#""cancelled""#),
        ("backpressure", "true"),
        (
            "locked",
            r#""TypeError: The ReadableStream has been locked to a reader.""#,
        ),
        (
            "used",
            r#"["a",true,"TypeError: The ReadableStream has been locked to a reader."]"#,
        ),
        ("notBytes", "true"),
        ("writable", r#""123""#),
        ("writableBack", r#""to the policy""#),
        ("writableFull", "[true,true]"),
        ("response", r#"[true,418,"as told","1",["a=b"],"a body"]"#),
        ("responseEmpty", r#"[204,null,""]"#),
        (
            "responseTo",
            r#"[true,201,[["b","2"],["content-type","text/plain;charset=UTF-8"]],"from the agent"]"#,
        ),
        (
            "responseUsed",
            r#""TypeError: The ReadableStream has been locked to a reader.""#,
        ),
        ("responseError", r#""[true,0,[],\"\"]""#),
        ("request", r#"[true,"POST","http://a.example/x?y","3","manual","sent"]"#),
        ("requestGet", r#"[true,"GET","http://a.example/",null,"follow",""]"#),
        ("requestBack", r#"[true,"PUT","http://p.example/","of the policy"]"#),
        ("requestAborts", r#""TypeError: of the request""#),
        (
            "headers",
            r#"[true,[["a","1"],["set-cookie","x=1"],["set-cookie","y=2"]],true]"#,
        ),
        ("signalAborted", r#""RangeError: before""#),
        ("signalAborts", r#""later""#),
        ("signalBack", r#"[true,"TypeError: by the policy"]"#),
        ("signalFetch", r#""TypeError: by the policy""#),
        (
            "errors",
            r#"[true,"OwnError",7,"own",true,true,"AbortError",20,true,true,true,true]"#,
        ),
        ("nested", r#"["in a list","in a map","a function","b"]"#),
        ("proxied", "3000000"),
        ("held", r#""....""#),
        ("clone", r#"["twice","twice"]"#),
        ("unread", "1"),
        ("writableNever", r#""left""#),
    ];
    let mut wrong: Vec<String> = cases
        .iter()
        .filter_map(|(case, expected)| {
            let found = server.ok(&format!("/{case}"));
            (found != *expected).then(|| format!("{case}: {found}\n  not: {expected}"))
        })
        .collect();
    let failing = server.ok("/readableFails");
    if !failing.contains("of the agent") || failing.contains("secret") {
        wrong.push(format!("readableFails: {failing}"));
    }
    let aborted = server.ok("/writableAborted");
    if !aborted.contains("no more") {
        wrong.push(format!("writableAborted: {aborted}"));
    }
    let many = server.ok("/many");
    if !many.contains("stubs at once") {
        wrong.push(format!("many: {many}"));
    }
    let broken = server.ok("/broken");
    if !broken.starts_with(r#"["nothing","Error: The destination execution context"#) {
        wrong.push(format!("broken: {broken}"));
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), server.log());
}

#[test]
fn random_values_come_back_as_they_were() {
    let project = Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", include_str!("../fixtures/rpc/random_agent.js")),
        ("policy.js", include_str!("../fixtures/rpc/objects_policy.js")),
    ]);
    let server = project.serve(&[]);
    for batch in 0..10 {
        let wrong = server.ok(&format!("/?seed={}", 1 + 150 * batch));
        assert_eq!(wrong, "[]", "{}", server.log());
    }
}
