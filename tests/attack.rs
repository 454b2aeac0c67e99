//! `workerd-lite test --attack`: good policies pass, and bad ones are told by case and line.

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
