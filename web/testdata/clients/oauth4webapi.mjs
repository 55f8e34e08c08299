// oauth4webapi signs in as an app does: discovery, PKCE, DPoP, user info, a refresh, a sign-out, a television's code, and an error of the
// authorization endpoint. Arguments: the issuer, where the person is asked, the redirect URI, the person's address, where a sign-out leads.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";

const [issuer, person, redirect_uri, email, post_logout_redirect_uri] = process.argv.slice(2);
const http = { [oauth.allowInsecureRequests]: true }; // the test's server has no certificate
const at = new URL(issuer);
const client = { client_id: "notes" };

async function ask(address) {
  return new URL(await (await fetch(`${person}/?to=${encodeURIComponent(address)}`)).json());
}

for (const algorithm of ["oidc", "oauth2"]) {
  const as = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, { algorithm, ...http }));
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const address = new URL(as.authorization_endpoint);
  address.search = new URLSearchParams({
    client_id: client.client_id, redirect_uri, response_type: "code", scope: "openid email", state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const params = oauth.validateAuthResponse(as, client, await ask(address), state); // iss included (RFC 9207)
  const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), params, redirect_uri, verifier, { DPoP, ...http });
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true });
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  await oauth.validateApplicationLevelSignature(as, response, http);
  const info = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...http }));
  assert.equal(info.email, email);
  const refresh = async (token) => oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, { DPoP, ...http }));
  const refreshed = await refresh(tokens.refresh_token);
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token);

  const end = new URL(as.end_session_endpoint);
  end.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri, state });
  assert.equal((await ask(end)).href, `${post_logout_redirect_uri}?state=${state}`);
  await assert.rejects(refresh(refreshed.refresh_token), { error: "invalid_grant" }); // the person has ended the app with the browser

  const asked = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: "openid email" }, http);
  const codes = await oauth.processDeviceAuthorizationResponse(as, client, asked);
  const poll = async () => oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, oauth.None(), codes.device_code, { DPoP, ...http }));
  await assert.rejects(poll(), { error: "authorization_pending" });
  await ask(codes.verification_uri_complete);
  const television = await poll();
  assert.equal(television.token_type, "dpop");
  assert.ok(oauth.getValidatedIdTokenClaims(television).sub);
  const { refresh_token } = await refresh(television.refresh_token);
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), refresh_token, http));
  await assert.rejects(refresh(refresh_token), { error: "invalid_grant" });

  address.searchParams.set("code_challenge_method", "plain"); // a downgrade is refused, and the library says so
  const refused = new URL((await fetch(address, { redirect: "manual" })).headers.get("location"));
  assert.throws(() => oauth.validateAuthResponse(as, client, refused, state), { error: "invalid_request" });
}
