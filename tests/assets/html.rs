//! `html_handling` and `not_found_handling`.

use super::{all, project};

/// A page by its name, one by its folder, both, and what is no page.
const FILES: [(&str, &str); 6] = [
    ("index.html", "root"),
    ("file.html", "file"),
    ("folder/index.html", "folder"),
    ("both.html", "both file"),
    ("both/index.html", "both folder"),
    ("plain", "plain"),
];

#[test]
fn html_files_have_the_paths_that_html_handling_says() {
    let cases: [(&str, &[(&str, &str)]); 4] = [
        (
            "auto-trailing-slash",
            &[
                ("/", "200 root"),
                ("/index", "307 /"),
                ("/index.html?a=b", "307 /?a=b"),
                ("/file", "200 file"),
                ("/file.html", "307 /file"),
                ("/file/", "307 /file"),
                ("/file/index", "307 /file"),
                ("/file/index.html", "307 /file"),
                ("/folder", "307 /folder/"),
                ("/folder.html", "307 /folder/"),
                ("/folder/", "200 folder"),
                ("/folder/index", "307 /folder/"),
                ("/folder/index.html", "307 /folder/"),
                ("/both", "200 both file"),
                ("/both/", "200 both folder"),
                ("/plain", "200 plain"),
                ("/none", "200 script GET /none"),
            ],
        ),
        (
            "force-trailing-slash",
            &[
                ("/", "200 root"),
                ("/file", "307 /file/"),
                ("/file/", "200 file"),
                ("/file.html", "307 /file/"),
                ("/folder", "307 /folder/"),
                ("/folder/", "200 folder"),
                ("/folder/index.html", "307 /folder/"),
                ("/both/", "200 both folder"),
                ("/both.html", "200 both file"),
                ("/plain", "200 plain"),
            ],
        ),
        (
            "drop-trailing-slash",
            &[
                ("/", "200 root"),
                ("/index", "307 /"),
                ("/file", "200 file"),
                ("/file/", "307 /file"),
                ("/folder", "200 folder"),
                ("/folder/", "307 /folder"),
                ("/folder/index", "307 /folder"),
                ("/folder.html", "307 /folder"),
                ("/both", "200 both file"),
                ("/both/index.html", "200 both folder"),
                ("/plain", "200 plain"),
            ],
        ),
        (
            "none",
            &[
                ("/", "200 script GET /"),
                ("/index.html", "200 root"),
                ("/file", "200 script GET /file"),
                ("/file.html", "200 file"),
                ("/folder/", "200 script GET /folder/"),
            ],
        ),
    ];
    for (handling, cases) in cases {
        let project = project(&format!(r#", "html_handling": "{handling}""#), &FILES);
        all(&project.serve(&[]), cases);
    }
}

#[test]
fn what_is_not_found_is_served_as_not_found_handling_says() {
    let files = [
        ("index.html", "root"),
        ("404.html", "nothing"),
        ("docs/404.html", "no such page"),
    ];
    // Without a script files answer everything.
    let only = |handling: &str| {
        let project = project("", &files);
        let wrangler = format!(r#"{{ "name": "w", "assets": {{ "directory": "./public"{handling} }} }}"#);
        project.write("wrangler.jsonc", &wrangler);
        project
    };
    let page = only(r#", "not_found_handling": "404-page""#);
    all(
        &page.serve(&[]),
        &[
            ("/", "200 root"),
            ("/none", "404 nothing"),
            ("/docs/a/b", "404 no such page"),
            ("/docs", "404 nothing"),
        ],
    );
    let single = only(r#", "not_found_handling": "single-page-application""#);
    all(&single.serve(&[]), &[("/none", "200 root"), ("/a/b/c", "200 root")]);
    let none = only("");
    all(&none.serve(&[]), &[("/none", "404 "), ("/404", "200 nothing")]);
    let (code, said, _) = none.run(&["check"]);
    assert!(code == Some(0) && said.contains("good: w"), "{said}");

    // With one, only a browser that opens a page gets it before the script.
    let both = project(r#", "not_found_handling": "single-page-application""#, &files);
    let server = both.serve(&[]);
    all(
        &server,
        &[("/none", "200 script GET /none"), ("/fetch?/none", "200 root")],
    );
    let navigation = ["-H", "sec-fetch-mode: navigate"];
    assert_eq!(server.curl("/none", &navigation).body, "root");
    let text = std::fs::read_to_string(both.path().join("wrangler.jsonc")).unwrap();
    both.write(
        "wrangler.jsonc",
        &text.replacen('{', r#"{ "compatibility_date": "2025-03-31","#, 1),
    );
    assert_eq!(both.serve(&[]).curl("/none", &navigation).body, "script GET /none");
}

#[test]
fn run_worker_first_says_what_is_the_scripts() {
    let files = [("index.html", "root"), ("api/docs/a.txt", "a"), ("api/b.txt", "b")];
    let always = project(r#", "run_worker_first": true"#, &files);
    all(
        &always.serve(&[]),
        &[
            ("/", "200 script GET /"),
            ("/fetch?/", "200 root"),
            ("/fetch?/none", "404 "),
        ],
    );
    let some = project(r#", "run_worker_first": ["/api/*", "!/api/docs/*"]"#, &files);
    all(
        &some.serve(&[]),
        &[
            ("/", "200 root"),
            ("/api/b.txt", "200 script GET /api/b.txt"),
            ("/api/docs/a.txt", "200 a"),
            // What is for files is not the script's where there is none.
            ("/api/docs/none", "404 "),
            ("/none", "200 script GET /none"),
        ],
    );
    for (rules, why) in [
        (r#"["api/*"]"#, "begins with neither"),
        (r#"["!/a"]"#, "none is for the script"),
        ("[]", "expected 1 to 100 rules"),
        ("3", "expected true, false, or a list of rules"),
    ] {
        let wrong = project(&format!(r#", "run_worker_first": {rules}"#), &files);
        let said = wrong.refused(&[]);
        assert!(said.contains(why) && said.contains("wrangler.jsonc:1"), "{said}");
    }
}
