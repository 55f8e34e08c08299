// openid-client signs in as an app does: discovery, a pushed request, PKCE, DPoP, user info, a refresh, the end.
// Arguments: the issuer, where the person is asked, the redirect URI, the person's address.
import assert from "node:assert/strict";
import * as client from "openid-client";

const [issuer, person, redirect_uri, email] = process.argv.slice(2);
const loopback = { execute: [client.allowInsecureRequests] }; // the test's server has no certificate
const config = await client.discovery(new URL(issuer), "notes", undefined, client.None(), loopback);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));

async function ask(address) {
  return new URL(await (await fetch(`${person}/?to=${encodeURIComponent(address)}`)).json());
}

for (const build of [async (p) => client.buildAuthorizationUrl(config, p), (p) => client.buildAuthorizationUrlWithPAR(config, p, { DPoP })]) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const address = await build({
    redirect_uri, scope: "openid email offline_access", state: expectedState, nonce: expectedNonce, code_challenge_method: "S256",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), dpop_jkt: await DPoP.calculateThumbprint(),
  });
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, await ask(address), checks, undefined, { DPoP });
  assert.equal(tokens.token_type, "dpop");
  const { sub } = tokens.claims();
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).email, email);
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), { error: "invalid_dpop_proof" });
  await client.tokenRevocation(config, refreshed.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP }), { error: "invalid_grant" });
}
