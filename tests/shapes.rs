//! Policies in every shape that code written for Cloudflare has.

use std::process::Command;

use crate::harness::{Project, peers};

/// Asks the policy for this URL and gives what it answered.
const AGENT: &str = r"
export default { async fetch(request) {
  const response = await fetch(decodeURIComponent(new URL(request.url).search.slice(1)));
  return new Response(`${response.status} ${await response.text()}`);
} };
";

fn answer(config: &str, policy: &str) -> String {
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", policy),
        ("workerd-lite.toml", config),
    ]);
    project.serve(&[]).get("/?http://x.example/").body
}

#[test]
fn entrypoints_of_every_form() {
    let default = "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nprops = { plan = 'free' }\nvars = { A = 'a' }\n";
    let named = default.replace("props", "entrypoint = 'Gateway'\nprops");
    let entrypoint = r#"
        import { WorkerEntrypoint } from "cloudflare:workers";
        export FORM class Gateway extends WorkerEntrypoint {
          async fetch(request) {
            this.ctx.waitUntil(Promise.resolve());
            return Response.json([this.env, this.ctx.props, this.ctx.agent.name, new URL(request.url).hostname]);
          }
        }"#;
    let expected = r#"200 [{"A":"a"},{"plan":"free"},"agent","x.example"]"#;
    assert_eq!(answer(default, &entrypoint.replace("FORM", "default")), expected);
    assert_eq!(answer(&named, &entrypoint.replace("FORM", "")), expected);
    let object =
        r"fetch: (request, env, ctx) => Response.json([env, ctx.props, ctx.agent.name, new URL(request.url).hostname])";
    assert_eq!(answer(default, &format!("export default {{ {object} }};")), expected);
    assert_eq!(
        answer(
            &named,
            &format!("export const Gateway = {{ {object} }}; export default {{}};")
        ),
        expected
    );
    assert_eq!(
        answer(
            default,
            &format!("const handler = {{ {object} }}; export {{ handler as default }};")
        ),
        expected
    );
}

#[test]
fn a_policy_calls_its_own_entrypoints() {
    let config =
        "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nvars = { A = 'a' }\nprops = { of = 'the agent' }\n";
    let policy = r#"
        import { WorkerEntrypoint, env, exports, waitUntil } from "cloudflare:workers";
        export class Inner extends WorkerEntrypoint {
          fetch(request) { return Response.json([this.ctx.props, this.env.A, request.method, request.url, this.ctx.agent.name]); }
        }
        export const plain = { fetch: (request, env, ctx) => Response.json([ctx.props, env.A]) };
        export default { async fetch(request, own, ctx) {
          waitUntil(Promise.resolve());
          const answers = [
            await ctx.exports.Inner({ props: { a: [1] } }).fetch(new Request("http://inner.example/", { method: "PUT" })),
            await ctx.exports.Inner.fetch("http://bare.example/"),
            await exports.plain.fetch("http://plain.example/"),
          ];
          return Response.json([env.A, Object.keys(env), own.A, ...await Promise.all(answers.map((answer) => answer.json()))]);
        } };"#;
    let expected = concat!(
        r#"200 ["a",["A"],"a",[{"a":[1]},"a","PUT","http://inner.example/","agent"],"#,
        r#"[{},"a","GET","http://bare.example/","agent"],[{},"a"]]"#
    );
    assert_eq!(answer(config, policy), expected);
}

