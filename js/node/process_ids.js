// `process.setuid()` and its like: a worker is user 0 of group 0, of whom nothing is permitted, and can become no other.
// https://nodejs.org/docs/latest-v22.x/api/process.html#processsetuidid
(function () {
const { core } = __bootstrap;
const { codes, ERR_UNKNOWN_CREDENTIAL } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateArray, validateUint32 } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { systemError } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");

// The number of a user or a group, which may be named.
function id(value, name, kind) {
  if (typeof value === "number") {
    validateUint32(value, name);
    return value;
  }
  if (typeof value !== "string") throw new codes.ERR_INVALID_ARG_TYPE(name, ["number", "string"], value);
  if (value !== "root") throw new ERR_UNKNOWN_CREDENTIAL(kind, value);
  return 0;
}

const setter = (name, kind) => (value) => {
  if (id(value, "id", kind) !== 0) throw systemError("EPERM", name);
};

function setgroups(groups) {
  validateArray(groups, "groups");
  for (let i = 0; i < groups.length; i++) id(groups[i], `groups[${i}]`, "Group");
  if (groups.length > 0) throw systemError("EPERM", "setgroups");
}

function initgroups(user, extraGroup) {
  id(user, "user", "User");
  id(extraGroup, "extraGroup", "Group");
  throw systemError("EPERM", "initgroups");
}

return {
  initgroups,
  setegid: setter("setegid", "Group"),
  seteuid: setter("seteuid", "User"),
  setgid: setter("setgid", "Group"),
  setgroups,
  setuid: setter("setuid", "User"),
};
})();
