// Verifies a token by `jose`, as a service does that knows its issuer alone: discovery, keys, signature, claims.
//   node verify.mjs DISCOVERY_BASE ISSUER AUDIENCE TOKEN
import { createRemoteJWKSet, jwtVerify } from "jose";

const [base, issuer, audience, token] = process.argv.slice(2);
try {
  const discovery = await (await fetch(`${base}/.well-known/openid-configuration`)).json();
  if (discovery.issuer !== issuer) throw new Error(`issuer ${discovery.issuer}`);
  const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, algorithms: ["ES256"] });
  console.log(JSON.stringify({ payload, kid: protectedHeader.kid }));
} catch (error) {
  console.log(JSON.stringify({ error: error.code ?? String(error) }));
}
