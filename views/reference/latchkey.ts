// Signs an app in at a Latchkey server through the browser, and keeps it signed in. Copy this file into your app: it needs fetch and WebCrypto
// alone (browsers, Capacitor, Electron, Node.js 20). All tabs of an origin share one sign-in at a server, with one key that no script can
// read.

/** Keeps a few values. set replaces a value in one step and resolves once it survives a crash; undefined removes it. */
export interface Store {
  get(name: string): Promise<unknown>;
  set(name: string, value: unknown): Promise<void>;
}

/** Runs work while no one else who shares the store runs any. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>;

export interface Options {
  issuer: string; // the server, as the operator names it: https, or on this machine
  clientId: string;
  redirectUri: string; // registered for the client
  scope?: string; // besides openid, such as "email"
  deviceName?: string; // that the page suggests
  store?: Store; // default: IndexedDB
  lock?: Lock; // default: navigator.locks, for all tabs together
  openBrowser?: (address: string) => Promise<string>; // resolves to the address with which the person comes back. Default: this page goes there
  fetch?: typeof fetch;
  patience?: number; // how many seconds a refresh tries again before it throws Later; default 30
  sleep?: (milliseconds: number) => Promise<void>;
}

/** What a server demands before a sensitive call (RFC 9470), as its answer says it. */
export interface Proof { acr?: string | undefined; maxAge?: string | undefined }

/** The person must sign in. reason is that of invalid_grant, such as "revoked". */
export class SignedOut extends Error {
  constructor(readonly reason?: string) { super(`signed out: ${reason ?? "there is no sign-in"}`); }
}

/** The server could not be asked. The app is still signed in: call again, with the same tokens. */
export class Later extends Error {
  constructor(readonly seconds: number, cause: unknown) { super("try again later", { cause }); }
}

/** The person must confirm who they are: tell them why, call signIn(proof), and repeat the call once they are back. */
export class ProofNeeded extends Error {
  constructor(readonly proof: Proof) { super("the person must confirm who they are"); }
}

