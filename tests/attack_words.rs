//! `workerd-lite test --attack`: what it has not looked at, or could not, is never "0 got through".

use crate::harness::{Project, json};

const AGENT: &str = "export default { fetch: () => new Response('hello') };\n";

fn project(policy: &str, config: &str) -> Project {
    Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", policy),
        (
            "workerd-lite.toml",
            &format!("[outbound]\nmain = 'policy.js'\n{config}\n"),
        ),
    ])
}

fn agent(more: &str) -> String {
    format!("[[agents]]\nname = 'scout'\nmain = 'agent.js'\n{more}")
}

fn attack(project: &Project) -> (Option<i32>, String) {
    let (code, out, err) = project.run(&["test", "--attack"]);
    (code, out + &err.replace("\n  \u{2502} ", " "))
}

#[test]
fn a_policy_that_fails_before_it_judges_has_withstood_nothing() {
    for (policy, why) in [
        (
            "export default { async fetch(request) { return foo.bar('https://partner.com/', request); } };",
            "foo is not defined",
        ),
        (
            "export default { fetch(request, env) { return new URL(request.url).hostname === 'partner.com' ? env.PARTNRE.fetch(request) : new Response('no', { status: 403 }); } };",
            "undefined",
        ),
        (
            "export default { async fetch(request) { 'partner.com'; } };",
            "did not return a Response",
        ),
    ] {
        let (code, text) = attack(&project(policy, &agent("")));
        assert!(
            code == Some(2) && text.contains("the policy lets nothing pass, and ") && text.contains(why),
            "{text}"
        );
    }
    // Where some requests fail it is told.
    let some = "export default { async fetch(request) { const { hostname, pathname } = new URL(request.url); if (hostname !== 'partner.com') return new Response('no', { status: 403 }); \
                if (pathname !== '/') throw new Error('not yet'); return fetch(request); } };";
    let (code, text) = attack(&project(some, &agent("")));
    assert!(
        code == Some(0) && text.contains("ended in a failure of the policy: Error: not yet"),
        "{text}"
    );
    let none = "export default { fetch: () => new Response('slow down at partner.com', { status: 429 }) };";
    let (code, text) = attack(&project(none, &agent("")));
    assert!(
        code == Some(0) && text.contains("the policy let nothing pass"),
        "{text}"
    );
}

#[test]
fn entrypoints_that_agents_call_are_attacked() {
    let policy = "import { WorkerEntrypoint } from 'cloudflare:workers';\n\
                  export class Tools extends WorkerEntrypoint { async fetch(request) { return fetch(request); } async get(url) { return (await fetch(url)).text(); } }\n\
                  export default { fetch: (request) => new URL(request.url).hostname === 'partner.com' ? fetch(request) : new Response('no', { status: 403 }) };\n";
    let service = "[[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\n";
    let (code, text) = attack(&project(policy, &agent(service)));
    assert!(code == Some(1) && text.contains("(agent scout by env.TOOLS)"), "{text}");
    assert!(text.contains("no method of it: Tools (env.TOOLS of scout)"), "{text}");
    let tight = policy.replace("async fetch(request) { return fetch(request); }", "");
    let (code, text) = attack(&project(&tight, &agent(service)));
    assert!(code == Some(0) && text.contains("no method of it: Tools"), "{text}");
}

#[test]
fn an_authority_that_is_down_lets_nothing_pass() {
    let policy = |check: &str| {
        format!(
            "export default {{ async fetch(request) {{ if (new URL(request.url).hostname !== 'api.partner.com') return new Response('no', {{ status: 403 }});\n{check}\nreturn fetch(request); }} }};\n"
        )
    };
    let ask = "await fetch('https://authz.partner.com/check?u=' + encodeURIComponent(request.url))";
    for (check, case) in [
        (
            format!(
                "try {{ const r = {ask}; if (r.status === 403) return new Response('no', {{ status: 403 }}); }} catch {{}}"
            ),
            "it can not be reached",
        ),
        (
            format!("const r = {ask}; if (r.status === 403) return new Response('no', {{ status: 403 }});"),
            "it fails",
        ),
        (
            format!(
                "let ok = true; try {{ ok = (await ({ask}).json()).allowed === true; }} catch {{}} if (!ok) return new Response('no', {{ status: 403 }});"
            ),
            "its answer is no JSON",
        ),
    ] {
        let (code, text) = attack(&project(&policy(&check), &agent("")));
        let told = format!("an authority that does not answer > {case}");
        assert!(
            code == Some(1) && text.contains(&told) && text.contains("asks authz.partner.com"),
            "{check}: {text}"
        );
    }
    let closed = format!(
        "const r = {ask}; if (r.status !== 200 || (await r.json()).allowed !== true) return new Response('no', {{ status: 403 }});"
    );
    let (code, text) = attack(&project(&policy(&closed), &agent("")));
    assert!(code == Some(0), "{text}");
}

