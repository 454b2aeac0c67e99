// https://nodejs.org/docs/latest-v22.x/api/single-executable-applications.html: a worker is none, and has no assets by these names.
(function () {
const { primordials } = __bootstrap;
const { Error, String } = primordials;

function missing(key) {
  const error = new Error(`asset ${String(key)} not found: a worker is no single executable application`);
  error.code = "ERR_NOT_IN_SINGLE_EXECUTABLE_APPLICATION";
  throw error;
}

return { default: { getAsset: missing, getAssetAsBlob: missing, getAssetKeys: () => [], getRawAsset: missing, isSea: () => false } };
})();
