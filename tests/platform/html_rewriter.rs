//! HTMLRewriter, as Workers' documentation and workerd have it.

use super::check;

const PRELUDE: &str = r"
const page = (html, headers) => new Response(html, { headers: { 'content-type': 'text/html', ...headers } });
const on = (selector, handlers) => new HTMLRewriter().on(selector, typeof handlers === 'function' ? { element: handlers } : handlers);
const text = (rewriter, html) => rewriter.transform(page(html)).text();
";

#[test]
fn tokens_say_what_they_are_and_are_changed() {
    check(
        PRELUDE,
        r#"
["<p><a href=\"x!\">&lt;b&gt;</a></p>", () => text(on("a[href]", (e) => e.setAttribute("href", e.getAttribute("href") + "!").setInnerContent("<b>")), "<p><a href=\"x\">y</a></p>")],
["<p><b></b></p>", () => text(on("p", (e) => { e.setInnerContent("<b></b>", { html: true }); }), "<p>x</p>")],
["[1]<p>[2]x[3]</p>[4]", () => text(on("p", (e) => { e.before("[1]"); e.prepend("[2]"); e.append("[3]"); e.after("[4]"); }), "<p>x</p>")],
["ab", () => text(on("p", (e) => { e.replace("b"); e.before("a"); }), "<p>x</p>")],
["xz", () => text(on("b", (e) => { e.removeAndKeepContent(); }).on("i", { element(e) { e.remove(); } }), "<b>x</b><i>y</i>z")],
["[\"p\",\"http://www.w3.org/1999/xhtml\",true,false,\"1\",null,[[\"id\",\"1\"],[\"b\",\"c\"]],false,true]", async () => { let l; await text(on("p", (e) => { l = [e.tagName, e.namespaceURI, e.hasAttribute("ID"), e.hasAttribute("x"), e.getAttribute("id"), e.getAttribute("x"), [...e.attributes], e.selfClosing, e.canHaveContent]; }), "<p ID=1 b=c>"); return l; }],
["[false,true]", async () => { let l; await text(on("p", (e) => { l = [e.removed]; e.remove(); l.push(e.removed); }), "<p>"); return l; }],
["<div b=\"2\">x</div>", () => text(on("p", (e) => { e.tagName = "div"; e.removeAttribute("a"); e.setAttribute("b", 2); }), "<p a=1>x</p>")],
["<p>x!</p>?", () => text(on("p", (e) => { e.onEndTag((t) => { if (t.name === "p") { t.before("!"); t.after("?"); } }); }), "<p>x</p>")],
// The last handler of an element's end is its only one.
["<p>x2</p>", () => text(on("p", (e) => { e.onEndTag((t) => t.before("1")); e.onEndTag((t) => t.before("2")); }), "<p>x</p>")],
["<p>x</q>", () => text(on("p", (e) => { e.onEndTag((t) => { t.name = "q"; }); }), "<p>x</p>")],
["<p><b>xk</b></p>", () => text(on("p", (e) => { e.onEndTag(async (t) => { await scheduler.wait(2); t.before("</b>", { html: true }); }); e.prepend("<b>", { html: true }); }).on("p", { text(t) { if (t.lastInTextNode) t.before("k"); } }), "<p>x</p>")],
["[[\"hello \",false],[\"\",true]]", async () => { const l = []; await text(on("p", { text(t) { l.push([t.text, t.lastInTextNode]); } }), "<p>hello </p>no"); return l; }],
["<p>HELLO</p>", () => text(on("p", { text(t) { t.replace(t.text.toUpperCase()); } }), "<p>hello</p>")],
["<!--b-->[a]", () => text(on("p", { comments(c) { c.after("[" + c.text + "]"); c.text = "b"; } }), "<p><!--a-->").then((t) => t.slice(3))],
["[\"html\",\"p\",\"s\"]", async () => { let l; await text(new HTMLRewriter().onDocument({ doctype(d) { l = [d.name, d.publicId, d.systemId]; } }), "<!DOCTYPE html PUBLIC \"p\" \"s\">"); return l; }],
["x<!--c--><end>", () => text(new HTMLRewriter().onDocument({ comments(c) { c.text = "c"; }, end(e) { e.append("<end>", { html: true }); } }), "x<!--a-->")],
["[1,2]", async () => { const l = []; class H { n = 0; element() { l.push(++this.n); } } await text(on("p", new H()), "<p><p>"); return l; }],
["<p class=\"a b\">1</p><p>2</p>", () => text(on("p.a:not(.b) > i", (e) => e.remove()), "<p class=\"a b\">1</p><p>2</p>")],
["[\"[object HTMLRewriter]\",\"[object Element]\",\"function\"]", async () => { let l = [String(new HTMLRewriter())]; await text(on("p", (e) => { l.push(String(e), typeof e.attributes.next); }), "<p>"); return l; }],
"#,
    );
}

