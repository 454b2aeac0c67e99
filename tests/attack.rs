//! `workerd-lite test --attack`: good policies pass, and bad ones are told by case and line.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use crate::harness::Project;

fn attack(policy: &str, config: &str) -> (Option<i32>, String) {
    let project = Project::new(&[("agent.js", "export default { fetch() {} };"), ("policy.js", policy)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n{config}"),
    );
    let (code, out, err) = project.run(&["test", "--attack"]);
    (code, out + &err)
}

const BAD: &str = r#"export default {
  fetch(request, env) {
    if (CHECK) {
      const sent = new Request(request);
      sent.headers.set("authorization", `Bearer ${env.TOKEN}`);
      return fetch(sent);
    }
    return new Response("no", { status: 403 });
  },
};
"#;

#[test]
fn a_substring_is_no_check_and_a_suffix_neither() {
    let secret = "secrets = ['TOKEN']\n";
    for (check, case, leak) in [
        (
            "request.url.includes(\"partner.com\")",
            "look-alike hosts > the host in the path",
            "the secret \"TOKEN\" went to evil.test, which the project does not name",
        ),
        (
            "new URL(request.url).hostname.endsWith(\"partner.com\")",
            "look-alike hosts > the host as a suffix of another label",
            "the secret \"TOKEN\" went to evilpartner.com",
        ),
        (
            "new URL(request.url).hostname.startsWith(\"partner.com\")",
            "look-alike hosts > the host as a label in front",
            "the secret \"TOKEN\" went to partner.com.evil.test",
        ),
        (
            "request.headers.get(\"referer\")?.includes(\"partner.com\")",
            "headers that contradict the URL > Referer",
            "the secret \"TOKEN\" went to evil.test",
        ),
    ] {
        let (code, text) = attack(&BAD.replace("CHECK", check), secret);
        assert_eq!(code, Some(1), "{check}: {text}");
        for part in [case, leak, "partner.com is named at policy.js:3: "] {
            assert!(text.contains(part), "{check}: {part:?} is not in\n{text}");
        }
    }
    // The right check leaks nowhere; a plain secret comes back all the same where the partner echoes it.
    let (code, text) = attack(
        &BAD.replace("CHECK", "new URL(request.url).hostname === \"partner.com\""),
        secret,
    );
    assert!(
        code == Some(1) && !text.contains(" went to ") && text.contains("came back to the agent"),
        "{text}"
    );
}

#[test]
fn a_credential_protects_a_careless_policy() {
    let careless = "export default { fetch: (request, env) => env.PARTNER.fetch(request) };";
    let config = "credentials = [{ binding = 'PARTNER', credential = 'partner' }]\n[credentials.partner]\ntype = 'bearer'\n\
                  secret = 'TOKEN'\nredact = 'body'\nhosts = ['api.partner.com', '*.acme.example']\n";
    let (code, text) = attack(careless, config);
    assert!(code == Some(0) && text.contains(" attacks, 0 got through"), "{text}");
    let everywhere = config.replace("'api.partner.com', '*.acme.example'", "'*'");
    let (code, text) = attack(careless, &everywhere);
    assert!(
        code == Some(1) && text.contains("the credential \"partner\" went to "),
        "{text}"
    );
}

#[test]
fn without_a_policy_there_is_nothing_to_attack() {
    let project = Project::new(&[("agent.js", ""), ("workerd-lite.toml", "main = 'agent.js'\n")]);
    let output = project.command(&["test", "--attack"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && text.contains("no outbound worker to attack"),
        "{text}"
    );
}

/// `fixtures/policies`: each policy with its configuration.
fn policies(kind: &str) -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/policies");
    let usual = std::fs::read_to_string(folder.join("credential.toml")).unwrap();
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(folder.join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .collect();
    scripts.sort();
    scripts
        .into_iter()
        .map(|path| {
            let config = std::fs::read_to_string(path.with_extension("toml")).unwrap_or_else(|_| usual.clone());
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap(), config)
        })
        .collect()
}

