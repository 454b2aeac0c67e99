// `process.env`: the worker's own vars, as text. It holds no binding, and nothing of the machine's environment.
(function () {
const { primordials } = __bootstrap;
const { JSONParse, JSONStringify, ObjectDefineProperty, ObjectKeys } = primordials;

let vars = null;

// Tells what it is made of when it is first asked for.
function setVars(of) {
  vars = of;
}

function environment() {
  const made = {};
  if (vars === null) return made;
  const of = JSONParse(vars);
  const names = ObjectKeys(of);
  for (let i = 0; i < names.length; i++) {
    const value = of[names[i]];
    ObjectDefineProperty(made, names[i], {
      __proto__: null,
      value: typeof value === "string" ? value : JSONStringify(value),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return made;
}

return { environment, setVars };
})();
