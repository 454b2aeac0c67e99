//! What a compatibility date and flags change: https://developers.cloudflare.com/workers/configuration/compatibility-flags/.

use crate::harness::{Project, json};

const WORKER: &str = r#"
const html = '<p><esi:include src="x">in</p><b>out</b>';
export default { async fetch() {
  const params = new URLSearchParams('a=1&a=2');
  params.delete('a', '1');
  const methods = ['patch', 'get', 'Purge'].map((method) => new Request('http://a.test/', { method }).method);
  const rewriter = new HTMLRewriter().on('b', { element(element) { element.setAttribute('seen', ''); } }).on('p > *', { element(element) { element.after('!'); } });
  const { compatibilityFlags } = Cloudflare;
  return Response.json({
    navigator: typeof navigator, language: globalThis.navigator?.language ?? null, getSetCookie: typeof Headers.prototype.getSetCookie,
    params: String(params), has: new URLSearchParams('a=1').has('a', '2'), methods, weak: typeof WeakRef + typeof FinalizationRegistry,
    channel: typeof MessageChannel, binaryType: new WebSocketPair()[0].binaryType, public: compatibilityFlags.global_fetch_strictly_public, rewritten: await rewriter.transform(new Response(html)).text(),
    flags: ['global_navigator', 'upper_case_all_http_methods', 'enable_weak_ref', 'html_rewriter_treats_esi_include_as_void_tag'].map((flag) => compatibilityFlags[flag]),
  });
} };
"#;

fn found(settings: &str) -> serde_json::Value {
    let project = Project::new(&[("worker.js", WORKER)]);
    project.write(
        "wrangler.jsonc",
        &format!(r#"{{ "name": "w", "main": "worker.js", {settings} }}"#),
    );
    let server = project.serve(&[]);
    let found = json(&server.ok("/"));
    assert!(!server.log().contains("compatibility flag"), "{}", server.log());
    found
}

#[test]
fn dates_and_flags_are_honoured() {
    let newest = serde_json::json!({
        "navigator": "object", "language": "en", "getSetCookie": "function", "params": "a=2", "has": false, "methods": ["PATCH", "GET", "PURGE"],
        "weak": "functionfunction", "channel": "function", "binaryType": "blob", "public": false, "rewritten": r#"<p><esi:include src="x">in</p>!<b seen="">out</b>"#,
        "flags": [true, true, true, false],
    });
    let newest_of = |found: &serde_json::Value, names: &[&str]| {
        for name in names {
            assert_eq!(found[name], newest[name], "{name}");
        }
    };
    let all = [
        "navigator",
        "language",
        "getSetCookie",
        "params",
        "has",
        "methods",
        "weak",
        "channel",
        "flags",
    ];
    newest_of(&found(r#""compatibility_flags": []"#), &all);
    newest_of(&found(r#""compatibility_date": "2025-08-15""#), &all);
    for (settings, kind) in [
        (r#""compatibility_date": "2026-03-17""#, "blob"),
        (r#""compatibility_date": "2026-03-16""#, "arraybuffer"),
        (
            r#""compatibility_date": "2026-03-16", "compatibility_flags": ["websocket_standard_binary_type"]"#,
            "blob",
        ),
        (
            r#""compatibility_flags": ["no_websocket_standard_binary_type"]"#,
            "arraybuffer",
        ),
    ] {
        assert_eq!(found(settings)["binaryType"], kind, "{settings}");
    }
    let old = found(r#""compatibility_date": "2021-12-01""#);
    let expected = serde_json::json!({
        "navigator": "undefined", "language": null, "getSetCookie": "undefined", "params": "", "has": true, "methods": ["patch", "GET", "Purge"],
        "weak": "undefinedundefined", "channel": "undefined", "binaryType": "arraybuffer", "public": false, "rewritten": old["rewritten"], "flags": [false, false, false, false],
    });
    assert_eq!(old, expected);
    let some = found(
        r#""compatibility_date": "2021-12-01", "compatibility_flags": ["global_navigator", "upper_case_all_http_methods", "html_rewriter_treats_esi_include_as_void_tag"]"#,
    );
    assert_eq!(some["navigator"], "object");
    assert_eq!(some["methods"], newest["methods"]);
    assert_eq!(some["flags"], serde_json::json!([true, true, false, true]));
    assert_ne!(some["rewritten"], old["rewritten"]);
    let public = r#""compatibility_flags": ["global_fetch_strictly_public"]"#;
    assert_eq!(found(public)["public"], true);
    assert_eq!(old["public"], false);
}

/// `nodejs_als` has one module and none of Node's globals.
#[test]
fn async_local_storage_comes_alone() {
    let project = Project::new(&[(
        "worker.js",
        "import { AsyncLocalStorage } from 'node:async_hooks';\nimport * as bare from 'async_hooks';\nconst als = new AsyncLocalStorage();\n\
         export default { fetch: () => als.run('kept', async () => { await scheduler.wait(1); \
         return Response.json([als.getStore(), bare.AsyncLocalStorage === AsyncLocalStorage, typeof Buffer, typeof process, await import('node:fs').catch((error) => error.name)]); }) };",
    )]);
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "w", "main": "worker.js", "compatibility_date": "2024-01-01", "compatibility_flags": ["nodejs_als"] }"#,
    );
    let server = project.serve(&[]);
    assert_eq!(
        json(&server.ok("/")),
        serde_json::json!(["kept", true, "undefined", "undefined", "TypeError"])
    );
    assert!(!server.log().contains("nodejs_als"), "{}", server.log());
}
