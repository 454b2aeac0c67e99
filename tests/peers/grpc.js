// npm @grpc/grpc-js as a client: calls of every kind, errors, and what a policy denies.
import grpc from "@grpc/grpc-js";
import { METHODS } from "./grpc_methods.mjs";

const Client = grpc.makeGenericClientConstructor(METHODS, "test.Test");

// `credentials` and `options` are those of the client.
export async function calls(address, credentials = grpc.credentials.createInsecure(), options = {}) {
  const client = new Client(address, credentials, { "grpc.max_receive_message_length": 16 << 20, "grpc.keepalive_time_ms": 300, ...options });
  const within = (milliseconds = 10000) => ({ deadline: Date.now() + milliseconds });
  const one = (name, text) =>
    new Promise((resolve) => {
      let trailers;
      const call = client[name](Buffer.from(text), new grpc.Metadata(), within(), (error, value) =>
        setImmediate(() => resolve([error && [error.code, error.details], value?.toString(), trailers?.["x-behind"]])));
      call.on("status", (status) => trailers = status.metadata.getMap());
    });
  const heard = (call, onPiece = () => {}) =>
    new Promise((resolve) => {
      const pieces = [];
      call.on("data", (piece) => {
        pieces.push(piece.toString());
        onPiece(pieces.length);
      });
      call.on("error", (error) => resolve([error.code, error.details]));
      call.on("end", () => resolve(pieces));
    });
  const answers = [await one("unary", "hello"), await one("fail", "hello")];
  answers.push(await heard(client.down(Buffer.from("d"), new grpc.Metadata(), within())));
  answers.push(
    await new Promise((resolve) => {
      const call = client.up(new grpc.Metadata(), within(), (error, value) => resolve(error ? [error.code, error.details] : value.toString()));
      for (let i = 0; i < 100; i++) call.write(Buffer.alloc(10000));
      call.end();
    }),
  );
  // Each word waits for the answer to the one before.
  const both = client.both(new grpc.Metadata(), within());
  const talk = heard(both, (count) => count < 3 ? both.write(Buffer.from(`m${count}`)) : both.end());
  both.write(Buffer.from("m0"));
  answers.push(await talk);
  const cancelled = client.both(new grpc.Metadata(), within());
  const ended = heard(cancelled, () => cancelled.cancel());
  cancelled.write(Buffer.from("x"));
  answers.push((await ended)[0]);
  answers.push(await heard(client.late(Buffer.from("x"), new grpc.Metadata(), within())));
  answers.push(
    await new Promise((resolve) => client.slow(Buffer.from("x"), new grpc.Metadata(), within(200), (error, value) => resolve(error ? error.code : value.toString()))),
  );
  const metadata = new grpc.Metadata();
  metadata.set("x-a", "v");
  metadata.set("x-b-bin", Buffer.from([0, 1, 255]));
  for (const size of [0, 2 << 20]) {
    answers.push(
      await new Promise((resolve) => {
        let head;
        const call = client.told(Buffer.alloc(size), metadata, within(), (error, value) =>
          resolve(error ? [error.code, error.details] : [value.subarray(0, value.length - size).toString(), value.length >= size, [...head.get("x-head-bin")[0]]]));
        call.on("metadata", (given) => head = given);
      }),
    );
  }
  // Nothing is said for longer than the server keeps a connection, and more calls at once than there were.
  const quiet = client.both(new grpc.Metadata(), within());
  const woken = heard(quiet, () => quiet.end());
  await new Promise((resolve) => setTimeout(resolve, 700));
  const many = await Promise.all(Array.from({ length: 30 }, (_, i) => one("unary", `n${i}`)));
  answers.push(many.map(([error, text]) => error ?? text).length, many.filter(([error]) => error).length);
  quiet.write(Buffer.from("after"));
  answers.push(await woken);
  client.close();
  return answers;
}

export default {
  async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const credentials = searchParams.has("tls") ? grpc.credentials.createSsl() : undefined;
    return Response.json(await calls(searchParams.get("address") ?? env.ADDRESS, credentials));
  },
};
