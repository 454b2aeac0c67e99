// The standard streams of `process`: input has nothing, and text goes to the worker's log, a line at a time.
// https://nodejs.org/docs/latest-v22.x/api/process.html#processstdout
(function () {
const { core, primordials } = __bootstrap;
const { String, StringPrototypeIndexOf, StringPrototypeSlice } = primordials;
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
  return stream;
}

function stdin() {
  const stream = new Readable({ read() {} });
  stream.push(null);
  stream.fd = 0;
  return stream;
}

return { stderr: () => output("error", 2), stdin, stdout: () => output("log", 1) };
})();
