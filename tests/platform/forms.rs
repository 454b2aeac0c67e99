//! multipart/form-data, ours and others'.

use std::fmt::Write as _;

use super::check;

const PRELUDE: &str = r#"
const parse = (body, boundary = "b") => new Response(body, { headers: { "content-type": `multipart/form-data; boundary=${boundary}` } }).formData();
const part = (header, content = "v", end = "\r\n") => `--b${end}Content-Disposition: ${header}${end}${end}${content}${end}--b--${end}`;
const entries = async (body, boundary) => {
  const list = [];
  for (const [name, value] of await parse(body, boundary)) {
    list.push([name, typeof value === "string" ? value : `${value.name}|${value.type}|${await value.text()}`]);
  }
  return list;
};
const name = async (written) => (await entries(part(`form-data; name=${written}`)))[0]?.[0] ?? "none";
const file = async (written) => (await entries(part(`form-data; name="a"; filename=${written}`)))[0][1];
const back = async (key, value, filename) => {
  const form = new FormData();
  if (filename === undefined) form.append(key, value); else form.append(key, value, filename);
  const [[k, v]] = [...await new Response(form).formData()];
  return JSON.stringify([k, typeof v === "string" ? v : v.name]);
};
"#;

#[test]
fn names_are_read_as_they_are_written() {
    check(
        PRELUDE,
        r#"
["a", () => name('"a"')],
["a", () => name("a")],
["a;b", () => name('"a;b"')],
["a; filename=x", () => name('"a; filename=x"')],
// Escapes stay: who wrote `%22` and who escaped a quote write the same.
["a%22b", () => name('"a%22b"')],
['a"b', () => name('"a\\"b"')],
['say "hi"; bye', () => name('"say \\"hi\\"; bye"')],
['"', () => name('"\\""')],
["a\\", () => name('"a\\"')],
["a\\b", () => name('"a\\b"')],
["a\\\\b", () => name('"a\\\\b"')],
["a%0D%0Ab", () => name('"a%0D%0Ab"')],
["a%20b%0a", () => name('"a%20b%0a"')],
["a=b", () => name('"a=b"')],
["", () => name('""')],
["\u00e9\u20ac", () => name('"\u00e9\u20ac"')],
["a", () => name('"a" ; other="x;y"')],
["a", () => name('"a"; name="b"')],
["TypeError TypeError", async () => (await entries(part("form-data; other=a")))[0] ?? "none"],
["TypeError TypeError", async () => (await entries(part('attachment; name="a"')))[0] ?? "none"],
["x;y.txt|text/plain|v", () => file('"x;y.txt"')],
["a%22b.txt|text/plain|v", () => file('"a%22b.txt"')],
['a"b.txt|text/plain|v', () => file('"a\\"b.txt"')],
["C:\\dir\\x.txt|text/plain|v", () => file('"C:\\dir\\x.txt"')],
["|text/plain|v", () => file('""')],
["\u20ac.txt|text/plain|v", async () => (await entries(part("form-data; name=a; filename*=UTF-8''%e2%82%ac.txt")))[0][1]],
["plain.txt|text/plain|v", async () => (await entries(part("form-data; name=a; filename=plain.txt; filename*=UTF-8''x")))[0][1]],
["a\\|f", async () => { const [[k, v]] = [...await parse(part('form-data; name="a\\"; filename="f"'))]; return `${k}|${v.name}`; }],
"#,
    );
}

