//! `node:dns`: questions are requests to a resolver over HTTPS, which the policy lets pass, answers itself or refuses.

use serde_json::json;

use crate::harness::{Project, json as parsed, records};

const WORKER: &str = r"
import dns from 'node:dns';
import promises from 'node:dns/promises';
const code = (promise) => promise.then((value) => value, (error) => [error.code, error.syscall, error.hostname]);
const called = (use) => new Promise((resolve) => use((...values) => resolve(values)));
const thrown = (use) => { try { use(); return 'none'; } catch (error) { return error.code; } };
export default { async fetch() {
  const resolver = new promises.Resolver();
  const asked = resolver.resolve4('a.test');
  resolver.cancel();
  return Response.json({
    lookup: await promises.lookup('a.test'),
    all: await promises.lookup('a.test', { all: true }),
    six: await promises.lookup('a.test', 6),
    order: await promises.lookup('a.test', { all: true, order: 'ipv6first' }),
    called: await called((done) => dns.lookup('a.test', done)),
    calledAll: await called((done) => dns.lookup('a.test', { all: true, family: 4 }, done)),
    local: [await promises.lookup('localhost'), await promises.lookup('db.localhost', 6), await promises.lookup('127.0.0.1')],
    service: await promises.lookupService('192.0.2.1', 443),
    resolve: await promises.resolve('a.test'),
    ttl: await promises.resolve4('a.test', { ttl: true }),
    mx: await promises.resolveMx('a.test'),
    txt: await promises.resolveTxt('a.test'),
    srv: await called((done) => dns.resolve('a.test', 'SRV', done)),
    soa: await promises.resolveSoa('a.test'),
    caa: await promises.resolveCaa('a.test'),
    naptr: await promises.resolveNaptr('a.test'),
    cname: await promises.resolveCname('a.test'),
    any: await promises.resolveAny('a.test'),
    reverse: await promises.reverse('192.0.2.1'),
    reverse6: await promises.reverse('2001:db8::1'),
    unicode: await promises.resolve4('b\u00fccher.test'),
    cancelled: await code(asked),
    none: [await code(promises.lookup('none.test')), await code(promises.resolve4('none.test')), await code(promises.resolveMx('empty.test'))],
    refused: [await code(promises.lookup('refused.test')), await code(promises.resolve4('refused.test')), await code(promises.resolveTxt('broken.test'))],
    thrown: [
      thrown(() => dns.lookup('a.test')), thrown(() => dns.lookup(1, () => {})), thrown(() => dns.lookup('a.test', { family: 5 }, () => {})),
      thrown(() => dns.resolve('a.test', 'X', () => {})), thrown(() => dns.setServers(['192.0.2.9'])), thrown(() => dns.resolve4(1, () => {})),
    ],
  });
} };";

const POLICY: &str = r#"
const ANSWERS = {
  "a.test A": [["192.0.2.1", 1], ["192.0.2.2", 1], ["c.test.", 5]],
  "a.test AAAA": [["2001:db8::1", 28]],
  "a.test MX": [["10 mail.a.test.", 15]],
  "a.test TXT": [['"v=1 x" "two \\"q\\" \\195\\188"', 16]],
  "a.test SRV": [["1 2 5060 sip.a.test.", 33]],
  "a.test SOA": [["ns.a.test. root.a.test. 1 2 3 4 5", 6]],
  "a.test CAA": [['0 issue "ca.test"', 257], ["\\# 12 80 05 69 73 73 75 65 63 61 2e 78 79", 257]],
  "a.test NAPTR": [['100 10 "S" "SIP+D2U" "" _sip._udp.a.test.', 35], ["\\# 22 00 64 00 0a 01 53 07 53 49 50 2b 44 32 55 00 01 61 02 78 79 00", 35]],
  "a.test CNAME": [["c.test.", 5]],
  "a.test ANY": [["192.0.2.1", 1], ["10 mail.a.test.", 15], ["x", 999]],
  "1.2.0.192.in-addr.arpa PTR": [["host.a.test.", 12]],
  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR": [["six.a.test.", 12]],
  "xn--bcher-kva.test A": [["192.0.2.3", 1]],
};
export default { fetch(request) {
  const url = new URL(request.url);
  if (url.origin + url.pathname !== "https://cloudflare-dns.com/dns-query" || request.headers.get("accept") !== "application/dns-json") throw new Error(url);
  const name = url.searchParams.get("name");
  if (name === "refused.test") return new Response("no", { status: 403 });
  if (name === "broken.test") return new Response("<html>");
  if (name === "none.test") return Response.json({ Status: 3 });
  const answers = ANSWERS[`${name} ${url.searchParams.get("type")}`];
  return Response.json({ Status: 0, Answer: answers?.map(([data, type]) => ({ name, type, TTL: 60, data })) });
} };"#;

