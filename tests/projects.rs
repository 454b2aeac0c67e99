//! Projects as wrangler's templates and builds have them: what its file says of imports, builds, scheduled events, and scripts in the
//! older form.

use crate::harness::wrangler::refused;
use crate::harness::{Project, json};
use serde_json::json as literal;

#[test]
fn rules_say_what_files_are() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "src/index.ts", "rules": [
  { "type": "Text", "globs": ["**/*.md", "./src/*.graphql"], "fallthrough": true },
  { "type": "Data", "globs": ["**/*.dat"] },
  { "type": "ESModule", "globs": ["**/*.js"] }
] }"#,
        ),
        (
            "src/index.ts",
            "import a from '../docs/a.md'; import b from './b.graphql'; import c from './c.dat'; import d from './d.txt'; import e from './e.js';\n\
             export default { fetch: () => Response.json([a, b, c.byteLength, d, e]) };",
        ),
        ("docs/a.md", "# a"),
        ("src/b.graphql", "type Query"),
        ("src/c.dat", "1234"),
        ("src/d.txt", "d"),
        ("src/e.js", "export default 'e';"),
    ]);
    let served = project.serve(&[]).ok("/");
    assert_eq!(json(&served), literal!(["# a", "type Query", 4, "d", "e"]));
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "w", "main": "src/index.ts", "rules": [{ "type": "Text", "globs": ["[a"] }] }"#,
    );
    refused(
        &project,
        &["check"],
        &["wrangler.jsonc:1", "rules[0].globs[0]", "is no pattern of files"],
    );
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "w", "main": "src/index.ts", "rules": [{ "type": "Txt", "globs": [] }] }"#,
    );
    refused(&project, &["check"], &["unknown variant `Txt`"]);
}

#[test]
fn rules_and_aliases_lead_to_no_secret() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "src/index.js", "rules": [{ "type": "Text", "globs": ["**/*", "**/.*"] }],
  "alias": { "out": "../../secret.js", "passwd": "/etc/passwd", "vars": "./.dev.vars", "key": "./a.pem" } }"#,
        ),
        (
            "src/index.js",
            "const seen = [];\n\
             const tried = [() => import('../.dev.vars'), () => import('../a.pem'), () => import('../../secret.js'), () => import('out'),\n\
               () => import('passwd'), () => import('vars'), () => import('key'), () => import('../workerd-lite.toml')];\n\
             export default { async fetch() { for (const each of tried) seen.push(await each().then(String, () => 'refused'));\n\
               return Response.json(seen); } };",
        ),
        (".dev.vars", "TOKEN=x"),
        ("a.pem", "SECRET"),
        ("workerd-lite.toml", ""),
    ]);
    let seen = project.serve(&[]).ok("/");
    assert_eq!(json(&seen), literal!(vec!["refused"; 8]));
}

#[test]
fn aliases_and_defines_stand_for_others() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2024-01-01",
  "alias": { "lib": "./src/lib", "fs": "./src/fs.js", "node-fetch": "other-fetch" },
  "define": { "VERSION": "\"1.2\"", "CONFIG.mode": "{\"a\":[1]}", "FLAG": "true", "NAME": "globalThis.name" } }"#,
        ),
        (
            "src/index.js",
            "import a from 'lib/a.js'; import fs from 'fs'; import f from 'node-fetch'; import env from 'env-package'; import typed from './typed';\n\
             globalThis.name = 'n';\n\
             const FLAGS = { FLAG };\n\
             export default { fetch: () => Response.json([a, fs, f, VERSION, CONFIG.mode.a, FLAGS, NAME, process.env.NODE_ENV, env, 'VERSION', typed]) };",
        ),
        (
            "src/typed.ts",
            "declare const VERSION: string;\ndeclare const CONFIG: { mode: { a: number[] } };\nexport default [VERSION, CONFIG.mode.a];",
        ),
        ("src/lib/a.js", "export default 'a';"),
        ("src/fs.js", "export default 'own fs';"),
        ("node_modules/other-fetch/index.js", "export default 'other';"),
        (
            "node_modules/other-fetch/package.json",
            r#"{ "name": "other-fetch", "type": "module" }"#,
        ),
        (
            "node_modules/env-package/index.js",
            "if (process.env.NODE_ENV === 'production') module.exports = require('./a.js'); else module.exports = 'development';",
        ),
        ("node_modules/env-package/a.js", "module.exports = 'production';"),
        ("node_modules/env-package/package.json", r#"{ "name": "env-package" }"#),
    ]);
    let expected = |mode: &str| literal!(["a", "own fs", "other", "1.2", [1], { "FLAG": true }, "n", mode, mode, "VERSION", ["1.2", [1]]]);
    assert_eq!(json(&project.serve(&[]).ok("/")), expected("production"));
    assert_eq!(json(&project.serve(&["--dev"]).ok("/")), expected("development"));
    project.write(
        "wrangler.jsonc",
        r#"{ "name": "w", "main": "src/index.js", "define": { "VERSION": "1.2.3" } }"#,
    );
    refused(&project, &["check"], &["define.VERSION", "expected a name and JSON"]);
}

