// Verifies AWS Signature Version 4 by AWS's own implementation for JavaScript and by `aws4`, of what arrived on the wire.
// Answers what each says. Prints its port.
//   node sigv4.mjs ACCESS_KEY_ID SECRET SESSION_TOKEN
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import aws4 from "aws4";

const [accessKeyId, secretAccessKey, sessionToken] = process.argv.slice(2);

/** A query as it is written, by name. */
function parse(search) {
  const query = {};
  for (const pair of search.split("&").filter((pair) => pair !== "")) {
    const [name, ...rest] = pair.split("=");
    const key = decodeURIComponent(name);
    query[key] = [...(query[key] ?? []), decodeURIComponent(rest.join("="))];
  }
  return query;
}

async function verify(request, body) {
  const authorization = request.headers.authorization ?? "";
  const [, key, region, service, signed, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(authorization) ?? [];
  if (key !== accessKeyId) return { error: `authorization ${authorization}` };
  const headers = {};
  for (const name of signed.split(";")) headers[name] = request.headers[name];
  const stated = headers["x-amz-content-sha256"];
  const hash = createHash("sha256").update(body).digest("hex");
  if (stated !== undefined && stated !== "UNSIGNED-PAYLOAD" && stated !== hash) return { error: "another body" };
  const token = headers["x-amz-security-token"];
  if (token !== undefined && token !== sessionToken) return { error: "session token" };
  const credentials = { accessKeyId, secretAccessKey, sessionToken: token };
  const date = headers["x-amz-date"].replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const [path, ...search] = request.url.split("?");
  const at = (text) => /Signature=([0-9a-f]{64})/.exec(text)[1] === signature;

  const smithy = new SignatureV4({ credentials, region, service, sha256: Sha256, uriEscapePath: service !== "s3", applyChecksum: false });
  const ours = await smithy.sign(
    { method: request.method, protocol: "http:", hostname: "x", path, query: parse(search.join("?")), headers: { ...headers }, body },
    { signingDate: new Date(date) },
  );
  // It would sign what the request has not signed.
  const extraHeadersToIgnore = Object.fromEntries(["content-length", "content-type"].filter((name) => !(name in headers)).map((name) => [name, true]));
  const other = new aws4.RequestSigner({ service, region, method: request.method, path: request.url, headers: { ...headers }, body, extraHeadersToIgnore }, credentials);
  // By itself it takes the time of now, which may be the next second.
  other.datetime = headers["x-amz-date"];
  return { smithy: at(ours.headers.authorization), aws4: at(other.authHeader()), canonical: other.canonicalString(), stated, signed, token, url: request.url };
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const answer = await verify(request, Buffer.concat(chunks)).catch((error) => ({ error: error.stack }));
  response.end(JSON.stringify(answer));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
