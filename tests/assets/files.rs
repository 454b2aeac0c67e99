//! Files as responses: types, tags, methods, large ones, and paths that are written otherwise.

use super::{all, project};
use crate::harness::Project;
use crate::harness::http::Client;

#[test]
fn files_have_types_tags_and_lengths() {
    let project = project(
        "",
        &[
            ("a.js", "1"),
            ("a.css", "2"),
            ("a.svg", "<svg/>"),
            ("a.json", "{}"),
            ("a.MJS", "m"),
            ("a.ico", "i"),
            ("noextension", "3"),
            ("a.txt", "text"),
        ],
    );
    let server = project.serve(&[]);
    for (path, kind) in [
        ("/a.js", "text/javascript; charset=utf-8"),
        ("/a.css", "text/css; charset=utf-8"),
        ("/a.svg", "image/svg+xml"),
        ("/a.json", "application/json"),
        ("/a.MJS", "text/javascript; charset=utf-8"),
        ("/a.ico", "image/vnd.microsoft.icon"),
        ("/a.txt", "text/plain; charset=utf-8"),
    ] {
        let headers = server.get(path).headers;
        assert!(headers.contains(&format!("content-type: {kind}")), "{path}: {headers}");
        assert!(
            headers.contains("cache-control: public, max-age=0, must-revalidate"),
            "{headers}"
        );
    }
    assert!(!server.get("/noextension").headers.contains("content-type"));

    let first = server.get("/a.txt");
    let tag = |headers: &str| {
        headers
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap()
            .to_owned()
    };
    let known = tag(&first.headers);
    assert!(first.headers.contains("content-length: 4"), "{}", first.headers);
    for given in [
        known.clone(),
        format!("W/{known}"),
        format!("\"x\", {known}"),
        "*".to_owned(),
    ] {
        let again = server.curl("/a.txt", &["-H", &format!("if-none-match: {given}")]);
        assert_eq!((again.status, &*again.body), (304, ""), "{given}");
        assert_eq!(tag(&again.headers), known);
    }
    assert_eq!(server.curl("/a.txt", &["-H", "if-none-match: \"x\""]).status, 200);
    project.write("public/a.txt", "other");
    let changed = server.curl("/a.txt", &["-H", &format!("if-none-match: {known}")]);
    assert_eq!((changed.status, &*changed.body), (200, "other"));

    let head = server.curl("/a.txt", &["-I"]);
    assert!(
        head.status == 200 && head.headers.contains("content-length: 5"),
        "{}",
        head.headers
    );
    let post = server.curl("/a.txt", &["-d", "x"]);
    assert!(
        post.status == 405 && post.headers.contains("allow: get, head"),
        "{}",
        post.headers
    );
    assert_eq!(server.curl("/none", &["-d", "x"]).body, "script POST /none");
    // As on Workers: the whole file, which nobody keeps.
    let part = server.curl("/a.txt", &["-H", "range: bytes=0-1"]);
    assert_eq!((part.status, &*part.body), (200, "other"));
    assert!(!part.headers.contains("cache-control"), "{}", part.headers);
}

#[test]
fn a_file_has_one_path() {
    let project = project(
        "",
        &[
            ("a b.txt", "space"),
            ("[x].txt", "brackets"),
            ("ü.txt", "umlaut"),
            ("d/e.txt", "e"),
        ],
    );
    let server = project.serve(&[]);
    all(
        &server,
        &[
            ("/a%20b.txt", "200 space"),
            ("/[x].txt", "307 /%5bx%5d.txt"),
            ("/%5Bx%5D.txt", "200 brackets"),
            ("/%C3%BC.txt", "200 umlaut"),
            ("/%c3%bc.txt", "307 /%c3%bc.txt"),
            ("/d%2Fe.txt", "307 /d/e.txt"),
            ("/d//e.txt?q", "307 /d/e.txt?q"),
            ("/%zz", "200 script GET /%zz"),
        ],
    );
}

#[test]
fn large_files_are_sent_in_pieces_and_empty_ones_whole() {
    let project = project("", &[("empty.txt", "")]);
    let large: Vec<u8> = (0..3_000_001_u32).map(|at| (at % 251) as u8).collect();
    std::fs::write(project.path().join("public/large.bin"), &large).unwrap();
    let server = project.serve(&[]);
    // Whatever is there for its script is there then.
    server.ok("/script");
    let before = server.open_files();
    for path in ["/large.bin", "/fetch?/large.bin"] {
        let got = project.path().join("got");
        let answer = server.curl(path, &["-o", got.to_str().unwrap(), "-D", "-"]);
        assert_eq!(answer.status, 200, "{}", answer.headers);
        let written = std::fs::read(&got).unwrap();
        let body = written
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map_or(0, |at| at + 4);
        if path == "/large.bin" {
            assert!(written[body..] == large, "{} bytes", written.len());
        }
    }
    let empty = server.get("/empty.txt");
    assert_eq!((empty.status, &*empty.body), (200, ""));
    server.back_to(before, "files of assets");
}

