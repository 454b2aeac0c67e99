//! `_headers`, `_redirects` and `.assetsignore`.

use super::{all, project};

#[test]
fn headers_are_added_and_taken_away() {
    let project = project(
        "",
        &[
            ("a/b.txt", "b"),
            ("c.js", "c"),
            (
                "_headers",
                "# a comment\n\n/*\n  X-All: all\n/a/*\n  X-Splat: :splat\n  X-All: more\n  ! Cache-Control\n/:name.js\n  x-name: <:name>\n  Cache-Control: public, max-age=600\n\
                 https://other.test/*\n  X-Host: other\nhttps://:sub.example.com/*\n  X-Sub: :sub\n/bad\n  no header\n  Content-Length: 7\n",
            ),
        ],
    );
    let server = project.serve(&[]);
    let has = |path: &str, host: &str, expected: &[&str], not: &[&str]| {
        let headers = server.curl(path, &["-H", &format!("host: {host}")]).headers;
        for part in expected {
            assert!(headers.contains(part), "{path}: {part} is not in {headers}");
        }
        for part in not {
            assert!(!headers.contains(part), "{path}: {part} is in {headers}");
        }
    };
    has(
        "/a/b.txt",
        "x.test",
        &["x-all: all", "x-all: more", "x-splat: b.txt"],
        &["cache-control", "x-host", "x-sub"],
    );
    has(
        "/c.js",
        "other.test:8787",
        &["x-name: <c>", "cache-control: public, max-age=600", "x-host: other"],
        &["max-age=0"],
    );
    has("/c.js", "deep.example.com", &["x-sub: deep"], &[]);
    // What the script answers is its own.
    has("/script", "x.test", &[], &["x-all"]);
    has("/_headers", "x.test", &[], &["x-all"]);
    assert_eq!(server.get("/_headers").body, "script GET /_headers");
    let log = server.log();
    assert!(log.contains("_headers:17: ignored: expected a header"), "{log}");
    assert!(
        log.contains("_headers:18: ignored: the header is the protocol's"),
        "{log}"
    );
}

#[test]
fn redirects_lead_elsewhere() {
    let project = project(
        "",
        &[
            ("page.html", "page"),
            ("users/id.html", "user"),
            (
                "_redirects",
                "# comment\n/old /new\n/permanent /new?x=1#y 301 # why\n/away https://other.test/there 308\n/rewritten /page 200\n\
                 /blog/* /news/:splat\n/u/:name https://:name.other.test/:name/x 303\n/users/* /users/id 200\n/out/* /:splat 302\n/page /elsewhere 307\n\
                 /* /index.html 200\n/old /twice\n/bad\n/status /x 404\nhttps://a.test/x /y\n/proxy https://x.test/ 200\n",
            ),
        ],
    );
    let server = project.serve(&[]);
    all(
        &server,
        &[
            ("/old", "302 /new"),
            ("/old?a=b", "302 /new?a=b"),
            ("/permanent?a=b", "301 /new?x=1#y"),
            ("/away?a", "308 https://other.test/there?a"),
            ("/rewritten", "200 page"),
            ("/blog/2024/x", "302 /news/2024/x"),
            ("/u/ann", "303 https://ann.other.test/ann/x"),
            ("/users/12345", "200 user"),
            // No other site.
            ("/out//evil.test/x", "302 /evil.test/x"),
            // Before files.
            ("/page", "307 /elsewhere"),
            ("/none", "200 script GET /none"),
            ("/fetch?/old", "302 /new"),
        ],
    );
    let log = server.log();
    for why in [
        "_redirects:11: ignored: it would lead to itself",
        "_redirects:12: ignored: /old is there twice",
        "_redirects:13: ignored: expected 2 or 3 words",
        "_redirects:14: ignored: 404 is none of",
        "_redirects:15: ignored: what leads elsewhere is a path",
        "_redirects:16: ignored: with the status 200",
    ] {
        assert!(log.contains(why), "{why} is not in {log}");
    }
}

#[test]
fn what_assetsignore_names_is_not_served() {
    let project = project(
        "",
        &[
            (".assetsignore", "# comment\n*.map\n/private/\n!keep.map\n"),
            ("a.js", "a"),
            ("a.js.map", "map"),
            ("keep.map", "kept"),
            ("private/a.txt", "private"),
            ("sub/private/a.txt", "public"),
        ],
    );
    all(
        &project.serve(&[]),
        &[
            ("/a.js", "200 a"),
            ("/a.js.map", "200 script GET /a.js.map"),
            ("/keep.map", "200 kept"),
            ("/private/a.txt", "200 script GET /private/a.txt"),
            ("/sub/private/a.txt", "200 public"),
            ("/.assetsignore", "200 script GET /.assetsignore"),
        ],
    );
}
