//! URLs by the standard: <https://url.spec.whatwg.org/>.

use std::fmt::Write as _;

use super::check;

#[test]
fn urls_are_parsed_by_the_standard() {
    let mut rows = String::new();
    for (input, base, href) in [
        ("///test", "http://example.org/", "http://test/"),
        ("///\\\\//\\\\//test", "http://example.org/", "http://test/"),
        (
            "///example.org/../path/../../path",
            "http://example.org/",
            "http://example.org/path",
        ),
        (
            "\\\\/\\\\/\\\\//example.org/../path",
            "http://example.org/",
            "http://example.org/path",
        ),
        ("////x", "https://h/a", "https://x/"),
        ("/", "file://h/C:/a/b", "file://h/C:/"),
        ("file:\\\\\\\\//", "", "file:////"),
        ("file://spider///", "", "file://spider///"),
        ("file://\\\\/localhost//cat", "", "file:////localhost//cat"),
        ("////mouse", "file:///elephant", "file:////mouse"),
        ("//localhost//pig", "file://lion/", "file:////pig"),
        ("C|", "file://host/dir/file", "file://host/C:"),
        ("/c:/foo/bar", "file://host/path", "file://host/c:/foo/bar"),
        ("file://example.net/C:/", "", "file://example.net/C:/"),
        ("file:C:/", "file://host/", "file://host/C:/"),
        ("file:///C|/x", "", "file:///C:/x"),
        ("file://LOCALHOST/x", "", "file:///x"),
        ("file:/.//p", "", "file:////p"),
        ("web+demo:/.//not-a-host/", "", "web+demo:/.//not-a-host/"),
        ("non-spec:/..//p", "", "non-spec:/.//p"),
        ("a^b", "non-spec:/.//p", "non-spec:/.//a%5Eb"),
        ("http://a/x^y", "", "http://a/x%5Ey"),
        ("http://0x7f.1/", "", "http://127.0.0.1/"),
        (
            "HTTP://u:p@EXAMPLE.org:80/a b?c'd#e f",
            "",
            "http://u:p@example.org/a%20b?c%27d#e%20f",
        ),
    ] {
        let base = if base.is_empty() {
            "undefined".into()
        } else {
            format!("\"{base}\"")
        };
        let _ = writeln!(rows, "[\"{href}\", () => new URL(\"{input}\", {base}).href],");
        let _ = writeln!(rows, "[\"true\", () => URL.canParse(\"{input}\", {base})],");
    }
    for input in [
        "http://",
        "http://a b/",
        "http://h:99999/",
        "http://a%00b/",
        "http://a|b/",
        "///x",
        "http://1.2.3.4.5/",
        "http://[::1",
    ] {
        let _ = writeln!(
            rows,
            "[\"TypeError TypeError ERR_INVALID_URL\", async () => {{ try {{ new URL(\"{input}\"); }} catch (error) {{ error.code = \"ERR_INVALID_URL\"; throw error; }} }}],"
        );
        let _ = writeln!(rows, "[\"null\", () => String(URL.parse(\"{input}\"))],");
    }
    check("", &rows);
}

