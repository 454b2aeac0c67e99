// How a fetch says that the network failed: by Node's words, which libraries know and ask again after, and why in `cause`.
(function () {
const { primordials } = __bootstrap;
const { Error, ObjectDefineProperty, StringPrototypeIncludes, StringPrototypeSlice, StringPrototypeStartsWith, TypeError } = primordials;

// What the host says where the policy gave no answer, and of the network to a policy: FetchError.
const FAILED = "fetch failed: ";
const SILENT = `${FAILED}the outbound worker gave no response`;
const NETWORK = `${FAILED}network: `;

// Node's codes for the latter.
const CODES = [
  ["Connection refused", "ECONNREFUSED"],
  ["reset", "ECONNRESET"],
  ["in time", "ETIMEDOUT"],
  ["timed out", "ETIMEDOUT"],
  ["lookup", "ENOTFOUND"],
];

function codeOf(why) {
  for (let i = 0; i < CODES.length; i++) {
    if (StringPrototypeIncludes(why, CODES[i][0])) return CODES[i][1];
  }
  return undefined;
}

const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });

// An error of the host's, as a script is told of it.
function knownFailure(error) {
  let why;
  let code;
  const { message } = error;
  if (StringPrototypeStartsWith(message, NETWORK)) {
    why = StringPrototypeSlice(message, NETWORK.length);
    code = codeOf(why);
  } else if (message === SILENT) {
    why = StringPrototypeSlice(message, FAILED.length);
    code = "ECONNREFUSED";
  } else {
    return error;
  }
  const cause = new Error(why);
  if (code !== undefined) cause.code = code;
  const failure = new TypeError("fetch failed");
  ObjectDefineProperty(failure, "cause", hidden(cause));
  return failure;
}

return { knownFailure };
})();