#[test]
fn imports_of_computed_names_reach_the_files_of_their_folder() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "src/index.js", "find_additional_modules": true }"#,
        ),
        (
            "src/index.js",
            "export default { async fetch(request) {\n\
               const name = new URL(request.url).searchParams.get('name');\n\
               const tried = [() => import(`./lang/${name}.js`), () => import('./lang/' + name + '.js'), () => import(`../${name}`)];\n\
               const seen = [];\n\
               for (const each of tried) seen.push(await each().then((found) => found.default, (error) => error.name));\n\
               return Response.json(seen);\n\
             } };",
        ),
        ("src/lang/en.js", "export default 'english';"),
        ("src/lang/fr.js", "export default 'french';"),
        (".dev.vars", "TOKEN=x"),
        ("policy.js", "export default { fetch: () => new Response('SECRET') };"),
        ("workerd-lite.toml", "[outbound]\nmain = \"policy.js\"\n"),
    ]);
    let server = project.serve(&[]);
    for (name, expected) in [
        ("en", literal!(["english", "english", "TypeError"])),
        ("fr", literal!(["french", "french", "TypeError"])),
        ("../nothing", literal!(["TypeError", "TypeError", "TypeError"])),
        (".dev.vars", literal!(["TypeError", "TypeError", "TypeError"])),
        ("policy.js", literal!(["TypeError", "TypeError", "TypeError"])),
    ] {
        assert_eq!(json(&server.ok(&format!("/?name={name}"))), expected, "{name}");
    }
}

