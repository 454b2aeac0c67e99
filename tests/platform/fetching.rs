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

/// A script's own are lower-cased (<https://w3c.github.io/FileAPI/#constructorBlob>), those of bodies MIME types
/// (<https://mimesniff.spec.whatwg.org/#parse-a-mime-type>).
#[test]
fn types_of_blobs() {
    let mut rows = String::new();
    for (given, own, parsed) in [
        ("text/plain", "text/plain", "text/plain"),
        (
            "text/plain;charset=utf-8",
            "text/plain;charset=utf-8",
            "text/plain;charset=utf-8",
        ),
        (
            "TEXT/Plain; CHARSET=UTF-8",
            "text/plain; charset=utf-8",
            "text/plain;charset=UTF-8",
        ),
        (" text/html ", " text/html ", "text/html"),
        ("a/b;c=\\\"d e\\\"", "a/b;c=\\\"d e\\\"", "a/b;c=\\\"d e\\\""),
        ("a/b;;c=d", "a/b;;c=d", "a/b;c=d"),
        ("a/b;c=d;c=e", "a/b;c=d;c=e", "a/b;c=d"),
        ("text/html; x", "text/html; x", "text/html"),
        ("nonsense", "nonsense", ""),
        ("te(xt/plain", "te(xt/plain", ""),
        ("a b/c", "a b/c", ""),
        ("", "", ""),
    ] {
        for (run, normal) in [
            ("new Blob([], { type: GIVEN }).type", own),
            ("new File([], 'x', { type: GIVEN }).type", own),
            ("new Blob(['abc']).slice(0, 1, GIVEN).type", own),
            ("structuredClone(new File([], 'x', { type: GIVEN })).type", own),
            (
                "new Response('x', { headers: { 'content-type': GIVEN } }).blob().then((blob) => blob.type)",
                parsed,
            ),
            (
                "new Request('http://a/', { method: 'POST', body: 'x', headers: { 'content-type': GIVEN } }).blob().then((blob) => blob.type)",
                parsed,
            ),
        ] {
            let run = run.replace("GIVEN", &format!("\"{given}\""));
            let _ = writeln!(rows, "[\"{normal}\", () => {run}],");
        }
    }
    // Characters that the type of a blob has not.
    for given in ["a/b;c=\\u00e9", "\\u00e9/x", "a/b\\u0000", "\\ta/b"] {
        let _ = writeln!(rows, "[\"\", () => new Blob([], {{ type: \"{given}\" }}).type],");
    }
    check("", &rows);
}
