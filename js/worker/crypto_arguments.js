// Keys and buffers among the arguments of `crypto.subtle`'s methods: deno_crypto says of one that is none what it is called by itself.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayBufferIsView, ReflectApply, TypeError } = primordials;
const { isKey } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");

// Their places, by the method.
const KEYS = { __proto__: null, decrypt: [1], deriveBits: [1], deriveKey: [1], encrypt: [1], exportKey: [1], sign: [1], unwrapKey: [2], verify: [1], wrapKey: [1, 2] };
const BUFFERS = { __proto__: null, decrypt: [2], digest: [1], encrypt: [2], sign: [2], unwrapKey: [1], verify: [2, 3] };

const isBuffer = (value) => core.isArrayBuffer(value) || ArrayBufferIsView(value);

// Throws where one of `places` has none of the type: the same words as workerd's.
function check(method, places, args, isOne, type) {
  if (places === undefined) return;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    if (isOne(args[place])) continue;
    throw new TypeError(`Failed to execute '${method}' on 'SubtleCrypto': parameter ${place + 1} is not of type '${type}'.`);
  }
}

// A method of deno_crypto's, called with what it takes only.
function checked(method, original) {
  return function () {
    check(method, KEYS[method], arguments, isKey, "CryptoKey");
    check(method, BUFFERS[method], arguments, isBuffer, "BufferSource");
    return ReflectApply(original, this, arguments);
  };
}

return { checked };
})();
