// `path.matchesGlob()`, which is experimental in Node 22: https://nodejs.org/docs/latest-v22.x/api/path.html#pathmatchesglobpath-pattern
(function () {
const { core } = __bootstrap;
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
return { matchGlobPattern: unavailable("path.matchesGlob") };
})();
