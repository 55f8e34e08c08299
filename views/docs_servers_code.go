package views

// Resource servers. A test runs the one in Node.js; auth/resource has the tests of the one in Go.
const (
	resourceCopy = `go mod edit -require latchkey@v0.0.0 -replace latchkey=../latchkey && go mod tidy`

	goServer = `verifier, err := resource.New(resource.Config{
    Issuer: "{issuer}", Discover: true, Audience: "https://api.example.com",
    DPoP:   resource.DPoP{BaseURL: "https://api.example.com"}, // takes bound tokens with their proofs
})
// …
http.Handle("/notes", verifier.Middleware(notes)) // resource.ClaimsFrom(r.Context()) says whose they are`

	nodeServer = `import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { inflateSync } from "node:zlib";
import { calculateJwkThumbprint, createRemoteJWKSet, EmbeddedJWK, jwtVerify } from "jose";

const issuer = "{issuer}", audience = "https://api.example.com", self = "https://api.example.com";
const fetched = createRemoteJWKSet(new URL("{base}/.well-known/jwks.json"));
const algorithms = ["ES256", "EdDSA", "RS256"];

// keys finds the key of a token. When the issuer does not answer, the token may be good: 401 would make every app refresh, at a server in trouble.
const keys = (...token) => fetched(...token).catch((error) => {
  const unknown = ["ERR_JWKS_NO_MATCHING_KEY", "ERR_JWKS_MULTIPLE_MATCHING_KEYS"].includes(error.code);
  throw unknown ? error : Object.assign(error, { status: 503 });
});

// check returns the claims of a request's access token. It throws for one that is not good, and with the status 503 if it cannot tell.
export async function check(request) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  const { payload } = await jwtVerify(token ?? "", keys, {
    issuer, audience, algorithms, typ: "at+jwt", requiredClaims: ["sub", "exp"],
  });
  if (scheme.toLowerCase() !== (payload.cnf ? "dpop" : "bearer")) throw new Error("the scheme is not the token's");
  if (payload.cnf) await checkProof(request, token, payload.cnf.jkt);
  if (payload.status && (await signedOut(payload.status.status_list))) throw new Error("the device was signed out");
  return payload;
}

const used = new Map(); // proofs of the last minutes, oldest first: each is good once

async function checkProof(request, token, jkt) {
  const { payload, protectedHeader } = await jwtVerify(request.headers.dpop ?? "", EmbeddedJWK, {
    algorithms: ["ES256", "EdDSA"], typ: "dpop+jwt", maxTokenAge: 60, clockTolerance: 5, requiredClaims: ["jti"],
  });
  const proof = [payload.htm, payload.htu, payload.ath, await calculateJwkThumbprint(protectedHeader.jwk)];
  const wanted = [request.method, self + request.url.split("?")[0], createHash("sha256").update(token).digest("base64url"), jkt];
  if (proof.some((part, i) => part !== wanted[i])) throw new Error("the proof is not for this request");
  const now = Date.now(), id = jkt + " " + payload.jti;
  for (const [old, until] of used) {
    if (until > now) break;
    used.delete(old);
  }
  if (used.has(id)) throw new Error("the proof was used before");
  used.set(id, now + 120_000);
}

const lists = new Map(); // status lists by their URI

// signedOut looks up a token's bit. A list is used for as long as it says (ttl), and ten minutes longer while the issuer does not answer.
async function signedOut({ uri, idx }) {
  let list = lists.get(uri);
  if (!list || Date.now() >= list.due) {
    try {
      list = await fetchList(uri);
      lists.set(uri, list);
    } catch (error) {
      if (!list || Date.now() >= list.due + 600_000) throw Object.assign(error, { status: 503 });
    }
  }
  const byte = list.bits[idx >> 3];
  return byte === undefined || ((byte >> (idx & 7)) & 1) === 1;
}

async function fetchList(uri) {
  if (new URL(uri).origin !== new URL("{base}").origin) throw new Error("the list is not the issuer's");
  const answer = await fetch(uri, { redirect: "error", signal: AbortSignal.timeout(5000) });
  const { payload } = await jwtVerify(await answer.text(), keys, { subject: uri, algorithms, typ: "statuslist+jwt" });
  const { bits, lst } = payload.status_list;
  if (bits !== 1) throw new Error("a list of another kind");
  const packed = Buffer.from(lst, "base64url");
  return { bits: inflateSync(packed, { maxOutputLength: 1 << 20 }), due: Date.now() + (payload.ttl ?? 60) * 1000 };
}

export const server = createServer(async (request, response) => {
  try {
    const { sub, sid } = await check(request);
    response.end(JSON.stringify({ person: sub, device: sid }));
  } catch ({ status = 401 }) {
    const headers = status === 401 ? { "WWW-Authenticate": 'DPoP error="invalid_token", algs="ES256 EdDSA"' } : { "Retry-After": "5" };
    response.writeHead(status, headers).end();
  }
});`
)
