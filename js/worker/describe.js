// Words for a thrown value, whatever its getters do.
(function () {
const { primordials } = __bootstrap;
const { String } = primordials;

function describe(thrown) {
  let summary = "an exception that can not be described";
  let stack = "";
  try {
    summary = String(thrown);
    if (typeof thrown === "object" && thrown !== null && typeof thrown.stack === "string") stack = thrown.stack;
  } catch {
    // The text above stands.
  }
  return { summary, stack };
}

return { describe };
})();
