//! The author's loop: a project from nothing, checked, watched while it is edited.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Project, Server, peers};

fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    let (code, out, err) = project.run(arguments);
    (code, out + &err)
}

#[test]
fn a_new_project_serves_and_passes_its_tests() {
    let project = Project::new(&[]);
    let (code, text) = run(&project, &["init"]);
    assert!(code == Some(0) && text.contains("workerd-lite serve"), "{text}");
    let (code, text) = run(&project, &["test"]);
    assert!(code == Some(0) && text.ends_with("2 passed, 0 failed\n"), "{text}");
    let (code, text) = run(&project, &["check"]);
    assert!(
        code == Some(0) && text.contains("good: agent with an outbound worker"),
        "{text}"
    );
    let server = project.serve(&[]);
    assert!(server.get("/").body.starts_with("Hello from the agent"));
    assert_eq!(server.get("/elsewhere").status, 403);
    let (code, text) = run(&project, &["init"]);
    assert!(
        code == Some(1) && text.contains("workerd-lite.toml is there already"),
        "{text}"
    );
    let (code, text) = run(&project, &["init", "inner/one"]);
    assert!(
        code == Some(0) && project.path().join("inner/one/agent.js").is_file(),
        "{text}"
    );
}

#[test]
fn types_fit_cloudflares() {
    let Some(peers) = peers::npm() else { return };
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "[outbound]\nmain = 'policy.ts'\nvars = { LIMIT = 3, NESTED = { a = ['x'] } }\nsecrets = ['TOKEN']\n\
             credentials = [{ binding = 'PARTNER', credential = 'partner' }]\n\
             [credentials.partner]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['a.example']\n\
             [[agents]]\nname = 'scout'\nmain = 'agent.ts'\nvars = { REGION = 'eu' }\noutbound = { parameters = { CUSTOMER = 'acme' } }\n\
             loaders = ['LOADER']\n[[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\n",
        ),
        (
            "tools.ts",
            // docs/rpc.md's first example, with types.
            "import { WorkerEntrypoint } from 'cloudflare:workers';\nimport { RpcError } from 'workerd-lite:policy';\n\
             export class Tools extends WorkerEntrypoint<OutboundEnv, { repo: string }> { async openIssue({ title }: { title: string }) {\n\
             if (!title) throw new RpcError('an issue needs a title');\n\
             const { name, tenant } = this.ctx.agent;\n\
             const body = JSON.stringify({ title, body: `by ${tenant}/${name} of ${this.env.CUSTOMER.toUpperCase()}` });\n\
             const answer = await this.env.PARTNER.fetch(`https://a.example/${this.ctx.props.repo}`, { method: 'POST', body });\n\
             return { number: (await answer.json<{ number: number }>()).number }; } }",
        ),
        (
            "agent.ts",
            "export default { async fetch(request: Request, env: AgentEnv['scout']): Promise<Response> { \n\
             const { number } = await env.TOOLS.openIssue({ title: 'x' });\n\
             await env.LOADER.get('id', () => ({ compatibilityDate: '2026-01-01', mainModule: 'a.js', modules: {} })).getEntrypoint().fetch(request);\n\
             return new Response(env.REGION.toUpperCase() + number); } };",
        ),
        (
            "policy.ts",
            "import { deny } from 'workerd-lite:policy';\nimport { WorkerEntrypoint } from 'cloudflare:workers';\nexport { Tools } from './tools.ts';\n\
             export class Gateway extends WorkerEntrypoint<OutboundEnv> { override fetch(request: Request) { return this.env.PARTNER.fetch(request); } }\n\
             export default { async fetch(request: Request, env: OutboundEnv, ctx: OutboundContext) {\n\
             const left: number = env.LIMIT - env.NESTED.a.length - env.TOKEN.length;\n\
             if (left < 0) return deny({ detail: ctx.agent.name, rule: ctx.agent.tenant });\n\
             ctx.waitUntil(ctx.identity.token({ audience: 'https://a.example' }));\n\
             return env.PARTNER.fetch(request); } };",
        ),
        (
            "policy.test.ts",
            "import { before, test, describe } from 'workerd-lite:test';\nbefore(() => {}, { timeout: 50 });\n\
             test('records', (t) => { t.service('TOOLS', { openIssue: () => 1 }, { agent: 'scout' });\n\
             const { bytes_sent, kind, ms, request_id, time } = t.egress[0]; t.diagnostic(`${bytes_sent + ms.total} ${kind} ${request_id} ${time}`); });\ndescribe('x', () => { test.skip('y', { timeout: 5 }, async (t) => {\n\
             t.upstream('https://a.example/*', (request, via) => Response.json([request.url, via.credential]));\n\
             const status: number = (await t.agent('scout').fetch('http://x/')).status; t.egress.map((e) => e.verdict === 'allow' && status); }); });",
        ),
        (
            "tsconfig.json",
            r#"{ "compilerOptions": { "strict": true, "noEmit": true, "target": "es2022", "lib": ["es2022"], "module": "esnext", "moduleResolution": "bundler", "allowImportingTsExtensions": true, "skipLibCheck": false, "types": ["@cloudflare/workers-types"] }, "include": ["*.ts"] }"#,
        ),
    ]);
    let (code, text) = run(&project, &["types", "-o", "workerd-lite-env.d.ts"]);
    assert_eq!(code, Some(0), "{text}");
    std::os::unix::fs::symlink(peers.join("node_modules"), project.path().join("node_modules")).unwrap();
    let check = || {
        let output = std::process::Command::new(peers.join("node_modules/.bin/tsc"))
            .current_dir(project.path())
            .output()
            .unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (good, report) = check();
    assert!(good, "{report}");
    // What is not there is an error.
    project.write(
        "wrong.ts",
        "export const f = (env: OutboundEnv): string => env.LIMIT + env.ABSENT;",
    );
    let (good, report) = check();
    assert!(!good && report.contains("ABSENT"), "{report}");
}

