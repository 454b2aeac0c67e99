// https://nodejs.org/docs/latest-v22.x/api/repl.html: there is no terminal, and nobody to read from.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeFilter, ArrayPrototypeForEach, StringPrototypeStartsWith, Symbol, SyntaxError } = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

class Recoverable extends SyntaxError {
  constructor(error) {
    super();
    this.err = error;
  }
}

class REPLServer extends EventEmitter {
  constructor() {
    super();
    throw failure("repl.REPLServer");
  }
}
ArrayPrototypeForEach(["clearBufferedCommand", "defineCommand", "displayPrompt", "setupHistory"], (name) => REPLServer.prototype[name] = unavailable(`repl.REPLServer.${name}`));

function repl(names) {
  const builtinModules = ArrayPrototypeFilter(names, (name) => !StringPrototypeStartsWith(name, "_"));
  return {
    REPLServer,
    REPL_MODE_SLOPPY: Symbol("repl-sloppy"),
    REPL_MODE_STRICT: Symbol("repl-strict"),
    Recoverable,
    _builtinLibs: builtinModules,
    builtinModules,
    start: unavailable("repl.start"),
    writer: unavailable("repl.writer"),
  };
}

return { repl };
})();
