// Workers' older name of Ed25519, which libraries use where they see Workers: `{ name: "NODE-ED25519", namedCurve: "NODE-ED25519" }`.
// https://developers.cloudflare.com/workers/runtime-apis/web-crypto/#supported-algorithms
(function () {
const { core, primordials } = __bootstrap;
const { ObjectDefineProperty, ReflectApply, SafeArrayIterator, StringPrototypeToUpperCase } = primordials;
const { fail, isKey, isObject } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");

const NAME = "NODE-ED25519";

function isNamed(algorithm) {
  const name = isObject(algorithm) ? algorithm.name : algorithm;
  return typeof name === "string" && StringPrototypeToUpperCase(name) === NAME;
}

function checkCurve(algorithm) {
  if (!isObject(algorithm) || algorithm.namedCurve !== NAME) throw fail("NotSupportedError", `The curve of ${NAME} is ${NAME}`);
}

// The key says what it was asked for.
function named(key) {
  const algorithm = { name: NAME, namedCurve: NAME };
  ObjectDefineProperty(key, "algorithm", { __proto__: null, value: algorithm, enumerable: true, configurable: true });
  return key;
}

function defineNodeEd25519(replace) {
  replace("generateKey", (original) =>
    async function (algorithm, extractable, usages) {
      if (!isNamed(algorithm)) return await ReflectApply(original, this, arguments);
      checkCurve(algorithm);
      const pair = await ReflectApply(original, this, ["Ed25519", extractable, usages]);
      named(pair.publicKey);
      named(pair.privateKey);
      return pair;
    });
  replace("importKey", (original) =>
    async function (format, keyData, algorithm, extractable, usages) {
      if (!isNamed(algorithm)) return await ReflectApply(original, this, arguments);
      checkCurve(algorithm);
      return named(await ReflectApply(original, this, [format, keyData, "Ed25519", extractable, usages]));
    });
  for (const name of new SafeArrayIterator(["sign", "verify"])) {
    replace(name, (original) =>
      async function (algorithm, key, ...rest) {
        const own = isKey(key) && isNamed(algorithm) ? "Ed25519" : algorithm;
        return await ReflectApply(original, this, arguments.length < 2 ? arguments : [own, key, ...new SafeArrayIterator(rest)]);
      });
  }
}

return { defineNodeEd25519 };
})();