#[test]
fn names_are_looked_up_by_asking_the_policy() {
    let project = Project::new(&[
        ("worker.js", WORKER),
        ("policy.js", POLICY),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\nlimits = { cpu_ms = 20000 }\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n",
        ),
    ]);
    let server = project.serve(&[]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let four = json!([{ "address": "192.0.2.1", "family": 4 }, { "address": "192.0.2.2", "family": 4 }]);
    let six = json!({ "address": "2001:db8::1", "family": 6 });
    let expected = json!({
        "lookup": four[0],
        "all": [four[0], four[1], six],
        "six": six,
        "order": [six, four[0], four[1]],
        "called": [null, "192.0.2.1", 4],
        "calledAll": [null, four],
        "local": [{ "address": "127.0.0.1", "family": 4 }, { "address": "::1", "family": 6 }, { "address": "127.0.0.1", "family": 4 }],
        "service": { "hostname": "host.a.test", "service": "https" },
        "resolve": ["192.0.2.1", "192.0.2.2"],
        "ttl": [{ "address": "192.0.2.1", "ttl": 60 }, { "address": "192.0.2.2", "ttl": 60 }],
        "mx": [{ "exchange": "mail.a.test", "priority": 10 }],
        "txt": [["v=1 x", "two \"q\" \u{c3}\u{bc}"]],
        "srv": [null, [{ "name": "sip.a.test", "port": 5060, "priority": 1, "weight": 2 }]],
        "soa": { "nsname": "ns.a.test", "hostmaster": "root.a.test", "serial": 1, "refresh": 2, "retry": 3, "expire": 4, "minttl": 5 },
        "caa": [{ "critical": 0, "issue": "ca.test" }, { "critical": 128, "issue": "ca.xy" }],
        "naptr": [
            { "flags": "S", "service": "SIP+D2U", "regexp": "", "replacement": "_sip._udp.a.test", "order": 100, "preference": 10 },
            { "flags": "S", "service": "SIP+D2U", "regexp": "", "replacement": "a.xy", "order": 100, "preference": 10 },
        ],
        "cname": ["c.test"],
        "any": [{ "address": "192.0.2.1", "ttl": 60, "type": "A" }, { "exchange": "mail.a.test", "priority": 10, "type": "MX" }],
        "reverse": ["host.a.test"],
        "reverse6": ["six.a.test"],
        "unicode": ["192.0.2.3"],
        "cancelled": ["ECANCELLED", "queryA", "a.test"],
        "none": [["ENOTFOUND", "getaddrinfo", "none.test"], ["ENOTFOUND", "queryA", "none.test"], ["ENODATA", "queryMx", "empty.test"]],
        "refused": [["ENOTFOUND", "getaddrinfo", "refused.test"], ["ENOTFOUND", "queryA", "refused.test"], ["EBADRESP", "queryTxt", "broken.test"]],
        "thrown": [
            "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_VALUE", "ERR_METHOD_NOT_IMPLEMENTED",
            "ERR_INVALID_ARG_TYPE",
        ],
    });
    assert_eq!(parsed(&answer.body), expected, "{}", server.log());
    // Each is an egress that the policy has decided on.
    let seen = records(&project, 20);
    assert!(seen.iter().all(|record| {
        record["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://cloudflare-dns.com/dns-query"))
    }));
}
