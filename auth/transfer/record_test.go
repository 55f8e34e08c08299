package transfer

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

const (
	goodHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	secret   = "hunter2-is-a-secret" // must never be in a reason
)

func TestRecordsAreJudged(t *testing.T) {
	with := func(more string) string { return `{"email":"ada@example.org",` + more + `}` }
	for _, test := range []struct{ name, line, reason string }{
		{"the least", `{"email":"ada@example.org"}`, ""},
		{"everything", with(`"email_verified":true,"created_at":"2020-01-02T03:04:05.678+02:00","disabled":true,"external_id":"a|1","metadata":{"a":[1,2]},"password_hash":"` +
			goodHash + `","totp_secret":"gezd gnbv gy3t qojq gezd gnbv gy3t qojq"`), ""},
		{"nulls", with(`"created_at":null,"external_id":null,"metadata":null,"password_hash":null,"totp_secret":null`), ""},
		{"no address", `{}`, "email: This is required."},
		{"text that is not an e-mail address", `{"email":"` + secret + `"}`, "email: This isn’t a valid e-mail address"},
		{"a name with the address", `{"email":"Ada <ada@example.org>"}`, "email: This isn’t a valid"},
		{"an unknown member", with(`"role":"support"`), `unknown member "role"`},
		{"a misspelt member", with(`"password":"` + secret + `"`), `unknown member "password"`},
		{"a wrong type", with(`"external_id":17`), "external_id: a JSON value of the wrong type"},
		{"a number as the address", `{"email":17}`, "email: a JSON value of the wrong type"},
		{"no JSON", secret, "invalid JSON at byte 1"},
		{"an array", `[{"email":"ada@example.org"}]`, "a JSON value of the wrong type"},
		{"truncated", `{"email":"ada@exam`, "invalid JSON: it ends too early"},
		{"two values", `{"email":"ada@example.org"}{"email":"eve@example.org"}`, "more than one JSON value"},
		{"bytes that are not UTF-8", "{\"email\":\"\xff\"}", "not UTF-8"},
		{"too long", with(`"external_id":"` + strings.Repeat("a", MaxRecord) + `"`), "longer than 16384 bytes"},
		{"text that is not a time", with(`"created_at":"` + secret + `"`), "a time that is not of RFC 3339"},
		{"a date", with(`"created_at":"2020-01-02"`), "a time that is not of RFC 3339"},
		{"the future", with(`"created_at":"2026-11-29T12:00:01Z"`), "created_at: the time is before 1970 or in the future"},
		{"long ago", with(`"created_at":"1969-12-31T23:59:59Z"`), "created_at: the time is before 1970"},
		{"a long external id", with(`"external_id":"` + strings.Repeat("a", 201) + `"`), "external_id: Enter at most 200 characters."},
		{"a control character", with(`"external_id":"a\u0000b"`), "external_id: Remove control characters"},
		{"metadata that are a text", with(`"metadata":"` + secret + `"`), "metadata: This must be a JSON object."},
		{"metadata that are too long", with(`"metadata":{"a":"` + strings.Repeat("a", 4<<10) + `"}`), "metadata: This is 4104 bytes"},
		{"an unknown hash", with(`"password_hash":"` + secret + `"`), "password_hash: unknown format"},
		{"a hash that costs too much", with(`"password_hash":"` + strings.Replace(goodHash, "$10$", "$31$", 1) + `"`), "password_hash: bcrypt: password hash costs too much to verify: cost 31 is above 14"},
		{"a truncated hash", with(`"password_hash":"` + goodHash[:50] + `"`), "password_hash: bcrypt: malformed"},
		{"a secret that is not base32", with(`"totp_secret":"` + secret + `"`), "totp_secret: it is not base32"},
		{"a short secret", with(`"totp_secret":"GEZDGNBVGY3TQOJQ"`), "totp_secret: it has 10 bytes, not 16 to 64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := ParseRecord([]byte(test.line))
			if err == nil {
				_, err = r.judge(now)
			}
			switch {
			case test.reason == "" && err != nil:
				t.Error(err)
			case test.reason != "" && (err == nil || !strings.Contains(err.Error(), test.reason)):
				t.Errorf("%v; want %q", err, test.reason)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the reason tells a secret: %v", err)
			}
		})
	}
}

func TestARecordIsTheSameAfterItWasWritten(t *testing.T) {
	created := now.Add(-time.Hour)
	r := Record{Email: "ada@example.org", EmailVerified: true, CreatedAt: &created, Disabled: true, ExternalID: "<a>", Metadata: json.RawMessage(`{"a":1}`),
		PasswordHash: goodHash, TOTPSecret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRecord(line)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(got); err != nil || string(again) != string(line) {
		t.Errorf("%s, %v; want %s", again, err, line)
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"email":"ada@example.org","created_at":"2020-01-02T03:04:05Z","metadata":{"a":1},"password_hash":"` + goodHash + `"}`))
	f.Add([]byte(`{"email":"ada@example.org","totp_secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","external_id":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := ParseRecord(line)
		if err != nil {
			return
		}
		j, err := r.judge(now)
		if err == nil && (j.email == "" || len(j.metadata) > 4<<10 || strings.ContainsRune(r.ExternalID, 0)) {
			t.Errorf("%q was accepted as %+v", line, j)
		}
	})
}
