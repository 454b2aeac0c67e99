// In the place of deno's `location`: a worker has none, and a relative URL is relative to nothing.
(function () {
return { getLocationHref: () => undefined };
})();
