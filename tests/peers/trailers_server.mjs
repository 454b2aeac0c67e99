// Upstreams that say what followed a request's body, behind their own: HTTP/1.1 without TLS, and HTTP/2 over TLS with a client's certificate.
import fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";

const read = (name) => fs.readFileSync(`${process.argv[2]}/${name}`);

const plain = http.createServer((request, response) => {
  let size = 0;
  request.on("data", (piece) => size += piece.length);
  request.on("end", () => {
    response.writeHead(200, { trailer: "x-behind, x-seen" });
    response.write(`${size}`);
    response.addTrailers({ "x-behind": "it", "x-seen": JSON.stringify(request.trailers) });
    response.end();
  });
});

const secure = http2.createSecureServer({ key: read("server.key"), cert: read("server.pem"), ca: read("ca.pem"), requestCert: true, rejectUnauthorized: true });
secure.on("stream", (stream, headers) => {
  let size = 0;
  let seen = {};
  stream.on("error", () => {});
  stream.on("trailers", (fields) => seen = { ...fields });
  stream.on("data", (piece) => size += piece.length);
  stream.on("end", () => {
    stream.respond({ ":status": 200, "x-client": stream.session.socket.getPeerCertificate().subject.CN }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-behind": "it", "x-seen": JSON.stringify(seen) }));
    stream.end(`${headers[":method"]} ${headers[":path"]} ${size}`);
  });
});
plain.listen(0, "127.0.0.1", () => secure.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: plain.address().port, secure: secure.address().port }))));
