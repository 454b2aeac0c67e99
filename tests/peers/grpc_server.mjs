// A service of gRPC without TLS, of every kind of call, whose messages are bytes.
import grpc from "@grpc/grpc-js";
import { METHODS } from "./grpc_methods.mjs";

const server = new grpc.Server();
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
  fail: (_call, done) => done({ code: grpc.status.NOT_FOUND, details: "no such thing: ü" }),
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ port }));
});
