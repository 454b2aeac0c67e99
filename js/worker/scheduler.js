// `scheduler.wait()`, as Workers have it: https://developers.cloudflare.com/workers/runtime-apis/scheduler/
(function () {
const { core, primordials } = __bootstrap;
const { Promise, TypeError } = primordials;
const { clearTimeout, setTimeout } = core.loadExtScript("ext:workerd_lite/worker/timers.js");

const secret = {};

class Scheduler {
  constructor(key) {
    if (key !== secret) throw new TypeError("Illegal constructor");
  }

  // Resolves after this many milliseconds. Rejects with the signal's reason once that is aborted.
  async wait(delay, { signal = undefined } = {}) {
    if (signal !== undefined) signal.throwIfAborted();
    await new Promise((resolve, reject) => {
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, delay);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

return { Scheduler, scheduler: new Scheduler(secret) };
})();