interface Metadata { issuer: string; authorization_endpoint: string; token_endpoint: string; revocation_endpoint: string }
interface Kept { key: CryptoKeyPair; subject?: string; tokens?: Tokens }
interface Tokens { access: string; refresh: string; refreshAt: number; expires: number } // times in milliseconds since 1970
interface Request { state: string; verifier: string; nonce: string; key: CryptoKeyPair; began: number }
interface Answer {
  access_token: string; refresh_token: string; id_token?: string; expires_in: number; refresh_in: number; error?: string; reason?: string;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const hash = (text: string) => crypto.subtle.digest("SHA-256", bytes(text));
const base64url = (data: ArrayBuffer | Uint8Array) => btoa(String.fromCharCode(...new Uint8Array(data)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// direct is for requests to the server itself: a redirect would take tokens elsewhere, and some run under the lock.
const direct = (): RequestInit => ({ redirect: "error", signal: AbortSignal.timeout(30_000) });

// secure refuses a URL that does not use TLS. Only this machine needs none.
function secure(address: string): string {
  const { protocol, hostname } = new URL(address);
  const here = protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol !== "https:" && !here) throw new Error(`${address} is not https`);
  return address;
}

export class Latchkey {
  private readonly name: string; // of what is kept, and of its lock: no token goes to another server
  private readonly store: Store;
  private readonly lock: Lock;
  private readonly nonces = new Map<string, string>(); // the newest of each server, by its origin (RFC 9449 §8.2)
  private metadata?: Metadata;

  constructor(private readonly options: Options) {
    this.name = `latchkey ${options.issuer} ${options.clientId}`;
    this.store = options.store ?? indexedDBStore();
    this.lock = options.lock ?? ((work) => navigator.locks.request(this.name, work));
  }

  /** Lets the person sign in or, with a proof, confirm who they are. Without openBrowser the page goes away: see finish. */
  async signIn(proof: Proof = {}): Promise<void> {
    const address = await this.start(proof);
    if (this.options.openBrowser) return this.finish(await this.options.openBrowser(address));
    location.assign(address);
  }

  /** The address to which the person goes. */
  async start(proof: Proof = {}): Promise<string> {
    const { clientId, redirectUri, scope = "", deviceName } = this.options;
    const { authorization_endpoint } = await this.discover();
    const { state, verifier, nonce, key } = await this.lock(async () => {
      const { key } = (await this.kept()) ?? (await this.makeKey());
      const request: Request = { state: random(), verifier: random(), nonce: random(), key, began: Date.now() };
      const open = (await this.requests()).filter(({ began }) => Date.now() - began < 600_000); // the others were abandoned
      await this.store.set(`${this.name} requests`, [...open, request]);
      return request;
    });
    const parameters = new URLSearchParams({
      response_type: "code", client_id: clientId, redirect_uri: redirectUri, scope: `openid ${scope}`.trim(), state, nonce,
      code_challenge: base64url(await hash(verifier)), code_challenge_method: "S256", dpop_jkt: await thumbprint(key.publicKey),
    });
    if (deviceName) parameters.set("device_name", deviceName);
    if (proof.acr) parameters.set("acr_values", proof.acr);
    if (proof.maxAge) parameters.set("max_age", proof.maxAge);
    return `${authorization_endpoint}?${parameters}`;
  }

  /** Takes the address with which the person comes back: location.href, on the page of redirectUri. Then remove its query: history.replaceState. */
  async finish(address: string): Promise<void> {
    const back = new URL(address).searchParams;
    const request = (await this.requests()).find(({ state }) => state === back.get("state"));
    if (!request) throw new Error("this app did not ask for that answer");
    const { issuer } = await this.discover();
    if (back.get("iss") !== issuer) throw new Error(`the answer is not from ${issuer}`); // RFC 9207
    await this.lock(async () => {
      const others = (await this.requests()).filter(({ state }) => state !== request.state);
      await this.store.set(`${this.name} requests`, others);
    });
    if (back.get("error")) throw new Error(`${back.get("error")}: ${back.get("error_description")}`);
    const { key } = request; // of which the code is, whatever other tabs have done since
    const answer = await this.ask(key, this.options.patience ?? 30, {
      grant_type: "authorization_code", code: back.get("code") ?? "", redirect_uri: this.options.redirectUri, code_verifier: request.verifier,
    });
    if (answer.error) throw new Error(`the code was refused: ${answer.error}`);
    // The server itself has sent the ID token, so TLS takes the place of its signature (OpenID Connect Core §3.1.3.7, 6).
    const { iss, aud, nonce, sub } = claims(answer.id_token ?? "");
    if (iss !== issuer || aud !== this.options.clientId || nonce !== request.nonce || !sub) throw new Error("the ID token is not for this sign-in");
    await this.lock(async () => {
      const before = await this.kept();
      if (before?.subject && before.subject !== sub) {
        await this.revoke(key, answer.refresh_token);
        throw new Error("that is another account"); // nothing has changed
      }
      await this.store.set(this.name, { key, subject: sub, tokens: tokensOf(answer) } satisfies Kept);
      if (before?.tokens) await this.revoke(before.key, before.tokens.refresh); // the tokens are of a new device: the one before ends
    });
  }

  /** fetch with the access token, at the server or at another one that takes its tokens. The body must be one that can be sent twice. */
  async fetch(address: string, init: RequestInit = {}): Promise<Response> {
    let { key, tokens } = await this.fresh();
    let answer = await this.send(key, address, init, tokens.access);
    if (challenge(answer, "error") === "invalid_token") {
      ({ key, tokens } = await this.refresh(tokens.access));
      answer = await this.send(key, address, init, tokens.access);
    }
    if (challenge(answer, "error") !== "insufficient_user_authentication") return answer;
    const proof = { acr: challenge(answer, "acr_values"), maxAge: challenge(answer, "max_age") };
    if (!this.options.openBrowser) throw new ProofNeeded(proof);
    await this.signIn(proof);
    ({ key, tokens } = await this.fresh());
    return this.send(key, address, init, tokens.access); // once: an account without a second factor cannot prove more
  }

  /** Forgets the sign-in and tells the server. Without a network the app is signed out all the same. */
  async signOut(): Promise<void> {
    await this.lock(async () => {
      const kept = await this.kept();
      await this.store.set(this.name, undefined);
      if (kept?.tokens) await this.revoke(kept.key, kept.tokens.refresh);
    });
  }

  private async kept(): Promise<Kept | undefined> {
    return (await this.store.get(this.name)) as Kept | undefined;
  }

  private async requests(): Promise<Request[]> {
    return ((await this.store.get(`${this.name} requests`)) as Request[] | undefined) ?? [];
  }

  private async makeKey(): Promise<Kept> {
    const kept = { key: await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]) };
    await this.store.set(this.name, kept);
    return kept;
  }

