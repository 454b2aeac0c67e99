//! A policy that signs requests itself: what it signed is what the upstream gets.

use crate::harness::peers::{self, Service};
use crate::harness::{Project, json};

const AGENT: &str = "export default { fetch(request) {
  const { pathname, search } = new URL(request.url);
  return fetch(`http://127.0.0.1:PORT${pathname}${search}`, { method: request.method, body: request.body, headers: { 'x-amz-meta-a': 'b  c', 'content-type': 'text/x' } });
} };";

/// All headers are signed: whatever is added or changed afterwards breaks the signature.
const POLICY: &str = "import { AwsClient } from 'aws4fetch';
export default { async fetch(request, env) {
  const client = new AwsClient({ accessKeyId: 'AKID', secretAccessKey: env.KEY, service: 's3', region: 'eu-central-1', retries: 0 });
  const body = request.body === null ? undefined : await request.arrayBuffer();
  const signed = await client.sign(request.url, { method: request.method, headers: request.headers, body, aws: { allHeaders: true } });
  return fetch(signed);
} };";

#[test]
fn aws4fetch_in_a_policy_is_verified_by_others() {
    let Some(folder) = peers::npm() else { return };
    let verifier = Service::start(&folder, "sigv4.mjs", &["AKID", "a/+secret", ""]);
    for trace in ["", "[trace]\npropagate = true\n"] {
        let project = Project::new(&[
            ("agent.js", &AGENT.replace("PORT", &verifier.port().to_string())),
            ("policy.js", POLICY),
            (".dev.vars", "KEY=a/+secret\n"),
        ]);
        std::fs::create_dir_all(project.path().join("node_modules")).unwrap();
        let package = std::process::Command::new("cp")
            .arg("-r")
            .arg(folder.join("node_modules/aws4fetch"))
            .arg(project.path().join("node_modules"))
            .status()
            .unwrap();
        assert!(package.success());
        project.write(
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\n[network]\nallow = ['local']\n{trace}[outbound]\nmain = 'policy.js'\nsecrets = ['KEY']\n"
            ),
        );
        let server = project.serve(&["--threads", "1"]);
        for (path, arguments) in [
            ("/bucket/key", &[][..]),
            ("/bucket/a%20b?list-type=2&prefix=x%2Fy", &[]),
            ("/bucket/key", &["-X", "PUT", "-d", "some text"]),
            ("/bucket/key", &["-X", "DELETE"]),
            ("/bucket/key?uploads", &["-X", "POST"]),
        ] {
            let said = json(&server.curl(path, arguments).body);
            assert!(
                said["smithy"] == true && said["aws4"] == true,
                "{path} {arguments:?}: {said:#}"
            );
        }
    }
}
