package views

const backendCommand = `latchkey client add Shop --id shop --confidential \
  --scope "users:read users:write devices:write"
latchkey webhook add https://shop.example.com/hook --event device.revoked`

// BackendGo is a backend in Go. A test compiles and runs it.
const BackendGo = `// newAPI is an HTTP client that sends a token of the backend's own, and fetches another in time.
func newAPI(base, id, secret string) *http.Client {
	config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: base + "/oauth/token"}
	return config.Client(context.Background())
}

// invite creates an account and mails the person. Under the same key it never makes a second one.
func invite(api *http.Client, base, email, key string) (id string, err error) {
	body, _ := json.Marshal(map[string]any{"email": email, "invite": true, "external_id": key})
	request, _ := http.NewRequest(http.MethodPost, base+"/api/admin/users", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	var user struct{ ID string }
	err = callAPI(api, request, &user)
	return user.ID, err
}

// signOutEverywhere signs every device of a person out.
func signOutEverywhere(api *http.Client, base, id string) error {
	request, _ := http.NewRequest(http.MethodDelete, base+"/api/admin/users/"+id+"/devices", nil)
	return callAPI(api, request, &struct{}{})
}

func callAPI(api *http.Client, request *http.Request, into any) error {
	answer, err := api.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		problem, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, problem)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// heard handles the messages of a webhook. Answer within five seconds; after an error they come again.
func heard(check *standardwebhooks.Webhook, revoked func(user, device string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || check.Verify(body, r.Header) != nil {
			http.Error(w, "not signed by this server", http.StatusBadRequest)
			return
		}
		var message struct {
			Type string
			Data struct {
				User   string ` + "`" + `json:"user_id"` + "`" + `
				Device string ` + "`" + `json:"device_id"` + "`" + `
			}
		}
		if json.Unmarshal(body, &message) == nil && message.Type == "device.revoked" {
			revoked(message.Data.User, message.Data.Device)
		}
	}
}`

// BackendNode is one in Node.js. A test runs it.
const BackendNode = `import { createHmac, timingSafeEqual } from "node:crypto";

const base = "{base}";
let token, until = 0;

// call sends a request with a token of the backend's own.
export async function call(method, path, body, key) {
  if (Date.now() > until) {
    const basic = Buffer.from("shop:" + process.env.CLIENT_SECRET).toString("base64");
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    const answer = await fetch(base + "/oauth/token", { method: "POST", body: form, headers: { authorization: "Basic " + basic } });
    const { access_token, expires_in, error } = await answer.json();
    if (error) throw new Error(error);
    [token, until] = [access_token, Date.now() + (expires_in - 60) * 1000];
  }
  const headers = { authorization: "Bearer " + token };
  if (body) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text && JSON.parse(text);
}

// Under the same key, invite never makes a second account.
export const invite = (email, key) => call("POST", "/api/admin/users", { email, invite: true, external_id: key }, key);
export const signOutEverywhere = (id) => call("DELETE", "/api/admin/users/" + id + "/devices");

// heard returns what a webhook says, or throws. body is the text as it came.
export function heard(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures = "" } = headers;
  const key = Buffer.from(process.env.WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const want = createHmac("sha256", key).update(id + "." + at + "." + body).digest();
  const signed = signatures.split(" ").some((one) => {
    const got = Buffer.from(one.replace("v1,", ""), "base64");
    return got.length === want.length && timingSafeEqual(got, want);
  });
  if (!signed || Math.abs(Date.now() / 1000 - at) > 300) throw new Error("not signed by this server");
  return JSON.parse(body);
}`
