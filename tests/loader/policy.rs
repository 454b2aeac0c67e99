//! A policy that loads workers, and how bindings are configured.

use super::{CONFIG, case, serve_as};
use crate::harness::{Project, json, plain};

const CASES: &str = r#"
async judged() { return (await fetch("http://up.example/x")).text(); },
async mine(env) { return Object.keys(env); },
"#;

#[test]
fn a_policy_loads_workers_whose_way_is_its_own() {
    let partner = plain();
    let config = CONFIG.replace(
        "[outbound]",
        "[network]\nallow = [\"local\"]\n[outbound]\nloaders = [\"RULES\"]",
    );
    let policy = format!(
        r#"
const rule = {{ compatibilityDate: "2026-08-04", mainModule: "rule.js", modules: {{ "rule.js": `
  export default {{ async fetch(request, env) {{
    const got = await fetch("http://127.0.0.1:{port}/as-the-policy");
    return new Response([request.url, got.status].join(" "));
  }} }}` }} }};
export default {{ async fetch(request, env, ctx) {{
  return env.RULES.get("rule", () => rule).getEntrypoint().fetch(request);
}} }};"#,
        port = partner.address.port()
    );
    let (_project, server) = serve_as(&config, &policy, CASES);
    for _ in 0..2 {
        assert_eq!(case(&server, "judged"), "http://up.example/x 200");
    }
    assert_eq!(case(&server, "mine"), serde_json::json!(["LOADER"]));
}

#[test]
fn wranglers_field_binds_it() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "scout", "main": "worker.js", "compatibility_date": "2026-08-04", "worker_loaders": [{ "binding": "LOADER" }] }"#,
        ),
        (
            "worker.js",
            r#"export default { fetch: (r, { LOADER }) => LOADER.load({ compatibilityDate: "2026-08-04", mainModule: "m.js", modules: { "m.js": "export default { fetch: () => Response.json(['loaded']) }" } }).getEntrypoint().fetch(r) };"#,
        ),
    ]);
    let (status, _, log) = project.run(&["check"]);
    assert_eq!(status, Some(0), "{log}");
    let server = project.serve(&[]);
    assert_eq!(json(&server.get("/").body), serde_json::json!(["loaded"]));
    drop(server);
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "scout", "main": "worker.js", "vars": { "LOADER": "x" }, "worker_loaders": [{ "binding": "LOADER" }] }"#,
    );
    assert!(project.refused(&[]).contains("bound twice"));
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "scout", "main": "worker.js", "worker_loaders": [{ "bindin": "LOADER" }] }"#,
    );
    assert!(project.refused(&[]).contains("binding"));
}
