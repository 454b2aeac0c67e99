//! Time: a script's clocks stand still while it computes, and a test moves them.

use crate::harness::{Project, json};

#[test]
fn clocks_stand_still_while_a_script_computes() {
    let project = Project::new(&[
        (
            "worker.js",
            r#"export default { async fetch() {
            const read = () => [
              Date.now(), +new Date(), new Date().getTime(), performance.now() + performance.timeOrigin,
              Reflect.construct(Date, []).getTime(), new (class extends Date {})().getTime(),
              Number(new Intl.DateTimeFormat("en", { fractionalSecondDigits: 3 }).format()),
              Number(new Intl.DateTimeFormat("en", { fractionalSecondDigits: 3 }).formatToParts().map((part) => part.value).join("")),
            ];
            const before = read();
            for (let i = 0; i < 2e7; i++);
            const after = read();
            await new Promise((resolve) => setTimeout(resolve, 20));
            const passed = Date.now() - before[0];
            const format = new Intl.DateTimeFormat("en", { timeZone: "UTC" });
            class Later extends Date { hours() { return this.getUTCHours(); } }
            return Response.json({
              stands: JSON.stringify(before) === JSON.stringify(after), passed,
              whole: before.slice(0, 6).every(Number.isInteger),
              same: new Set(before.slice(0, 6)).size,
              is: [
                Date.name, Date.length, typeof Date(), new Date(0) instanceof Date, Date.prototype.constructor === Date,
                new Date(2020, 1, 2).getMonth(), new Date("2020-01-01T00:00:00Z").toISOString(), Date.UTC(2020, 0),
                Date.parse("1970-01-01T00:00:01Z"), new Later(0).hours(), new Later(0) instanceof Later,
                Object.prototype.toString.call(new Date()), structuredClone(new Date(5)).getTime(),
                format.format === format.format, format.format(0), [0].map(format.format)[0],
                Object.keys(Date).length, Date.now.name, Object.getOwnPropertyNames(Date).sort().join(),
              ],
            });
        } };"#,
        ),
        // What it computes takes tens of milliseconds, and more beside other tests.
        ("workerd-lite.toml", "main = \"worker.js\"\n[limits]\ncpu_ms = 2000\n"),
    ]);
    let server = project.serve(&[]);
    let told = json(&server.get("/").body);
    assert_eq!(told["stands"], true, "{told}");
    assert_eq!((&told["whole"], &told["same"]), (&true.into(), &1.into()), "{told}");
    let passed = told["passed"].as_f64().unwrap();
    assert!((19.0..2000.0).contains(&passed), "{told}");
    assert_eq!(
        told["is"],
        serde_json::json!([
            "Date",
            7,
            "string",
            true,
            true,
            1,
            "2020-01-01T00:00:00.000Z",
            1_577_836_800_000_u64,
            1000,
            0,
            true,
            "[object Date]",
            5,
            true,
            "1/1/1970",
            "1/1/1970",
            0,
            "now",
            "UTC,length,name,now,parse,prototype"
        ])
    );
}

#[test]
fn a_test_advances_the_clock_of_all() {
    let project = Project::new(&[
        (
            "agent.js",
            r#"let cached;
            export default { async fetch(request) {
              const { pathname } = new URL(request.url);
              if (pathname === "/wait") {
                const began = Date.now();
                await new Promise((resolve) => setTimeout(resolve, 30_000));
                return Response.json(Date.now() - began);
              }
              if (pathname === "/ticks") {
                const ticks = [];
                const began = Date.now();
                await new Promise((resolve) => {
                  const timer = setInterval(() => {
                    ticks.push(Date.now() - began);
                    if (ticks.length === 3) { clearInterval(timer); resolve(); }
                  }, 10_000);
                });
                return Response.json(ticks);
              }
              if (pathname === "/kept") {
                const kept = await caches.default.match(request);
                if (kept) return kept;
                const fresh = new Response(await (await fetch("https://api.test/")).text(), { headers: { "cache-control": "max-age=60" } });
                await caches.default.put(request, fresh.clone());
                return fresh;
              }
              if (cached === undefined || Date.now() >= cached.until) {
                cached = { until: Date.now() + 60_000, value: await (await fetch("https://api.test/")).text() };
              }
              return new Response(cached.value);
            } };"#,
        ),
        (
            "policy.js",
            "export default { fetch: (request, env) => env.UP.fetch(request) };",
        ),
        (".dev.vars", "SECRET=x\n"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\ncredentials = [{ binding = 'UP', credential = 'up' }]\n\
             [timeouts]\nfirst_byte = '20s'\npolicy = '60s'\n[credentials.up]\nhosts = ['api.test']\ntype = 'oauth2'\n\
             token_url = 'https://login.test/token'\nclient_id = 'me'\nsecret = 'SECRET'\n",
        ),
        (
            "clock.test.js",
            r#"import { test } from "workerd-lite:test";
            import assert from "node:assert/strict";
            const agent = (t, path) => t.agent().fetch("http://agent.test" + path);
            test("timers", async (t) => {
              const began = performance.now();
              const waiting = agent(t, "/wait");
              const ticking = agent(t, "/ticks");
              await t.clock.advance("10m");
              assert.ok(performance.now() - began >= 600_000);
              // Timers fall due at the next whole millisecond.
              const tens = (ms) => Math.floor(ms / 100) * 100;
              assert.equal(tens(await (await waiting).json()), 30_000);
              assert.deepEqual((await (await ticking).json()).map(tens), [10_000, 20_000, 30_000]);
            });
            test("tokens and caches expire", async (t) => {
              let grants = 0, asked = 0;
              t.upstream("https://login.test/token", () =>
                Response.json({ access_token: `token-${++grants}`, token_type: "bearer", expires_in: 300 }));
              t.upstream("https://api.test/", (r) => new Response(`${++asked} ${r.headers.get("authorization")}`));
              const told = [];
              for (const time of [0, 59_000, 2_000, "4m", "5m"]) {
                await t.clock.advance(time);
                told.push(await (await agent(t, "/")).text());
              }
              assert.deepEqual([grants, asked], [3, 4]);
              assert.deepEqual(told.map((text) => text[0]), ["1", "1", "2", "3", "4"]);
            });
            test("what caches keep grows old", async (t) => {
              let asked = 0;
              t.upstream("https://login.test/token", () => Response.json({ access_token: "x", token_type: "bearer" }));
              t.upstream("https://api.test/", () => new Response(String(++asked)));
              const told = [];
              for (const time of [0, 59_000, 2_000]) {
                await t.clock.advance(time);
                const kept = await agent(t, "/kept");
                told.push([await kept.text(), kept.headers.get("age")]);
              }
              assert.deepEqual(told, [["1", null], ["1", "59"], ["2", null]]);
              assert.equal(t.egress.at(-1).bytes_received, 1);
            });
            test("time-outs of an egress", async (t) => {
              t.upstream("https://login.test/token", () => Response.json({ access_token: "x", token_type: "bearer" }));
              t.fault("https://api.test/", "stall");
              const answer = agent(t, "/");
              await t.clock.advance("61s");
              assert.equal((await answer).status, 500);
            });
            test("wrong times", async (t) => {
              await assert.rejects(t.clock.advance(-1), /not negative/);
              await assert.rejects(t.clock.advance("soon"), /"61s"/);
              const [one, two] = await Promise.allSettled([t.clock.advance(10), t.clock.advance(10)]);
              assert.equal(one.status, "fulfilled");
              assert.match(two.reason.message, /already being advanced/);
            });"#,
        ),
    ]);
    let (code, out, err) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with("\n5 passed, 0 failed\n"), "{out}");
}
