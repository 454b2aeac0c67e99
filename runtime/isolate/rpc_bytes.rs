//! Any bytes whatever as a message to a policy: it answers, and goes on.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::sync::oneshot;
use workerd_lite_ops::rpc::{Broken, Call, Failure, Outcome, Payload, ReplyTo, Stream};
use workerd_lite_ops::{Body, Egress, FetchError, Origin, Request, Response, Role};

use super::{Caller, CellHandle, Door, Worker, init_platform};

const POLICY: &str = r#"
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
class Target extends RpcTarget {}
const samples = [
  () => [1, "two", 3n, null, undefined, true, -0, NaN, 1e300],
  () => [{ a: { b: [1, , 3] }, __proto__: 1 }, new Map([[1, new Set([2])]]), new Date(5), /x/gi, Object(1), Object("s")],
  () => [new Uint8Array([1, 2, 3]), new DataView(new ArrayBuffer(9)), new Float64Array(3), new BigInt64Array(2), new ArrayBuffer(5)],
  () => [new TypeError("t", { cause: new RangeError("r") }), new DOMException("d", "AbortError"), new AggregateError([1], "a")],
  () => [new Headers({ a: "b" }), new Request("http://a.example/", { method: "PUT", body: "b" }), new Response("r", { status: 201 })],
  () => [new ReadableStream({ type: "bytes" }), new WritableStream(), new AbortController().signal, AbortSignal.abort(new Error("x"))],
  () => { const cycle = {}; cycle.self = cycle; return [cycle, () => 1, new Target(), [cycle, cycle]]; },
];
const seen = new Set();
function walk(value) {
  if (typeof value !== "object" || value === null || seen.has(value) || seen.size > 500) return;
  seen.add(value);
  for (const key of Object.keys(value).slice(0, 100)) walk(value[key]);
  if (value instanceof Response || value instanceof Request) value.text().catch(() => {});
  if (value instanceof Headers) [...value];
  if (value instanceof ReadableStream) value.cancel().catch(() => {});
  if (value instanceof Map || value instanceof Set) [...value].forEach(walk);
  if (value instanceof Error) `${value.stack}`;
}
export class Tools extends WorkerEntrypoint {
  get count() { return samples.length; }
  get sample0() { return samples[0](); }
  get sample1() { return samples[1](); }
  get sample2() { return samples[2](); }
  get sample3() { return samples[3](); }
  get sample4() { return samples[4](); }
  get sample5() { return samples[5](); }
  get sample6() { return samples[6](); }
  take(...all) { seen.clear(); walk(all); return all.length; }
}
export default { fetch: () => new Response() };
"#;

const SAMPLES: usize = 7;

struct Nowhere;

impl Egress for Nowhere {
    fn fetch(&self, _: &Origin, _: Option<u32>, _: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        Box::pin(std::future::ready(Err(FetchError::NoOutboundWorker)))
    }
}

/// Numbers by xorshift: the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next(256)).unwrap()
    }

    fn mutated(&mut self, sample: &[u8]) -> Vec<u8> {
        let mut bytes = sample.to_vec();
        for _ in 0..=self.next(6) {
            let at = self.next(bytes.len());
            match self.next(5) {
                0 => bytes.insert(at, self.byte()),
                1 if !bytes.is_empty() => {
                    bytes.remove(at);
                }
                2 => bytes.truncate(at),
                3 => {
                    let part = bytes[at..].to_vec();
                    bytes.extend(part.into_iter().take(40));
                }
                _ if !bytes.is_empty() => bytes[at] = self.byte(),
                _ => {}
            }
        }
        bytes
    }
}

async fn call(handle: &CellHandle, name: &str, arguments: Option<Payload>) -> Outcome {
    let (sender, outcome) = oneshot::channel();
    let sender = RefCell::new(Some(sender));
    let reply = ReplyTo::new(move |outcome| {
        if let Some(sender) = sender.take() {
            let _ = sender.send(outcome);
        }
    });
    let call = Call {
        path: vec![name.to_owned()],
        arguments,
        reply,
    };
    let started = handle.call(call, Origin::default(), 0, None);
    let outcome = tokio::time::timeout(Duration::from_secs(10), outcome).await;
    drop(started);
    outcome.unwrap().unwrap()
}

#[test]
fn a_policy_reads_any_bytes() {
    init_platform();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("policy.js");
    std::fs::write(&script, POLICY).unwrap();
    let mut worker = Worker::load(Role::Outbound, &script).unwrap();
    worker.limits.log_lines = 0;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let caller = Caller {
            doors: vec![Door::to(Some("Tools"))],
            ..Caller::anyone()
        };
        let cell = worker.boot(Rc::new(Nowhere), &[caller]).await.unwrap();
        let handle = cell.handle();
        let running = deno_core::unsync::spawn(cell.run());
        let mut samples = Vec::new();
        for number in 0..SAMPLES {
            match call(&handle, &format!("sample{number}"), None).await {
                Outcome::Value { payload, .. } => samples.push(payload.bytes.to_vec()),
                Outcome::Failed(why) => panic!("sample {number}: {why:?}"),
            }
        }
        let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
        let (mut read, mut refused) = (0, 0);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) && read + refused < 20_000 {
            let bytes = if numbers.next(8) == 0 {
                let length = numbers.next(200);
                // A header, and what follows it.
                let rest = (0..length).map(|_| numbers.byte());
                [0xff, 0x0f].into_iter().chain(rest).collect()
            } else {
                let sample = numbers.next(samples.len());
                numbers.mutated(&samples[sample])
            };
            let payload = Payload {
                bytes: Bytes::from(bytes),
                capabilities: vec![Rc::new(Broken(Failure::gone()))],
                streams: vec![Stream::Readable(Body::Full(Bytes::from_static(b"a body")))],
            };
            match call(&handle, "take", Some(payload)).await {
                Outcome::Value { .. } => read += 1,
                Outcome::Failed(_) => refused += 1,
            }
        }
        assert!(read > 20 && refused > 20, "{read} read, {refused} refused");
        // It is the same isolate, and as it was.
        assert!(matches!(call(&handle, "count", None).await, Outcome::Value { .. }));
        handle.close();
        let _ = running.await;
    });
}