#[test]
fn es_modules_require_as_for_bundlers() {
    let project = Project::new(&[
        ("wrangler.jsonc", r#"{ "name": "w", "main": "src/index.ts" }"#),
        (
            "src/index.ts",
            "const path = require('path'); const { x } = require('./x.cjs') as { x: number };\n\
             export default { fetch: (): Response => { try { require('./no' + 'ne.js'); } catch (error) { return Response.json([path.join('a', 'b'), x, (error as any).code]); } } };",
        ),
        (
            "src/x.cjs",
            "exports.x = require('node:crypto').createHash('md5').update('a').digest('hex').length;",
        ),
    ]);
    let served = project.serve(&[]).ok("/");
    assert_eq!(json(&served), literal!(["a/b", 32, "MODULE_NOT_FOUND"]));
    // What a bundler has made asks whether there is one: there is for what Node.js has, and else not, as ever.
    for (name, said) in [("fs", "function"), ("canvas", "Dynamic require of canvas")] {
        let script = "const __require = (name: string) => { if (typeof require !== 'undefined') return require(name).readFileSync; throw new Error(`Dynamic require of ${name}`); };\n\
             export default { fetch: () => { try { return new Response(typeof __require(\"NAME\")); } catch (error) { return new Response((error as Error).message); } } };";
        project.write("src/index.ts", &script.replace("NAME", name));
        assert_eq!(project.serve(&[]).ok("/"), said);
    }
}

#[test]
fn members_of_a_workspace_have_its_packages() {
    let project = Project::new(&[
        (
            "package.json",
            r#"{ "private": true, "workspaces": ["apps/*", "packages/*"] }"#,
        ),
        (
            "node_modules/hoisted/package.json",
            r#"{ "name": "hoisted", "type": "module", "exports": "./index.js" }"#,
        ),
        ("node_modules/hoisted/index.js", "export default 'hoisted';"),
        (
            "packages/shared/package.json",
            r#"{ "name": "@acme/shared", "exports": "./src/index.ts" }"#,
        ),
        (
            "packages/shared/src/index.ts",
            "export { part } from './part'; export const hi = (name: string): string => `hi ${name}`;",
        ),
        ("packages/shared/src/part.ts", "export const part = 1;"),
        ("packages/other/package.json", r#"{ "name": "@acme/other" }"#),
        ("packages/other/index.js", "export default 'SECRET';"),
        ("secret.js", "export default 'SECRET';"),
        ("apps/api/package.json", r#"{ "name": "api", "type": "module" }"#),
        (
            "apps/api/wrangler.jsonc",
            r#"{ "name": "api", "main": "src/index.ts", "rules": [{ "type": "Text", "globs": ["src/*.graphql"] }] }"#,
        ),
        ("apps/api/src/schema.graphql", "type Query"),
        (
            "apps/api/src/index.ts",
            "import hoisted from 'hoisted'; import { hi, part } from '@acme/shared'; import schema from './schema.graphql';\n\
             const refused = (name: string) => import(name).then((found) => found.default, () => 'refused');\n\
             const others = () => Promise.all([import('../../../secret.js'), import('../../../packages/other/index.js'), import('../../../package.json')].map((each) => each.then(String, () => 'refused')));\n\
             export default { async fetch() { return Response.json([hoisted, hi('a'), part, schema, await others(), await refused('@acme/' + 'other')]); } };",
        ),
    ]);
    std::fs::create_dir_all(project.path().join("node_modules/@acme")).unwrap();
    std::os::unix::fs::symlink(
        "../../packages/shared",
        project.path().join("node_modules/@acme/shared"),
    )
    .unwrap();
    let config = ["--config", "apps/api/wrangler.jsonc"];
    let expected = literal!([
        "hoisted",
        "hi a",
        1,
        "type Query",
        ["refused", "refused", "refused"],
        "refused"
    ]);
    assert_eq!(json(&project.serve(&config).ok("/")), expected);
    // Where nobody says that they belong together, they do not.
    project.write("package.json", "{}");
    assert!(project.refused(&config).contains("is outside of the project's folder"));
}

#[test]
fn a_version_is_what_was_loaded() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "worker.js", "version_metadata": { "binding": "VERSION" } }"#,
        ),
        (
            "worker.js",
            "export default { fetch: (request, env) => Response.json(env.VERSION) };",
        ),
    ]);
    let server = project.serve(&[]);
    let version = json(&server.ok("/"));
    assert!(
        version["id"].as_str().unwrap().len() == 36 && version["tag"] == "",
        "{version}"
    );
    assert!(version["timestamp"].as_str().unwrap().ends_with('Z'), "{version}");
    assert_eq!(json(&server.ok("/")), version);
}

