// What of `process` the file system has, each event its own: the current directory and the mask of modes.
// https://nodejs.org/docs/latest-v22.x/api/process.html#processchdirdirectory
(function () {
const { core, primordials } = __bootstrap;
const { ObjectKeys } = primordials;
const { parseFileMode, validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const args = core.loadExtScript("ext:workerd_lite/node/fs/args.js");
const { attempt, fail } = core.loadExtScript("ext:workerd_lite/node/fs/errors.js");
const { isDirectory } = core.loadExtScript("ext:workerd_lite/node/fs/nodes.js");
const { store } = core.loadExtScript("ext:workerd_lite/node/fs/store.js");
const { find, pathOf, walk } = core.loadExtScript("ext:workerd_lite/node/fs/walk.js");

// A directory that was removed is nobody's current one.
function cwd() {
  const of = store();
  if (of.cwd === "/bundle") return of.cwd;
  return attempt("uv_cwd", undefined, undefined, () => isDirectory(find(of, of.cwd)) ? of.cwd : fail("ENOENT"));
}

function chdir(directory) {
  validateString(directory, "directory");
  const of = store();
  attempt("chdir", of.cwd, directory, () => {
    const at = walk(of, directory, true);
    if (at.node === undefined) fail("ENOENT");
    if (!isDirectory(at.node)) fail("ENOTDIR");
    of.cwd = pathOf(at);
  });
}

function umask(mask = undefined) {
  const of = store();
  const before = of.umask;
  if (mask !== undefined) of.umask = parseFileMode(mask, "mask") & 0o777;
  return before;
}

// What the environment has already stays.
function loadEnvFile(env, path = undefined) {
  path = path === undefined || path === null ? ".env" : args.path(path);
  const { readFileSync } = core.loadExtScript("ext:workerd_lite/node/fs/module.js");
  const { parseEnv } = core.loadExtScript("ext:deno_node/util.ts");
  const values = parseEnv(readFileSync(path, "utf8"));
  const names = ObjectKeys(values);
  for (let i = 0; i < names.length; i++) {
    if (!(names[i] in env)) env[names[i]] = values[names[i]];
  }
}

return { chdir, cwd, loadEnvFile, umask };
})();
