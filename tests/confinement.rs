//! What agents import: their own files, and none of each other's.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::harness::Project;
use crate::harness::certs::Certs;

const CONFIG: &str = "
[[agents]]
name = 'a'
main = 'a/agent.js'
match = ['a.localhost']
ROOT
[[agents]]
name = 'b'
config = 'b/wrangler.jsonc'
match = ['b.localhost']
[audit]
file = 'audit.ndjson'
";

fn project(root: &str) -> Project {
    let project = Project::new(&[
        (
            "b/wrangler.jsonc",
            "{ \"name\": \"b\", \"main\": \"src/index.js\", \"vars\": { \"B\": \"of-b\" } }",
        ),
        ("b/src/index.js", "export default { fetch: () => new Response('b') };"),
        ("b/data.json", "{ \"b\": 1 }"),
        ("a/notes/one.csv", "1,2"),
        ("a/prompts/deep/p.tmpl", "prompt"),
        ("a/prompts/deep/key.pem", "key"),
        ("a/text.txt", "text"),
        ("a/page.md", "page"),
        ("a/prod.env", "A=1"),
        ("a/.dev.vars", "A=1"),
        ("a/id.key", "key"),
        ("a/wrangler.json", "{}"),
        ("lib/shared.js", "export default 'shared';"),
        ("lib/shared.json", "{}"),
        (
            "node_modules/pkg/package.json",
            "{ \"name\": \"pkg\", \"main\": \"index.js\" }",
        ),
        ("node_modules/pkg/index.js", "module.exports = 'pkg';"),
        ("b/node_modules/own/index.js", "module.exports = 'own';"),
        ("audit.ndjson.1", "{}"),
        ("a/audit.ndjson.1", "{}"),
    ]);
    symlink(project.path().join("b/data.json"), project.path().join("a/link.json")).unwrap();
    symlink(project.path().join("b/src"), project.path().join("a/linked")).unwrap();
    project.write("workerd-lite.toml", &CONFIG.replace("ROOT", root));
    project
}

const TEXT: &str = " with { type: 'text' }";

fn starts(project: &Project, import: &str) -> bool {
    project.write(
        "a/agent.js",
        &format!("import x from {import};\nexport default {{ fetch: () => new Response(String(x)) }};"),
    );
    let (status, out, error) = project.run(&["check"]);
    assert!(matches!(status, Some(0 | 1)), "{status:?} {out} {error}");
    status == Some(0)
}

#[test]
fn an_agent_imports_its_own_files_and_packages_above() {
    let project = project("modules = ['*.csv', 'prompts/**', '**/*.env']");
    let rows = [
        ("'./text.txt'", "", true),
        ("'./text.txt'", TEXT, true),
        ("'./page.md'", TEXT, true),
        ("'./agent.js'", TEXT, true),
        ("'./notes/one.csv'", TEXT, true),
        ("'./notes/one.csv'", " with { type: 'bytes' }", true),
        ("'./prompts/deep/p.tmpl'", TEXT, true),
        ("'pkg'", "", true),
        ("'../node_modules/pkg/index.js'", "", true),
        ("'./prompts/deep/key.pem'", TEXT, false),
        ("'./prod.env'", TEXT, false),
        ("'./id.key'", TEXT, false),
        ("'./.dev.vars'", TEXT, false),
        ("'./wrangler.json'", "", false),
        ("'./wrangler.json'", TEXT, false),
        ("'./audit.ndjson.1'", TEXT, false),
        ("'../audit.ndjson.1'", TEXT, false),
        ("'../b/wrangler.jsonc'", TEXT, false),
        ("'../b/data.json'", "", false),
        ("'../b/data.json'", " with { type: 'json' }", false),
        ("'../b/src/index.js'", "", false),
        ("'/b/src/index.js'", "", false),
        ("'../b/node_modules/own/index.js'", "", false),
        ("'./link.json'", "", false),
        ("'./linked/index.js'", "", false),
        ("'../lib/shared.js'", "", false),
        ("'../workerd-lite.toml'", TEXT, false),
    ];
    for (specifier, with, good) in rows {
        assert_eq!(
            starts(&project, &format!("{specifier}{with}")),
            good,
            "{specifier}{with}"
        );
    }
}

#[test]
fn a_wider_root_is_the_owners_word() {
    let project = project("root = '..'");
    for (import, good) in [
        ("'../lib/shared.js'", true),
        ("'../lib/shared.json'", true),
        ("'./text.txt'", true),
        ("'./notes/one.csv' with { type: 'text' }", false),
        ("'../b/wrangler.jsonc' with { type: 'text' }", false),
        ("'../audit.ndjson.1' with { type: 'text' }", false),
    ] {
        assert_eq!(starts(&project, import), good, "{import}");
    }
}

#[test]
fn agents_of_one_folder_do_not_import_each_other() {
    let project = Project::new(&[
        ("b.js", "export default { fetch: () => new Response('b') };"),
        ("lib.js", "export default 1;"),
        (
            "workerd-lite.toml",
            "[[agents]]\nname = 'a'\nmain = 'a.js'\nmatch = ['a.localhost']\n[[agents]]\nname = 'b'\nmain = 'b.js'\nmatch = ['b.localhost']\n",
        ),
    ]);
    for (import, good) in [("./lib.js", true), ("./b.js", false)] {
        project.write(
            "a.js",
            &format!("import x from '{import}';\nexport default {{ fetch: () => new Response(String(x)) }};"),
        );
        let (status, _, error) = project.run(&["check"]);
        assert_eq!(status == Some(0), good, "{import} {error}");
    }
}

#[test]
fn keys_that_others_may_write_are_refused() {
    let project = Project::new(&[
        ("agent.js", "export default { fetch: () => new Response('a') };"),
        (
            "policy/outbound.js",
            "export default { fetch: (request, env) => env.P.fetch(request) };",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy/outbound.js'\nmtls_certificates = [{ binding = 'P', certificate_id = 'p' }]\n\
             [certificates.p]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nhosts = ['a.test']\n\
             [identity]\nissuer = 'https://i.test'\ntrust_domain = 't.test'\n",
        ),
    ]);
    Certs::make(&project.path().join("certs"));
    let mode = |name: &str, mode| {
        std::fs::set_permissions(project.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir_all(project.path().join(".workerd-lite/identity")).unwrap();
    mode(".workerd-lite", 0o755);
    mode(".workerd-lite/identity", 0o700);
    let (status, _, error) = project.run(&["check"]);
    assert_eq!(status, Some(0), "{error}");
    for (name, before) in [
        ("certs/agent.key", 0o600),
        (".workerd-lite", 0o700),
        (".workerd-lite/identity", 0o700),
    ] {
        for bad in [0o720, 0o702] {
            mode(name, bad);
            let (status, _, error) = project.run(&["check"]);
            let told: String = error.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(status != Some(0) && told.contains("chmod go-w"), "{name} {error}");
        }
        mode(name, before);
    }
}