#[test]
fn comments_and_reasons_name_no_host() {
    let open = "export default { fetch: (request) => fetch(request) };\n";
    let plain = attack(&project(open, &agent(""))).1;
    let last = |text: &str| {
        text.lines()
            .rfind(|line| line.contains(" attacks, "))
            .unwrap()
            .to_owned()
    };
    let named = attack(&project(open, &format!("# see \"evil.test\"\n{}", agent("")))).1;
    assert_eq!(last(&plain), last(&named));
}

#[test]
fn the_same_hole_is_found_in_a_larger_project() {
    let many = |count: usize, check: &str| {
        let hosts: Vec<String> = (0..count).map(|number| format!("'h{number:02}.many.com'")).collect();
        let policy = format!(
            "const HOSTS = new Set([{}]);\nexport default {{ fetch(request) {{ const u = new URL(request.url); if (!HOSTS.has(u.hostname)) return new Response('no', {{ status: 403 }});\n{check}\nreturn fetch(request); }} }};\n",
            hosts.join(", ")
        );
        attack(&project(&policy, &agent("")))
    };
    let check = "if (u.hostname === 'h08.many.com' && u.pathname.startsWith('/admin')) return new Response('no', { status: 403 });";
    let (code, text) = many(9, check);
    assert!(code == Some(1) && text.contains("h08.many.com"), "{text}");
    let (_, text) = many(70, "");
    assert!(
        text.contains("hosts were not asked: ") && text.contains("h69.many.com"),
        "{text}"
    );
}

#[test]
fn a_watched_attack_attacks() {
    let project = project("export default { fetch: (request) => fetch(request) };\n", &agent(""));
    project.write("a.test.js", "import { test } from 'node:test'; test('x', () => {});");
    let out = project.path().join("out.log");
    let mut command = project.command(&["test", "--attack", "--watch"]);
    let mut child = command.stdout(std::fs::File::create(&out).unwrap()).spawn().unwrap();
    let begun = std::time::Instant::now();
    let text = || std::fs::read_to_string(&out).unwrap();
    while !text().contains(" got through\n") && begun.elapsed() < std::time::Duration::from_mins(1) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        text().contains(" attacks, ") && !text().contains("1 passed"),
        "{}",
        text()
    );
}

#[test]
fn a_score_of_nothing_is_none() {
    let project = project("export default { fetch: () => new Response() };\n", &agent(""));
    let (code, out, err) = project.run(&["test", "--mutate", "--mutate-min", "100"]);
    assert!(
        code == Some(1) && out.contains("mutation score of no changes"),
        "{out}{err}"
    );
    assert!(
        err.contains("there are no tests") && err.contains("nothing to change"),
        "{err}"
    );
    let (_, out, _) = project.run(&["test", "--mutate", "--reporter", "json"]);
    assert!(json(&out)["score"].is_null(), "{out}");
}

#[test]
fn what_goes_out_with_a_token_is_seen() {
    let policy = "export default { fetch(request, env) { const url = new URL(request.url); if (url.hostname !== 'api.partner.com') return new Response('no', { status: 403 });\n\
                  if (url.pathname.startsWith('/admin')) return new Response('no', { status: 403 });\nreturn env.PARTNER.fetch(request); } };\n";
    let config = "credentials = [{ binding = 'PARTNER', credential = 'partner' }]\n[credentials.partner]\ntype = 'oauth2'\ntoken_url = 'https://id.partner.com/token'\n\
                  client_id = 'me'\nsecret = 'TOKEN'\nhosts = ['api.partner.com']\n";
    let (code, text) = attack(&project(policy, &format!("{config}{}", agent(""))));
    assert!(code == Some(1) && text.contains("%61dmin"), "{text}");
}
