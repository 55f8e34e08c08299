package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models/modelstest"
	"latchkey/views/reference"
	"latchkey/web"
)

// shownWith is the copyable example of /docs that begins with a text.
func (s *site) shownWith(begin string) string {
	s.t.Helper()
	for _, path := range manual {
		for _, block := range copied(s.browser().shown(path)) {
			if strings.HasPrefix(block, begin) {
				return block
			}
		}
	}
	s.t.Fatalf("no example begins with %q", begin)
	return ""
}

// runs an example as a module, with a driver that uses it. The test's server has no certificate.
func (s *site) runs(node, example, driver string, arguments ...string) {
	s.t.Helper()
	example = strings.NewReplacer("undefined, client.None())", "undefined, client.None(), { execute: [client.allowInsecureRequests] })",
		"SECRET))", "SECRET), { execute: [client.allowInsecureRequests] })",
		"const options = {}", "const options = { [oauth.allowInsecureRequests]: true }").Replace(example)
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, node, append([]string{"--input-type=module", "-"}, arguments...)...)
	run.Dir, run.Stdin = npmClients, strings.NewReader(`import assert from "node:assert/strict";`+"\n"+example+"\n"+driver)
	if output, err := run.CombinedOutput(); err != nil {
		s.t.Errorf("%v\n%s", err, output)
	}
}

const askThePerson = `
const [person, email] = process.argv.slice(2);
const ask = async (address) => (await fetch(person + "/?to=" + encodeURIComponent(address))).json();
`

// The examples for libraries from npm run as they stand, with a server that wants nonces.
func TestTheDocumentedLibrariesWorkAsTheyStand(t *testing.T) {
	node := needNode(t)
	s := newSite(t, modelstest.MigratedSQLite(t), byRealTime, func(a *services.Config, _ *web.Config) { a.NonceRequired = true; a.Issuer += "/tenant" })
	s.addNotesEverywhere()
	person := s.person()
	s.runs(node, s.shownWith(`import * as client from "openid-client"`), askThePerson+`
const { url, checks } = await start("laptop");
const tokens = await finish(new URL(await ask(url)), checks);
assert.deepEqual([tokens.token_type, tokens.claims().email], ["dpop", email]);
const next = await refresh(tokens.refresh_token);
assert.notEqual(next.refresh_token, tokens.refresh_token);
assert.equal(await ask(end(tokens, "s")), "https://notes.example.com/bye?state=s");
await assert.rejects(refresh(next.refresh_token), { error: "invalid_grant" });
const wait = globalThis.setTimeout;
globalThis.setTimeout = (work, _, ...more) => wait(work, 0, ...more); // the person is quick
let asked;
const television_ = television((codes) => { asked = codes; });
while (!asked) await new Promise((done) => setImmediate(done));
await ask(asked.verification_uri_complete);
const { refresh_token } = await television_;
await signOut(refresh_token);
await assert.rejects(refresh(refresh_token), { error: "invalid_grant" });
`, person, adaEmail)
	s.runs(node, s.shownWith(`import * as oauth from "oauth4webapi"`), askThePerson+`
const { url, kept } = await start("laptop");
const tokens = await finish(new URL(await ask(url)), kept);
assert.equal(tokens.device_name, "Notes here"); // which the person typed
const { refresh_token } = await refresh(tokens.refresh_token);
await signOut(refresh_token);
await assert.rejects(refresh(refresh_token), { error: "invalid_grant" });
`, person, adaEmail)
}

