// What `X509Certificate` asks of ops: https://nodejs.org/docs/latest-v22.x/api/crypto.html#class-x509certificate
(function () {
const { core, primordials } = __bootstrap;
const { Error, JSONParse, ObjectDefineProperty, ObjectHasOwn, ObjectKeys, StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeSplit } = primordials;
const { ops } = core;

// OpenSSL writes whole bytes.
const evenly = (digits) => digits.length % 2 === 0 ? digits : `0${digits}`;

const said = (handle) => JSONParse(ops.op_node_x509_said(ops.op_node_x509_get_raw(handle)));

const altName = (handle) => said(handle).subjectAltName ?? ops.op_node_x509_get_subject_alt_name(handle);

function legacy(handle) {
  const { ca, subject, issuer, modulus, bits, exponent, pubkey, asn1Curve, nistCurve, ...rest } = ops.op_node_x509_to_legacy_object(handle);
  const { subjectAltName, keyUsage } = said(handle);
  const object = { subject, issuer };
  const line = subjectAltName ?? rest.subjectaltname;
  if (line !== undefined && line !== null && line !== "") object.subjectaltname = line;
  if (rest.infoAccess !== undefined && rest.infoAccess !== null) object.infoAccess = inOrder(rest.infoAccess, ops.op_node_x509_get_info_access(handle));
  object.ca = ca;
  const own = { modulus, bits, exponent, pubkey, asn1Curve, nistCurve };
  const names = ObjectKeys(own);
  for (let i = 0; i < names.length; i++) {
    if (own[names[i]] !== undefined && own[names[i]] !== null) object[names[i]] = own[names[i]];
  }
  if (pubkey !== undefined && pubkey !== null) {
    const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
    object.pubkey = Buffer.from(pubkey);
  }
  object.valid_from = rest.valid_from;
  object.valid_to = rest.valid_to;
  object.fingerprint = rest.fingerprint;
  object.fingerprint256 = rest.fingerprint256;
  object.fingerprint512 = rest.fingerprint512;
  if (keyUsage !== null && keyUsage !== undefined) object.ext_key_usage = keyUsage;
  object.serialNumber = evenly(rest.serialNumber);
  object.raw = rest.raw;
  return object;
}

// Its members in the order of the lines that name them.
function inOrder(members, lines) {
  const found = { __proto__: null };
  const each = StringPrototypeSplit(lines ?? "", "\n");
  for (let i = 0; i < each.length; i++) {
    const colon = StringPrototypeIndexOf(each[i], ":");
    const name = colon < 0 ? "" : StringPrototypeSlice(each[i], 0, colon);
    if (ObjectHasOwn(members, name)) found[name] = members[name];
  }
  const names = ObjectKeys(members);
  for (let i = 0; i < names.length; i++) found[names[i]] = members[names[i]];
  return found;
}

function parseCertificate(bytes) {
  ops.op_node_x509_bounded(bytes);
  try {
    return ops.op_node_x509_parse(bytes);
  } catch {
    const error = new Error("error:0480006C:PEM routines::no start line");
    const own = (name, value) => ObjectDefineProperty(error, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
    own("library", "PEM routines");
    own("reason", "no start line");
    own("code", "ERR_OSSL_PEM_NO_START_LINE");
    throw error;
  }
}

const certificateOps = {
  __proto__: null,
  op_node_x509_check_host: (handle, name, flags) => ops.op_node_x509_host(ops.op_node_x509_get_raw(handle), name, flags) ?? undefined,
  op_node_x509_get_serial_number: (handle) => evenly(ops.op_node_x509_get_serial_number(handle)),
  op_node_x509_get_subject_alt_name: altName,
  op_node_x509_key_usage: (handle) => said(handle).keyUsage ?? undefined,
  op_node_x509_to_legacy_object: legacy,
};

return { certificateOps, parseCertificate };
})();
