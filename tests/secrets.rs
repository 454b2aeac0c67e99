//! Where secrets come from, and what is said where one is not there.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harness::{Project, unwrapped};

const CONFIG: &str = "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\nsecrets = ['TOKEN']\n";
const POLICY: &str = "export default { fetch: (request, env) => new Response(env.TOKEN) };";
const AGENT: &str = "export default { fetch: () => fetch('https://a.example/') };";

fn project(config: &str) -> Project {
    Project::new(&[
        ("workerd-lite.toml", config),
        ("agent.js", AGENT),
        ("policy.js", POLICY),
    ])
}

#[test]
fn a_service_managers_file_has_secrets() {
    let project = project(CONFIG);
    project.write("etc/secrets.env", "# a comment\nTOKEN=first\n");
    let (code, _, text) = project.run(&["check"]);
    assert!(code == Some(1) && text.contains("--env-"), "{text}");
    let (code, out, text) = project.run(&["check", "--env-file", "etc/secrets.env"]);
    assert!(code == Some(0) && out.contains("good"), "{text}");
    let (code, _, text) = project.run(&["check", "--env-file", "etc/absent.env"]);
    assert!(
        code == Some(1) && unwrapped(&text).contains("etc/absent.env can not be read"),
        "{text}"
    );
    // It goes before the environment, which no reload reads anew.
    let server = project.serve_with(&["--env-file", "etc/secrets.env"], &[("TOKEN", "of the environment")]);
    assert_eq!(server.ok("/"), "first");
    project.write("etc/secrets.env", "TOKEN=second\n");
    server.signal("HUP");
    server.logged("loaded anew");
    assert_eq!(server.ok("/"), "second");
}

#[test]
fn a_secret_in_the_place_of_its_name_is_not_shown() {
    for value in ["sk-live-1234567890abcdef", "ghp_16C7e42F292c6912E7710c838347Ae"] {
        for config in [
            CONFIG.replace("TOKEN", value),
            format!(
                "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[credentials.partner]\ntype = 'bearer'\nsecret = '{value}'\nhosts = ['a.example']\n"
            ),
        ] {
            let (code, out, text) = project(&config).run(&["check"]);
            assert!(
                code == Some(1) && !text.contains(value) && !out.contains(value),
                "{text}"
            );
            assert!(
                unwrapped(&text).contains("no name of a secret") && text.contains("workerd-lite.toml:"),
                "{text}"
            );
        }
    }
    let project = project(CONFIG);
    project.write(".dev.vars", "TOKEM=x\n");
    let text = unwrapped(&project.run(&["check"]).2);
    assert!(
        text.contains("the secret \"TOKEN\" is absent") && text.contains("There is TOKEM"),
        "{text}"
    );
}

#[test]
fn secrets_of_the_environment_do_where_the_file_is_anothers() {
    let project = project(CONFIG);
    project.write(".dev.vars", "TOKEN=hidden\n");
    let file = project.path().join(".dev.vars");
    std::fs::set_permissions(project.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads all.
    let is_root = std::fs::read(&file).is_ok();
    let check = |environment: &[(&str, &str)]| {
        let plain = project.command(&["check"]);
        let mut command = plain;
        if is_root {
            command = Command::new("setpriv");
            command
                .args(["--reuid=65534", "--clear-groups"])
                .arg(crate::harness::program())
                .arg("check")
                .current_dir(project.path())
                .env("WORKERD_LITE_CACHE_DIR", "");
        }
        let output = command.envs(environment.iter().copied()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.success(),
            unwrapped(&(text(&output.stdout) + &text(&output.stderr))),
        )
    };
    let (good, text) = check(&[("TOKEN", "x")]);
    assert!(
        good && text.contains("secrets come from the environment alone"),
        "{text}"
    );
    let (good, text) = check(&[]);
    assert!(!good && text.contains(".dev.vars can not be read"), "{text}");
}

#[test]
fn an_environment_that_nothing_is_of_is_told() {
    let project = project(CONFIG);
    project.write(".dev.vars", "TOKEN=base\n");
    project.write(".dev.vars.staging", "TOKEN=staging\n");
    let check = |name: &str| project.run(&["check", "--env", name]).2;
    assert!(check("prd").contains("--env prd selects nothing"), "{}", check("prd"));
    assert!(!check("staging").contains("selects nothing"));
    assert!(!check("").contains("selects nothing"));
}
