// The signal of a Request, where one was made.
(function () {
const { internals } = __bootstrap;
__bootstrap.core.loadExtScript("ext:deno_fetch/23_request.js");
const cachedSignal = internals.getCachedAbortSignal;
return { cachedSignal };
})();