// With its secret a website's server takes the place of the app in the example for openid-client. Without it, it gets nothing.
func TestTheDocumentedConfidentialClientWorksAsItStands(t *testing.T) {
	node := needNode(t)
	s := newSite(t, modelstest.MigratedSQLite(t), byRealTime)
	added, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Notes on the web", ID: "notes-web", Confidential: true, RedirectURIs: []string{"https://notes.example.com/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	public := s.shownWith(`import * as client from "openid-client"`)
	begin, rest, _ := strings.Cut(public, "const config")
	_, rest, ok := strings.Cut(rest, "\n")
	confidential := s.shownWith("const config")
	if !ok || !strings.Contains(confidential, "process.env.CLIENT_SECRET") {
		t.Fatalf("%q %q", public, confidential)
	}
	person := s.person()
	for secret, driver := range map[string]string{
		added.Secret: `
const { refresh_token } = await finish(new URL(await ask(url)), checks);
const next = await refresh(refresh_token);
await signOut(next.refresh_token);
await assert.rejects(refresh(next.refresh_token), { error: "invalid_grant" });`,
		"wrong": `await assert.rejects(finish(new URL(await ask(url)), checks), { status: 401 });`,
	} {
		s.runs(node, begin+`process.env.CLIENT_SECRET = process.argv[4];`+"\n"+confidential+"\n"+rest, askThePerson+`
const { url, checks } = await start("notes.example.com");`+driver, person, adaEmail, secret)
	}
}

