//! Sources of bytes as Workers have them: what they are asked to fill, and the words of what is refused.

use super::check;

#[test]
fn sources_have_a_buffer_to_fill() {
    check(
        r#"
const source = (pull, more) => new ReadableStream({ type: "bytes", pull, ...more });
const said = async (run) => { try { await run(); } catch (error) { return `${error.name}: ${error.message}`; } return "nothing"; };
const inPull = async (use, view = new Uint8Array(3)) => {
  let told = "nothing";
  const reader = source((controller) => { const request = controller.byobRequest; try { use(request, controller); } catch (error) { told = `${error.name}: ${error.message}`; request.respond(1); } }).getReader({ mode: "byob" });
  await reader.read(view);
  return told;
};
"#,
        r#"
["[4096,1,0]", async () => { let seen; await source((c) => { seen = [c.byobRequest.view.byteLength, c.byobRequest.atLeast, c.desiredSize]; c.byobRequest.respond(1); }).getReader().read(); return seen; }],
["10", async () => { let seen; await source((c) => { seen = c.byobRequest.view.byteLength; c.byobRequest.respond(1); }, { autoAllocateChunkSize: 10 }).getReader().read(); return seen; }],
// What it does not fill it may enqueue.
["[7,8]", async () => { const { value } = await source((c) => c.enqueue(bytes(7, 8))).getReader().read(); return [...value]; }],
["[[5,3],[4,2],[3,1]]", async () => { const seen = []; await source((c) => { seen.push([c.byobRequest.view.byteLength, c.byobRequest.atLeast]); c.byobRequest.respond(1); }).getReader({ mode: "byob" }).read(new Uint8Array(5), { min: 3 }); return seen; }],
["null", async () => { let request; await source((c) => { request = c.byobRequest; request.respond(1); }).getReader().read(); return request.atLeast; }],
["true", async () => { const { done } = await source((c) => c.close()).getReader().read(); return done; }],
// What a reader that left had begun to fill is the next one's.
["[[1],[2,3]]", async () => {
  let controller;
  const stream = source(() => {}, { start: (given) => { controller = given; } });
  const first = stream.getReader({ mode: "byob" });
  first.read(new Uint16Array(1)).catch(() => {});
  controller.byobRequest.view[0] = 1;
  controller.byobRequest.respond(1);
  first.releaseLock();
  const second = stream.getReader();
  const one = second.read();
  controller.enqueue(bytes(2, 3));
  return [[...(await one).value], [...(await second.read()).value]];
}],
["TypeError: The bytesWritten must be more than zero while the stream is open.", () => inPull((request) => request.respond(0))],
["RangeError: Too many bytes [10] in response to a BYOB read request.", () => inPull((request) => request.respond(10))],
["TypeError: The view byte length must be more than zero while the stream is open.", () => inPull((request) => request.respondWithNewView(new Uint8Array(0)))],
["RangeError: The underlying ArrayBuffer is not the correct length.", () => inPull((request) => request.respondWithNewView(new Uint8Array(10)))],
["TypeError: The autoAllocateChunkSize option cannot be zero.", () => said(() => source(() => {}, { autoAllocateChunkSize: 0 }))],
["TypeError: This ReadableStream does not support BYOB reads.", () => said(() => new ReadableStream().getReader({ mode: "byob" }))],
["TypeError: This ReadableStream reader has been released.", async () => { const reader = new ReadableStream().getReader(); reader.releaseLock(); return await said(() => reader.read()); }],
["TypeError: This WritableStream writer has been released.", async () => { const writer = new WritableStream().getWriter(); writer.releaseLock(); return await said(() => writer.write(1)); }],
["TypeError: This ReadableStream did not return bytes.", () => said(() => new Response(ReadableStream.from([1])).text())],
// A read of at least so many bytes gets what is left where the stream has ended, known length or not.
["[[8,false],[3,false],[0,true]]", async () => {
  const reader = new Response("hello world").body.getReader({ mode: "byob" });
  const came = [];
  for (let i = 0; i < 3; i++) { const { done, value } = await reader.readAtLeast(8, new Uint8Array(8)); came.push([value.length, done]); }
  return came;
}],
["[[2,false],[0,true]]", async () => {
  const reader = source(() => {}, { start(c) { c.enqueue(bytes(1, 2)); c.close(); } }).getReader({ mode: "byob" });
  const came = [];
  for (let i = 0; i < 2; i++) { const { done, value } = await reader.readAtLeast(3, new Uint8Array(4)); came.push([value.length, done]); }
  return came;
}],
["[1,false]", async () => { const { done, value } = await source(() => {}, { start(c) { c.enqueue(bytes(1, 0)); c.close(); } }).getReader({ mode: "byob" }).readAtLeast(4, new Uint16Array(2)); return [value.length, done]; }],
// A read into a buffer ends with a source that never looks at that buffer, and one that does still ends it itself.
["[true,0]", async () => { let c; const reader = source(() => {}, { start(given) { c = given; } }).getReader({ mode: "byob" }); const read = reader.read(new Uint8Array(2)); c.close(); const { done, value } = await read; return [done, value.byteLength]; }],
["[true,0]", async () => { const { done, value } = await source(async (c) => { await 0; c.close(); }).getReader({ mode: "byob" }).read(new Uint8Array(2)); return [done, value.byteLength]; }],
["[true,0]", async () => { const { done, value } = await source((c) => { const request = c.byobRequest; c.close(); request.respond(0); }).getReader({ mode: "byob" }).read(new Uint8Array(2)); return [done, value.byteLength]; }],
["[true,0]", async () => { const { done, value } = await source((c) => { c.close(); c.byobRequest.respond(0); }).getReader({ mode: "byob" }).read(new Uint8Array(2)); return [done, value.byteLength]; }],
["waits", async () => { let c; const reader = source(() => {}, { start(given) { c = given; } }).getReader({ mode: "byob" }); const read = reader.read(new Uint8Array(2)); const request = c.byobRequest; c.close(); const first = await Promise.race([read, scheduler.wait(20).then(() => "waits")]); request.respond(0); await read; return first; }],
// Bytes in whatever buffer or view are a body's.
["ABCD", () => new Response(ReadableStream.from([bytes(65).buffer, new DataView(bytes(0, 66).buffer, 1), new Uint16Array([0x4443])])).text()],
["ABCD", async () => (await fetch("http://up.test/", { method: "POST", body: ReadableStream.from([bytes(65).buffer, new DataView(bytes(0, 66).buffer, 1), new Uint16Array([0x4443])]) })).text()],
// What was detached holds nothing.
...[(b) => b, (b) => new Uint8Array(b), (b) => new DataView(b)].flatMap((of) => [
  ["<>", async () => { const b = bytes(1, 2).buffer; const chunk = of(b); structuredClone(b, { transfer: [b] }); return `<${await new Response(ReadableStream.from([chunk])).text()}>`; }],
  ["0", async () => { const b = bytes(1, 2).buffer; const chunk = of(b); structuredClone(b, { transfer: [b] }); const [one, other] = Object.values(new WebSocketPair()); one.accept(); other.accept(); other.binaryType = "arraybuffer"; const heard = new Promise((done) => { other.onmessage = (event) => done(event.data.byteLength); }); one.send(chunk); return heard; }],
]),
["This ReadableStream is currently locked to a reader.", async () => { const response = new Response("x"); response.body.getReader(); return response.text().catch((error) => error.message); }],
// Text as a chunk of a body that is sent is its UTF-8.
["h\u00e9!", async () => (await fetch("http://up.test/", { method: "POST", body: ReadableStream.from(["h\u00e9", utf8("!")]) })).text()],
"#,
    );
}
