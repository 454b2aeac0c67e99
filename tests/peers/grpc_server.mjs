// A service of gRPC, of every kind of call, whose messages are bytes: without TLS, or with it where a folder of certificates is named; clients need one then. Its
// connections live for as many milliseconds as the second word says.
import fs from "node:fs";
import grpc from "@grpc/grpc-js";
import { METHODS } from "./grpc_methods.mjs";

const [folder, age] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${folder}/${name}`);
const credentials = folder === undefined
  ? grpc.ServerCredentials.createInsecure()
  : grpc.ServerCredentials.createSsl(read("ca.pem"), [{ private_key: read("server.key"), cert_chain: read("server.pem") }], true);
const LARGEST = 16 << 20;
const server = new grpc.Server({
  "grpc.max_receive_message_length": LARGEST,
  ...(age === undefined ? {} : { "grpc.max_connection_age_ms": +age, "grpc.max_connection_age_grace_ms": 5000 }),
});
server.addService(METHODS, {
  unary(call, done) {
    const trailers = new grpc.Metadata();
    trailers.set("x-behind", "the body");
    done(null, Buffer.from(`echo ${call.request} ${call.metadata.get("authorization")[0] ?? "-"}`), trailers);
  },
  down(call) {
    for (let i = 0; i < 5; i++) call.write(Buffer.from(`${call.request}${i}`));
    call.end();
  },
  up(call, done) {
    let size = 0;
    call.on("data", (piece) => size += piece.length);
    call.on("end", () => done(null, Buffer.from(`${size}`)));
  },
  both(call) {
    call.on("data", (piece) => call.write(Buffer.from(`re:${piece}`)));
    call.on("end", () => call.end());
  },
  // A part of an answer, then an error with metadata behind it.
  late(call) {
    call.write(Buffer.from("part"));
    const metadata = new grpc.Metadata();
    metadata.set("x-why-bin", Buffer.from([0, 9, 255]));
    setTimeout(() => call.emit("error", { code: grpc.status.RESOURCE_EXHAUSTED, details: "later: ü", metadata }), 50);
  },
  slow(call, done) {
    const timer = setTimeout(() => done(null, Buffer.from("slow")), 5000);
    call.on("cancelled", () => clearTimeout(timer));
  },
  // Metadata each way, and as many bytes as were asked for.
  told(call, done) {
    const head = new grpc.Metadata();
    head.set("x-head-bin", Buffer.from([250, 0, 1]));
    call.sendMetadata(head);
    const { metadata, request } = call;
    const said = JSON.stringify([metadata.get("x-a"), metadata.get("x-b-bin").map((bytes) => [...bytes]), call.getDeadline() > Date.now(), request.length]);
    done(null, Buffer.concat([Buffer.from(said), Buffer.alloc(request.length)]));
  },
  fail: (_call, done) => done({ code: grpc.status.NOT_FOUND, details: "no such thing: ü" }),
});
server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ port }));
});
