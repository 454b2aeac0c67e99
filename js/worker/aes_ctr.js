// AES-CTR with counters of any length: deno_crypto has those of 32, 64 and 128 bits. https://w3c.github.io/webcrypto/#aes-ctr
(function () {
const { core, primordials } = __bootstrap;
const {
  BigInt,
  MathCeil,
  Number,
  ReflectApply,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray,
  Uint8Array,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { fail } = core.loadExtScript("ext:workerd_lite/worker/crypto_key.js");
const { copyOf, isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");

const BLOCK = 16;

function numberOf(block) {
  let number = 0n;
  for (let i = 0; i < BLOCK; i++) number = number * 256n + BigInt(block[i]);
  return number;
}

// The block with its last `bits` bits zero.
function cleared(block, bits) {
  const start = copyOf(block);
  for (let i = BLOCK - 1; bits > 0; i--, bits -= 8) start[i] &= bits >= 8 ? 0 : 0xff << bits;
  return start;
}

// Runs `original`, which encrypts or decrypts, for `subtle`. Up to where the counter begins anew its block is one number of 128 bits, and
// behind that too.
async function ctr(subtle, original, algorithm, key, data) {
  const { counter, length, name } = algorithm;
  const params = { __proto__: null, name, counter, length };
  const bits = webidl.converters.octet(length ?? 0, "Failed to normalize the algorithm", "'length'", { enforceRange: true });
  const usual = length === undefined || bits === 32 || bits === 64 || bits === 128;
  if (usual || !isBufferSource(counter) || !isBufferSource(data)) return await ReflectApply(original, subtle, [params, key, data]);
  if (TypedArrayPrototypeGetByteLength(view(counter)) !== BLOCK) throw fail("OperationError", "The counter of AES-CTR has 16 bytes");
  if (bits === 0 || bits > 128) throw fail("OperationError", `Invalid counter of ${bits} bits length provided.`);
  const block = copyOf(counter);
  const bytes = copyOf(data);
  const size = TypedArrayPrototypeGetByteLength(bytes);
  const most = 1n << BigInt(bits);
  if (BigInt(MathCeil(size / BLOCK)) > most) throw fail("OperationError", "Counter block values will repeat.");
  const before = (most - numberOf(block) % most) * BigInt(BLOCK);
  const run = async (from, part) =>
    new Uint8Array(await ReflectApply(original, subtle, [{ __proto__: null, name, counter: from, length: 128 }, key, part]));
  if (before >= BigInt(size)) return TypedArrayPrototypeGetBuffer(await run(block, bytes));
  const at = Number(before);
  const whole = new Uint8Array(size);
  TypedArrayPrototypeSet(whole, await run(block, TypedArrayPrototypeSubarray(bytes, 0, at)), 0);
  TypedArrayPrototypeSet(whole, await run(cleared(block, bits), TypedArrayPrototypeSubarray(bytes, at)), at);
  return TypedArrayPrototypeGetBuffer(whole);
}

return { ctr };
})();
