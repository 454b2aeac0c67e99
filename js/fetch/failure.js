// How an agent's fetch says that the network failed: by Node's words, which libraries know and ask again after, and why in `cause`. A policy's says
// why in its message, for its author.
(function () {
const { primordials } = __bootstrap;
const { Error, ObjectDefineProperty, StringPrototypeSlice, TypeError } = primordials;

// What the host says where the policy gave no answer: FetchError::OutboundWorker.
const FAILED = "fetch failed";
const SILENT = `${FAILED}: the outbound worker gave no response`;

const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });

// An error of the host's, as a script is told of it.
function knownFailure(error) {
  if (error.message !== SILENT) return error;
  const cause = new Error(StringPrototypeSlice(SILENT, FAILED.length + 2));
  // As node:http has it.
  cause.code = "ECONNREFUSED";
  const failure = new TypeError(FAILED);
  ObjectDefineProperty(failure, "cause", hidden(cause));
  return failure;
}

return { knownFailure };
})();
