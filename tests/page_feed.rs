//! What the page of `serve --dev` is told, and how its tests ask.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Project, json as parsed, plain};
use crate::page::{page, serve};

/// What the page is told, without a browser: each entry from its beginning, whole, and without secrets.
#[test]
fn entries_are_told_from_their_beginning() {
    let partner = plain();
    let (_project, server) = serve(&partner);
    let events = format!("{}/events", page(&server));
    let listening = std::thread::spawn(move || {
        let arguments = ["-sN", "-m", "4", &events];
        std::process::Command::new("curl")
            .args(arguments)
            .output()
            .unwrap()
            .stdout
    });
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.get("/ok").status, 200);
    assert_eq!(server.get("/denied").status, 403);
    assert_eq!(server.get("/throws").status, 500);
    let text = String::from_utf8(listening.join().unwrap()).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let entries: Vec<Value> = text
        .lines()
        .filter_map(|line| Some(parsed(line.strip_prefix("data: ")?)))
        .collect();
    assert_eq!(
        (&entries[0]["kind"], &entries[0]["agents"][0]["name"]),
        (&json!("project"), &json!("agent"))
    );
    let states = |kind: &str, number: usize| {
        let of_kind = entries.iter().filter(|entry| entry["kind"] == kind);
        let keys: BTreeSet<_> = of_kind.clone().map(|entry| entry["key"].as_u64().unwrap()).collect();
        let key = *keys.iter().nth(number).unwrap();
        let told: Vec<&Value> = of_kind.filter(|entry| entry["key"] == key).collect();
        let mut states: Vec<_> = told
            .iter()
            .map(|entry| entry["state"].as_str().unwrap().to_owned())
            .collect();
        states.dedup();
        (states, (*told.last().unwrap()).clone())
    };
    let (told, request) = states("request", 0);
    assert_eq!(told, ["begun", "body", "done"]);
    assert!(
        request["ms"].as_f64() >= request["head"].as_f64() && request["bytes"].as_u64() > Some(0),
        "{request}"
    );
    let (told, call) = states("call", 0);
    assert_eq!(told, ["begun", "done"]);
    assert_eq!((&call["request"], &call["status"]), (&request["request"], &json!(200)));
    let (told, egress) = states("egress", 0);
    assert_eq!(told, ["begun", "leaving", "body", "done"]);
    assert_eq!(
        (&egress["call"], &egress["request"]),
        (&call["key"], &request["request"])
    );
    let ms = |stage: &str| egress["egress"]["ms"][stage].as_f64().unwrap();
    assert!(
        ms("connect") > 0.0 && ms("first_byte") >= ms("connect") && ms("total") >= ms("first_byte"),
        "{egress}"
    );
    let (told, denied) = states("egress", 1);
    assert_eq!(told.last().unwrap(), "done");
    assert_eq!(
        (&denied["egress"]["verdict"], &denied["sent"]),
        (&json!("deny"), &Value::Null)
    );
    let (told, thrown) = states("request", 2);
    assert_eq!(told, ["begun", "done"]);
    assert!(thrown["error"].as_str().unwrap().contains("[agent.ts:6:"), "{thrown}");
}

/// `t.client` is the server as its clients have it.
#[test]
fn a_test_asks_as_a_client_does() {
    let agent = "export default { fetch(request) { const { pathname } = new URL(request.url); if (pathname === '/loop') for (;;); \
                 if (pathname === '/throw') throw new Error('no'); return new Response(request.body ?? 'fine'); } };";
    let project = Project::new(&[
        ("a.js", agent),
        (
            "workerd-lite.toml",
            "[outbound]\nmain = 'p.js'\n[[agents]]\nname = 'a'\nmain = 'a.js'\nmatch = ['a.localhost']\nlimits = { request_body_mb = 1 }\n",
        ),
        ("p.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "a.test.js",
            "import { test } from 'workerd-lite:test';\n\
             for (const [url, init, status] of [\n\
               ['http://a.localhost/', {}, 200], ['http://a.localhost:1234/', { method: 'POST', body: 'x' }, 200], ['http://b.localhost/', {}, 404],\n\
               ['http://a.localhost/', { method: 'POST', body: 'x'.repeat(2 << 20) }, 413], ['http://a.localhost/loop', {}, 503], ['http://a.localhost/throw', {}, 500],\n\
             ]) test(`${url} ${status}`, async (t) => {\n\
               const response = await t.client.fetch(url, init);\n\
               t.assert.equal(response.status, status);\n\
               if (status === 200) t.assert.equal(await response.text(), init.body ?? 'fine');\n\
             });\n",
        ),
    ]);
    let (code, out, errors) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}\n{errors}");
    assert!(out.contains("6 passed"), "{out}");
}
