// A real authorization server (oidc-provider), with a resource that takes its tokens. Prints its port.
//   node oauth2.mjs
import { createServer } from "node:http";
import Provider from "oidc-provider";

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

const client = (client_id, more) => ({ client_id, client_secret: "s3cr:et/ of the client", redirect_uris: [], response_types: [], ...more });
const provider = new Provider(issuer, {
  clients: [
    client("machine", { grant_types: ["client_credentials"], token_endpoint_auth_method: "client_secret_basic" }),
    client("poster", { grant_types: ["client_credentials"], token_endpoint_auth_method: "client_secret_post" }),
    client("user", {
      grant_types: ["authorization_code", "refresh_token"], redirect_uris: ["https://app.example/callback"], response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
    }),
  ],
  scopes: ["openid", "offline_access", "read"],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  ttl: { ClientCredentials: 600, AccessToken: 600, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600, IdToken: 600 },
});

// As if a user had consented in a browser before.
const account = "user-1";
const grant = new provider.Grant({ accountId: account, clientId: "user" });
grant.addOIDCScope("openid offline_access read");
const grantId = await grant.save();
const refresh = await new provider.RefreshToken({
  accountId: account, client: await provider.Client.find("user"), grantId, gty: "authorization_code", scope: "openid offline_access read",
  iiat: Math.floor(Date.now() / 1000), rotations: 0, expiresWithSession: false, sessionUid: "none",
}).save();

let grants = 0;
let live = [];
provider.on("grant.success", (ctx) => {
  grants += 1;
  live.push(ctx.body.access_token);
});

async function resource(request, response) {
  const bearer = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const token = await provider.ClientCredentials.find(bearer) ?? await provider.AccessToken.find(bearer);
  if (!token) return response.writeHead(401, { "www-authenticate": "Bearer" }).end("no such token");
  response.end(JSON.stringify({ client: token.clientId, account: token.accountId, scope: token.scope, grants }));
}

async function revoke(_request, response) {
  for (const value of live) {
    await (await provider.ClientCredentials.find(value) ?? await provider.AccessToken.find(value))?.destroy();
  }
  live = [];
  response.end("revoked");
}

const callback = provider.callback();
server.on("request", (request, response) => {
  if (request.url === "/resource") return resource(request, response);
  if (request.url === "/revoke-all") return revoke(request, response);
  return callback(request, response);
});
console.log(JSON.stringify({ port, refresh }));
