// https://nodejs.org/docs/latest-v22.x/api/dns.html
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeForEach,
  ArrayPrototypeMap,
  ArrayPrototypePush,
  ObjectAssign,
  ObjectKeys,
  PromisePrototypeThen,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
  StringPrototypeToUpperCase,
  StringPrototypeSlice,
} = primordials;
const { isIP } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateFunction, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { failed, query } = core.loadExtScript("ext:workerd_lite/node/dns/query.js");
const { any, READERS, reversed } = core.loadExtScript("ext:workerd_lite/node/dns/records.js");
const { getOrder, lookup, lookupService, setOrder } = core.loadExtScript("ext:workerd_lite/node/dns/lookup.js");

const CODES =
  "NODATA FORMERR SERVFAIL NOTFOUND NOTIMP REFUSED BADQUERY BADNAME BADFAMILY BADRESP CONNREFUSED TIMEOUT EOF FILE NOMEM DESTRUCTION BADSTR BADFLAGS NONAME " +
  "BADHINTS NOTINITIALIZED LOADIPHLPAPI ADDRGETNETWORKPARAMS CANCELLED";

const titled = (type) => type[0] + StringPrototypeToLowerCase(StringPrototypeSlice(type, 1));

// What each promise-returning function does, `cancelled` telling of a resolver's `cancel()`.
function methodsOf(cancelled) {
  const ask = async (hostname, type, syscall, read) => {
    const before = cancelled();
    const records = await query(hostname, type, syscall);
    if (cancelled() !== before) throw failed(syscall, "ECANCELLED", hostname);
    return read(records);
  };
  const methods = { __proto__: null };
  ArrayPrototypeForEach(ObjectKeys(READERS), (type) => {
    const syscall = `query${titled(type)}`;
    const reader = READERS[type];
    methods[type] = (hostname, options = undefined) => {
      validateString(hostname, "name");
      const withTtl = (type === "A" || type === "AAAA") && !!options?.ttl;
      return ask(hostname, type, syscall, (records) => {
        if (withTtl) return ArrayPrototypeMap(records, ({ data, ttl }) => ({ address: data, ttl }));
        if (type === "SOA") return reader(records[0].data);
        return ArrayPrototypeMap(records, ({ data }) => reader(data));
      });
    };
  });
  methods.ANY = (hostname) => {
    validateString(hostname, "name");
    return ask(hostname, "ANY", "queryAny", (records) => {
      const list = [];
      ArrayPrototypeForEach(records, (record) => {
        const one = any(record);
        if (one !== undefined) ArrayPrototypePush(list, one);
      });
      return list;
    });
  };
  const named = {
    resolve(hostname, type = "A") {
      validateString(hostname, "name");
      validateString(type, "rrtype");
      const method = methods[StringPrototypeToUpperCase(type)];
      if (method === undefined) throw new ERR_INVALID_ARG_VALUE("rrtype", type);
      return method(hostname);
    },
    resolve4: methods.A,
    resolve6: methods.AAAA,
    resolveAny: methods.ANY,
    reverse(address) {
      validateString(address, "name");
      if (isIP(address) === 0) throw failed("getHostByAddr", "EINVAL", address);
      return ask(reversed(address), "PTR", "getHostByAddr", (records) => ArrayPrototypeMap(records, ({ data }) => READERS.PTR(data)));
    },
  };
  ArrayPrototypeForEach(StringPrototypeSplit("CAA CNAME MX NAPTR NS PTR SOA SRV TLSA TXT", " "), (type) => named[`resolve${titled(type)}`] = methods[type]);
  return named;
}

// A function that calls back, of one that gives a promise. `spread` makes the callback's arguments of what it gives.
function calling(method, spread = (value) => [value], named = false) {
  return (...args) => {
    if (named) validateString(args[0], "name");
    const done = args.length > 1 ? args[args.length - 1] : undefined;
    if (typeof done !== "function") throw new ERR_INVALID_ARG_TYPE("callback", "Function", done);
    const given = [];
    for (let i = 0; i < args.length - 1; i++) ArrayPrototypePush(given, args[i]);
    PromisePrototypeThen(method(...given), (value) => nextTick(done, null, ...spread(value)), (error) => nextTick(done, error));
    return {};
  };
}

const later = (method) => async (...args) => method(...args);

function asCallbacks(methods) {
  const made = {};
  ArrayPrototypeForEach(ObjectKeys(methods), (name) => made[name] = calling(methods[name], undefined, true));
  return made;
}

function asPromises(methods) {
  const made = {};
  ArrayPrototypeForEach(ObjectKeys(methods), (name) => made[name] = methods[name]);
  return made;
}

// Which servers are asked is the host's and the policy's to say.
// Those of https://cloudflare-dns.com, which is asked, as Workers tell them.
const getServers = () => ["1.1.1.1", "2606:4700:4700::1111", "1.0.0.1", "2606:4700:4700::1001"];
const servers = { getServers, setServers: unavailable("dns.setServers", "names are looked up by a request that the policy decides on") };
const orders = { getDefaultResultOrder: getOrder, setDefaultResultOrder: setOrder };

function resolverOf(make) {
  return class Resolver {
    #cancels = 0;

    constructor(options = undefined) {
      if (options !== undefined && (typeof options !== "object" || options === null)) throw new ERR_INVALID_ARG_TYPE("options", "Object", options);
      ObjectAssign(this, make(methodsOf(() => this.#cancels)));
    }

    cancel() {
      this.#cancels++;
    }

    getServers() {
      return getServers();
    }

    setLocalAddress() {}

    setServers() {
      servers.setServers();
    }
  };
}

function dns() {
  const codes = {};
  ArrayPrototypeForEach(StringPrototypeSplit(CODES, " "), (code) => codes[code] = code === "EOF" || code === "FILE" ? code : `E${code}`);
  const plain = methodsOf(() => 0);
  const promises = {
    ...asPromises(plain),
    lookup: later(lookup),
    lookupService: later(lookupService),
    ...servers,
    ...orders,
    ...codes,
    Resolver: resolverOf(asPromises),
  };
  const callLookup = (hostname, options, done = undefined) => {
    const callback = typeof options === "function" ? options : done;
    validateFunction(callback, "callback");
    const given = typeof options === "function" ? undefined : options;
    const all = typeof given === "object" && given?.all;
    PromisePrototypeThen(
      lookup(hostname, given),
      (found) => all ? nextTick(callback, null, found) : nextTick(callback, null, found.address, found.family),
      (error) => nextTick(callback, error),
    );
    return {};
  };
  return {
    ADDRCONFIG: 32,
    ALL: 16,
    V4MAPPED: 8,
    ...asCallbacks(plain),
    lookup: callLookup,
    lookupService: calling(lookupService, ({ hostname, service }) => [hostname, service]),
    ...servers,
    ...orders,
    ...codes,
    Resolver: resolverOf(asCallbacks),
    promises,
  };
}

return dns();
})();
