//! `t.service()` and records of calls in tests of the `test` command.

use crate::harness::Project;

const CONFIG: &str = "
[outbound]
main = 'policy.js'
[[agents]]
name = 'scout'
main = 'agent.js'
[[agents.services]]
binding = 'TOOLS'
service = 'outbound'
entrypoint = 'Tools'
props = { repo = 'acme/site' }
methods = ['open*', 'fetch']
";

const AGENT: &str = "
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  try {
    if (pathname === '/fetch') return await env.TOOLS.fetch('http://tools.test/x');
    if (pathname === '/denied') return new Response(await env.TOOLS.close(1));
    return Response.json(await env.TOOLS.openIssue({ title: 'a title' }, (n) => n + 1));
  } catch (error) { return new Response(`${error.name}: ${error.message}`, { status: 500 }); }
} };";

const POLICY: &str = "
import { WorkerEntrypoint } from 'cloudflare:workers';
export class Tools extends WorkerEntrypoint {
  openIssue({ title }) { return { title, repo: this.ctx.props.repo, by: this.ctx.agent.name }; }
}
export default { fetch: () => new Response('denied', { status: 403 }) };";

const TEST: &str = "
import test from 'node:test';
import assert from 'node:assert';
const ask = async (t, path = '/') => await (await t.agent('scout').fetch('http://scout.test' + path)).text();
test('the real one', async (t) => {
  assert.deepEqual(JSON.parse(await ask(t)), { title: 'a title', repo: 'acme/site', by: 'scout' });
  const [record] = t.egress;
  assert.deepEqual([record.kind, record.service, record.entrypoint, record.method, record.verdict], ['rpc', 'TOOLS', 'Tools', 'openIssue', 'answer']);
});
test('a pretended one', async (t) => {
  const seen = [];
  t.service('TOOLS', {
    async openIssue(issue, fn) { seen.push(issue); return { number: await fn(41) }; },
    fetch: (request) => new Response('pretended ' + request.url),
  });
  assert.deepEqual(JSON.parse(await ask(t)), { number: 42 });
  assert.deepEqual(seen, [{ title: 'a title' }]);
  assert.equal(await ask(t, '/fetch'), 'pretended http://tools.test/x');
  assert.match(await ask(t, '/denied'), /not among the methods/);
  assert.deepEqual(t.egress.map(({ kind, method, verdict }) => [kind, method, verdict]),
    [['rpc', 'openIssue', 'answer'], ['rpc', 'fetch', 'answer'], ['rpc', 'close', 'deny']]);
});
test('one that fails', async (t) => {
  t.service('TOOLS', { openIssue() { throw new RangeError('none today'); } });
  assert.equal(await ask(t), 'RangeError: none today');
  assert.throws(() => t.service('NONE', {}), /no agent has a service/);
  assert.throws(() => t.service('TOOLS', 1), TypeError);
});
test('the real one again', async (t) => {
  assert.equal(JSON.parse(await ask(t)).by, 'scout');
});
";

#[test]
fn services_are_pretended_and_their_calls_recorded() {
    let project = Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", AGENT),
        ("policy.js", POLICY),
        ("services.test.js", TEST),
    ]);
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("4 passed, 0 failed"), "{out}");
}
