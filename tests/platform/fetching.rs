//! `data:` URLs, byte-order marks and MIME types.

use std::fmt::Write as _;

use super::check;

/// <https://fetch.spec.whatwg.org/#data-url-processor>
#[test]
fn data_urls_are_read_in_the_isolate() {
    check(
        r#"
const get = async (url, init) => {
  const response = await fetch(url, init);
  return `${response.status} ${response.statusText} ${response.headers.get("content-type")} ${[...new Uint8Array(await response.arrayBuffer())]}`;
};
"#,
        r#"
["200 OK text/plain;charset=US-ASCII 104,105", () => get("data:,hi")],
["200 OK text/plain 104,105,32,120", () => get("data:text/plain,hi%20x")],
["200 OK text/plain 104,105", () => get("data:text/plain;base64,aGk=")],
["200 OK text/plain 104,105", () => get("data:text/plain ; base64,aGk")],
["200 OK text/plain 104,105", () => get("data:text/plain;BASE64, aG%20k%3D ")],
["200 OK text/plain;charset=x 120", () => get("data:;charset=x,x")],
['200 OK text/plain;x="y/z" 120', () => get("data:;base64;x=y/z,x")],
["200 OK text/html;charset=utf-8 120", () => get("data:TEXT/HTML;Charset=utf-8,x")],
["200 OK text/plain;charset=US-ASCII 120", () => get("data:nonsense,x")],
["200 OK text/plain;charset=US-ASCII 120", () => get("data:,x#fragment,y")],
["200 OK text/plain;charset=US-ASCII 255,37,37,122", () => get("data:,%FF%%z")],
["200 OK text/plain;charset=US-ASCII 195,169", () => get("data:,\u00e9")],
["200 OK text/plain 44", () => get("data:text/plain,,")],
["200 OK text/plain;charset=US-ASCII ", () => get("data:,")],
["200 OK image/png 1,2,3", () => get("data:image/png;base64,AQID", { method: "POST", body: "x" })],
["200 OK text/plain;charset=US-ASCII ", () => get("data:,x", { method: "HEAD" })],
["TypeError TypeError", () => get("data:text/plain")],
["TypeError TypeError", () => get("data:notAdataUrl.com")],
["TypeError TypeError", () => get("data:;base64,a")],
["TypeError TypeError", () => get("data:;base64,!!!!")],
["DOMException AbortError 20", () => get("data:,x", { signal: AbortSignal.abort() })],
["data:,x false basic", async () => { const r = await fetch(new Request("data:,x#y")); return `${r.url} ${r.redirected} ${r.type === "default" || r.type === "basic" ? "basic" : r.type}`; }],
["{\"a\":1}", async () => JSON.stringify(await (await fetch("data:application/json,{\"a\":1}")).json())],
["true", async () => { const r = await fetch("data:," + "x".repeat(1e5)); return (await r.text()).length === 1e5; }],
"#,
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_text() {
    check(
        r#"
const marked = '\ufeff{"a":1}';
const echo = (body) => fetch("http://a/", { method: "POST", body });
const ways = {
  string: () => new Response(marked),
  buffer: () => new Response(utf8(marked)),
  stream: () => new Response(new Blob([marked]).stream()),
  blob: () => new Response(new Blob([marked])),
  request: () => new Request("http://a/", { method: "POST", body: marked }),
  echo: () => echo(marked),
  echoStream: () => echo(new Blob([marked]).stream()),
  clone: async () => (await echo(marked)).clone(),
  touched: async () => { const r = await echo(marked); r.body; return r; },
  data: () => fetch("data:,%EF%BB%BF{\"a\":1}"),
};
const each = async (read) => {
  const wrong = [];
  for (const [name, make] of Object.entries(ways)) if (await read(await make()) !== '{"a":1}') wrong.push(name);
  return wrong.join();
};
"#,
        r#"
["", () => each((body) => body.text())],
["", () => each(async (body) => JSON.stringify(await body.json()))],
["", () => each(async (body) => (await body.blob()).text())],
["true", async () => (await new Response("\ufeff\ufeffx").text()) === "\ufeffx"],
["true", async () => (await new Response("a\ud800b").text()) === "a\ufffdb"],
["[239,187,191]", async () => [...new Uint8Array(await new Response("\ufeff").arrayBuffer())]],
"#,
    );
}

/// <https://mimesniff.spec.whatwg.org/#parse-a-mime-type>
#[test]
fn types_of_blobs_are_mime_types() {
    let mut rows = String::new();
    for (given, normal) in [
        ("text/plain", "text/plain"),
        ("text/plain;charset=utf-8", "text/plain;charset=utf-8"),
        ("TEXT/Plain; CHARSET=UTF-8", "text/plain;charset=UTF-8"),
        (" text/html ", "text/html"),
        ("a/b;c=\\\"d\\\"", "a/b;c=d"),
        ("a/b;c=\\\"d e\\\"", "a/b;c=\\\"d e\\\""),
        ("a/b;;c=d", "a/b;c=d"),
        ("a/b;c=d;c=e", "a/b;c=d"),
        ("text/html; x", "text/html"),
        ("a/b;c=\\\"d\\\";e=f", "a/b;c=d;e=f"),
        ("a/b;c=\\\";\\\"x;e=f", "a/b;c=\\\";\\\";e=f"),
        ("a/b;c=\\\"\\\";e=f", "a/b;c=\\\"\\\";e=f"),
        ("a/b;c=\\\"", "a/b;c=\\\"\\\""),
        ("nonsense", ""),
        ("/", ""),
        ("a/", ""),
        ("a b/c", ""),
        ("", ""),
    ] {
        for run in [
            "new Blob([], { type: GIVEN }).type",
            "new File([], 'x', { type: GIVEN }).type",
            "new Blob(['abc']).slice(0, 1, GIVEN).type",
            "structuredClone(new File([], 'x', { type: GIVEN })).type",
            "new Response('x', { headers: { 'content-type': GIVEN } }).blob().then((blob) => blob.type)",
            "new Request('http://a/', { method: 'POST', body: 'x', headers: { 'content-type': GIVEN } }).blob().then((blob) => blob.type)",
        ] {
            let run = run.replace("GIVEN", &format!("\"{given}\""));
            let _ = writeln!(rows, "[\"{normal}\", () => {run}],");
        }
    }
    // Characters that a MIME type has only between quotes, or not at all.
    rows.push_str("['a/b;c=\"\\u00e9\"', () => new Blob([], { type: 'a/b;c=\\u00e9' }).type],\n");
    rows.push_str("['a/b;e=f', () => new Blob([], { type: 'a/b;c=\\u20ac;e=f' }).type],\n");
    rows.push_str("[\"\", () => new Blob([], { type: '\\u00e9/x' }).type],\n");
    rows.push_str("[\"\", () => new Blob([], { type: 'a/b\\u0000' }).type],\n");
    check("", &rows);
}
