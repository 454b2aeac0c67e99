//! Official clients and libraries, as npm installs them and without a bundler: an agent calls APIs with them, through its
//! policy.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::harness::{Project, json, peers};

/// Copies packages into a project, with all that they depend on.
pub fn install(from: &Path, project: &Project, packages: &[&str]) {
    let mut wanted: Vec<String> = packages.iter().map(|name| (*name).to_owned()).collect();
    let mut copied = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !copied.insert(name.clone()) {
            continue;
        }
        let source = from.join("node_modules").join(&name);
        let Ok(package) = std::fs::read_to_string(source.join("package.json")) else {
            // A peer that is optional.
            continue;
        };
        let to = project.path().join("node_modules").join(&name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let status = Command::new("cp").arg("-r").arg(&source).arg(&to).status().unwrap();
        assert!(status.success(), "{name}");
        let dependencies = &json(&package)["dependencies"];
        wanted.extend(
            dependencies
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone()),
        );
    }
}

const POLICY: &str = "export default { fetch(request) {\n  const sent = new Request(request);\n  sent.headers.set('x-policy', 'policy');\n  return fetch(sent);\n} };";

/// What an agent that is written with these packages answers.
fn answer(packages: &[&str], agent: &str) -> Option<serde_json::Value> {
    let folder = peers::npm()?;
    let apis = peers::Service::start(&folder, "apis.mjs", &[]);
    let project = Project::new(&[
        ("policy.js", POLICY),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n[limits]\ncpu_ms = 5000\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    install(&folder, &project, packages);
    let base = format!("http://127.0.0.1:{}", apis.port());
    let agent = agent.replace("BASE", &base);
    project.write(
        "agent.js",
        &format!(
            "{agent}\nexport default {{ async fetch(request) {{\n  try {{ return Response.json(await run(request)); }}\n  \
             catch (error) {{ return Response.json(`${{error.stack}} ${{error.cause?.stack}}`); }}\n}} }};"
        ),
    );
    let server = project.serve(&[]);
    Some(json(&server.get("/").body))
}

#[test]
fn anthropic() {
    let agent = "import Anthropic from '@anthropic-ai/sdk';\nconst client = new Anthropic({ apiKey: 'k', baseURL: 'BASE' });\n\
        async function run() {\n  const asked = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };\n  \
        const whole = await client.messages.create(asked);\n  let streamed = '';\n  \
        for await (const event of client.messages.stream(asked)) if (event.type === 'content_block_delta') streamed += event.delta.text;\n  \
        const failed = await client.models.retrieve('none').catch((error) => [error instanceof Anthropic.NotFoundError, error.status]);\n  \
        return [whole.content[0].text, streamed, failed];\n}";
    if let Some(answer) = answer(&["@anthropic-ai/sdk"], agent) {
        let text = "hello by policy, key Bearer k";
        assert_eq!(answer, serde_json::json!([text, format!("{text} "), [true, 404]]));
    }
}

#[test]
fn openai() {
    let agent = "import OpenAI, { NotFoundError } from 'openai';\nconst client = new OpenAI({ apiKey: 'k', baseURL: 'BASE/v1' });\n\
        async function run() {\n  const asked = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };\n  \
        const whole = await client.chat.completions.create(asked);\n  let streamed = '';\n  \
        for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) streamed += chunk.choices[0].delta.content;\n  \
        const failed = await client.models.retrieve('none').catch((error) => [error instanceof NotFoundError, error.status]);\n  \
        return [whole.choices[0].message.content, streamed, failed];\n}";
    if let Some(answer) = answer(&["openai"], agent) {
        let text = "hello by policy, Bearer k";
        assert_eq!(answer, serde_json::json!([text, format!("{text} "), [true, 404]]));
    }
}

#[test]
fn octokit() {
    let agent = "import { Octokit } from 'octokit';\nconst octokit = new Octokit({ auth: 't', baseUrl: 'BASE' });\n\
        async function run() {\n  const { data } = await octokit.rest.repos.get({ owner: 'acme', repo: 'one' });\n  \
        const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { owner: 'acme', repo: 'one', per_page: 2 });\n  \
        return [data, issues.map((issue) => issue.number)];\n}";
    if let Some(answer) = answer(&["octokit"], agent) {
        let data = serde_json::json!({ "full_name": "acme/one", "by": "policy", "seen": "token t" });
        assert_eq!(answer, serde_json::json!([data, [10, 11, 20, 21, 30, 31]]));
    }
}

#[test]
fn axios() {
    let agent = "import axios, { AxiosError } from 'axios';\n\
        async function run() {\n  const { data } = await axios.post('BASE/echo', { a: 1 }, { headers: { 'x-own': '1' } });\n  \
        const failed = await axios.get('BASE/none').catch((error) => [error instanceof AxiosError, error.response.status]);\n  return [data, failed];\n}";
    if let Some(answer) = answer(&["axios"], agent) {
        let data = serde_json::json!({ "sent": { "a": 1 }, "by": "policy", "type": "application/json" });
        assert_eq!(answer, serde_json::json!([data, [true, 404]]));
    }
}

#[test]
fn hono_zod_and_jose() {
    let agent = "import { Hono } from 'hono';\nimport { proxy } from 'hono/proxy';\nimport { z } from 'zod';\n\
        import { createRemoteJWKSet, jwtVerify } from 'jose';\n\
        const app = new Hono();\napp.get('/user', () => proxy('BASE/user'));\n\
        const User = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });\n\
        async function run() {\n  const user = User.parse(await (await app.request('/user')).json());\n  \
        const wrong = User.safeParse({ ...user, age: 'x' }).error.issues[0].path;\n  \
        const token = await (await fetch('BASE/token')).json();\n  \
        const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL('BASE/jwks')));\n  return [user, wrong, payload.who];\n}";
    if let Some(answer) = answer(&["hono", "zod", "jose"], agent) {
        let user = serde_json::json!({ "name": "bob", "age": 42, "tags": ["a"] });
        assert_eq!(answer, serde_json::json!([user, ["age"], "bob"]));
    }
}
