//! What `fetch` and `Request` refuse and tell by the Fetch standard: <https://fetch.spec.whatwg.org/>.

use super::check;

/// <https://w3c.github.io/webappsec-subresource-integrity/>; the policy answers with what it is sent.
#[test]
fn a_body_is_the_one_that_integrity_names() {
    check(
        r#"
const get = async (integrity, body = "top") => (await fetch("http://a/", { method: "POST", body, integrity })).text();
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const hash = async (algorithm, text = "top") => `${algorithm.replace("-", "").toLowerCase()}-${base64(await crypto.subtle.digest(algorithm, utf8(text)))}`;
"#,
        r#"
["top", () => get("")],
["top", async () => get(await hash("SHA-256"))],
["top", async () => get(await hash("SHA-384"))],
["top", async () => get(await hash("SHA-512"))],
["top", async () => get((await hash("SHA-512")).toUpperCase().slice(0, 7) + (await hash("SHA-512")).slice(7))],
["top", async () => get((await hash("SHA-512")).replaceAll("=", ""))],
["top", async () => get((await hash("SHA-512")).replaceAll("+", "-").replaceAll("/", "_"))],
["top", async () => get(`${await hash("SHA-256")}?option`)],
["TypeError TypeError", async () => get(await hash("SHA-256", "other"))],
["TypeError TypeError", async () => get(await hash("SHA-256"), "tap")],
["top", async () => get(`${await hash("SHA-256", "other")} ${await hash("SHA-384")}`)],
["TypeError TypeError", async () => get(`${await hash("SHA-512", "other")}\n${await hash("SHA-384")}`)],
["top", async () => get(`${await hash("SHA-512", "other")}\t${await hash("SHA-512")}`)],
["top", () => get("md5-nothing sha1-AAAA nonsense")],
["top", async () => (await (await fetch(new Request("data:,top", { integrity: await hash("SHA-256") }))).text())],
["TypeError TypeError", async () => fetch("data:,tap", { integrity: await hash("SHA-256") })],
["TypeError TypeError", async () => fetch("http://a/", { integrity: await hash("SHA-256") })],
["AbortError", async () => {
  const controller = new AbortController();
  const response = await fetch("http://a/", { method: "POST", body: "top", integrity: await hash("SHA-256"), signal: controller.signal });
  controller.abort();
  return response.text().then(() => "read", (error) => error.name);
}],
"#,
    );
}

#[test]
fn what_a_request_can_not_have_is_refused() {
    check(
        r#"
const stream = () => new ReadableStream({ start(controller) { controller.enqueue(utf8("x")); controller.close(); } });
const make = (init) => new Request("http://a/", { method: "POST", ...init });
"#,
        r#"
["TypeError TypeError", () => make({ window: "http://b/" })],
["POST", () => make({ window: null }).method],
["POST", () => make({ window: undefined }).method],
["TypeError TypeError ERR_INVALID_ARG_VALUE", () => make({ duplex: "full" })],
["TypeError TypeError ERR_INVALID_ARG_VALUE", () => make({ body: stream(), duplex: "full" })],
["half", () => make({ body: stream(), duplex: "half" }).duplex],
["half", () => make({ body: stream() }).duplex],
["TypeError TypeError", () => make({ body: stream(), keepalive: true })],
["x", () => make({ body: "x", keepalive: true }).text()],
["|half|false|false", () => { const r = make({}); return [r.destination, r.duplex, r.isHistoryNavigation, r.isReloadNavigation].join("|"); }],
["TypeError TypeError ERR_INVALID_THIS", () => Object.getOwnPropertyDescriptor(Request.prototype, "destination").get.call({})],
"#,
    );
}

#[test]
fn answers_tell_their_type() {
    check(
        "",
        r#"
["basic", async () => (await fetch("http://a/")).type],
["basic", async () => (await fetch("data:,x")).type],
["basic", async () => (await fetch("data:,x")).clone().type],
["default", () => new Response("x").type],
["get body,get bodyUsed", () => ["body", "bodyUsed"].map((name) => Object.getOwnPropertyDescriptor(Response.prototype, name).get.name).join()],
["default", async () => new Response("x", await fetch("data:,x")).type],
["error", () => Response.error().type],
"#,
    );
}

/// <https://fetch.spec.whatwg.org/#dom-global-fetch>, step 4.
#[test]
fn a_signal_that_was_aborted_rejects_at_once() {
    check(
        r#"
const order = async (url) => {
  const log = [];
  const failed = fetch(url, { signal: AbortSignal.abort() }).catch((error) => log.push(error.name));
  await Promise.all([failed, Promise.resolve().then(() => log.push("microtask"))]);
  return log.join();
};
"#,
        r#"
["AbortError,microtask", () => order("http://a/")],
["AbortError,microtask", () => order("data:,x")],
["true", async () => {
  let given;
  const body = new ReadableStream({ cancel(reason) { given = reason; } });
  const signal = AbortSignal.abort("gone");
  await fetch("http://a/", { method: "POST", body, signal }).catch(() => {});
  return given === "gone";
}],
"#,
    );
}

#[test]
fn types_of_bodies_are_as_the_standard_writes_them() {
    check(
        "",
        r#"
["true", () => /^multipart\/form-data; boundary=\S+$/.test(new Response(new FormData()).headers.get("content-type"))],
["true", () => /^multipart\/form-data; boundary=\S+$/.test(new Request("http://a/", { method: "POST", body: new FormData() }).headers.get("content-type"))],
["1", async () => { const form = new FormData(); form.append("a", "1"); return (await new Response(form).formData()).get("a"); }],
["0", () => { const before = Date.now(); return String(new File([], "f").lastModified - before); }],
["0", () => { const end = performance.now(); for (let i = 0; i < 1e6; i++); return String(new File([], "f").lastModified - Date.now()); }],
"#,
    );
}

/// <https://developers.cloudflare.com/workers/configuration/compatibility-flags/#fetch-iterable-type-support-override-adjustment>
#[test]
fn what_can_be_iterated_and_has_a_text_of_its_own_is_that_text() {
    check(
        r#"
const of = (...parts) => ({ *[Symbol.iterator]() { for (const part of parts) yield utf8(part); } });
class Markup { constructor(text) { this.text = text; } *[Symbol.iterator]() { yield utf8("parts"); } toString() { return this.text; } }
const text = (body) => new Response(body).text();
"#,
        r#"
["ab", () => text(of("a", "b"))],
["<b>", () => text(new Markup("<b>"))],
["<b>", () => new Request("http://a/", { method: "POST", body: new Markup("<b>") }).text()],
["7", () => text(Object.assign(of("a"), { [Symbol.toPrimitive]: () => "7" }))],
["ab", () => text([utf8("a"), utf8("b")])],
["ab", () => text(new Set([utf8("a"), utf8("b")]))],
["a", () => text(Object.assign(Object.create(null), of("a")))],
["a", () => text({ async *[Symbol.asyncIterator]() { yield utf8("a"); }, toString: () => "b" })],
"#,
    );
}
