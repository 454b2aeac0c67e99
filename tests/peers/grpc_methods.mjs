// The methods of `grpc_server.mjs`.
const same = (bytes) => bytes;
const method = (path, requestStream, responseStream) => ({
  path: `/test.Test/${path}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

export const METHODS = {
  unary: method("Unary", false, false),
  down: method("Down", false, true),
  up: method("Up", true, false),
  both: method("Both", true, true),
  fail: method("Fail", false, false),
  late: method("Late", false, true),
  slow: method("Slow", false, false),
  told: method("Told", false, false),
};
