//! `request.cf`: what the owner and the listener say of a request.

use serde_json::{Value, json};

use crate::harness::Project;

const AGENT: &str = "export default { async fetch(request) { \
    const copy = new Request(request); \
    const before = request.cf === undefined ? 'undefined' : { ...request.cf }; \
    if (request.cf) request.cf.colo = 'changed'; \
    const out = await fetch('http://out.example/', { cf: { colo: 'FEIGNED' } }); \
    return Response.json({ before, copied: copy.cf ?? null, cloned: request.clone().cf ?? null, policy: await out.json() }); } };";

const POLICY: &str = "export default { fetch: (request) => Response.json(request.cf ?? null) };";

fn ask(lines: &str) -> Value {
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", POLICY),
        (
            "workerd-lite.toml",
            &format!("main = 'agent.js'\nthreads = 1\n{lines}\n[outbound]\nmain = 'policy.js'\n"),
        ),
    ]);
    let server = project.serve(&[]);
    crate::harness::json(&server.ok("/"))
}

#[test]
fn it_is_undefined_where_nobody_says_anything() {
    assert_eq!(
        ask(""),
        json!({ "before": "undefined", "copied": null, "cloned": null, "policy": null })
    );
}

#[test]
fn the_owner_says_what_it_is() {
    let said = "[cf]\ncolo = 'FRA'\nasn = 64496\ncountry = 'DE'\nhttpProtocol = 'never'\n[cf.botManagement]\nscore = 1.5\nok = true\nlist = ['ü']";
    let known = json!({ "colo": "FRA", "asn": 64496, "country": "DE", "httpProtocol": "HTTP/1.1",
        "botManagement": { "score": 1.5, "ok": true, "list": ["ü"] } });
    let mut changed = known.clone();
    changed["colo"] = "changed".into();
    assert_eq!(
        ask(said),
        json!({ "before": known, "copied": known, "cloned": changed, "policy": null })
    );
    assert_eq!(ask("[cf]")["before"], json!({ "httpProtocol": "HTTP/1.1" }));
}

#[test]
fn what_json_has_no_word_for_is_refused() {
    for value in ["2026-01-01", "[1, 12:00:00]", "nan"] {
        let project = Project::new(&[
            ("agent.js", AGENT),
            (
                "workerd-lite.toml",
                &format!("main = 'agent.js'\n[cf]\nwhen = {value}\n"),
            ),
        ]);
        let report = project.refused(&[]);
        assert!(
            report.contains("workerd-lite.toml:3") && report.contains("cf.when"),
            "{report}"
        );
    }
}

#[test]
fn tests_see_it_too() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch: (request) => Response.json(request.cf) };",
        ),
        ("workerd-lite.toml", "main = 'agent.js'\n[cf]\ncolo = 'FRA'\n"),
        (
            "cf.test.js",
            "import { test } from 'workerd-lite:test';\n\
             test('cf', async (t) => { const cf = await (await t.client.fetch('http://a.example/')).json();\n\
               if (cf.colo !== 'FRA') throw new Error(JSON.stringify(cf)); });",
        ),
    ]);
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
}
