// An upstream of HTTP/2 without TLS: echoes, trailers, and streams both ways.
import http2 from "node:http2";

const server = http2.createServer();
server.on("stream", (stream, headers) => {
  stream.on("error", () => {});
  const path = headers[":path"];
  if (path === "/hang") return;
  if (path === "/empty") return stream.respond({ ":status": 204, "set-cookie": ["a=1", "b=2"], "x-twice": "1" }, { endStream: true });
  if (path === "/talk") {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    let count = 0;
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-count": `${count}`, "set-cookie": "no=1" }));
    stream.on("data", (piece) => {
      count++;
      stream.write(`re:${piece}`);
    });
    stream.on("end", () => stream.end());
    return;
  }
  if (path === "/cut") {
    stream.respond({ ":status": 200 });
    stream.write("part");
    return setTimeout(() => stream.destroy(new Error("cut")), 50);
  }
  let body = "";
  stream.setEncoding("utf8");
  stream.on("data", (piece) => body += piece);
  stream.on("end", () => {
    const told = JSON.stringify([headers[":method"], path, headers[":authority"], headers["x-own"], headers["x-policy"], headers.cookie, body.length]);
    stream.respond({ ":status": 200, "content-type": "application/json", "x-length": `${body.length}` });
    stream.end(path === "/big" ? "x".repeat(1 << 20) : told);
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