#[test]
fn parts_are_found() {
    check(
        PRELUDE,
        r#"
['[["a","v"]]', () => entries(part('form-data; name="a"'))],
['[["a","v"]]', () => entries(part('form-data; name="a"', "v", "\n"))],
['[["a","x\\ny"]]', () => entries(part('form-data; name="a"', "x\ny", "\n"))],
['[["a","x\\r\\ny"]]', () => entries(part('form-data; name="a"', "x\r\ny"))],
['[["a","1"],["b","2"]]', () => entries('--b\nContent-Disposition: form-data; name="a"\n\n1\n--b\nContent-Disposition: form-data; name="b"\n\n2\n--b--')],
['[["a","1"],["b","2"]]', () => entries('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b  \r\ncontent-disposition:form-data;name=b\r\n\r\n2\r\n--b-- \t')],
['[["a",""]]', () => entries(part('form-data; name="a"', ""))],
['[["a","--b"]]', () => entries('--bb\r\nContent-Disposition: form-data; name="a"\r\n\r\n--b\r\n--bb--\r\n', "bb")],
['[["a","--bc"]]', () => entries(part('form-data; name="a"', "--bc"))],
['[["a","v"]]', () => entries(part('form-data; name="a"') + "epilogue")],
// What is before the first delimiter is passed over, as RFC 2046 has it.
['[["a","v"]]', () => entries("preamble\r\n--c\r\n\r\n" + part('form-data; name="a"'))],
["TypeError TypeError", () => entries("preamble\r\n")],
['Content-Disposition header for FormData part must have the value "form-data", possibly followed by parameters. Got: "foo; a=b"', () => entries(part('foo; a=b')).catch((error) => error.message)],
['[["a","v"]]', () => entries("preamble --b\r\n" + part('form-data; name="a"'))],
['[["a","v"]]', () => entries('--b\r\n \tContent-Disposition \t: form-data; name="a"\r\n\r\nv\r\n--b--')],
["TypeError TypeError", () => entries('--b\r\nContent-Disposition form-data; name="a"\r\n\r\nv\r\n--b--')],
["TypeError TypeError", () => entries('--b\r\nContent-Disposition: form-data; name="a"\r\nCont ent: x\r\n\r\nv\r\n--b--')],
["TypeError TypeError", () => entries('--b\r\nContent-Disposition: form-data;\r\n name="a"\r\n\r\nv\r\n--b--')],
["TypeError TypeError", () => entries(part('form-data; name="a\0b"'))],
["TypeError TypeError", () => entries(part('form-data; name="a\rb"'))],
["TypeError TypeError", () => entries('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n--b--junk\r\n')],
["TypeError TypeError", () => parse("--\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n----\r\n", '""')],
['[["a","f||v"]]', () => entries(part('form-data; name="a"; filename="f"\r\nContent-Type: text'))],
['[["a","f||v"]]', () => entries(part('form-data; name="a"; filename="f"\r\nContent-Type:'))],
['[["a","f|text/html;x=y|v"]]', () => entries(part('form-data; name="a"; filename="f"\r\nContent-Type: TEXT/HTML;;x="y"'))],
['[["a","f|text/css|v"]]', () => entries(part('form-data; name="a"; filename="f"\r\nContent-Type: text/html, text/plain\r\nContent-Type: text/css\r\nContent-Type: nonsense'))],
["0", async () => (await parse(part('form-data; name="a"; filename="f"'))).get("a").lastModified],
["true", async () => (await new Response(new FormData()).text()).endsWith("--\r\n")],
['[["a","v"]]', () => entries("\r\n" + part('form-data; name="a"'))],
["[]", () => entries("--b--\r\n")],
["[]", () => entries("--b--")],
['[["a","f|image/png;x=y|v"]]', () => entries('--b\r\nContent-Type: image/PNG; x=y\r\nX-Other: z\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nv\r\n--b--')],
["true", async () => (await parse(part('form-data; name="a"', "\ufeffv"))).get("a") === "\ufeffv"],
["true", async () => { const v = (await parse(new Blob(["--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n", bytes(0, 255, 10, 13), "\r\n--b--"]))).get("a"); return [...new Uint8Array(await v.arrayBuffer())].join() === "0,255,10,13"; }],
["TypeError TypeError", () => entries("")],
["TypeError TypeError", () => entries("nothing of it")],
["TypeError TypeError", () => entries("--b")],
["TypeError TypeError", () => entries('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nv')],
["TypeError TypeError", () => entries('--b\r\nContent-Disposition: form-data; name="a\r\n\r\nv\r\n--b--')],
["TypeError TypeError", () => new Response("x", { headers: { "content-type": "multipart/form-data" } }).formData()],
['[["a","v"]]', () => entries(part('form-data; name="a"'), '"b"')],
"#,
    );
}

#[test]
fn what_we_write_we_read() {
    let mut rows = String::new();
    for text in [
        "plain",
        "",
        "a;b",
        "a; filename=\\\"x\\\"",
        "quote\\\"inside",
        "\\\"",
        "back\\\\slash",
        "ends in \\\\",
        "\\\\\\\"; filename=",
        "\\u00e9\\u20ac\\ud83d\\ude00",
        "a=b&c",
        "'single'",
        " spaces ",
        "tab\\there",
    ] {
        let written = text.replace("\\\"", "%22");
        let _ = writeln!(
            rows,
            "[JSON.stringify([\"{written}\", \"v\"]), () => back(\"{text}\", \"v\")],"
        );
        let _ = writeln!(
            rows,
            "[JSON.stringify([\"n\", \"{written}\"]), () => back(\"n\", new Blob([\"x\"]), \"{text}\")],"
        );
        let _ = writeln!(
            rows,
            "[JSON.stringify([\"{written}\", \"{written}\"]), () => back(\"{text}\", new Blob([\"x\"]), \"{text}\")],"
        );
    }
    // Line breaks of names and values are CR LF, those of file names stay; both are escaped in names.
    rows.push_str("['[\"a%0D%0Ab\",\"c\\\\r\\\\nd\"]', () => back(\"a\\nb\", \"c\\rd\")],\n");
    rows.push_str("['[\"n\",\"a%0Ab\"]', () => back(\"n\", new Blob([\"x\"]), \"a\\nb\")],\n");
    check(PRELUDE, &rows);
}