  // fresh returns tokens that can be used. When a refresh is due and the server cannot be asked, the old ones do until they expire.
  private async fresh(): Promise<{ key: CryptoKeyPair; tokens: Tokens }> {
    const kept = await this.kept();
    if (!kept?.tokens) throw new SignedOut();
    const { key, tokens } = kept;
    if (Date.now() < tokens.refreshAt) return { key, tokens };
    if (Date.now() >= tokens.expires) return this.refresh(tokens.access);
    return this.refresh(tokens.access, 0).catch((error) => {
      if (error instanceof Later) return { key, tokens };
      throw error;
    });
  }

  // refresh replaces the tokens, unless that has happened since used was read. One tab does it, under the lock; the others read what it stored.
  private refresh(used: string, patience = this.options.patience ?? 30) {
    return this.lock(async () => {
      const kept = await this.kept(); // again, under the lock
      if (!kept?.tokens) throw new SignedOut();
      if (kept.tokens.access !== used) return { key: kept.key, tokens: kept.tokens };
      const answer = await this.ask(kept.key, patience, { grant_type: "refresh_token", refresh_token: kept.tokens.refresh });
      if (answer.error === "invalid_grant") { // the only answer that ends a sign-in. The key goes, too: the next one makes another
        await this.store.set(this.name, undefined);
        throw new SignedOut(answer.reason);
      }
      if (answer.error) throw new Error(`the refresh was refused: ${answer.error}`);
      const tokens = tokensOf(answer);
      await this.store.set(this.name, { ...kept, tokens } satisfies Kept); // before anything uses them
      return { key: kept.key, tokens };
    });
  }

  // ask asks the token endpoint. No answer, 408, 429 and 5xx mean that nothing was used up: the same request goes out again, after as long as
  // Retry-After says and a random part of a second, then of two, four and so on: the part that grows lets a server recover that all apps come back to.
  private async ask(key: CryptoKeyPair, patience: number, form: Record<string, string>): Promise<Answer> {
    const body = new URLSearchParams({ ...form, client_id: this.options.clientId });
    const sleep = this.options.sleep ?? ((milliseconds) => new Promise((done) => setTimeout(done, milliseconds)));
    for (let wait = 1; ; wait = Math.min(2 * wait, 300)) {
      let after = wait * (0.5 + Math.random()), cause: unknown;
      try {
        const { token_endpoint } = await this.discover();
        const response = await this.send(key, token_endpoint, { ...direct(), method: "POST", body });
        const retryAfter = Number(response.headers.get("Retry-After"));
        if (retryAfter > 0) after = retryAfter + wait * Math.random();
        const answer = (await response.json()) as Answer; // fails on half an answer, and on the page of a proxy
        if (response.status < 500 && response.status !== 408 && response.status !== 429 && (answer.error || answer.refresh_token)) return answer;
        cause = new Error(`${response.status} ${answer.error}`);
      } catch (error) {
        cause = error;
      }
      patience -= after;
      if (patience < 0) throw new Later(after, cause);
      await sleep(after * 1000);
    }
  }

  private async revoke(key: CryptoKeyPair, token: string): Promise<void> {
    try {
      const { revocation_endpoint } = await this.discover();
      const body = new URLSearchParams({ token, client_id: this.options.clientId });
      await this.send(key, revocation_endpoint, { ...direct(), method: "POST", body });
    } catch { /* the person can end the device in the list of devices */ }
  }

