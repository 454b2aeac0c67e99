// How long a session or stream may be idle before it says `timeout`, over the timers of the event that asks.
(function () {
const { core, primordials } = __bootstrap;
const { DateNow } = primordials;
const { clearTimeout, setTimeout } = core.loadExtScript("ext:workerd_lite/node/timers.js");
const { getTimerDuration } = core.loadExtScript("ext:workerd_lite/node/http/socket_timers.js");
const { validateFunction } = core.loadExtScript("ext:deno_node/internal/validators.mjs");

// Events end with their response: such timers may outlive them, and none is set outside of one.
function mayTime(use) {
  try {
    return use();
  } catch {
    return null;
  }
}

class Idle {
  #emitter;
  #timer = null;
  #active = 0;
  #span = 0;

  constructor(emitter) {
    this.#emitter = emitter;
  }

  // Milliseconds, 0 for no end.
  set(msecs, callback) {
    const span = getTimerDuration(msecs, "msecs");
    if (callback !== undefined) validateFunction(callback, "callback");
    this.stop();
    if (span === 0) {
      if (callback !== undefined) this.#emitter.removeListener("timeout", callback);
      return;
    }
    this.#span = span;
    this.#active = DateNow();
    this.#wait(span);
    if (callback !== undefined) this.#emitter.once("timeout", callback);
  }

  #wait(span) {
    this.#timer = mayTime(() =>
      setTimeout(() => {
        const left = this.#active + this.#span - DateNow();
        this.#timer = null;
        if (left > 0) this.#wait(left);
        else this.#emitter.emit("timeout");
      }, span)
    );
  }

  // Something happened.
  touch() {
    if (this.#timer !== null) this.#active = DateNow();
  }

  stop() {
    if (this.#timer !== null) mayTime(() => clearTimeout(this.#timer));
    this.#timer = null;
  }
}

return { Idle };
})();
