// What Node's BlockList and SocketAddress ask of the machine: addresses as numbers.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  BigInt,
  Error,
  NumberParseInt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
} = primordials;
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { isIPv4, isIPv6 } = core.loadExtScript("ext:deno_node/internal/net.ts");

// Where IPv4 addresses stand among those of IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED = 0xffffn << 32n;

function v4(text) {
  const parts = StringPrototypeSplit(text, ".");
  let value = 0n;
  for (let i = 0; i < 4; i++) value = value << 8n | BigInt(NumberParseInt(parts[i], 10));
  return value;
}

function groups(text) {
  const list = [];
  if (text === "") return list;
  const parts = StringPrototypeSplit(text, ":");
  for (let i = 0; i < parts.length; i++) {
    if (isIPv4(parts[i])) {
      const value = v4(parts[i]);
      ArrayPrototypePush(list, value >> 16n, value & 0xffffn);
    } else {
      ArrayPrototypePush(list, BigInt(NumberParseInt(parts[i], 16)));
    }
  }
  return list;
}

function v6(text) {
  const zone = StringPrototypeIndexOf(text, "%");
  const plain = zone < 0 ? text : StringPrototypeSlice(text, 0, zone);
  const gap = StringPrototypeIndexOf(plain, "::");
  const before = groups(gap < 0 ? plain : StringPrototypeSlice(plain, 0, gap));
  const after = gap < 0 ? [] : groups(StringPrototypeSlice(plain, gap + 2));
  let value = 0n;
  for (let i = 0; i < 8; i++) {
    const fromEnd = i - (8 - after.length);
    const group = i < before.length ? before[i] : fromEnd >= 0 ? after[fromEnd] : 0n;
    value = value << 16n | group;
  }
  return value;
}

// One number for each address, whichever family it is written in.
function number(address) {
  if (isIPv4(address)) return MAPPED | v4(address);
  if (isIPv6(address)) return v6(address);
  throw new Error(`${address} is no address`);
}

// An address as the machine writes it.
function canonical(address) {
  if (isIPv4(address)) return address;
  const value = v6(address);
  if (value >> 32n === 0xffffn) {
    const low = value & 0xffff_ffffn;
    return `::ffff:${low >> 24n}.${low >> 16n & 255n}.${low >> 8n & 255n}.${low & 255n}`;
  }
  const zone = StringPrototypeIndexOf(address, "%");
  const plain = zone < 0 ? address : StringPrototypeSlice(address, 0, zone);
  return StringPrototypeSlice(new URL(`http://[${plain}]/`).hostname, 1, -1);
}

let serialized = null;

const blockListOps = {
  __proto__: null,
  op_blocklist_new: () => [],
  op_socket_address_parse(address, _port, family) {
    if (family === "ipv4" ? !isIPv4(address) : !isIPv6(address)) {
      const error = new Error("Invalid socket address");
      error.code = "ERR_INVALID_ADDRESS";
      throw error;
    }
    serialized = [canonical(address), family];
    return false;
  },
  op_socket_address_get_serialization: () => serialized,
  op_blocklist_add_address(list, address) {
    const value = number(address);
    ArrayPrototypePush(list, { __proto__: null, first: value, last: value });
  },
  op_blocklist_add_range(list, start, end) {
    const first = number(start);
    const last = number(end);
    if (first > last) return false;
    ArrayPrototypePush(list, { __proto__: null, first, last });
    return true;
  },
  op_blocklist_add_subnet(list, network, prefix) {
    const hosts = (1n << BigInt((isIPv4(network) ? 32 : 128) - prefix)) - 1n;
    const first = number(network) & ~hosts;
    ArrayPrototypePush(list, { __proto__: null, first, last: first | hosts });
  },
  op_blocklist_check(list, address, family) {
    if (StringPrototypeToLowerCase(family) === "ipv4" ? !isIPv4(address) : !isIPv6(address)) return false;
    const value = number(address);
    for (let i = 0; i < list.length; i++) {
      if (list[i].first <= value && value <= list[i].last) return true;
    }
    return false;
  },
};

return { blockListOps, number };
})();
