// Ciphers of `node:crypto`: https://nodejs.org/docs/latest-v22.x/api/crypto.html#cryptogetcipherinfonameornid-options
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  ArrayPrototypeSort,
  ObjectKeys,
  StringPrototypeToLowerCase,
} = primordials;
const { ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateInt32, validateObject } = core.loadExtScript("ext:deno_node/internal/validators.mjs");

// Most who import `node:crypto` use none of them: the tables are made when one is asked for.
let tables;

function made() {
  // By the name that ops know: mode, number, block, IV, key, the name that OpenSSL tells, and others.
  const TABLE = {
    __proto__: null,
    "aes-128-cbc": ["cbc", 419, 16, 16, 16, "aes-128-cbc", "aes128"],
    "aes-192-cbc": ["cbc", 423, 16, 16, 24, "aes-192-cbc", "aes192"],
    "aes-256-cbc": ["cbc", 427, 16, 16, 32, "aes-256-cbc", "aes256"],
    "aes-128-ecb": ["ecb", 418, 16, 0, 16, "aes-128-ecb"],
    "aes-192-ecb": ["ecb", 422, 16, 0, 24, "aes-192-ecb"],
    "aes-256-ecb": ["ecb", 426, 16, 0, 32, "aes-256-ecb"],
    "aes-128-ctr": ["ctr", 904, 1, 16, 16, "aes-128-ctr"],
    "aes-192-ctr": ["ctr", 905, 1, 16, 24, "aes-192-ctr"],
    "aes-256-ctr": ["ctr", 906, 1, 16, 32, "aes-256-ctr"],
    "aes-128-cfb": ["cfb", 421, 1, 16, 16, "aes-128-cfb"],
    "aes-192-cfb": ["cfb", 425, 1, 16, 24, "aes-192-cfb"],
    "aes-256-cfb": ["cfb", 429, 1, 16, 32, "aes-256-cfb"],
    "aes-128-cfb8": ["cfb", 653, 1, 16, 16, "aes-128-cfb8"],
    "aes-192-cfb8": ["cfb", 654, 1, 16, 24, "aes-192-cfb8"],
    "aes-256-cfb8": ["cfb", 655, 1, 16, 32, "aes-256-cfb8"],
    "aes-128-ofb": ["ofb", 420, 1, 16, 16, "aes-128-ofb"],
    "aes-192-ofb": ["ofb", 424, 1, 16, 24, "aes-192-ofb"],
    "aes-256-ofb": ["ofb", 428, 1, 16, 32, "aes-256-ofb"],
    "aes-128-gcm": ["gcm", 895, 1, 12, 16, "id-aes128-gcm", "id-aes128-GCM"],
    "aes-192-gcm": ["gcm", 898, 1, 12, 24, "id-aes192-gcm", "id-aes192-GCM"],
    "aes-256-gcm": ["gcm", 901, 1, 12, 32, "id-aes256-gcm", "id-aes256-GCM"],
    "aes-128-ccm": ["ccm", 896, 1, 12, 16, "id-aes128-ccm", "id-aes128-CCM"],
    "aes-192-ccm": ["ccm", 899, 1, 12, 24, "id-aes192-ccm", "id-aes192-CCM"],
    "aes-256-ccm": ["ccm", 902, 1, 12, 32, "id-aes256-ccm", "id-aes256-CCM"],
    "chacha20": ["stream", 1019, 0, 16, 32, "chacha20"],
    "chacha20-poly1305": ["stream", 1018, 0, 12, 32, "chacha20-poly1305"],
    "des-ede3-cbc": ["cbc", 44, 8, 8, 24, "des-ede3-cbc", "des3"],
    "des-ede3": ["ecb", 33, 8, 0, 24, "des-ede3", "des-ede3-ecb"],
    "des-ede-cbc": ["cbc", 43, 8, 8, 16, "des-ede-cbc"],
    "des-ede": ["ecb", 32, 8, 0, 16, "des-ede", "des-ede-ecb"],
    "aes128-wrap": ["wrap", 788, 8, 8, 16, "id-aes128-wrap", "id-aes128-wrap"],
    "aes192-wrap": ["wrap", 789, 8, 8, 24, "id-aes192-wrap", "id-aes192-wrap"],
    "aes256-wrap": ["wrap", 790, 8, 8, 32, "id-aes256-wrap", "id-aes256-wrap"],
    "id-aes128-wrap-pad": ["wrap", 897, 8, 4, 16, "id-aes128-wrap-pad", "aes128-wrap-pad"],
    "id-aes192-wrap-pad": ["wrap", 900, 8, 4, 24, "id-aes192-wrap-pad", "aes192-wrap-pad"],
    "id-aes256-wrap-pad": ["wrap", 903, 8, 4, 32, "id-aes256-wrap-pad", "aes256-wrap-pad"],
  };
  const byName = { __proto__: null };
  const byNumber = { __proto__: null };
  const listed = [];
  const names = ObjectKeys(TABLE);
  for (let i = 0; i < names.length; i++) {
    const row = TABLE[names[i]];
    const cipher = {
      __proto__: null,
      name: names[i],
      mode: row[0],
      number: row[1],
      block: row[2],
      iv: row[3],
      key: row[4],
      told: row[5],
      authenticates: row[0] === "gcm" || row[0] === "ccm" || names[i] === "chacha20-poly1305",
    };
    byNumber[row[1]] = cipher;
    byName[names[i]] = cipher;
    byName[StringPrototypeToLowerCase(row[5])] = cipher;
    ArrayPrototypePush(listed, names[i]);
    if (row[6] !== undefined) {
      byName[StringPrototypeToLowerCase(row[6])] = cipher;
      ArrayPrototypePush(listed, row[6]);
    }
  }
  ArrayPrototypeSort(listed);
  return { byName, byNumber, listed };
}

