// `dns.lookup()` and `dns.lookupService()`: what a machine would answer out of its own tables and by its resolver.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeConcat, ArrayPrototypeIncludes, ArrayPrototypeMap, PromisePrototypeThen, SafePromiseAll, String, StringPrototypeEndsWith, StringPrototypeToLowerCase } =
  primordials;
const { isIP } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_MISSING_ARGS } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateBoolean, validateNumber, validateOneOf, validatePort, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { failed, query, withoutDot } = core.loadExtScript("ext:workerd_lite/node/dns/query.js");
const { reversed } = core.loadExtScript("ext:workerd_lite/node/dns/records.js");

const SYSCALL = "getaddrinfo";
const WHY = "workers look up names by a request to cloudflare-dns.com, which the policy may refuse; clients of HTTP connect by names";
const FAMILIES = [0, 4, 6, "IPv4", "IPv6"];
const ORDERS = ["verbatim", "ipv4first", "ipv6first"];
const HINTS = 32 | 16 | 8;
// Ports that have names (IANA, "Service Name and Transport Protocol Port Number Registry").
const SERVICES = { __proto__: null, 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "domain", 80: "http", 110: "pop3", 143: "imap2", 443: "https", 993: "imaps", 995: "pop3s" };

let order = "verbatim";

const getOrder = () => order;

function setOrder(value) {
  validateOneOf(value, "dnsOrder", ORDERS);
  order = value;
}

// What the arguments of a lookup say: `{ family, all, order }`.
function optionsOf(hostname, options) {
  if (hostname) validateString(hostname, "hostname");
  const read = { __proto__: null, all: false, family: 0, order };
  if (typeof options === "number") {
    validateOneOf(options, "family", [0, 4, 6]);
    read.family = options;
  } else if (options !== undefined && typeof options !== "object") {
    throw new ERR_INVALID_ARG_TYPE("options", ["integer", "object"], options);
  } else if (options) {
    if (options.hints !== undefined && options.hints !== null) {
      validateNumber(options.hints, "options.hints");
      if ((options.hints & ~HINTS) !== 0) throw new ERR_INVALID_ARG_VALUE("hints", options.hints);
    }
    if (options.family !== undefined && options.family !== null) {
      validateOneOf(options.family, "options.family", FAMILIES);
      read.family = options.family === "IPv4" ? 4 : options.family === "IPv6" ? 6 : options.family;
    }
    if (options.all !== undefined && options.all !== null) {
      validateBoolean(options.all, "options.all");
      read.all = options.all;
    }
    if (options.verbatim !== undefined && options.verbatim !== null) {
      validateBoolean(options.verbatim, "options.verbatim");
      read.order = options.verbatim ? "verbatim" : "ipv4first";
    }
    if (options.order !== undefined && options.order !== null) {
      validateOneOf(options.order, "options.order", ORDERS);
      read.order = options.order;
    }
  }
  return read;
}

// The machine itself has these names, by RFC 6761, section 6.3.
const isLocal = (name) => ArrayPrototypeIncludes(["localhost", "localhost."], name) || StringPrototypeEndsWith(name, ".localhost");

async function addresses(hostname, family) {
  const records = await query(hostname, family === 4 ? "A" : "AAAA", SYSCALL);
  return ArrayPrototypeMap(records, ({ data }) => ({ address: data, family }));
}

// The addresses of a name, at least one.
async function find(hostname, { all, family, order }) {
  const literal = isIP(hostname);
  if (literal !== 0) return [{ address: hostname, family: literal }];
  if (isLocal(StringPrototypeToLowerCase(hostname))) return [family === 6 ? { address: "::1", family: 6 } : { address: "127.0.0.1", family: 4 }];
  let failure;
  const of = (one) =>
    PromisePrototypeThen(addresses(hostname, one), undefined, (error) => {
      failure = error;
      return [];
    });
  let found;
  if (family !== 0) {
    found = await of(family);
  } else if (all) {
    const both = await SafePromiseAll([of(4), of(6)]);
    found = order === "ipv6first" ? ArrayPrototypeConcat(both[1], both[0]) : ArrayPrototypeConcat(both[0], both[1]);
  } else {
    // One will do, and a question is a request.
    const first = order === "ipv6first" ? 6 : 4;
    found = await of(first);
    if (found.length === 0) found = await of(10 - first);
  }
  if (found.length === 0) {
    const temporary = failure?.code === "ESERVFAIL" || failure?.code === "EBADRESP";
    throw failed(SYSCALL, temporary ? "EAI_AGAIN" : "ENOTFOUND", hostname, failure?.code === "ENOTFOUND" || failure?.code === "ENODATA" ? undefined : WHY);
  }
  return found;
}

// As `dns.promises.lookup()`. Throws at once where the arguments are none.
function lookup(hostname, options = undefined) {
  const read = optionsOf(hostname, options);
  if (!hostname) return answer(read, read.all ? [] : [{ address: null, family: read.family === 6 ? 6 : 4 }]);
  return PromisePrototypeThen(find(hostname, read), (found) => answer(read, found));
}

async function answer({ all }, found) {
  return all ? found : found[0];
}

function lookupService(address, port) {
  if (address === undefined || port === undefined) throw new ERR_MISSING_ARGS("address", "port");
  if (isIP(address) === 0) throw new ERR_INVALID_ARG_VALUE("address", address);
  const number = validatePort(port);
  const service = SERVICES[number] ?? String(number);
  if (address === "127.0.0.1" || address === "::1") return (async () => ({ hostname: "localhost", service }))();
  return PromisePrototypeThen(query(reversed(address), "PTR", "getnameinfo"), (records) => ({ hostname: withoutDot(records[0].data), service }));
}

return { getOrder, lookup, lookupService, setOrder };
})();