#[test]
fn a_script_asks_for_files() {
    let project = project("", &[("index.html", "root"), ("page.html", "page")]);
    project.write(
        "worker.js",
        r#"
export default {
  async fetch(request, env) {
    const seen = [];
    for (const [path, init] of [["/"], ["/page.html"], ["/page", { method: "HEAD" }], ["/none"], ["/page", { method: "POST", body: "x" }]]) {
      const response = await env.ASSETS.fetch("http://placeholder" + path, { redirect: "manual", ...init });
      seen.push([response.status, await response.text(), response.headers.get("location")]);
    }
    seen.push((await env.ASSETS.fetch("http://placeholder/page.html")).status);
    try { await env.ASSETS.list(); } catch (error) { seen.push(error.message.includes("fetch()")); }
    return Response.json(seen);
  },
};
"#,
    );
    let expected = r#"[[200,"root",null],[307,"","/page"],[200,"",null],[404,"",null],[405,"",null],200,true]"#;
    assert_eq!(project.serve(&[]).ok("/app"), expected);
}

#[test]
fn agents_of_one_server_have_their_own_files() {
    let project = crate::harness::Project::new(&[
        (
            "workerd-lite.toml",
            "agents_dir = \"found\"\n\
             [[agents]]\nname = \"one\"\nconfig = \"one/wrangler.jsonc\"\nmatch = [\"/one/*\"]\n\
             [[agents]]\nname = \"two\"\nconfig = \"two/wrangler.jsonc\"\nmatch = [\"/two/*\"]\n",
        ),
        ("one/wrangler.jsonc", r#"{ "assets": { "directory": "files" } }"#),
        ("one/files/one/a.txt", "one's"),
        (
            "two/wrangler.jsonc",
            r#"{ "main": "worker.js", "assets": { "directory": "files", "binding": "ASSETS" } }"#,
        ),
        ("two/worker.js", super::SCRIPT.1),
        ("two/files/two/a.txt", "two's"),
        ("found/three/wrangler.jsonc", r#"{ "assets": { "directory": "." } }"#),
        ("found/three/a.txt", "three's"),
    ]);
    let server = project.serve(&[]);
    all(
        &server,
        &[
            ("/one/a.txt", "200 one's"),
            ("/two/a.txt", "200 two's"),
            ("/two/b.txt", "200 script GET /two/b.txt"),
            ("/one/b.txt", "404 "),
        ],
    );
    let three = server.curl("/a.txt", &["-H", "host: three.localhost"]);
    assert_eq!((three.status, &*three.body), (200, "three's"));
    let three = server.curl("/wrangler.jsonc", &["-H", "host: three.localhost"]);
    assert_eq!(three.status, 404);
}

/// Anybody may ask for any path: what is longer than a file's costs nothing, and what is not is looked for once.
#[test]
fn long_paths_are_answered_at_once() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "assets": { "directory": "public", "not_found_handling": "404-page" } }"#,
        ),
        ("public/404.html", "top"),
        ("public/a/404.html", "of a"),
        ("public/a/a/a.html", "page"),
        ("public/.assetsignore", "*.psd\n"),
        ("public/_headers", "/:b/*\n  x-b: :b\n"),
    ]);
    let server = project.serve(&[]);
    all(
        &server,
        &[
            ("/a/a/a", "200 page"),
            ("/a/a/b", "404 of a"),
            ("/a/b/a/a", "404 of a"),
            ("/b/a/a", "404 top"),
            ("/b", "404 top"),
        ],
    );
    for segments in [100, 128, 1000, 3000] {
        let path = "/a".repeat(segments);
        let began = std::time::Instant::now();
        let (status, body) = Client::new(&server.address, "localhost").get(&path).unwrap();
        let took = began.elapsed();
        assert_eq!(status, 404, "{segments}");
        assert_eq!(body.contains("of a"), segments <= 128, "{segments}: {body}");
        assert!(took < std::time::Duration::from_millis(500), "{segments}: {took:?}");
    }
}
