// An upstream of WebSockets that sends each message back, in a process of its own: `node upstream.mjs PORT`. It speaks frames as they are
// (RFC 6455), whole ones of fewer than 65,536 bytes, so that as little time as possible goes here.
import { createHash } from "node:crypto";
import { createServer } from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What is left of `bytes` behind the last whole frame, and the same frames without masks. */
function echo(bytes) {
  const out = Buffer.allocUnsafe(bytes.length);
  let [at, to] = [0, 0];
  while (bytes.length - at >= 6) {
    let [length, head] = [bytes[at + 1] & 0x7f, 2];
    if (length === 126) [length, head] = [bytes.readUInt16BE(at + 2), 4];
    if (bytes.length - at < head + 4 + length) break;
    out[to] = bytes[at];
    out[to + 1] = bytes[at + 1] & 0x7f;
    for (let i = 2; i < head; i++) out[to + i] = bytes[at + i];
    const [mask, from] = [at + head, at + head + 4];
    for (let i = 0; i < length; i++) out[to + head + i] = bytes[from + i] ^ bytes[mask + (i & 3)];
    at = from + length;
    to += head + length;
  }
  return [out.subarray(0, to), bytes.subarray(at)];
}

createServer((socket) => {
  socket.setNoDelay(true);
  let [rest, opened] = [Buffer.alloc(0), false];
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!opened) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const key = /sec-websocket-key: *(\S+)/i.exec(rest.toString("latin1", 0, end))[1];
      const accept = createHash("sha1").update(key + GUID).digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      rest = rest.subarray(end + 4);
      opened = true;
    }
    const [out, left] = echo(rest);
    rest = left;
    if (out.length > 0) socket.write(out);
  });
}).listen(Number(process.argv[2]), "127.0.0.1", 65535);
