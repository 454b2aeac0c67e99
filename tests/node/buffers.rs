//! `Buffer`s of a pool where memory is given away.

use crate::harness::{Project, json};

#[test]
fn streams_of_bytes_take_buffers_of_a_pool() {
    let worker = "
import { Readable } from 'node:stream';
const failure = (use) => use().catch((error) => error.name);
const bytes = (source) => new ReadableStream({ type: 'bytes', ...source });
export default { async fetch() {
  const other = Buffer.from('other');
  const enqueued = Buffer.from('one');
  const text = await new Response(bytes({ start(controller) { controller.enqueue(enqueued); controller.enqueue(Buffer.from('two')); controller.close(); } })).text();
  const late = bytes({ async pull(controller) { await null; controller.enqueue(Buffer.from('late')); controller.close(); } }).getReader();
  const read = Buffer.allocUnsafe(4);
  const reader = bytes({ start(controller) { controller.enqueue(new Uint8Array([1, 2])); controller.close(); } }).getReader({ mode: 'byob' });
  const { value } = await reader.read(read);
  const memory = new WebAssembly.Memory({ initial: 1 });
  return Response.json({
    text,
    late: Buffer.from((await late.read()).value).toString(),
    byob: [value.length, value[0], value.byteOffset, value.buffer === read.buffer],
    kept: [other.toString(), enqueued.toString(), other.buffer.detached, value.buffer.detached],
    web: await new Response(Readable.toWeb(Readable.from([Buffer.from('a'), Buffer.from('b')]))).text(),
    cloned: await failure(async () => structuredClone(other, { transfer: [other.buffer] })),
    memory: await failure(async () => bytes({ start(controller) { controller.enqueue(new Uint8Array(memory.buffer, 0, 1)); } })),
  });
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js"]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    assert_eq!(
        json(&answer.body),
        serde_json::json!({
            "text": "onetwo",
            "late": "late",
            "byob": [2, 1, 0, false],
            "kept": ["other", "one", false, false],
            "web": "ab",
            "cloned": "TypeError",
            "memory": "TypeError",
        })
    );
}