// The resource server in Node.js takes good tokens, and no others.
func TestTheDocumentedServerInNodeWorksAsItStands(t *testing.T) {
	node := needNode(t)
	var ahead atomic.Int64
	s := newSite(t, modelstest.MigratedSQLite(t), byRealTime, func(a *services.Config, _ *web.Config) {
		a.Now, a.Issuer = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, a.Issuer+"/tenant"
	})
	later := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ahead.Add(int64(s.config.StatusTTL)) }))
	t.Cleanup(later.Close)
	s.runs(node, s.shownWith(`import { createHash } from "node:crypto"`), `
import { exportJWK, generateKeyPair, SignJWT } from "jose";
const [email, password, later, base] = process.argv.slice(2);
const { privateKey, publicKey } = await generateKeyPair("ES256");
const jwk = await exportJWK(publicKey);
const other = await generateKeyPair("ES256");
async function prove(htm, htu, token, changes = {}, key = { privateKey, jwk }) {
  const ath = token && createHash("sha256").update(token).digest("base64url");
  return new SignJWT({ jti: crypto.randomUUID(), htm, htu, ath, iat: Math.floor(Date.now() / 1000), ...changes })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: key.jwk }).sign(key.privateKey);
}
async function login(headers = {}) {
  const body = JSON.stringify({ email, password, device_name: "phone" });
  return (await fetch(base + "/api/login", { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } })).json();
}
const get = (headers, method = "GET") => check({ method, url: "/notes?x=1", headers });

const bearer = (await login()).access_token;
server.listen(0, "127.0.0.1");
await new Promise((done) => server.once("listening", done));
const real = fetch;
const ask = (authorization) => real("http://127.0.0.1:" + server.address().port + "/notes", { headers: authorization ? { authorization } : {} });
const fails = { "no network": () => { throw new TypeError("fetch failed"); }, "an error": () => new Response("", { status: 500 }), "a page": () => new Response("<html>"), "no keys": () => Response.json({}) };
for (const [name, answer] of Object.entries(fails)) { // which says nothing about the token: a client that is signed out by that comes back at once
  globalThis.fetch = async () => answer();
  const { status, headers } = await ask("Bearer " + bearer);
  assert.deepEqual([name, status, headers.get("Retry-After"), headers.get("WWW-Authenticate")], [name, 503, "5", null]);
  assert.equal((await ask("Bearer x.y.z")).status, 401);
}
globalThis.fetch = real;
assert.equal((await ask("Bearer " + bearer)).status, 200);
assert.equal((await get({ authorization: "Bearer " + bearer })).device_name, "phone");
const bound = (await login({ DPoP: await prove("POST", base + "/api/login") })).access_token;
const good = await prove("GET", self + "/notes", bound);
const headers = { authorization: "DPoP " + bound, dpop: good };
assert.equal((await get(headers)).device_name, "phone (2)");

const refused = async (name, work) => assert.rejects(work, undefined, name);
await refused("a proof that was used", get(headers));
await refused("no proof", get({ authorization: "DPoP " + bound }));
await refused("a bound token as a bearer token", get({ authorization: "Bearer " + bound }));
await refused("a bearer token as a bound one", get({ authorization: "DPoP " + bearer, dpop: await prove("GET", self + "/notes", bearer) }));
for (const [name, proof] of Object.entries({
  "another method": await prove("POST", self + "/notes", bound), "another path": await prove("GET", self + "/other", bound),
  "another server": await prove("GET", "https://other.example.com/notes", bound), "another token": await prove("GET", self + "/notes", bearer),
  "no id": await prove("GET", self + "/notes", bound, { jti: undefined }), "an old one": await prove("GET", self + "/notes", bound, { iat: 1 }),
  "another key": await prove("GET", self + "/notes", bound, {}, { privateKey: other.privateKey, jwk: await exportJWK(other.publicKey) }),
  "a key that did not sign": await prove("GET", self + "/notes", bound, {}, { privateKey: other.privateKey, jwk }),
})) await refused(name, get({ authorization: "DPoP " + bound, dpop: proof }));
const unknown = new SignJWT({}).setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "unknown" });
assert.equal((await ask("Bearer " + await unknown.sign(privateKey))).status, 401);
await refused("a changed token", get({ authorization: "Bearer " + bearer.slice(0, -4) + "AAAA" }));
await refused("no token", get({}));
await refused("a proof as a token", get({ authorization: "Bearer " + good }));

const out = await fetch(base + "/api/devices/current", { method: "DELETE", headers: { Authorization: "Bearer " + bearer } });
assert.equal(out.status, 204);
assert.equal((await get({ authorization: "Bearer " + bearer })).device_name, "phone"); // until the list is fetched again
await fetch(later); // the server reads the revocations
for (const list of lists.values()) list.due = 0;
await assert.rejects(get({ authorization: "Bearer " + bearer }), /signed out/);
assert.ok(await get({ ...headers, dpop: await prove("GET", self + "/notes", bound) }), "the other device");
const [uri, list] = [...lists.entries()][0];
lists.set("https://evil.example/1", { ...list, due: Date.now() });
assert.equal(await signedOut({ uri: "https://evil.example/1", idx: 0 }), (list.bits[0] & 1) === 1); // the old one, while it may be used
await assert.rejects(signedOut({ uri: "https://evil.example/2", idx: 0 }), { status: 503, message: "the list is not the issuer's" });
assert.equal(await signedOut({ uri, idx: 8 * list.bits.length }), true); // the list says nothing about it

const answer = await ask();
assert.deepEqual([answer.status, answer.headers.get("WWW-Authenticate").split(" ")[0]], [401, "DPoP"]);
server.close();
`, adaEmail, adaPassword, later.URL, s.URL)
}

// The page links to each file of the reference clients, which comes as text.
func TestTheReferenceClientsCanBeCopied(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	page := s.browser().shown("/docs/browser")
	for _, name := range []string{"latchkey.ts", "client.go", "signin.go", "dpop.go", "store.go"} {
		page.one("section", "aria-labelledby", "reference").one("a", "href", "/docs/"+name)
		text, _ := reference.File(name)
		r := s.request(http.MethodGet, "/docs/"+name, "")
		if r.status != http.StatusOK || r.body != string(text) || len(r.body) < 1000 || r.header.Get("Content-Type") != "text/plain; charset=utf-8" ||
			!strings.Contains(r.header.Get("Cache-Control"), "public") || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", name, r.status, r.header)
		}
	}
	for _, name := range []string{"reference.go", "..", "latchkey", "other.go", "latchkey%2Fclient.go"} {
		if r := s.request(http.MethodGet, "/docs/"+name, ""); r.status == http.StatusOK && strings.Contains(r.body, "package") {
			t.Errorf("%s: %d", name, r.status)
		}
	}
}
