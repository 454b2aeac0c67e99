//! Header values are Unicode text, which is UTF-8 on the wire, as Workers have them.

use super::check;

#[test]
fn values_are_text() {
    check(
        r#"
const said = async (run) => { try { await run(); } catch (error) { return error.message; } return "nothing"; };
const PAIRS = "To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.";
const told = async (headers) => JSON.stringify([...(await fetch("http://up.test/", { headers })).headers].filter(([name]) => name.startsWith("x-")));
"#,
        r#"
["\u4f60\u597d", () => new Headers({ a: "\u4f60\u597d" }).get("a")],
["\u{1f600}, \u00e9", () => { const headers = new Headers([["a", "\u{1f600}"]]); headers.append("A", "\u00e9"); return headers.get("a"); }],
["\ufffd", () => new Headers({ a: "\ud800" }).get("a")],
['[["x-cjk","\u4f60"],["x-latin","\u00e9"],["x-smile","\u{1f600}"]]', () => told({ "x-latin": "\u00e9", "x-cjk": "\u4f60", "x-smile": "\u{1f600}" })],
["\u4f60 404", () => { const { statusText, status } = new Response(null, { status: 404, statusText: "\u4f60" }); return `${statusText} ${status}`; }],
// No character of a value becomes a line of its own.
...["a\nb", "a\rb", "a\0b"].map((value) => ["Invalid header value.", () => said(() => new Headers({ a: value }))]),
["[]", async () => told({ "x-\u010a": "1" }).catch(() => "[]")],
["\u010a\u010d", () => new Headers({ a: "\u010a\u010d" }).get("a")],
['[["x-a","\u010ax-b: 1"]]', () => told({ "x-a": "\u010ax-b: 1" })],
...["a b", "", "\u4f60", "a:"].map((name) => ["Invalid header name.", () => said(() => new Headers({ [name]: "1" }))]),
...[["a"], ["a", "b", "c"], []].map((pair) => [PAIRS, () => said(() => new Headers([pair]))]),
["Can't modify immutable headers.", () => said(() => Response.redirect("http://a.test/").headers.append("a", "b"))],
"#,
    );
}

#[test]
fn requests_take_what_workers_take() {
    check(
        r#"
const said = async (run) => { try { await run(); } catch (error) { return `${error.name}: ${error.message}`; } return "nothing"; };
const asked = async (init) => { const { headers } = await fetch("http://up.test/", init); return `${headers.get("cache-control")} ${headers.get("pragma")}`; };
const url = "http://a.test/";
"#,
        r#"
["no-cache no-cache", () => asked({ cache: "no-store" })],
["no-cache no-cache", () => asked({ cache: "no-cache" })],
["max-age=1 no-cache", () => asked({ cache: "no-store", headers: { "cache-control": "max-age=1" } })],
["no-cache x", () => asked({ cache: "no-cache", headers: { pragma: "x" } })],
["null null", () => asked({})],
["undefined", () => String(new Request(url).cache)],
["no-store", () => new Request(new Request(url, { cache: "no-store" })).cache],
...["default", "reload", "force-cache", "only-if-cached", "", "other"].map((cache) => [`TypeError: Unsupported cache mode: ${cache}`, () => said(() => new Request(url, { cache }))]),
["nothing", () => said(() => new Request(url, { integrity: "" }))],
["TypeError: Invalid HTTP method string: a b", () => said(() => new Request(url, { method: "a b" }))],
["TypeError: Request with a GET or HEAD method cannot have a body.", () => said(() => new Request(url, { body: "x" }))],
["RangeError: 200 is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.", () => said(() => Response.redirect(url, 200))],
["TypeError: Unable to parse URL: /x", () => said(() => Response.redirect("/x"))],
// A body that is made of another's is the same.
["true x", async () => { const first = new Request(url, { method: "POST", body: "x" }); const second = new Request("http://b.test/", first); const text = await second.text(); return `${first.bodyUsed} ${text}`; }],
["TypeError TypeError", async () => { const first = new Response("x"); await new Response(first.body).text(); return await first.text(); }],
["true xy", async () => { const first = new Response("xy"); const text = await (await fetch("http://up.test/", { method: "POST", body: first.body })).text(); return `${first.bodyUsed} ${text}`; }],
["2 xy", async () => { const first = new Response(utf8("xy")); const { headers } = await fetch("http://up.test/", { method: "POST", body: new Response(first.body).body }); return `${headers.get("content-length")} xy`; }],
"#,
    );
}

#[test]
fn iterating_takes_each_header_as_it_is_then() {
    check(
        r#"
const changed = (change) => { const headers = new Headers({ a: "1", b: "2", c: "3" }), seen = []; for (const [name, value] of headers) { seen.push(name + value); if (name === "a") change(headers); } return seen.join(); };
"#,
        r#"
["6000", () => { let count = 0; for (const [name] of new Headers(Array.from({ length: 6000 }, (_, i) => [`x${i}`, "v"]))) count++; return count; }],
["a1,b2,c3", () => changed(() => {})],
["a1,c3,d4", () => changed((headers) => { headers.delete("b"); headers.set("d", "4"); })],
["a1,b5,c3", () => changed((headers) => headers.set("b", "5"))],
["a1,b2, 5,c3", () => changed((headers) => headers.append("B", "5"))],
["a1,aa0,b2,c3", () => changed((headers) => headers.append("Aa", "0"))],
"#,
    );
}
