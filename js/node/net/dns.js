// https://nodejs.org/docs/latest-v22.x/api/dns.html: addresses are what they are, and names are the host's to look up. Clients of HTTP connect by names.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, ObjectAssign, StringPrototypeSplit } = primordials;
const { isIP } = core.loadExtScript("ext:deno_node/internal/net.ts");
const { ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");

const WHY = "workers look up no names: connect by the name";

const LOOKUPS = [
  ["lookup", "getaddrinfo"],
  ["lookupService", "getnameinfo"],
  ["resolve", "queryA"],
  ["resolve4", "queryA"],
  ["resolve6", "queryAaaa"],
  ["resolveAny", "queryAny"],
  ["resolveCaa", "queryCaa"],
  ["resolveCname", "queryCname"],
  ["resolveMx", "queryMx"],
  ["resolveNaptr", "queryNaptr"],
  ["resolveNs", "queryNs"],
  ["resolvePtr", "queryPtr"],
  ["resolveSoa", "querySoa"],
  ["resolveSrv", "querySrv"],
  ["resolveTxt", "queryTxt"],
  ["reverse", "getHostByAddr"],
];
const CODES =
  "NODATA FORMERR SERVFAIL NOTFOUND NOTIMP REFUSED BADQUERY BADNAME BADFAMILY BADRESP CONNREFUSED TIMEOUT EOF FILE NOMEM DESTRUCTION BADSTR BADFLAGS NONAME " +
  "BADHINTS NOTINITIALIZED LOADIPHLPAPI ADDRGETNETWORKPARAMS CANCELLED";

function dns() {
  const made = { ADDRCONFIG: 32, ALL: 16, V4MAPPED: 8 };
  const promises = {};
  ArrayPrototypeForEach(LOOKUPS, ({ 0: name, 1: syscall }) => {
    const failure = (hostname) => systemError(syscall, "ENOTFOUND", hostname, { hostname }, WHY);
    made[name] = (hostname, ...rest) => {
      const done = rest[rest.length - 1];
      if (typeof done !== "function") throw new ERR_INVALID_ARG_TYPE("callback", "Function", done);
      // An address is one already.
      const family = name === "lookup" ? isIP(`${hostname}`) : 0;
      const all = typeof rest[0] === "object" && rest[0]?.all;
      nextTick(() => {
        if (family === 0) done(failure(hostname));
        else if (all) done(null, [{ address: hostname, family }]);
        else done(null, hostname, family);
      });
    };
    promises[name] = async (hostname, options = undefined) => {
      const family = name === "lookup" ? isIP(`${hostname}`) : 0;
      if (family === 0) throw failure(hostname);
      return options?.all ? [{ address: hostname, family }] : { address: hostname, family };
    };
  });
  ArrayPrototypeForEach(StringPrototypeSplit(CODES, " "), (code) => made[code] = promises[code] = code === "EOF" || code === "FILE" ? code : `E${code}`);
  const more = {
    getDefaultResultOrder: () => "verbatim",
    getServers: () => [],
    setDefaultResultOrder: () => {},
    setServers: unavailable("dns.setServers"),
  };
  class Resolver {}
  ObjectAssign(Resolver.prototype, made, more);
  class PromisesResolver {}
  ObjectAssign(PromisesResolver.prototype, promises, more);
  return { ...made, ...more, Resolver, promises: { ...promises, ...more, Resolver: PromisesResolver } };
}

return dns();
})();
