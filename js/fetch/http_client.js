// Stands in for deno_fetch's 22_http_client.js, which needs deno_net. Workers have no such class.
(function () {
class HttpClient {}
return {
  HttpClient,
  HttpClientPrototype: HttpClient.prototype,
  createHttpClient: undefined,
};
})();