#[test]
fn check_says_what_serve_would() {
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
        ),
        ("agent.js", "export default { fetch() {} };"),
        ("policy.js", "export default {};"),
    ]);
    let (code, text) = run(&project, &["check"]);
    assert!(code == Some(1) && text.contains("has no fetch handler"), "{text}");
    let (code, text) = run(&project, &["completions", "bash"]);
    assert!(code == Some(0) && text.contains("workerd-lite"), "{text}");
}

fn until(server: &Server, body: &str) -> Duration {
    let start = Instant::now();
    loop {
        let answer = server.get("/").body;
        if answer == body {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{answer} {}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_saved_file_is_served() {
    let project = Project::new(&[
        (
            "agent.ts",
            "import { word } from './word.ts';\nexport default { fetch: (): Response => new Response(word) };",
        ),
        ("word.ts", "export const word: string = 'one';"),
        ("wrangler.toml", "name = 'a'\nmain = 'agent.ts'\n"),
    ]);
    let server = project.serve(&["--watch"]);
    assert_eq!(server.get("/").body, "one");
    // As editors save: a new file takes the old one's place.
    project.write("word.ts~", "export const word: string = 'two';");
    std::fs::rename(project.path().join("word.ts~"), project.path().join("word.ts")).unwrap();
    until(&server, "two");
    // An error keeps the old one; a file that is missing, and then made, is noticed.
    project.write(
        "agent.ts",
        "import { word } from './other.ts';\nexport default { fetch: () => new Response(word) };",
    );
    server.logged("./other.ts can not be imported");
    assert_eq!(server.get("/").body, "two");
    project.write("other.ts", "export const word = 'three';");
    until(&server, "three");
    project.write("wrangler.toml", "name = 'a'\nmain = 'second.ts'\n");
    server.logged("second.ts can not be read");
    project.write("second.ts", "export default { fetch: () => new Response('four') };");
    until(&server, "four");
}

#[test]
fn tests_run_again_when_a_file_changes() {
    let project = Project::new(&[("a.test.js", "import { test } from 'node:test'; test('a', () => {});")]);
    let mut child = project
        .command(&["test", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut closing = || lines.find(|line| line.contains(" passed, ")).unwrap();
    assert_eq!(closing(), "1 passed, 0 failed");
    project.write(
        "a.test.js",
        "import { test } from 'node:test'; test('a', () => { throw 1; });",
    );
    assert_eq!(closing(), "0 passed, 1 failed");
    project.write("b.test.js", "import { test } from 'node:test'; test('b', () => {});");
    assert_eq!(closing(), "1 passed, 1 failed");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn editors_have_a_schema_of_the_configuration() {
    let Some(peers) = peers::npm() else { return };
    let project = Project::new(&[("wrong.toml", "main = \"x.js\"\n[outbound]\nmian = \"x\"\n")]);
    let (code, schema, _) = project.run(&["schema"]);
    assert_eq!(code, Some(0));
    project.write("schema.json", &schema);
    let cli = peers.join("node_modules/@taplo/cli/dist/cli.js").display().to_string();
    let lint = |file: &Path| {
        let mut script = peers::node_command(&peers, &cli, &["lint", "--schema"]);
        let output = script
            .arg(format!("file://{}", project.path().join("schema.json").display()))
            .arg(file)
            .current_dir(project.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        (output.status.success(), told)
    };
    for name in ["init", "example", "testing"] {
        let file = format!("{}/../fixtures/{name}/workerd-lite.toml", env!("CARGO_MANIFEST_DIR"));
        let (fine, told) = lint(Path::new(&file));
        assert!(fine, "{told}");
    }
    let (fine, told) = lint(&project.path().join("wrong.toml"));
    assert!(!fine && told.contains("mian") && !told.contains("null"), "{told}");
}
