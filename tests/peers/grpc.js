// npm @grpc/grpc-js as a client: calls of every kind, errors, and what a policy denies.
import grpc from "@grpc/grpc-js";
import { METHODS } from "./grpc_methods.mjs";

const Client = grpc.makeGenericClientConstructor(METHODS, "test.Test");

async function calls(address) {
  const client = new Client(address, grpc.credentials.createInsecure());
  const options = () => ({ deadline: Date.now() + 10000 });
  const one = (name, text) =>
    new Promise((resolve) => {
      let trailers;
      const call = client[name](Buffer.from(text), new grpc.Metadata(), options(), (error, value) =>
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
  answers.push(await heard(client.down(Buffer.from("d"), new grpc.Metadata(), options())));
  answers.push(
    await new Promise((resolve) => {
      const call = client.up(new grpc.Metadata(), options(), (error, value) => resolve(error ? [error.code, error.details] : value.toString()));
      for (let i = 0; i < 100; i++) call.write(Buffer.alloc(10000));
      call.end();
    }),
  );
  // Each word waits for the answer to the one before.
  const both = client.both(new grpc.Metadata(), options());
  const talk = heard(both, (count) => count < 3 ? both.write(Buffer.from(`m${count}`)) : both.end());
  both.write(Buffer.from("m0"));
  answers.push(await talk);
  const cancelled = client.both(new grpc.Metadata(), options());
  const ended = heard(cancelled, () => cancelled.cancel());
  cancelled.write(Buffer.from("x"));
  answers.push((await ended)[0]);
  client.close();
  return answers;
}

export default {
  async fetch(request, env) {
    return Response.json(await calls(new URL(request.url).searchParams.get("address") ?? env.ADDRESS));
  },
};
