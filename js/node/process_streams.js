// The standard streams of `process`: input has nothing, and text goes to the worker's log, a line at a time.
// https://nodejs.org/docs/latest-v22.x/api/process.html#processstdout
(function () {
const { core, primordials } = __bootstrap;
const {
  SafeWeakMap,
  String,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { Readable, Writable } = core.loadExtScript("ext:deno_node/stream.ts");

function output(level, fd) {
  let rest = "";
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      rest += String(chunk);
      for (let end; (end = StringPrototypeIndexOf(rest, "\n")) >= 0;) {
        globalThis.console[level]("%s", StringPrototypeSlice(rest, 0, end));
        rest = StringPrototypeSlice(rest, end + 1);
      }
      done();
    },
    final(done) {
      if (rest !== "") globalThis.console[level]("%s", rest);
      done();
    },
  });
  stream.fd = fd;
  // As Node's, where its output is a file.
  stream._isStdio = true;
  stream._type = "fs";
  stream.readable = false;
  return stream;
}

// Its end comes to each event.
const inputs = new SafeWeakMap();
const outside = {};

function stdin() {
  const of = currentContext() ?? outside;
  const known = WeakMapPrototypeGet(inputs, of);
  if (known !== undefined) return known;
  const stream = new Readable({ read() {} });
  stream.push(null);
  stream.fd = 0;
  WeakMapPrototypeSet(inputs, of, stream);
  return stream;
}

return { stderr: () => output("error", 2), stdin, stdout: () => output("log", 1) };
})();
