//! What goes beside a credential that is bound to methods and paths, as data of `fixtures/bypass/credential-paths.toml`: nothing
//! that some server reads as another method or path.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::harness::Project;
use crate::harness::moody::{Moody, now};

#[derive(serde::Deserialize)]
struct Cases {
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    arrives: bool,
    /// What must not be in the head that arrives.
    absent: Option<String>,
}

#[test]
fn no_other_method_or_path_goes_beside_a_bound_credential() {
    let Cases { cases } = toml::from_str(include_str!("../fixtures/bypass/credential-paths.toml")).unwrap();
    let upstream = Moody::start(|_| now("arrived"));
    let project = Project::new(&[
        (".dev.vars", "TOKEN=canary-5f1d\n"),
        (
            "policy.js",
            "export default { fetch: (request, env) => env.UP.fetch(request) };",
        ),
    ]);
    let mut agent = String::from("const cases = [\n");
    for case in &cases {
        let _ = writeln!(agent, "{},", serde_json::json!([case.path, case.headers]));
    }
    let _ = write!(
        agent,
        "];\nexport default {{ fetch(request) {{\n  const [path, headers] = cases[new URL(request.url).pathname.slice(1)];\n  \
         return fetch('http://{}/repos/acme/' + path, {{ headers }});\n}} }};",
        upstream.address
    );
    project.write("agent.js", &agent);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\nthreads = 1\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n\
         credentials = [{ binding = 'UP', credential = 'up' }]\n[credentials.up]\ntype = 'bearer'\nsecret = 'TOKEN'\n\
         hosts = ['127.0.0.1']\nmethods = ['GET', 'POST']\npaths = ['/repos/acme/*']\n",
    );
    let server = project.serve(&[]);
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let before = upstream.asked("/").len();
        let answer = server.get(&format!("/{number}"));
        let arrived = upstream.asked("/").split_off(before);
        let status = if case.arrives { 200 } else { 403 };
        if answer.status != status || arrived.is_empty() == case.arrives {
            wrong.push(format!("{}: {} {}, {arrived:?}", case.name, answer.status, answer.body));
        }
        for asked in &arrived {
            if !asked.head.contains("canary-5f1d")
                || case.absent.as_ref().is_some_and(|word| asked.head.contains(&**word))
            {
                wrong.push(format!("{}: {}", case.name, asked.head));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cases.len() > 40);
}
