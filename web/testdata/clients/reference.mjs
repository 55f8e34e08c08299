// The reference client in TypeScript against the server and a network that loses things.
// Arguments: the compiled client, the issuer, another server that takes its tokens, and what the test's server does when it is asked.
import assert from "node:assert/strict";

const [compiled, issuer, api, test] = process.argv.slice(2);
const { Later, Latchkey, ProofNeeded, SignedOut } = await import(compiled);

// Two tabs: they share the store and the lock, and nothing else.
const values = new Map();
const store = {
  get: async (name) => values.get(name),
  set: async (name, value) => void (value === undefined ? values.delete(name) : values.set(name, value)),
};
let last = Promise.resolve();
const lock = (work) => (last = last.catch(() => {}).then(work));
let slept = [], opened = 0;
const ask = async (parameters) => (await fetch(`${test}/?${new URLSearchParams(parameters)}`)).json();
const openBrowser = (to) => (opened++, ask({ to }));
const sleep = async (milliseconds) => void slept.push(milliseconds / 1000);
// What goes to the server itself follows no redirect, which would take tokens along, and ends one day.
const loose = [];
const watch = (address, init = {}) => {
  if (address.startsWith(issuer) && (init.redirect !== "error" || !(init.signal instanceof AbortSignal))) loose.push(address);
  return fetch(address, init);
};
const options = { fetch: watch, issuer, clientId: "notes", redirectUri: "https://notes.example/cb", scope: "email", deviceName: "tab", store, lock, sleep };
let tab = new Latchkey({ ...options, openBrowser });
const other = new Latchkey({ ...options, openBrowser });

async function call(by, path = "/hello") {
  const answer = await by.fetch(`${api}${path}?x=1`, { method: "POST", body: "body" });
  const { sent, device_id } = await answer.json();
  assert.deepEqual([answer.status, sent], [200, "body"]);
  return device_id;
}
const name = `latchkey ${issuer} notes`;
const kept = () => values.get(name);
const expire = (n = 1) => ask({ expire: kept().tokens.access, n });
const will = (...faults) => (slept = [], ask({ will: faults }));
const between = (low, number, high) => assert.ok(low <= number && number <= high, `${low} <= ${number} <= ${high}`);

await assert.rejects(call(tab), SignedOut);
await tab.signIn();
const device = await call(tab);
await call(other);
assert.equal((await ask({})).requests, 2); // the second one with the nonce

// Another client and another server share the store, and nothing else.
for (const change of [{ clientId: "other" }, { issuer: `${issuer}/other` }]) {
  const stranger = new Latchkey({ ...options, ...change });
  await assert.rejects(call(stranger), SignedOut);
  await stranger.signOut();
}
assert.equal(await call(tab), device);
assert.equal((await ask({})).requests, 2);

// Both tabs find the token expired at the same moment: one of them refreshes.
await expire(2);
let before = await ask({});
assert.deepEqual(await Promise.all([call(tab), call(other)]), [device, device]);
assert.equal((await ask({})).rotations, before.rotations + 1);

// The answer is lost: the same token again.
await expire();
await will("lost");
assert.equal(await call(tab), device);
between(0.5, slept[0], 1.5);

// A tunnel signs no one out.
await expire();
await will(..."cut ".repeat(9).trim().split(" "));
await assert.rejects(call(tab), (error) => error instanceof Later && error.seconds > 1);
assert.ok(kept().tokens.refresh);
await expire();
await will("busy", "lost", "limited");
assert.equal(await call(tab), device);
between(7, slept[0], 8);
between(1, slept[1], 3);
between(7, slept[2], 11);

// A refresh is due, and the token is good still: without a network the call does not wait.
const due = () => values.set(name, { ...kept(), tokens: { ...kept().tokens, refreshAt: 0 } });
due();
await will("cut");
assert.equal(await call(tab), device);
assert.deepEqual(slept, []);
before = await ask({});
assert.equal(await call(tab), device);
assert.equal((await ask({})).rotations, before.rotations + 1);

// A sensitive call, some minutes later, and after a restart.
await ask({ ahead: 360 });
await assert.rejects(call(new Latchkey(options), "/transfer"), (error) => error instanceof ProofNeeded && error.proof.maxAge === "300");
tab = new Latchkey({ ...options, openBrowser: (to) => ask({ to, as: "eve" }) });
await assert.rejects(call(tab, "/transfer"), /another account/);
assert.equal((await ask({})).apps, 1);
tab = new Latchkey({ ...options, openBrowser });
opened = 0;
const confirmed = await call(tab, "/transfer");
assert.equal(await call(tab, "/transfer"), confirmed);
assert.notEqual(confirmed, device);
assert.deepEqual([opened, (await ask({})).apps], [1, 1]);

// An answer for another request, and one of another server.
await assert.rejects(tab.finish("https://notes.example/cb?code=x&state=y"), /did not ask/);
const state = new URL(await tab.start()).searchParams.get("state");
await assert.rejects(tab.finish(`https://notes.example/cb?code=x&state=${state}&iss=https://evil.example`), /not from/);

// What was abandoned goes with the next request, once it is ten minutes old.
const open = () => values.get(`${name} requests`).map((request) => request.state);
const now = Date.now;
assert.deepEqual(open(), [state]);
Date.now = () => now() + 9 * 60_000;
const second = new URL(await tab.start()).searchParams.get("state");
assert.deepEqual(open(), [state, second]);
Date.now = () => now() + 11 * 60_000;
const third = new URL(await tab.start()).searchParams.get("state");
assert.deepEqual(open(), [second, third]);
Date.now = now;

// Another tab signs out while the person confirms: the app is signed in once they have.
tab = new Latchkey({ ...options, openBrowser: async (to) => (await other.signOut(), ask({ to })) });
await tab.signIn();
const renewed = await call(other);
assert.deepEqual([open(), (await ask({})).apps], [[second, third], 1]);

// The person signs the device out, and signs in again.
await ask({ revoke: renewed });
await expire();
await assert.rejects(call(tab), (error) => error instanceof SignedOut && error.reason === "revoked");
assert.equal(kept(), undefined);
await tab.signIn();
assert.equal((await ask({})).apps, 1);
await tab.signOut();
assert.equal((await ask({})).apps, 0);
await assert.rejects(call(other), SignedOut);
assert.deepEqual(loose, []);

// TLS takes the place of the ID token's signature, so there is no server without.
const names = ["authorization_endpoint", "token_endpoint", "revocation_endpoint"];
for (const [address, good] of Object.entries({
  "https://id.example": true, "http://127.0.0.1:8080": true, "http://127.1.2.3": true, "http://[::1]:8080": true, "http://localhost:8080": true,
  "http://id.example": false, "http://127.0.0.1.example": false, "http://localhost.example": false, "http://[::2]": false, "ftp://localhost": false,
})) {
  for (const of of ["issuer", ...names]) {
    const found = { issuer: "https://id.example", ...Object.fromEntries(names.map((name) => [name, "https://id.example/"])), [of]: address };
    const starts = new Latchkey({ ...options, issuer: found.issuer, fetch: async () => Response.json(found) }).start();
    await (good ? assert.doesNotReject(starts) : assert.rejects(starts, /is not https/, `${of} ${address}`));
  }
}
