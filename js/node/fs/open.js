// `open()` and what is opened for longer than one call.
(function () {
const { core } = __bootstrap;
const { stringToFlags } = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { validateObject, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const calls = core.loadExtScript("ext:workerd_lite/node/fs/calls.js");
const whole = core.loadExtScript("ext:workerd_lite/node/fs/whole.js");

function open(path, flags, mode) {
  path = args.path(path);
  const number = stringToFlags(flags);
  const bits = args.mode(mode, 0o666);
  return () => calls.open(path, number, bits);
}

// A blob of what the file holds now.
function openAsBlob(path, options = { __proto__: null }) {
  validateObject(options, "options");
  const { type = "" } = options;
  validateString(type, "options.type");
  const read = whole.readFile(args.path(path));
  const { Blob } = core.loadExtScript("ext:deno_web/09_file.js");
  return () => new Blob([read()], { type });
}

return { open, openAsBlob };
})();
