// Questions to the domain name system, over HTTPS (RFC 8484's JSON form, as Workers ask): a request of the worker's own fetch, which its policy lets pass,
// answers by itself, or refuses. Nothing of the machine's is asked.
(function () {
const { core, primordials } = __bootstrap;
const { op_node_domain_to_ascii } = core.ops;
const {
  ArrayIsArray,
  ArrayPrototypePush,
  JSONParse,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  TypedArrayPrototypeSubarray,
  Uint8Array,
  encodeURIComponent,
} = primordials;
const { exchange } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { whole } = core.loadExtScript("ext:workerd_lite/node/net/bytes.js");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");

const RESOLVER = "https://cloudflare-dns.com/dns-query";
const ACCEPT = [["accept", "application/dns-json"]];
const LONGEST = 64 << 10;
const WHY = "names are looked up by a request to cloudflare-dns.com, which the policy may refuse";

// Numbers of records' types and of responses (IANA, "DNS Parameters").
const TYPES = { __proto__: null, A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, NAPTR: 35, TLSA: 52, ANY: 255, CAA: 257 };
const STATUS = { __proto__: null, 1: "EFORMERR", 2: "ESERVFAIL", 3: "ENOTFOUND", 4: "ENOTIMP", 5: "EREFUSED" };

function failed(syscall, code, hostname, why = undefined) {
  return systemError(syscall, code, hostname, { hostname }, why);
}

async function text(answer) {
  if (answer.rid === null) return "";
  const pieces = [];
  let size = 0;
  try {
    for (;;) {
      const room = new Uint8Array(LONGEST);
      const length = await core.read(answer.rid, room);
      if (length === 0) break;
      size += length;
      if (size > LONGEST) return "";
      ArrayPrototypePush(pieces, TypedArrayPrototypeSubarray(room, 0, length));
    }
  } finally {
    core.tryClose(answer.rid);
  }
  return core.decode(whole(pieces));
}

function withoutDot(name) {
  return name.length > 1 && StringPrototypeEndsWith(name, ".") ? StringPrototypeSlice(name, 0, -1) : name;
}

// The records of a type that a name has: `[{ type, ttl, data }]`, `data` as text. Rejects in Node's form.
async function query(name, type, syscall) {
  const context = requireContext();
  const ascii = op_node_domain_to_ascii(name) || name;
  const cancel = core.createCancelHandle();
  let answer;
  let told;
  try {
    answer = await exchange(context, cancel, "GET", `${RESOLVER}?name=${encodeURIComponent(ascii)}&type=${type}`, ACCEPT, null);
    told = await text(answer);
  } catch {
    throw failed(syscall, "ENOTFOUND", name, WHY);
  } finally {
    core.tryClose(cancel);
  }
  if (answer.status !== 200) throw failed(syscall, answer.status === 400 ? "EBADNAME" : "ENOTFOUND", name, WHY);
  let parsed;
  try {
    parsed = JSONParse(told);
  } catch {
    parsed = null;
  }
  if (typeof parsed !== "object" || parsed === null || typeof parsed.Status !== "number") throw failed(syscall, "EBADRESP", name);
  if (parsed.Status !== 0) throw failed(syscall, STATUS[parsed.Status] ?? "ESERVFAIL", name);
  const wanted = TYPES[type];
  const records = [];
  const list = ArrayIsArray(parsed.Answer) ? parsed.Answer : [];
  for (let i = 0; i < list.length; i++) {
    const { data, TTL: ttl, type: kind } = list[i] ?? {};
    if ((kind === wanted || type === "ANY") && typeof data === "string") ArrayPrototypePush(records, { __proto__: null, type: kind, ttl, data });
  }
  if (records.length === 0) throw failed(syscall, "ENODATA", name);
  return records;
}

return { failed, query, TYPES, withoutDot };
})();
