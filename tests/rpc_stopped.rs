//! What is stopped while its methods are called is in the record, wherever it runs: as where a request was judged.

use std::fmt::Write as _;
use std::process::Command;

use crate::harness::{ALL_IN_PROCESSES, POLICY_IN_PROCESSES, Project, free_port, records};

const AGENT: &str = "
import { WorkerEntrypoint } from 'cloudflare:workers';
export class Busy extends WorkerEntrypoint { loop() { for (;;); } }
export default { async fetch(request, env) {
  const [, binding, method] = new URL(request.url).pathname.split('/');
  try { return new Response(String(await (method === 'fetch' ? env[binding].fetch('http://busy.test/') : env[binding][method]()))); }
  catch (error) { return new Response(`${error.name}: ${error.message}`); }
} };";

const POLICY: &str = "
import { WorkerEntrypoint } from 'cloudflare:workers';
export class Tools extends WorkerEntrypoint {
  loop() { for (;;); }
  hoard() { const all = []; for (;;) all.push({ a: [1, 2, 3] }); }
  throws() { throw new TypeError('no'); }
  fetch() { for (;;); }
}
export default { fetch: () => new Response('answered') };";

const CANCELED: &str =
    "Error: The destination execution context for this RPC was canceled while the call was still running.";

#[test]
fn a_worker_that_is_stopped_for_a_method_is_in_the_record() {
    for isolation in ["", POLICY_IN_PROCESSES, ALL_IN_PROCESSES] {
        let admin = free_port();
        let project = Project::new(&[("agent.js", AGENT), ("policy.js", POLICY)]);
        let mut config = format!(
            "threads = 1\n[admin]\nlisten = '127.0.0.1:{admin}'\n[audit]\nfile = 'audit.ndjson'\n[limits]\ncpu_ms = 300\nwall = '20s'\n\
             [outbound]\nmain = 'policy.js'\nlimits = {{ cpu_ms = 300, memory_mb = 32 }}\n{isolation}"
        );
        for (name, services) in [
            (
                "caller",
                "services = [{ binding = 'TOOLS', service = 'outbound', entrypoint = 'Tools' }, \
                 { binding = 'BUSY', service = 'callee', entrypoint = 'Busy' }]\n",
            ),
            ("callee", ""),
        ] {
            let _ = writeln!(
                config,
                "[[agents]]\nname = '{name}'\ntenant = '{name}s'\nmain = 'agent.js'\nmatch = ['/{name}/*']"
            );
            config += &services.replace("'Busy'", "'Busy', cross_tenant = true");
        }
        let config = config.replace("match = ['/caller/*']", "match = ['/TOOLS/*', '/BUSY/*']");
        project.write("workerd-lite.toml", &config);
        let server = project.serve(&[]);
        let asked = |path: &str| server.get(path).body;
        assert_eq!(asked("/TOOLS/throws"), "TypeError: no", "{isolation} {}", server.log());
        // First: an agent for which the policy was stopped works apart, and others are not called from there.
        assert_eq!(asked("/BUSY/loop"), CANCELED, "{isolation} {}", server.log());
        assert_eq!(asked("/TOOLS/loop"), CANCELED, "{isolation} {}", server.log());
        assert_eq!(asked("/TOOLS/hoard"), CANCELED, "{isolation} {}", server.log());
        assert!(asked("/TOOLS/fetch").contains("the service TOOLS gave no response"));
        let all = records(&project, 9);
        let word = |record: &serde_json::Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let calls: Vec<_> = all
            .iter()
            .filter(|record| record["kind"] == "rpc")
            .map(|record| {
                ["method", "verdict", "by", "error"]
                    .map(|name| word(record, name))
                    .join(" ")
            })
            .collect();
        assert_eq!(
            calls,
            [
                "throws deny policy TypeError",
                "loop deny limit the worker was stopped",
                "loop deny limit the outbound worker failed",
                "hoard deny limit the outbound worker failed",
                "fetch deny limit the outbound worker failed",
            ],
            "{isolation}"
        );
        let ended: Vec<_> = all
            .iter()
            .filter(|record| record["event"] == "terminated")
            .map(|record| ["tenant", "agent", "reason"].map(|name| word(record, name)).join(" "))
            .collect();
        let expected = [
            "callees callee cpu",
            "callers caller cpu",
            "callers caller memory",
            "callers caller cpu",
        ];
        assert_eq!(ended, expected, "{isolation}");
        let url = format!("http://127.0.0.1:{admin}/metrics");
        let output = Command::new("curl").args(["-s", &url]).output().unwrap();
        let metrics = String::from_utf8_lossy(&output.stdout).into_owned();
        let replaced =
            "isolates_replaced_total{worker=\"policy\",agent=\"caller\",tenant=\"callers\",reason=\"cpu\"} 2";
        assert!(metrics.contains(replaced), "{isolation} {metrics}");
    }
}
