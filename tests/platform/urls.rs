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

#[test]
fn many_changes_of_search_params_are_written_once() {
    check(
        r"
const many = (change) => { const url = new URL('http://a.test/?a=1#f'); for (let i = 0; i < 20000; i++) change(url, i); return url; };
",
        r##"
["148910 true", () => { const url = many((url, i) => url.searchParams.append("t", i)); return `${url.href.length} ${url.href.endsWith("&t=19999#f")}`; }],
["?a=19999", () => many((url, i) => url.searchParams.set("a", i)).search],
// Each way of looking at a URL sees them, and what is set then stays.
...["href", "search"].map((name) => ["true", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); return url[name].endsWith("?b=c"); }]),
["http://a.test/?b=c", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); return String(url); }],
['"http://a.test/?b=c"', () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); return JSON.stringify(url); }],
["/p /p", () => { const url = new URL("http://a.test/p"); url.searchParams.set("b", "c"); const { pathname } = url; url.searchParams.delete("b"); return `${pathname} ${url.pathname}`; }],
["#h", () => { const url = new URL("http://a.test/#h"); url.searchParams.set("bbbbbbb", "c"); return url.hash; }],
["http://a.test/x?b=c#h", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); url.pathname = "/x"; url.hash = "h"; return url.href; }],
["http://b.test/?q=1 1", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); url.href = "http://b.test/?q=1"; return `${url.href} ${url.searchParams.size}`; }],
["http://a.test/?d=e", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); url.search = "d=e"; return url.href; }],
["http://a.test/?b=c", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); return new Request(url).url; }],
["http://a.test/x?b=c", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); return new URL("/x" + url.search, url).href; }],
["true", () => { const url = new URL("http://a.test/"); url.searchParams.set("b", "c"); return new URLPattern({ search: "b=c" }).test(url); }],
"##,
    );
}
