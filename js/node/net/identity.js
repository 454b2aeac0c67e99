// `tls.checkServerIdentity()`: https://nodejs.org/docs/latest-v22.x/api/tls.html#tlscheckserveridentityhostname-cert. The host checks certificates before a script
// hears that TLS stands, and shows them to nobody: what stands for one knows which host's it is.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypePush,
  RegExpPrototypeExec,
  SafeWeakMap,
  String,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} = primordials;
const { ERR_TLS_CERT_ALTNAME_INVALID } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isIP } = core.loadExtScript("ext:deno_node/internal/net.ts");

const checked = new SafeWeakMap();

// What a script is given in place of the certificate of a host that the host of the worker has checked.
function certificateOf(host) {
  const certificate = {};
  WeakMapPrototypeSet(checked, certificate, plain(host));
  return certificate;
}

function plain(name) {
  const text = StringPrototypeToLowerCase(String(name));
  return StringPrototypeEndsWith(text, ".") ? StringPrototypeSlice(text, 0, -1) : text;
}

// Whether a name of a certificate is that of a host (RFC 6125, section 6.4.3): its wildcard stands for a part of the first label.
function matches(host, pattern) {
  const labels = StringPrototypeSplit(host, ".");
  const wanted = StringPrototypeSplit(plain(pattern), ".");
  if (labels.length !== wanted.length) return false;
  for (let i = 1; i < labels.length; i++) {
    if (labels[i] !== wanted[i]) return false;
  }
  const first = wanted[0];
  const star = StringPrototypeIndexOf(first, "*");
  if (star === -1) return labels[0] === first;
  if (wanted.length <= 2 || StringPrototypeStartsWith(first, "xn--") || StringPrototypeIndexOf(first, "*", star + 1) !== -1) return false;
  const before = StringPrototypeSlice(first, 0, star);
  const after = StringPrototypeSlice(first, star + 1);
  return labels[0].length > before.length + after.length && StringPrototypeStartsWith(labels[0], before) && StringPrototypeEndsWith(labels[0], after);
}

// The names of `subjectaltname`, in which those are quoted that hold what separates them: `{ dns, ips }`.
function namesOf(text) {
  const names = { __proto__: null, dns: [], ips: [] };
  // A quoted name is none of a host.
  if (text === undefined || text === null || RegExpPrototypeExec(/"/, text) !== null) return names;
  const entries = StringPrototypeSplit(String(text), ", ");
  for (let i = 0; i < entries.length; i++) {
    if (StringPrototypeStartsWith(entries[i], "DNS:")) ArrayPrototypePush(names.dns, StringPrototypeSlice(entries[i], 4));
    else if (StringPrototypeStartsWith(entries[i], "IP Address:")) ArrayPrototypePush(names.ips, StringPrototypeToLowerCase(StringPrototypeSlice(entries[i], 11)));
  }
  return names;
}

function anyMatches(host, patterns) {
  for (let i = 0; i < patterns.length; i++) {
    if (matches(host, patterns[i])) return true;
  }
  return false;
}

// Gives what is wrong, or undefined.
function checkServerIdentity(hostname, cert) {
  const host = plain(hostname);
  const verified = WeakMapPrototypeGet(checked, cert);
  if (verified !== undefined) {
    if (verified === host) return undefined;
    return new ERR_TLS_CERT_ALTNAME_INVALID(`Host: ${host}. is not the host whose certificate was checked: ${verified}`, hostname, cert);
  }
  const altNames = cert.subjectaltname;
  const { dns, ips } = namesOf(altNames);
  const { subject } = cert;
  let reason;
  if (isIP(host) !== 0) {
    for (let i = 0; i < ips.length; i++) {
      if (ips[i] === host) return undefined;
    }
    reason = `IP: ${host} is not in the cert's list: ${ips}`;
  } else if (dns.length > 0) {
    if (anyMatches(host, dns)) return undefined;
    reason = `Host: ${host}. is not in the cert's altnames: ${altNames}`;
  } else if (ips.length === 0 && subject?.CN) {
    const names = typeof subject.CN === "string" ? [subject.CN] : subject.CN;
    if (anyMatches(host, names)) return undefined;
    reason = `Host: ${host}. is not cert's CN: ${subject.CN}`;
  } else {
    reason = "Cert does not contain a DNS name";
  }
  return new ERR_TLS_CERT_ALTNAME_INVALID(reason, host, cert);
}

return { certificateOf, checkServerIdentity };
})();