#[test]
fn what_a_build_wrote_is_served() {
    let project = Project::new(&[
        ("package.json", "{}"),
        ("wrangler.jsonc", r#"{ "name": "source", "main": "src/index.ts" }"#),
        (
            "src/index.ts",
            "export default { fetch: () => new Response('source') };",
        ),
        (
            ".wrangler/deploy/config.json",
            r#"{ "configPath": "../../dist/w/wrangler.json", "auxiliaryWorkers": [] }"#,
        ),
        (
            "dist/w/wrangler.json",
            r#"{ "name": "built", "main": "index.js", "no_bundle": true, "jsx_factory": "React.createElement", "jsx_fragment": "React.Fragment",
  "rules": [{ "type": "ESModule", "globs": ["**/*.js", "**/*.mjs"] }], "assets": { "directory": "../client", "not_found_handling": "single-page-application" },
  "kv_namespaces": [], "python_modules": { "exclude": ["**/*.pyc"] }, "triggers": {}, "dev": { "ip": "localhost" } }"#,
        ),
        (
            "dist/w/index.js",
            "export default { fetch: () => new Response('built') };",
        ),
        ("dist/client/index.html", "page"),
    ]);
    let server = project.serve(&[]);
    assert_eq!(server.ok("/"), "page");
    assert_eq!(server.ok("/api"), "built");
    assert!(!server.log().contains("is ignored"), "{}", server.log());
    // As Vike and Nitro do.
    project.write("dist/w/package.json", r#"{ "type": "module" }"#);
    assert_eq!(project.serve(&[]).ok("/"), "page");
    assert_eq!(project.serve(&["--config", "dist/w/wrangler.json"]).ok("/"), "page");
    // A file that is named is taken as it is.
    assert_eq!(project.serve(&["--config", "wrangler.jsonc"]).ok("/api"), "source");
    for (told, why) in [
        (
            r#"{ "configPath": "../../gone/wrangler.json" }"#,
            "Build the project again",
        ),
        (
            r#"{ "configPath": "../../../wrangler.json" }"#,
            "Build the project again",
        ),
        ("{", "config.json"),
    ] {
        project.write(".wrangler/deploy/config.json", told);
        let said = project.refused(&[]);
        assert!(said.contains(why), "{told}: {said}");
    }
}

#[test]
fn builds_in_hidden_folders_are_served() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": ".svelte-kit/cloudflare/_worker.js", "assets": { "binding": "ASSETS", "directory": ".svelte-kit/cloudflare" } }"#,
        ),
        (
            ".svelte-kit/cloudflare/_worker.js",
            "import { text } from '../output/.build/index.js'; import('../.env.js').catch(() => {}); export default { async fetch() { const hidden = await import('../.env.js').catch(() => 'refused'); return new Response(text + hidden); } };",
        ),
        (".svelte-kit/output/.build/index.js", "export const text = 'server ';"),
        (".svelte-kit/.env.js", "export default 'SECRET';"),
        (".svelte-kit/cloudflare/app.js", "client"),
    ]);
    let server = project.serve(&[]);
    assert_eq!(server.ok("/"), "server refused");
    assert_eq!(server.ok("/app.js"), "client");
    assert_eq!(server.ok("/_worker.js"), "server refused");
}

#[test]
fn scheduled_handlers_are_called_where_a_worker_is_developed() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "worker.js", "vars": { "A": "a" }, "triggers": { "crons": ["* * * * *"] } }"#,
        ),
        (
            "worker.js",
            "let seen = 'nothing';\n\
             export default {\n\
               fetch: () => new Response(seen),\n\
               async scheduled(controller, env, ctx) {\n\
                 controller.noRetry();\n\
                 ctx.waitUntil(scheduler.wait(10).then(() => { seen = [controller.cron, controller.scheduledTime, controller.type, env.A].join(); }));\n\
                 if (controller.cron === 'bad') throw new RangeError('not now');\n\
               },\n\
             };",
        ),
    ]);
    let server = project.serve(&["--dev", "--threads", "1"]);
    let answer = server.get("/cdn-cgi/handler/scheduled?cron=*+*+*+*+*&time=1745856238000");
    assert_eq!((answer.status, &*answer.body), (200, "ok"));
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(server.ok("/"), "* * * * *,1745856238000,scheduled,a");
    assert_eq!(server.get("/__scheduled").status, 200);
    let bad = server.get("/cdn-cgi/handler/scheduled?cron=bad");
    assert!(
        bad.status == 500 && bad.body.contains("RangeError: not now"),
        "{}",
        bad.body
    );
    for (cron, status, outcome) in [("x", 200, "ok"), ("bad", 500, "exception")] {
        let answer = server.get(&format!("/cdn-cgi/handler/scheduled?format=json&cron={cron}"));
        let value: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, value["outcome"].as_str()), (status, Some(outcome)));
        assert!(
            answer.headers.contains("content-type: application/json"),
            "{}",
            answer.headers
        );
    }
    assert_eq!(server.get("/cdn-cgi/handler/scheduled?time=x").status, 400);
    // Others are not asked to.
    let server = project.serve(&[]);
    assert_eq!(server.ok("/cdn-cgi/handler/scheduled"), "nothing");
}

