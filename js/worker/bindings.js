// Bindings of the outbound worker. A script holds an object with fetch(); the key stays in Rust.
(function () {
const { core, primordials } = __bootstrap;
const { TypeError } = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { fetchThrough } = core.loadExtScript("ext:deno_fetch/26_fetch.js");

const secret = {};

class Fetcher {
  #binding;

  constructor(key, binding) {
    if (key !== secret) throw new TypeError("Illegal constructor");
    this.#binding = binding;
  }

  // The place of a binding, or undefined.
  static placeOf(value) {
    return #binding in value ? value.#binding : undefined;
  }

  // Performs the request through this binding's client certificate.
  async fetch(input, init = undefined) {
    webidl.requiredArguments(arguments.length, 1, "Failed to execute 'fetch' on 'Fetcher'");
    return await fetchThrough(this.#binding, input, init);
  }

  // Opens a connection that shows this binding's client certificate.
  connect(address, options = undefined) {
    webidl.requiredArguments(arguments.length, 1, "Failed to execute 'connect' on 'Fetcher'");
    const binding = this.#binding;
    if (typeof binding !== "number") throw new TypeError("connect() of this binding is not supported by workerd-lite");
    return core.loadExtScript("ext:workerd_lite/sockets/connect.js").connectThrough(binding, address, options);
  }
}

const { placeOf } = Fetcher;
delete Fetcher.placeOf;

function newFetcher(binding) {
  return new Fetcher(secret, binding);
}

return { Fetcher, newFetcher, placeOf };
})();
