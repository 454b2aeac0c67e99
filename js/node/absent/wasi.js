// https://nodejs.org/docs/latest-v22.x/api/wasi.html: there is no system for a module to call. Options are looked at before that is said.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach } = primordials;
const { ERR_INVALID_ARG_VALUE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateArray, validateBoolean, validateInt32, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

const given = (value, validate, ...more) => {
  if (value !== undefined) validate(value, ...more);
};

class WASI {
  constructor(options = { __proto__: null }) {
    validateObject(options, "options");
    const { args, env, preopens, returnOnExit, stderr, stdin, stdout, version } = options;
    if (version !== undefined && version !== "unstable" && version !== "preview1") {
      throw new ERR_INVALID_ARG_VALUE("options.version", version, "unsupported WASI version");
    }
    given(args, validateArray, "options.args");
    given(env, validateObject, "options.env");
    given(preopens, validateObject, "options.preopens");
    given(stdin, validateInt32, "options.stdin", 0);
    given(stdout, validateInt32, "options.stdout", 0);
    given(stderr, validateInt32, "options.stderr", 0);
    given(returnOnExit, validateBoolean, "options.returnOnExit");
    throw failure("wasi.WASI");
  }

  getImportObject() {
    return {};
  }
}
ArrayPrototypeForEach(["finalizeBindings", "initialize", "start"], (name) => WASI.prototype[name] = unavailable(`wasi.WASI.${name}`));

return { default: { WASI } };
})();