#[test]
fn crons_are_called_by_the_time_once_on_all_threads() {
    let project = Project::new(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "w", "main": "worker.js", "triggers": { "crons": ["* * * * *", "0 0 30 2 *"] } }"#,
        ),
        (
            "worker.js",
            "export default { scheduled(controller) { console.log(`called ${controller.cron} at ${controller.scheduledTime % 60000}`); throw new RangeError('later'); } };",
        ),
    ]);
    let server = project.serve(&["--threads", "2"]);
    server.logged_within("called * * * * * at 0", std::time::Duration::from_secs(75));
    server.logged("the scheduled handler failed: RangeError: later");
    assert_eq!(server.log().matches("called ").count(), 1, "{}", server.log());
    project.write(
        "wrangler.jsonc",
        "{ \"name\": \"w\", \"main\": \"worker.js\",\n\"triggers\": { \"crons\": [\"* * * * *\", \"61 * * * *\"] } }",
    );
    refused(
        &project,
        &["check"],
        &["wrangler.jsonc:2, triggers.crons[1]", "is no cron expression"],
    );
}

#[test]
fn workers_without_fetch_load_and_requests_of_theirs_fail() {
    let project = Project::new(&[(
        "worker.js",
        "export default { scheduled() { console.log('it ran'); } };",
    )]);
    let server = project.serve(&["worker.js", "--dev"]);
    assert_eq!(server.get("/").status, 500);
    server.logged("does not export a fetch() function");
    assert_eq!(server.get("/cdn-cgi/handler/scheduled").body, "ok");
    server.logged("it ran");
    // A policy without one is an error.
    project.write("policy.js", "export default { scheduled() {} };");
    assert!(
        project
            .refused(&["worker.js", "--outbound", "policy.js"])
            .contains("has no fetch handler")
    );
}

#[test]
fn modules_of_products_that_are_not_here_load() {
    let project = Project::new(&[(
        "worker.js",
        "import { EmailMessage } from 'cloudflare:email'; import { NonRetryableError } from 'cloudflare:workflows';\n\
         const message = new EmailMessage('a@x.test', 'b@x.test', 'raw'); const error = new NonRetryableError('no', 'Own');\n\
         export default { fetch: () => Response.json([message.from, message.to, error instanceof Error, error.name, String(new NonRetryableError('why'))]) };",
    )]);
    let served = project.serve(&["worker.js"]).ok("/");
    assert_eq!(
        json(&served),
        literal!(["a@x.test", "b@x.test", true, "Own", "NonRetryableError: why"])
    );
}

#[test]
fn scripts_with_listeners_run() {
    let project = Project::new(&[
        (
            "wrangler.toml",
            "name = 'w'\nmain = 'worker.js'\n[vars]\nGREETING = 'hello'\nCOUNT = 2\n",
        ),
        (
            "worker.js",
            "const first = GREETING;\n\
             addEventListener('fetch', event => { event.respondWith(handle(event)) });\n\
             addEventListener('scheduled', event => { event.waitUntil(Promise.resolve().then(() => console.log('ran', event.cron, event.scheduledTime))); });\n\
             async function handle(event) {\n\
               const { pathname } = new URL(event.request.url);\n\
               if (pathname === '/throw') throw new Error('thrown');\n\
               event.waitUntil(scheduler.wait(1));\n\
               event.passThroughOnException();\n\
               return Response.json([first, GREETING, COUNT, event.type, pathname, event instanceof ExtendableEvent]);\n\
             }\n",
        ),
    ]);
    let server = project.serve(&["--dev"]);
    assert_eq!(
        json(&server.ok("/a")),
        literal!(["hello", "hello", 2, "fetch", "/a", true])
    );
    assert_eq!(server.get("/throw").status, 500);
    assert_eq!(server.get("/cdn-cgi/handler/scheduled?cron=x&time=5").body, "ok");
    server.logged("ran x 5");
    project.write("worker.js", "addEventListener('fetch', () => {});");
    let server = project.serve(&[]);
    assert_eq!(server.get("/").status, 500);
    server.logged("no listener of fetch events has called event.respondWith()");
    // A policy has exports.
    project.write("policy.js", "addEventListener('fetch', () => {});");
    let said = project.refused(&["worker.js", "--outbound", "policy.js"]);
    assert!(said.contains("has no fetch handler"), "{said}");
}
