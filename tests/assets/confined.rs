//! Nothing but the folder's public files is served, whatever a path or a link says.

use std::os::unix::fs::symlink;

use super::{all, project, seen};
use crate::harness::Project;

#[test]
fn paths_and_links_do_not_lead_out_of_the_folder() {
    let project = project(
        "",
        &[
            ("a.txt", "a"),
            (".well-known/security.txt", "well known"),
            (".git/config", "SECRET"),
            ("sub/.env", "SECRET"),
            (".dev.vars", "SECRET"),
            ("prod.env", "SECRET"),
            ("server.pem", "SECRET"),
            ("server.KEY", "SECRET"),
            ("wrangler.json", "SECRET"),
            ("_worker.js/index.js", "SECRET"),
        ],
    );
    project.write("secret.txt", "SECRET");
    project.write("public-other/a.txt", "SECRET");
    let public = project.path().join("public");
    symlink(project.path().join("secret.txt"), public.join("link.txt")).unwrap();
    symlink(project.path(), public.join("up")).unwrap();
    symlink("/etc/passwd", public.join("passwd")).unwrap();
    symlink("a.txt", public.join("within.txt")).unwrap();
    symlink(".dev.vars", public.join("vars.txt")).unwrap();
    let server = project.serve(&[]);
    all(
        &server,
        &[
            ("/a.txt", "200 a"),
            ("/within.txt", "200 a"),
            ("/.well-known/security.txt", "200 well known"),
        ],
    );
    for path in [
        "/link.txt",
        "/up/secret.txt",
        "/up/public/../secret.txt",
        "/passwd",
        "/vars.txt",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/%2f%2fetc/passwd",
        "//etc/passwd",
        "/%2e%2e%2fpublic-other/a.txt",
        "/.git/config",
        "/%2egit/config",
        "/.dev.vars",
        "/sub/.env",
        "/sub%2f.env",
        "/prod.env",
        "/server.pem",
        "/server.KEY",
        "/wrangler.json",
        "/_worker.js/index.js",
        "/a.txt%00",
        "/a.txt/",
        "/a.txt/.",
        "/.",
        "/a.txt%2f..%2f..%2fsecret.txt",
    ] {
        for path in [path.to_owned(), format!("/fetch?{path}")] {
            let seen = seen(&server, &path);
            assert!(!seen.contains("SECRET") && !seen.contains("root:"), "{path}: {seen}");
        }
    }
}

#[test]
fn the_owners_files_are_not_served_where_the_folder_is_the_project() {
    let project = Project::new(&[
        ("wrangler.jsonc", r#"{ "name": "w", "assets": { "directory": "." } }"#),
        (
            "workerd-lite.toml",
            "[outbound]\nmain = \"policy.js\"\n[audit]\nfile = \"audit.ndjson\"\n",
        ),
        (
            "policy.js",
            "import './part.js'; export default { fetch: () => new Response('SECRET') };",
        ),
        ("part.js", "// SECRET"),
        ("audit.ndjson.1", "SECRET"),
        ("a.txt", "a"),
    ]);
    let server = project.serve(&[]);
    assert_eq!(server.ok("/a.txt"), "a");
    for path in [
        "/policy.js",
        "/part.js",
        "/audit.ndjson",
        "/audit.ndjson.1",
        "/workerd-lite.toml",
        "/wrangler.jsonc",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_folder_elsewhere_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().to_str().unwrap();
    for directory in [path, "../", "/etc", "missing"] {
        let project = Project::new(&[(
            "wrangler.jsonc",
            &format!(r#"{{ "name": "w", "assets": {{ "directory": "{directory}" }} }}"#),
        )]);
        let said = project.refused(&[]);
        let expected = if directory == "missing" {
            "can not be read"
        } else {
            "is outside of"
        };
        assert!(
            said.contains(expected) && said.contains("assets.directory"),
            "{directory}: {said}"
        );
    }
    // What a build writes beside the script is of the same npm project.
    let built = Project::new(&[
        ("package.json", "{}"),
        (
            "dist/worker/wrangler.json",
            r#"{ "name": "w", "main": "index.js", "assets": { "directory": "../client" } }"#,
        ),
        (
            "dist/worker/index.js",
            "export default { fetch: () => new Response('script') };",
        ),
        ("dist/client/a.txt", "a"),
    ]);
    all(
        &built.serve(&["--config", "dist/worker/wrangler.json"]),
        &[("/a.txt", "200 a"), ("/b", "200 script")],
    );
    // An agent's own file does not say where it is.
    let agents = Project::new(&[
        ("package.json", "{}"),
        (
            "workerd-lite.toml",
            "[[agents]]\nname = \"one\"\nconfig = \"one/wrangler.jsonc\"\nmatch = [\"/one/*\"]\n\
             [[agents]]\nname = \"two\"\nmain = \"two.js\"\nmatch = [\"/two/*\"]\n",
        ),
        ("one/wrangler.jsonc", r#"{ "assets": { "directory": "../shared" } }"#),
        ("shared/a.txt", "a"),
        ("two.js", "export default { fetch: () => new Response('two') };"),
    ]);
    assert!(agents.refused(&[]).contains("is outside of"));
}

#[test]
fn assets_that_name_no_folder_are_told_of() {
    let project = Project::new(&[
        super::SCRIPT,
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "worker.js", "assets": { "not_found_handling": "single-page-application" } }"#,
        ),
    ]);
    let (code, _, said) = project.run(&["check"]);
    assert!(
        code == Some(0) && said.contains("serve the wrangler.json that the build writes"),
        "{said}"
    );
    for (assets, why) in [
        (r#"{ "directory": ".", "html_handling": "x" }"#, "unknown variant `x`"),
        (
            r#"{ "directory": ".", "binding": "A" }"#,
            "the name \"A\" is bound twice",
        ),
        (r#"{ "directory": ".", "bindin": "B" }"#, "did you mean `binding`"),
    ] {
        let text = format!(r#"{{ "name": "w", "main": "worker.js", "vars": {{ "A": 1 }}, "assets": {assets} }}"#);
        project.write("wrangler.jsonc", &text);
        let (_, out, said) = project.run(&["check"]);
        assert!(said.contains(why) || out.contains(why), "{assets}: {said}");
    }
}

/// Whoever writes a folder may exchange what is in it while it is asked for.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_becomes_a_link_leads_nowhere() {
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::harness::http::Client;

    let project = project("", &[("sub/a.txt", "inside")]);
    project.write("outside/a.txt", "OUTSIDE");
    let public = project.path().join("public");
    symlink(project.path().join("outside"), public.join(".sub")).unwrap();
    let server = project.serve(&[]);
    let ended = AtomicBool::new(false);
    let bodies: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
            while !ended.load(Ordering::Relaxed) && std::time::Instant::now() < until {
                crate::agent_folders::exchange(&public.join("sub"), &public.join(".sub"));
            }
        });
        let mut client = Client::new(&server.address, "localhost");
        let bodies = (0..1500).map(|_| client.get("/sub/a.txt").unwrap().1).collect();
        ended.store(true, Ordering::Relaxed);
        bodies
    });
    let count = |text: &str| bodies.iter().filter(|body| body.contains(text)).count();
    assert_eq!(count("OUTSIDE"), 0);
    assert!(count("inside") > 0);
}
