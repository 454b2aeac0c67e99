// Whether a response has the bytes that a request's `integrity` names:
// https://w3c.github.io/webappsec-subresource-integrity/#does-response-match-metadatalist
(function () {
const { core, primordials } = __bootstrap;
const { op_crypto_digest } = core.ops;
const {
  RegExpPrototypeExec,
  SafeRegExp,
  StringPrototypeReplace,
  StringPrototypeReplaceAll,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
  Uint8Array,
} = primordials;
const { forgivingBase64Encode } = core.loadExtScript("ext:deno_web/00_infra.js");

// By strength, as `op_crypto_digest` counts them.
const ALGORITHMS = { __proto__: null, sha256: 1, sha384: 2, sha512: 3 };
const ITEM = new SafeRegExp(/^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+)={0,2}(?:\?|$)/i);
const WHITE_SPACE = new SafeRegExp(/[\t\n\f\r]/g);
const PADDING = new SafeRegExp(/=*$/);

// Hashes of the strongest algorithm that the text names: `{ algorithm, hashes }`, 0 where it names none.
function parseIntegrity(text) {
  let algorithm = 0;
  let hashes = [];
  const items = StringPrototypeSplit(StringPrototypeReplace(text, WHITE_SPACE, " "), " ");
  for (let i = 0; i < items.length; i++) {
    const item = RegExpPrototypeExec(ITEM, items[i]);
    if (item === null) continue;
    const named = ALGORITHMS[StringPrototypeToLowerCase(item[1])];
    if (named < algorithm) continue;
    if (named > algorithm) hashes = [];
    algorithm = named;
    // base64url is read as well.
    hashes[hashes.length] = StringPrototypeReplaceAll(StringPrototypeReplaceAll(item[2], "-", "+"), "_", "/");
  }
  return { __proto__: null, algorithm, hashes };
}

// Whether bytes are what the text names. A text that names no hash is none.
function matchesIntegrity(text, bytes) {
  const { algorithm, hashes } = parseIntegrity(text);
  if (algorithm === 0) return true;
  const encoded = forgivingBase64Encode(new Uint8Array(op_crypto_digest(algorithm, bytes)));
  const digest = StringPrototypeSlice(encoded, 0, RegExpPrototypeExec(PADDING, encoded).index);
  for (let i = 0; i < hashes.length; i++) {
    if (hashes[i] === digest) return true;
  }
  return false;
}

return { matchesIntegrity };
})();
