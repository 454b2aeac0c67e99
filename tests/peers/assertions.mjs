// Token endpoints for signed assertions, which `jose` verifies: RFC 7523's, and GitHub's for apps. Prints its port.
//   node assertions.mjs PUBLIC_KEY.pem
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { importSPKI, jwtVerify } from "jose";

const key = await importSPKI(await readFile(process.argv[2], "utf8"), "RS256");

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

async function exchange(request, port) {
  if (request.url === "/token") {
    const form = new URLSearchParams(await body(request));
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") throw new Error("grant_type");
    const audience = `http://127.0.0.1:${port}/token`;
    const { payload, protectedHeader } = await jwtVerify(form.get("assertion"), key, { audience, issuer: "robot@acme.example", maxTokenAge: "2m" });
    if (protectedHeader.kid !== "key-1" || payload.sub !== "robot@acme.example") throw new Error("kid or sub");
    return { access_token: `token for ${payload.scope}`, token_type: "Bearer", expires_in: 3600 };
  }
  const installation = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(request.url);
  if (!installation) throw new Error("no such endpoint");
  const assertion = request.headers.authorization.replace("Bearer ", "");
  const { payload } = await jwtVerify(assertion, key, { issuer: "app-7", maxTokenAge: "2m" });
  if (payload.exp - payload.iat > 600) throw new Error("GitHub takes ten minutes at most");
  return { token: `ghs_${installation[1]}`, expires_at: new Date(Date.now() + 3600e3).toISOString() };
}

const server = createServer(async (request, response) => {
  try {
    const answer = await exchange(request, server.address().port);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  } catch (error) {
    console.error(String(error));
    response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: "invalid_grant" }));
  }
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