#[test]
fn parts_are_where_they_are() {
    check(
        r#"
const parts = (input, base) => {
  const u = new URL(input, base);
  return [u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.origin].join(" ");
};
const set = (input, member, value) => { const u = new URL(input); u[member] = value; return u.href; };
"#,
        r#"
["https: u p h:8443 h 8443 /a ?q #f https://h:8443", () => parts("https://u:p@h:8443/a?q#f")],
["https: u  h h  /   https://h", () => parts("https://u@h")],
["https:  p h h  /   https://h", () => parts("https://:p@h")],
["http:   [::1]:1 [::1] 1 /   http://[::1]:1", () => parts("http://[::1]:1")],
["http:   h:0 h 0 /   http://h:0", () => parts("http://h:0")],
["mailto:      x ?y  null", () => parts("mailto:x?y")],
["file:      /x   null", () => parts("file:///x")],
["web+demo:      //x   null", () => parts("web+demo:/.//x")],
["non-spec:   h:1 h 1  ?q  null", () => parts("non-spec://h:1?q")],
["non-spec:/.//p", () => set("non-spec:/", "pathname", "//p")],
["non-spec:/p", () => set("non-spec:/.//", "pathname", "p")],
["non-spec://h//p", () => set("non-spec:/.//p", "hostname", "h")],
["file://monkey//", () => set("file://monkey/", "pathname", "\\\\")],
["file://///", () => set("file:///unicorn", "pathname", "//monkey/..//")],
["foo://", () => set("foo:///some/path", "pathname", "")],
["http://h:81/", () => set("http://h/", "port", "81x")],
["http://h/", () => set("http://h/", "port", "99999")],
["http://x:8080/", () => set("http://h:8080/", "hostname", "x")],
["http://x:9/", () => set("http://h:8080/", "host", "x:9")],
["http://u%20x:p@h/", () => { const u = new URL("http://h/"); u.username = "u x"; u.password = "p"; return u.href; }],
["https://h/", () => set("http://h/", "protocol", "https")],
["http://h/", () => set("http://h/", "protocol", "foo")],
["http://h/?a%27#x", () => { const u = new URL("http://h/"); u.search = "a'"; u.hash = "x"; return u.href; }],
["http://h/", () => { const u = new URL("http://h/?a#b"); u.search = ""; u.hash = ""; return u.href; }],
["http://h/?a=b+c", () => { const u = new URL("http://h/"); u.searchParams.append("a", "b c"); return u.href; }],
"#,
    );
}

/// What leaves is read again by Rust's parser: where the two differ, nothing leaves.
#[test]
fn what_two_parsers_read_differently_is_refused() {
    check(
        r#"
const reached = async (url) => { const response = await fetch(url, { method: "POST", body: "x" }); return `${response.url} ${await response.text()}`; };
"#,
        r##"
["http://test/ x", () => reached(new URL("///test", "http://example.org/"))],
["http://a/x%20y x", () => reached("http://a/x y")],
["http://127.0.0.1/ x", () => reached("http://0x7f.1/")],
["http://xn--bcher-kva.example/ x", () => reached("http://b\u00fccher.example/")],
["http://a/?q%27 x", () => reached("http://a/?q'#f").then((text) => text.replace("#f", ""))],
["TypeError TypeError", () => reached("http://a|b/")],
["TypeError TypeError", () => reached("file:///etc/passwd")],
["TypeError TypeError", () => reached("http://u:p@a/")],
"##,
    );
}

/// <https://urlpattern.spec.whatwg.org/>
#[test]
fn patterns_of_urls_are_the_standards() {
    check(
        "const tests = (pattern, input) => new URLPattern(pattern).test(input);",
        r#"
["true", () => new URLPattern().test()],
["true", () => new URLPattern({}).test(undefined)],
["false", () => new URLPattern({ pathname: "/x" }).test()],
["true", () => { const p = new URLPattern({ pathname: "/x" }); return !p.test() && p.test({ pathname: "/x" }) && !p.test(); }],
["[{}]", () => new URLPattern().exec().inputs],
["0,0,0", () => [URLPattern, URLPattern.prototype.test, URLPattern.prototype.exec].map((f) => f.length).join()],
["false", () => tests({ pathname: "/([[a-z]--a])" }, { pathname: "/a" })],
["true", () => tests({ pathname: "/([[a-z]--a])" }, { pathname: "/z" })],
["true", () => tests({ pathname: "/([\\d&&[0-1]])" }, { pathname: "/0" })],
["false", () => tests({ pathname: "/([\\d&&[0-1]])" }, { pathname: "/3" })],
["true", () => new URLPattern({ pathname: "/A/:b-c" }, { ignoreCase: true }).test({ pathname: "/a/X-C" })],
["x", () => new URLPattern("https://a.test/:id(\\w+)").exec("https://a.test/x").pathname.groups.id],
["TypeError TypeError", () => new URLPattern({ pathname: "/([)" })],
"#,
    );
}
