package views

// A single-page app with a key that cannot leave the browser, and what the operator and the app's server need for it.
const (
	browserCommand = `latchkey client add Notes --id notes --origin https://notes.example.com`

	browserKey = `const SERVER = "{base}", CLIENT = "notes";

// IndexedDB keeps the key as an object: no script can read its private part, this one included.
async function stored(name, value) {
  const database = await new Promise((done, fail) => {
    const request = indexedDB.open("latchkey", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("stored");
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  const table = database.transaction("stored", value === undefined ? "readonly" : "readwrite").objectStore("stored");
  const request = value === undefined ? table.get(name) : table.put(value, name);
  return new Promise((done, fail) => {
    request.transaction.oncomplete = () => { database.close(); done(request.result); };
    request.transaction.onabort = () => { database.close(); fail(request.error); };
  });
}

// Two tabs that start at once must not make two keys.
const key = () => navigator.locks.request("latchkey key", async () => {
  let pair = await stored("key");
  if (!pair) {
    pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    await stored("key", pair);
  }
  return pair;
});

const bytes = (text) => new TextEncoder().encode(text);
const base64url = (data) => btoa(String.fromCharCode(...new Uint8Array(data)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
let nonce; // the newest that any answer brought

async function proof(method, url, accessToken) {
  const { privateKey, publicKey } = await key();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const claims = { jti: crypto.randomUUID(), htm: method, htu: url.split(/[?#]/)[0], iat: Math.floor(Date.now() / 1000), nonce };
  if (accessToken) claims.ath = base64url(await crypto.subtle.digest("SHA-256", bytes(accessToken)));
  const input = [header, claims].map((part) => base64url(bytes(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, bytes(input));
  return input + "." + base64url(signature);
}

// send is fetch with a proof. It repeats the request once if the proof needs a nonce.
async function send(method, url, options = {}, accessToken) {
  for (let again = true; ; again = false) {
    const headers = new Headers(options.headers);
    headers.set("DPoP", await proof(method, url, accessToken));
    if (accessToken) headers.set("Authorization", "DPoP " + accessToken);
    const answer = await fetch(url, { ...options, method, headers, credentials: "omit" });
    nonce = answer.headers.get("DPoP-Nonce") ?? nonce;
    if (answer.ok || !again) return answer;
    const problem = await answer.clone().json().catch(() => ({}));
    if (problem.error !== "use_dpop_nonce" && problem.code !== "use_dpop_nonce") return answer;
  }
}`

	browserTokens = `let accessToken; // in memory only

// keep takes a token answer. Store first: the old refresh token is used up.
async function keep(tokens) {
  await stored("refresh token", tokens.refresh_token);
  accessToken = tokens.access_token;
}

// refresh is for one tab at a time, with the token that is stored when its turn comes. It returns false when
// the person must sign in again, and throws when the same token is to be tried again later.
const refresh = () => navigator.locks.request("latchkey refresh", async () => {
  const token = await stored("refresh token");
  if (!token) return false;
  const answer = await send("POST", SERVER + "/oauth/token", {
    body: new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT, refresh_token: token }),
  });
  if (answer.ok) {
    await keep(await answer.json());
    return true;
  }
  const { error } = await answer.json().catch(() => ({}));
  if (error !== "invalid_grant") throw new Error("later: " + answer.status);
  await stored("refresh token", null);
  accessToken = undefined;
  return false;
});

// call asks the API, or another server that takes the tokens, and refreshes once if the token is too old.
async function call(method, url, options) {
  if (!accessToken && !(await refresh())) return null; // show the sign-in
  const answer = await send(method, url, options, accessToken);
  if (answer.status !== 401 || !(await refresh())) return answer;
  return send(method, url, options, accessToken);
}`

	introspectCommand = `latchkey client add "Photo server" --id photos --confidential`

	introspectCall = `curl -s -u "$CLIENT_ID:$CLIENT_SECRET" {base}/oauth/introspect -d "token=$ACCESS"`

	introspectActive = `{"active":true,"client_id":"notes","token_type":"Bearer","exp":1795435200,"iat":1795434300,
 "sub":"01a20987-ec11-7b0e-9a53-6f6a1f2f7c52","aud":["https://api.example.com","https://id.example.com"],
 "iss":"https://id.example.com","jti":"7H2QK5VYJ4XW3ZTA7H2QK5VYJ4","sid":"01a20987-ee3e-7299-8ce8-119a91a6da0e",
 "auth_time":1795248000,"acr":"aal2","amr":["pwd","otp","mfa"]}`

	introspectInactive = `{"active":false}`

	scopeCommand = `latchkey client add Notes --id notes --scope own_devices:read --scope photos:read`

	scopeServer = `verifier, err := resource.New(resource.Config{
    Issuer: "{base}", Audience: "https://api.example.com",
    Metadata: resource.Metadata{Resource: "https://api.example.com", Scopes: []string{"photos:read"}},
})
// …
http.Handle("GET "+verifier.MetadataPath(), verifier.Metadata())
http.Handle("/photos", verifier.Require(resource.Scope("photos:read"))(photos))`
)
