// `path.matchesGlob()`, which is experimental in Node 22: https://nodejs.org/docs/latest-v22.x/api/path.html#pathmatchesglobpath-pattern. Whoever loads
// `node:path` for something else does not pay for it.
(function () {
const { core } = __bootstrap;

return { matchGlobPattern: (path, pattern, windows) => core.loadExtScript("ext:deno_node/_fs/_fs_glob.ts").matchGlobPattern(path, pattern, windows) };
})();
