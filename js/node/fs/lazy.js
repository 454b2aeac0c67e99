// What scripts of deno_node's ask of the file system, found when it is asked for: they are loaded before it.
(function () {
const { core } = __bootstrap;
const fs = () => core.loadExtScript("ext:workerd_lite/node/fs/module.js");

return {
  lstat: (path, options, callback) => fs().lstat(path, options, callback),
  lstatPromise: (path) => fs().promises.lstat(path),
  lstatSync: (path, options) => fs().lstatSync(path, options),
  readdirPromise: (path, options) => fs().promises.readdir(path, options),
  readdirSync: (path, options) => fs().readdirSync(path, options),
};
})();