  private async discover(): Promise<Metadata> {
    if (this.metadata) return this.metadata;
    const { issuer, fetch: get = fetch } = this.options;
    const answer = await get(`${secure(issuer).replace(/\/$/, "")}/.well-known/openid-configuration`, direct());
    const found = (await answer.json()) as Metadata;
    if (found.issuer !== issuer) throw new Error(`the metadata are not of ${issuer}`);
    [found.authorization_endpoint, found.token_endpoint, found.revocation_endpoint].forEach(secure);
    return (this.metadata = found);
  }

  // send is fetch with a proof of the key (RFC 9449), and once more if the server wants its nonce in the proof.
  private async send(key: CryptoKeyPair, address: string, init: RequestInit, access?: string): Promise<Response> {
    const { origin, pathname } = new URL(address), { fetch: get = fetch } = this.options;
    for (let again = true; ; again = false) {
      const headers = new Headers(init.headers);
      headers.set("DPoP", await prove(key, init.method ?? "GET", origin + pathname, this.nonces.get(origin), access));
      if (access) headers.set("Authorization", `DPoP ${access}`);
      const answer = await get(address, { ...init, headers, credentials: "omit" });
      const nonce = answer.headers.get("DPoP-Nonce");
      if (nonce) this.nonces.set(origin, nonce);
      if (!again || (answer.status !== 400 && answer.status !== 401)) return answer;
      const problem = (await answer.clone().json().catch(() => ({}))) as { error?: string; code?: string };
      if (![problem.error, problem.code, challenge(answer, "error")].includes("use_dpop_nonce")) return answer;
    }
  }
}

// tokensOf reads a token answer. refresh_in differs from answer to answer, so that not all apps come at once.
function tokensOf(answer: Answer): Tokens {
  const now = Date.now();
  return { access: answer.access_token, refresh: answer.refresh_token, refreshAt: now + answer.refresh_in * 1000, expires: now + answer.expires_in * 1000 };
}

function claims(token: string): { iss?: string; aud?: string; nonce?: string; sub?: string } {
  const payload = atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (c) => c.charCodeAt(0))));
}

// challenge is a parameter of the WWW-Authenticate of a 401 (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3).
function challenge(answer: Response, name: string): string | undefined {
  if (answer.status !== 401) return undefined;
  return new RegExp(`\\b${name}="?([^",]*)`).exec(answer.headers.get("WWW-Authenticate") ?? "")?.[1];
}

async function publicJWK(key: CryptoKey) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return { crv, kty, x, y }; // in the order of a thumbprint (RFC 7638 §3)
}

async function thumbprint(key: CryptoKey): Promise<string> {
  return base64url(await hash(JSON.stringify(await publicJWK(key))));
}

// prove makes a DPoP proof (RFC 9449 §4.2).
async function prove(key: CryptoKeyPair, method: string, address: string, nonce?: string, access?: string): Promise<string> {
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: await publicJWK(key.publicKey) };
  const payload = {
    jti: random(), htm: method, htu: address, iat: Math.floor(Date.now() / 1000), nonce, ath: access && base64url(await hash(access)),
  };
  const input = [header, payload].map((part) => base64url(bytes(JSON.stringify(part)))).join(".");
  return `${input}.${base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, bytes(input)))}`;
}

/** Keeps values in IndexedDB, which takes the key as an object: its private part never becomes text. */
export function indexedDBStore(database = "latchkey"): Store {
  const run = async (mode: IDBTransactionMode, work: (values: IDBObjectStore) => IDBRequest) => {
    const db = await new Promise<IDBDatabase>((done, fail) => {
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("values");
      request.onsuccess = () => done(request.result);
      request.onerror = () => fail(request.error);
    });
    try {
      return await new Promise<unknown>((done, fail) => {
        const transaction = db.transaction("values", mode, { durability: "strict" });
        const request = work(transaction.objectStore("values"));
        transaction.oncomplete = () => done(request.result);
        transaction.onabort = () => fail(transaction.error);
      });
    } finally {
      db.close();
    }
  };
  return {
    get: (name) => run("readonly", (values) => values.get(name)),
    set: async (name, value) => {
      await run("readwrite", (values) => (value === undefined ? values.delete(name) : values.put(value, name)));
    },
  };
}