#[test]
fn handlers_wait_and_fail() {
    check(
        PRELUDE,
        r#"
["[<p>1</p>][<p>2</p>]", () => text(on("p", async (e) => { e.before("["); await scheduler.wait(2); e.after("]"); }), "<p>1</p><p>2</p>")],
["RangeError RangeError", () => text(on("p", () => { throw new RangeError("mine"); }), "<p>")],
["RangeError RangeError", () => text(on("p", async () => { await 1; throw new RangeError("mine"); }), "<p>")],
["RangeError RangeError", () => text(on("p", (e) => { e.onEndTag(() => { throw new RangeError("mine"); }); }), "<p></p>")],
["RangeError RangeError", () => text(new HTMLRewriter().onDocument({ end() { throw new RangeError("mine"); } }), "<p>")],
["TypeError TypeError", async () => { let kept; await text(on("p", (e) => { kept = e; }), "<p>"); return kept.tagName; }],
["TypeError TypeError", async () => { let kept; await text(on("p", (e) => { kept ??= e; if (kept !== e) kept.remove(); }), "<p><p>"); }],
["TypeError TypeError", () => text(on("br", (e) => { e.onEndTag(() => {}); }), "<br>")],
["TypeError TypeError", () => text(on("p", (e) => { e.tagName = "a b"; }), "<p>")],
["TypeError TypeError", () => text(on("p", (e) => { e.setAttribute("a b", ""); }), "<p>")],
["TypeError TypeError", () => text(on("p", (e) => { e.setAttribute("a"); }), "<p>")],
["TypeError TypeError", () => text(on("p", { comments(c) { c.text = "-->"; } }), "<p><!--x-->")],
["TypeError TypeError", () => on("p[", {})],
["TypeError TypeError", () => on("x".repeat(5000), {})],
["TypeError TypeError", () => on("p", { element: 1 })],
["TypeError TypeError", () => on("p", null)],
["TypeError TypeError", () => on("p")],
["TypeError TypeError", () => new HTMLRewriter().transform("x")],
["TypeError TypeError", () => new HTMLRewriter().transform({ body: "x" })],
["TypeError TypeError", async () => { const r = page("x"); await r.text(); return new HTMLRewriter().transform(r); }],
["[true,false,\"x\"]", async () => { const r = page("x"); const made = new HTMLRewriter().transform(r); return [r.bodyUsed, made.bodyUsed, await made.text()]; }],
["TypeError TypeError", async () => { const r = page("x"); new HTMLRewriter().transform(r); return r.text(); }],
["TypeError TypeError", async () => { let C; await text(on("p", (e) => { C = e.constructor; }), "<p>"); return new C(); }],
["cancelled mine", async () => { let said; const body = new ReadableStream({ pull(c) { c.enqueue(utf8("<p>")); }, cancel(reason) { said = `cancelled ${reason}`; } }); const reader = on("p", () => {}).transform(new Response(body)).body.getReader(); await reader.read(); await reader.cancel("mine"); return said; }],
["cancelled Error: e", async () => { let said; const body = new ReadableStream({ pull(c) { c.enqueue(utf8("<p>")); }, cancel(reason) { said = `cancelled ${reason}`; } }); await on("p", () => { throw new Error("e"); }).transform(new Response(body)).text().catch(() => {}); return said; }],
["EvalError EvalError", () => on("p", () => {}).transform(new Response(new ReadableStream({ pull() { throw new EvalError(); } }))).text()],
["TypeError TypeError", () => on("p", () => {}).transform(new Response(new ReadableStream({ pull(c) { c.enqueue({}); } }))).text()],
"#,
    );
}

#[test]
fn documents_stream_and_contents_too() {
    check(
        PRELUDE,
        r#"
["[201,\"b\",null,\"text/html\"]", () => { const r = new HTMLRewriter().transform(new Response("x", { status: 201, headers: { "x-a": "b", "content-length": "1", "content-type": "text/html" } })); return [r.status, r.headers.get("x-a"), r.headers.get("content-length"), r.headers.get("content-type")]; }],
["true", () => { const r = new Response(null); return new HTMLRewriter().transform(r) === r; }],
["<p>&lt;x&gt;-<b>s</b></p>", () => text(on("p", (e) => { e.append(new Response("<b>s</b>"), { html: true }); e.prepend(new Blob(["<x>"]).stream()); }), "<p>-</p>")],
["<p>\u00e9</p>", () => text(on("p", (e) => { e.append(new ReadableStream({ start(c) { c.enqueue(bytes(0xc3)); c.enqueue(bytes(0xa9)); c.close(); } })); }), "<p></p>")],
["URIError URIError", () => text(on("p", (e) => { e.append(new ReadableStream({ pull() { throw new URIError(); } })); }), "<p></p>")],
["[60,112,62,233,233]", async () => [...new Uint8Array(await on("p", (e) => { e.prepend("\u00e9"); }).transform(new Response(bytes(60, 112, 62, 0xe9), { headers: { "content-type": "text/html; charset=iso-8859-1" } })).arrayBuffer())]],
["TypeError TypeError", () => new HTMLRewriter().transform(page("x", { "content-type": "text/html; charset=utf-16" }))],
["<p></p>!", async () => { const { readable, writable } = new TransformStream(); const w = writable.getWriter(); const all = text(on("p", (e) => { e.after("!"); }), readable); for (const c of "<p></p>") await w.write(utf8(c)); await w.close(); return all; }],
["first", async () => { let seen = 0; const body = new ReadableStream({ pull(c) { if (seen++ > 50) throw new Error("too far"); c.enqueue(utf8("<p>x</p>")); } }); const reader = on("p", () => {}).transform(new Response(body)).body.getReader(); await reader.read(); return seen < 5 ? "first" : `${seen}`; }],
["20000", async () => { let n = 0; await text(on("p", () => { n++; }), "<p>hello</p>".repeat(20000)); return n; }],
["<p>1</p>2", async () => { const first = on("p", (e) => { e.setInnerContent("1"); }).transform(page("<p></p>")); return on("p", (e) => { e.after("2"); }).transform(first).text(); }],
["<p>a</p>!", async () => on("p", (e) => { e.after("!"); }).transform(await fetch("http://up.test/", { method: "POST", body: "<p>a</p>" })).text()],
"#,
    );
}