const find = (name) => (tables ??= made()).byName[StringPrototypeToLowerCase(name)];
const findByNumber = (number) => (tables ??= made()).byNumber[number];

function getCiphers() {
  const { listed } = tables ??= made();
  const copy = [];
  for (let i = 0; i < listed.length; i++) ArrayPrototypePush(copy, listed[i]);
  return copy;
}

// Whether a cipher can have an IV of such a length.
function takesIv(cipher, length) {
  if (cipher.mode === "gcm") return length > 0;
  if (cipher.mode === "ccm") return length >= 7 && length <= 13;
  return length === cipher.iv;
}

function getCipherInfo(nameOrNid, options) {
  if (typeof nameOrNid !== "string" && typeof nameOrNid !== "number") {
    throw new ERR_INVALID_ARG_TYPE("nameOrNid", ["string", "number"], nameOrNid);
  }
  if (typeof nameOrNid === "number") validateInt32(nameOrNid, "nameOrNid");
  let keyLength, ivLength;
  if (options !== undefined) {
    validateObject(options, "options");
    ({ keyLength, ivLength } = options);
    if (keyLength !== undefined) validateInt32(keyLength, "options.keyLength");
    if (ivLength !== undefined) validateInt32(ivLength, "options.ivLength");
  }
  const cipher = typeof nameOrNid === "number" ? findByNumber(nameOrNid) : find(nameOrNid);
  if (cipher === undefined || (keyLength !== undefined && keyLength !== cipher.key)) return undefined;
  if (ivLength !== undefined && !takesIv(cipher, ivLength)) return undefined;
  const info = { mode: cipher.mode, name: cipher.told, nid: cipher.number };
  if (cipher.block > 0) info.blockSize = cipher.block;
  if (cipher.iv > 0) info.ivLength = ivLength ?? cipher.iv;
  info.keyLength = cipher.key;
  return info;
}

return { find, getCipherInfo, getCiphers, takesIv };
})();