/// Attacks all policies of a kind, two at once, and gives what `judge` has to say.
fn judged(kind: &str, judge: impl Fn(&str, Option<i32>, &str) -> Option<String> + Sync) -> (usize, Vec<String>) {
    let policies = policies(kind);
    let (next, wrong) = (Mutex::new(policies.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((name, policy, config)) = next.lock().unwrap().next() else {
                        break;
                    };
                    let (code, text) = attack(policy, config);
                    if let Some(why) = judge(policy, code, &text) {
                        wrong.lock().unwrap().push(format!("{name}: {why}\n{text}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    (policies.len(), wrong)
}

#[test]
fn good_policies_withstand_every_attack() {
    let (count, wrong) = judged("good", |_, code, text| {
        let good = code == Some(0) && text.contains(" attacks, 0 got through");
        (!good).then(|| format!("{code:?}"))
    });
    assert!(count >= 3 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bad_policies_are_caught_by_what_is_wrong_with_them() {
    let (count, wrong) = judged("bad", |policy, code, text| {
        let class = policy.lines().next()?.strip_prefix("// caught by: ")?;
        let caught = code == Some(1) && text.contains(&format!("\u{2717} {class}: "));
        (!caught).then(|| format!("{code:?}, without {class:?}"))
    });
    assert!(count >= 10 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_decision_that_is_kept_without_who_asked_is_found() {
    let policy = r#"const decisions = new Map();
        export default {
          fetch(request, env, ctx) {
            const { hostname } = new URL(request.url);
            const key = KEY;
            if (!decisions.has(key)) {
              decisions.set(key, hostname === "api.partner.com" || (hostname === "billing.partner.com" && ctx.agent.name === "boss"));
            }
            return decisions.get(key) ? fetch(request) : new Response("no", { status: 403 });
          },
        };"#;
    for (key, is_good) in [("hostname", false), ("`${ctx.agent.name} ${hostname}`", true)] {
        let policy = policy.replace("KEY", key);
        let project = Project::new(&[("agent.js", "export default { fetch() {} };"), ("policy.js", &policy)]);
        let agent = |name: &str| {
            format!("[[agents]]\nname = '{name}'\nmain = 'agent.js'\ntenant = 'acme'\nmatch = ['{name}.localhost']\n")
        };
        let config = format!("[outbound]\nmain = 'policy.js'\n{}{}", agent("boss"), agent("scout"));
        project.write("workerd-lite.toml", &config);
        let (code, text, _) = project.run(&["test", "--attack"]);
        let told = text.contains("what another agent was allowed > scout after boss");
        assert!(code == Some(i32::from(!is_good)) && told != is_good, "{key}: {text}");
    }
}

#[test]
fn what_gets_through_is_told_though_all_else_fails() {
    let policy = r#"export default {
        async fetch(request) {
          if (new URL(request.url).hostname !== "proxy.partner.com") return new Response("no", { status: 403 });
          const { url } = await request.json();
          if (!url.startsWith("https://api.partner.com")) return new Response("no", { status: 403 });
          return fetch(url);
        },
      };"#;
    let (code, text) = attack(policy, "");
    assert!(
        code == Some(1) && text.contains("went out") | text.contains("was reached by"),
        "{text}"
    );
}

const PREFIX: &str = r#"export default {
  fetch(request, env) {
    const { hostname, pathname } = new URL(request.url);
    if (hostname !== "api.partner.com") return new Response("no", { status: 403 });
    if (pathname.startsWith("/accounts/")) return new Response("no", { status: 403 });
    return env.PARTNER.fetch(request);
  },
};
"#;

fn prefix() -> Project {
    let project = Project::new(&[("agent.js", "export default { fetch() {} };"), ("policy.js", PREFIX)]);
    let credential = "credentials = [{ binding = 'PARTNER', credential = 'partner' }]\n[credentials.partner]\ntype = 'bearer'\n\
                      secret = 'TOKEN'\nredact = 'body'\nhosts = ['api.partner.com']\n";
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n{credential}"),
    );
    project
}

#[test]
fn an_encoded_path_is_told_with_its_token_and_its_line_and_in_every_form() {
    let project = prefix();
    let (code, text, _) = project.run(&["test", "--attack"]);
    assert_eq!(code, Some(1), "{text}");
    for part in [
        "GET https://api.partner.com/%61ccounts/wl7: the policy denies GET /accounts/ and what is below, but this went out with \
         the credential \"partner\"",
        "policy.js:5: if (pathname.startsWith(\"/accounts/\"))",
        " more: see --verbose",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let class = "other spellings of what is denied";
    let lines = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with(&format!("  {class} > ")))
            .count()
    };
    assert_eq!(lines(&text), 10, "{text}");
    let (_, verbose, _) = project.run(&["test", "--attack", "--verbose"]);
    assert!(lines(&verbose) > 20, "{verbose}");
    // The same attacks each time.
    assert_eq!(project.run(&["test", "--attack"]).1, text);

    let (code, json, _) = project.run(&["test", "--attack", "--reporter", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert!(
        code == Some(1) && json["through"] == findings.len() && json["hosts"][0] == "api.partner.com",
        "{json}"
    );
    assert!(
        findings
            .iter()
            .all(|finding| finding["class"] == class && finding["place"]["line"] == 5),
        "{json}"
    );

    let (code, sarif, _) = project.run(&["test", "--attack", "--reporter", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let run = &sarif["runs"][0];
    assert!(
        code == Some(1) && sarif["version"] == "2.1.0" && run["tool"]["driver"]["name"] == "workerd-lite",
        "{sarif}"
    );
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        let place = &result["locations"][0]["physicalLocation"];
        assert!(
            rule["id"] == result["ruleId"]
                && result["level"] == "error"
                && !result["message"]["text"].as_str().unwrap().is_empty()
                && place["artifactLocation"]["uri"] == "policy.js"
                && place["region"]["startLine"] == 5,
            "{result}"
        );
    }
    let (code, junit, _) = project.run(&["test", "--attack", "--reporter", "junit"]);
    assert!(
        code == Some(1) && junit.contains("<testsuite ") && junit.contains("an encoded letter"),
        "{junit}"
    );
    let failures = junit.matches("<failure").count();
    assert!(
        failures > 5 && junit.matches("<testcase").count() > 5 * failures,
        "{junit}"
    );
}

#[test]
fn attacks_are_chosen_by_class_and_case() {
    let project = prefix();
    let (code, text, _) = project.run(&["test", "--attack", "-t", "redirects > 302"]);
    assert!(code == Some(0) && text.contains(", 0 got through"), "{text}");
    let (code, text, _) = project.run(&["test", "--attack", "-t", "an encoded letter$"]);
    assert!(code == Some(1) && !text.contains("upper case"), "{text}");
    let (code, _, error) = project.run(&["test", "--attack", "-t", "no such attack"]);
    assert!(
        code == Some(2) && error.contains("no attack has such a name"),
        "{error}"
    );
    let (code, _, error) = project.run(&["test", "--attack", "-t", "("]);
    assert!(code == Some(2) && error.contains("-t ("), "{error}");
}

#[test]
fn a_policy_may_be_open_for_a_reason() {
    let open = "export default { fetch: (r) => fetch(r) };";
    let (code, text) = attack(open, "");
    let everywhere = [
        "exfiltration to a stranger",
        "with data of the agent in its headers",
        "was reached by DELETE",
    ];
    assert!(
        code == Some(1) && everywhere.iter().all(|part| text.contains(part)),
        "{text}"
    );
    let (code, text) = attack(
        open,
        "[attack]\nallow = ['*']\nreason = 'crawlers, which hold nothing'\n",
    );
    let told = "open to *, by [attack] allow: crawlers, which hold nothing";
    assert!(code == Some(0) && text.contains(told), "{text}");
    // Some hosts are not all hosts, and secrets are for no stranger all the same.
    let (code, text) = attack(open, "[attack]\nallow = ['**.example']\nreason = 'x'\n");
    assert!(code == Some(1) && text.contains("evil.test"), "{text}");
    let leaks = "export default { fetch(r, env) { const s = new Request(r); s.headers.set('x-key', env.TOKEN); return fetch(s); } };";
    let (code, text) = attack(leaks, "secrets = ['TOKEN']\n[attack]\nallow = ['*']\nreason = 'x'\n");
    assert!(
        code == Some(1) && text.contains("the secret \"TOKEN\" went to evil.test"),
        "{text}"
    );
    for (config, why) in [
        ("[attack]\nallow = ['*']\n", "reason"),
        (
            "[attack]\nallow = ['*']\nreason = ' '\n",
            "expected why the policy is open",
        ),
        ("[attack]\nallow = ['a b']\nreason = 'x'\n", "is no host pattern"),
    ] {
        let (code, text) = attack(open, config);
        assert!(code == Some(2) && text.contains(why), "{config}: {text}");
    }
}

#[test]
fn rules_of_an_agent_are_a_part_of_what_is_attacked() {
    let project = Project::new(&[
        ("agent.js", "export default { fetch() {} };"),
        ("policy.js", "export default { fetch: (r) => fetch(r) };"),
    ]);
    project.write(
        "workerd-lite.toml",
        "[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n\
         [[agents.egress]]\nhosts = ['api.partner.com']\nmethods = ['GET']\npaths = ['/v1/*']\n",
    );
    let (code, text, error) = project.run(&["test", "--attack"]);
    assert!(
        code == Some(0) && text.contains("names: api.partner.com"),
        "{text}{error}"
    );
}

#[test]
fn a_policy_that_looks_at_no_handshakes_is_told_so() {
    let policy = |check: &str| {
        format!(
            "export default {{ fetch(request) {{ const {{ hostname }} = new URL(request.url);\n  if ({check}) return fetch(request);\n  return new Response('no', {{ status: 403 }}); }} }};"
        )
    };
    let good = "hostname === 'feed.partner.com'";
    let (code, text) = attack(&policy(good), "");
    assert!(code == Some(0) && text.contains(" attacks, 0 got through"), "{text}");
    let careless = format!("request.headers.get('upgrade') === 'websocket' || {good}");
    let (code, text) = attack(&policy(&careless), "");
    assert_eq!(code, Some(1), "{text}");
    for part in [
        "WebSockets to a stranger",
        "evil.test, which the project does not name, was reached by a WebSocket, with data of the agent in its query",
        "evil-feed.partner.com, which the project does not name, was reached by a WebSocket",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    // Addresses that nobody may dial are denied whatever the policy says.
    for none in ["reached by GET", "169.254.169.254", "127.0.0.1"] {
        assert!(!text.contains(none), "{none}: {text}");
    }
    // An agent's rules say which sockets it may ask for.
    let rules = "[[outbound.egress]]\nhosts = ['feed.partner.com']\nmethods = ['GET']\n[[agents]]\nname = 'a'\nmain = 'agent.js'\n[[agents.egress]]\nhosts = ['**']\nwebsocket = false\n";
    let project = Project::new(&[
        ("agent.js", "export default { fetch() {} };"),
        ("policy.js", &policy(&careless)),
    ]);
    project.write("workerd-lite.toml", &format!("[outbound]\nmain = 'policy.js'\n{rules}"));
    let (code, out, err) = project.run(&["test", "--attack"]);
    assert_eq!(code, Some(0), "{out}{err}");
}