#[test]
fn what_cannot_be_called_is_refused_clearly() {
    let classes = r#"
        import { DurableObject, RpcTarget, WorkflowEntrypoint } from "cloudflare:workers";
        export class Counter extends DurableObject { fetch() { return new Response("ran"); } }
        export class Flow extends WorkflowEntrypoint { run() {} }
        export class Target extends RpcTarget {}
        export class Bare {}
        export default { async fetch(request, env, ctx) {
          const name = new URL(request.url).pathname.slice(1);
          try { return await ctx.exports[name].fetch("http://x"); } catch (error) { return new Response(`${error}`); }
        } };"#;
    let project = Project::new(&[("agent.js", AGENT), ("policy.js", classes)]);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
    );
    let server = project.serve(&[]);
    for (name, expected) in [
        (
            "Counter",
            "Counter is a Durable Object, which workerd-lite does not run",
        ),
        ("Flow", "Flow is a Workflow, which workerd-lite does not run"),
        ("Target", "Target, a class, has no fetch() method"),
        ("Bare", "Bare, a class, has no fetch() method"),
    ] {
        let body = server.get(&format!("/?http://x.example/{name}")).body;
        assert!(body.contains(expected), "{name}: {body}");
    }
    drop(server);
    // The same as the entrypoint of the configuration: the server does not start.
    for (name, expected) in [
        ("Counter", "its export Counter"),
        ("Missing", "it exports no Missing"),
        ("Bare", "no fetch() method"),
    ] {
        project.write(
            "workerd-lite.toml",
            &format!("main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nentrypoint = '{name}'\n"),
        );
        let report = project.refused(&[]);
        assert!(
            report.contains(expected) || report.contains("is a Durable Object"),
            "{name}: {report}"
        );
    }
}

#[test]
fn a_denial_is_problem_details() {
    let policy = r#"
        import { deny } from "workerd-lite:policy";
        export default { fetch: (request) => deny({ title: "No", detail: `not ${new URL(request.url).hostname}`, rule: "r1", remedy: "ask" }) };"#;
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch: () => fetch('http://x.example/') };",
        ),
        ("policy.js", policy),
    ]);
    let server = project.serve(&["agent.js", "--outbound", "policy.js"]);
    let answer = server.get("/");
    assert_eq!(answer.status, 403);
    assert!(
        answer.headers.contains("content-type: application/problem+json"),
        "{}",
        answer.headers
    );
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = serde_json::json!({
        "type": "about:blank", "title": "No", "status": 403, "detail": "not x.example", "rule": "r1", "remedy": "ask",
    });
    assert_eq!(problem, expected);
}

#[test]
fn cloudflares_containers_judge_by_their_own_code() {
    let Some(peers) = peers::npm() else { return };
    let bundle = peers.join("containers.bundle.js");
    let output = Command::new(peers.join("node_modules/.bin/esbuild"))
        .args(["containers.js", "--bundle", "--format=esm", "--external:cloudflare:*"])
        .arg(format!("--outfile={}", bundle.display()))
        .current_dir(&peers)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ask = |props: &str, urls: &[&str]| -> Vec<String> {
        let project = Project::new(&[("agent.js", AGENT)]);
        project.write("policy.js", &std::fs::read_to_string(&bundle).unwrap());
        project.write(
            "workerd-lite.toml",
            &format!(
                "[outbound]\nmain = 'policy.js'\nvars = {{ A = 1 }}\n[[agents]]\nname = 'scout'\nmain = 'agent.js'\n\
                 [agents.outbound]\nentrypoint = 'ContainerProxy'\n[agents.outbound.props]\n\
                 className = 'Sandbox'\ncontainerId = 'c1'\n{props}"
            ),
        );
        let server = project.serve(&[]);
        urls.iter().map(|url| server.get(&format!("/?{url}")).body).collect()
    };
    let disallowed = "520 Origin is disallowed";
    assert_eq!(
        ask(
            "interceptAll = true\nenableInternet = false\ndeniedHosts = ['denied.example']\n",
            &[
                "http://api.example/p",
                "http://a.wild.example/",
                "http://denied.example/",
                "http://other.example/"
            ],
        ),
        [
            r#"200 {"by":"host","env":{"A":1},"ctx":{"containerId":"c1","className":"Sandbox"},"path":"/p"}"#,
            "200 by glob",
            disallowed,
            "200 by default for Sandbox",
        ]
    );
    assert_eq!(
        ask(
            "interceptAll = true\nallowedHosts = ['api.example', '*.ok.example']\n\
             outboundHandlerOverride = { method = 'renamed', params = { to = 'x' } }\n",
            &["http://api.example/", "http://a.ok.example/", "http://other.example/"],
        )[1..],
        ["200 renamed x", disallowed]
    );
    assert_eq!(
        ask("enableInternet = false\n", &["http://other.example/"]),
        [disallowed]
    );
}
