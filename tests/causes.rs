//! What an error carries beside its message is in the log and in what `--dev` shows: the cause is mostly what is to be mended.

use crate::harness::Project;

const WORKER: &str = r#"
export default { fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/cause") {
    try { JSON.parse("{nope"); } catch (error) { throw new Error("config is broken", { cause: error }); }
  }
  if (pathname === "/many") throw new AggregateError([new Error("one"), new TypeError("two")], "many");
  if (pathname === "/code") throw Object.assign(new Error("no route"), { code: "EHOSTUNREACH", status: 502, secret: { deep: 1 } });
  if (pathname === "/object") throw { code: 7, reason: "odd" };
  if (pathname === "/circle") { const error = new Error("round"); error.cause = error; throw error; }
  if (pathname === "/hostile") throw { get stack() { throw 1; }, toString() { throw 2; } };
  if (pathname === "/later") { ctx.waitUntil(Promise.reject(new Error("after", { cause: "a word" }))); return new Response("soon"); }
  if (pathname === "/stray") { Promise.reject(new Error("stray", { cause: new RangeError("far") })); return new Response("stray"); }
  return new Response("ok");
} };"#;

#[test]
fn the_log_has_what_an_error_was_caused_by() {
    let project = Project::new(&[("worker.js", WORKER)]);
    let server = project.serve(&["worker.js", "--log-format", "json"]);
    let cases = [
        ("/cause", &["Error: config is broken", "caused by: SyntaxError: "][..]),
        (
            "/many",
            &[
                "AggregateError: many",
                "errors[0]: Error: one",
                "errors[1]: TypeError: two",
            ],
        ),
        ("/code", &["Error: no route", "code: ", "EHOSTUNREACH", "status: 502"]),
        ("/object", &["the handler failed: { code: 7, reason: "]),
        ("/circle", &["Error: round", "caused by: [Circular]"]),
        ("/hostile", &["an exception that can not be described"]),
        (
            "/later",
            &["a waitUntil() promise was rejected: Error: after", "caused by: a word"],
        ),
        ("/stray", &["Error: stray", "caused by: RangeError: far"]),
    ];
    for (path, expected) in cases {
        let before = server.log().len();
        server.get(path);
        server.logged(expected[0]);
        let log = server.log()[before..].to_owned();
        for text in expected {
            assert!(log.contains(text), "{path}: {text:?} is not in {log}");
        }
        // What is an object is not gone into.
        assert!(!log.contains("deep"), "{log}");
    }
    assert_eq!(server.ok("/"), "ok");
}

#[test]
fn a_developer_reads_the_cause() {
    let project = Project::new(&[("worker.js", WORKER)]);
    let server = project.serve(&["worker.js", "--dev"]);
    let text = server.get("/cause").body;
    assert!(
        text.contains("caused by: SyntaxError: ") && text.contains("worker.js:5"),
        "{text}"
    );
    let page = server.curl("/many", &["-H", "accept: text/html"]).body;
    assert!(page.contains("errors[1]: TypeError: two"), "{page}");
    assert!(server.get("/object").body.contains("code: 7"));
}
