// openid-client signs in as an app does: discovery, a pushed request, PKCE, DPoP, user info, a refresh, a television's code, the end.
// Arguments: the issuer, where the person is asked, the redirect URI, the person's address, where a sign-out leads.
import assert from "node:assert/strict";
import * as client from "openid-client";

const [issuer, person, redirect_uri, email, post_logout_redirect_uri] = process.argv.slice(2);
const loopback = { execute: [client.allowInsecureRequests] }; // the test's server has no certificate
const config = await client.discovery(new URL(issuer), "notes", undefined, client.None(), loopback);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));

async function ask(address) {
  return new URL(await (await fetch(`${person}/?to=${encodeURIComponent(address)}`)).json());
}

async function leave(tokens) {
  await client.tokenRevocation(config, tokens.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }), { error: "invalid_grant" });
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

  const state = client.randomState();
  const back = await ask(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri, state }));
  assert.equal(back.href, `${post_logout_redirect_uri}?state=${state}`);
  await leave(refreshed); // the person has ended the app with the browser
}

// The person approves before the first poll, which need not come five seconds later then.
const codes = await client.initiateDeviceAuthorization(config, { scope: "openid email", device_name: "Living room" });
assert.equal(codes.interval, 5);
await ask(codes.verification_uri_complete);
const tokens = await client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 0.1 }, undefined, { DPoP });
assert.deepEqual([tokens.token_type, tokens.device_name], ["dpop", "Living room"]);
assert.equal((await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })).email, email);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
await leave(refreshed);
