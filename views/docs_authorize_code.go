package views

// Sign-in through the browser, with the reference clients and with libraries. Tests run what people copy.
const (
	authorizeCommand = `latchkey client add Notes --id notes \
  --redirect-uri https://notes.example.com/cb \
  --redirect-uri com.example.notes:/cb \
  --redirect-uri http://127.0.0.1/callback \
  --post-logout-uri https://notes.example.com/bye \
  --post-logout-uri com.example.notes:/bye`

	// DocsTypeScript is how an app uses the reference client. A test compiles it with the client.
	DocsTypeScript = `import { Latchkey, ProofNeeded, SignedOut } from "./latchkey";

const latchkey = new Latchkey({
  issuer: "{issuer}", clientId: "notes", scope: "email",
  redirectUri: "https://notes.example.com/cb",
});

// On the page of the redirect URI. The code must not stay in the URL.
export async function comeBack() {
  const url = location.href;
  history.replaceState(null, "", location.pathname);
  await latchkey.finish(url);
}

export async function loadNotes(): Promise<unknown> {
  try {
    const answer = await latchkey.fetch("https://api.example.com/notes");
    return await answer.json();
  } catch (error) {
    if (error instanceof SignedOut) await latchkey.signIn(); // goes to the server
    if (error instanceof ProofNeeded) await latchkey.signIn(error.proof); // say why first
    throw error; // Later: the app is offline
  }
}`

	// DocsGo is how a program uses the reference client. A test compiles it.
	DocsGo = `client := &latchkey.Client{
	Issuer: "{issuer}", ClientID: "notes", Scope: "email", DeviceName: "Ada's laptop",
	File: filepath.Join(folder, "sign-in.json"),
	Open: func(url string) error { // on macOS with open
		return exec.Command("xdg-open", url).Start()
	},
}
answer, err := client.Do(request)
if out := (*latchkey.SignedOut)(nil); errors.As(err, &out) {
	if err = client.SignIn(ctx, latchkey.Proof{}); err == nil {
		answer, err = client.Do(request)
	}
}`

	openidClient = `import * as client from "openid-client";

const config = await client.discovery(new URL("{issuer}"), "notes", undefined, client.None());
// Keep the key as you keep the tokens, which are worth nothing without it.
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));

// Send the person to the URL, and keep the checks until they are back.
export async function start(device_name) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(),
    expectedNonce: client.randomNonce(), idTokenExpected: true,
  };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: "https://notes.example.com/cb", scope: "openid email", device_name,
    state: checks.expectedState, nonce: checks.expectedNonce, dpop_jkt: await DPoP.calculateThumbprint(),
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: "S256",
  });
  return { url, checks };
}

// back is the URL with which they came back.
export const finish = (back, checks) => client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });

// Under a lock, with the token that is stored. Only error.error === "invalid_grant" ends the sign-in.
export const refresh = (token) => client.refreshTokenGrant(config, token, undefined, { DPoP });

// show tells the person where to enter which code. The client needs --device-grant.
export async function television(show) {
  const codes = await client.initiateDeviceAuthorization(config, { scope: "openid email", device_name: "Living room" });
  show(codes);
  return client.pollDeviceAuthorizationGrant(config, codes, undefined, { DPoP });
}

export const signOut = (token) => client.tokenRevocation(config, token);

// Where the person can sign out of the browser, too.
export const end = (tokens, state) => client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://notes.example.com/bye", state,
});`

	confidentialCommand = `latchkey client add "Notes on the web" --id notes-web --confidential \
  --redirect-uri https://notes.example.com/cb \
  --backchannel-logout-uri https://notes.example.com/out`

	confidentialClient = `const config = await client.discovery(new URL("{issuer}"), "notes-web", undefined,
  client.ClientSecretBasic(process.env.CLIENT_SECRET));`

	oauth4webapi = `import * as oauth from "oauth4webapi";

const issuer = new URL("{issuer}"), app = { client_id: "notes" }, redirect_uri = "https://notes.example.com/cb";
const options = {};
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
const key = await oauth.generateKeyPair("ES256"); // cannot be exported: a browser keeps it in IndexedDB
options.DPoP = oauth.DPoP(app, key);

export async function start(device_name) {
  const kept = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: app.client_id, redirect_uri, response_type: "code", scope: "openid email", device_name,
    state: kept.state, nonce: kept.nonce, dpop_jkt: await options.DPoP.calculateThumbprint(),
    code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier), code_challenge_method: "S256",
  });
  return { url, kept };
}

// again repeats a request once if the server wants its nonce in the proof.
async function again(request, process) {
  try {
    return await process(await request());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return process(await request());
  }
}

export async function finish(back, kept) {
  const code = oauth.validateAuthResponse(as, app, back, kept.state); // iss, too (RFC 9207)
  return again(
    () => oauth.authorizationCodeGrantRequest(as, app, oauth.None(), code, redirect_uri, kept.verifier, options),
    (answer) => oauth.processAuthorizationCodeResponse(as, app, answer, { expectedNonce: kept.nonce, requireIdToken: true }),
  );
}

export const refresh = (token) => again(
  () => oauth.refreshTokenGrantRequest(as, app, oauth.None(), token, options),
  (answer) => oauth.processRefreshTokenResponse(as, app, answer),
);

export const signOut = async (token) =>
  oauth.processRevocationResponse(await oauth.revocationRequest(as, app, oauth.None(), token, options));`
)
