// oauth4webapi signs in as an app does: discovery, PKCE, DPoP, user info, a refresh, and an error of the authorization endpoint.
// Arguments: the issuer, where the person is asked, the redirect URI, the person's address.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";

const [issuer, person, redirect_uri, email] = process.argv.slice(2);
const http = { [oauth.allowInsecureRequests]: true }; // the test's server has no certificate
const at = new URL(issuer);
const client = { client_id: "notes" };

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
  const back = new URL(await (await fetch(`${person}/?to=${encodeURIComponent(address)}`)).json());
  const params = oauth.validateAuthResponse(as, client, back, state); // iss included (RFC 9207)
  const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), params, redirect_uri, verifier, { DPoP, ...http });
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true });
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  await oauth.validateApplicationLevelSignature(as, response, http);
  const info = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...http }));
  assert.equal(info.email, email);
  const refresh = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, { DPoP, ...http });
  assert.notEqual((await oauth.processRefreshTokenResponse(as, client, refresh)).refresh_token, tokens.refresh_token);

  address.searchParams.set("code_challenge_method", "plain"); // a downgrade is refused, and the library says so
  const refused = new URL((await fetch(address, { redirect: "manual" })).headers.get("location"));
  assert.throws(() => oauth.validateAuthResponse(as, client, refused, state), { error: "invalid_request" });
}
