package web_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"latchkey/models/modelstest"
)

// proof is a DPoP proof by the key of the fixture's bound device.
func (u *upgraded) proof(method, path, accessToken string) string {
	u.t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(u.Key)
	if err != nil {
		u.t.Fatal(err)
	}
	key := parsed.(*ecdsa.PrivateKey)
	raw, err := key.PublicKey.Bytes()
	if err != nil {
		u.t.Fatal(err)
	}
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": method, "htu": upgradeBase + path, "iat": u.clock.Now().Unix()}
	if u.Nonce != "" {
		claims["nonce"] = u.Nonce
	}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		claims["ath"] = b64(sum[:])
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["typ"] = "dpop+jwt"
	token.Header["jwk"] = map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:33]), "y": b64(raw[33:])}
	text, err := token.SignedString(crypto.Signer(key))
	if err != nil {
		u.t.Fatal(err)
	}
	return text
}

// publishedKeys is the key set (RFC 7517).
func (u *upgraded) publishedKeys() []map[string]string {
	u.t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(u.visitor(homeIP, nil).get("/.well-known/jwks.json").body), &set); err != nil {
		u.t.Fatal(err)
	}
	return set.Keys
}

// download is ada's data.
func (u *upgraded) download() reply {
	u.t.Helper()
	return u.visitor(homeIP, u.Cookies["ada"]).submit("/security/data", "/security/data", url.Values{"current_password": {upgradePassword}})
}

// Cookies that an earlier release sealed sign their browsers in, under the names that they have.
func upgradedBrowsersStaySignedIn(t *testing.T, u *upgraded) {
	for name, v := range map[string]*visitor{"https": u.visitor(homeIP, u.Cookies["ada"]), "http": u.plainly(homeIP, u.Plain["ada"])} {
		page := v.get("/devices")
		if page.status != http.StatusOK || !strings.Contains(page.body, "kitchen camera") {
			t.Errorf("%s: %d to %q", name, page.status, page.header.Get("Location"))
		}
	}
	if r := u.visitor(awayIP, u.Cookies["sue"]).get("/support?q=leo%40example.com&kind=email"); !strings.Contains(r.body, "leo@example.com") {
		t.Errorf("support: %d %s", r.status, r.body)
	}
	// The sign-in form, sent twice within a minute, signs one browser in: the second answer repeats the first.
	before := strings.Count(string(u.download().body), `"sign_in"`)
	if r := u.visitor(homeIP, u.Cookies["mark"]).signIn("ada@example.com"); r.status != http.StatusSeeOther {
		t.Errorf("signed in twice: %d %s", r.status, r.body)
	}
	if after := strings.Count(string(u.download().body), `"sign_in"`); after != before {
		t.Errorf("a repeated sign-in made another device: %d sign-ins, %d before", after, before)
	}
}

// Everything that was kept of an account is still there, and judged as it was: which devices are live, and how the others ended.
func upgradedAnAccountHasTheSameData(t *testing.T, u *upgraded) {
	var before, after any
	r := u.download()
	if err := errors.Join(json.Unmarshal(u.Data, &before), json.Unmarshal([]byte(r.body), &after)); err != nil {
		t.Fatalf("%d %v", r.status, err)
	}
	for _, lost := range missing("", before, after) {
		t.Error(lost)
	}
	activity := u.visitor(homeIP, u.Cookies["ada"]).get("/activity")
	if activity.status != http.StatusOK || strings.Contains(activity.body, "Something else happened on your account.") {
		t.Errorf("activity: %d %s", activity.status, activity.body)
	}
}

// missing lists what one JSON value has and a later one has not, or has otherwise. New members are no difference.
func missing(path string, before, after any) (list []string) {
	switch was := before.(type) {
	case map[string]any:
		is, _ := after.(map[string]any)
		for name, value := range was {
			list = append(list, missing(path+"."+name, value, is[name])...)
		}
		return list
	case []any:
		is, _ := after.([]any)
		if len(is) != len(was) {
			return []string{fmt.Sprintf("%s has %d items, and had %d", path, len(is), len(was))}
		}
		for i, value := range was {
			list = append(list, missing(fmt.Sprintf("%s[%d]", path, i), value, is[i])...)
		}
		return list
	}
	if before != after {
		list = append(list, fmt.Sprintf("%s is %v, and was %v", path, after, before))
	}
	return list
}

// Every stored device token has the outcome that the fork rule gives it.
func upgradedDeviceTokensAreGood(t *testing.T, u *upgraded) {
	home := u.visitor(homeIP, nil)
	if got := home.refreshed(u.Tokens["repeated"]).refresh; got != u.Tokens["its successor"] {
		t.Error("a repeated refresh has another answer than before")
	}
	for _, name := range []string{"phone", "restored", "second child"} {
		home.refreshed(home.refreshed(u.Tokens[name]).refresh)
	}
	for name, want := range map[string]string{
		"first child": "reused", "idle": "idle", "revoked": "revoked", "ended by reuse": "revoked", "below the floor": "reused", "bound": "invalid_dpop_proof",
	} {
		if got := home.reason(u.Tokens[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	prove := func() string { return u.proof(http.MethodPost, "/oauth/token", "") }
	bound := home.refreshed(u.Tokens["bound"], "DPoP", prove()) // a repeat, which a bound device may always ask for
	home.refreshed(bound.refresh, "DPoP", prove())
	if got := home.reason(u.Tokens["bound, base"], "DPoP", prove()); got != "reused" {
		t.Errorf("the first token of the bound device: %s", got)
	}
}

// The signing keys are published as before, and access tokens that they signed are good.
func upgradedAccessTokensAreGood(t *testing.T, u *upgraded) {
	keys := map[string]*ecdsa.PublicKey{}
	for _, key := range u.publishedKeys() {
		x, errX := base64.RawURLEncoding.DecodeString(key["x"])
		y, errY := base64.RawURLEncoding.DecodeString(key["y"])
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err := errors.Join(errX, errY, err); err != nil {
			t.Fatal(err)
		}
		keys[key["kid"]] = public
	}
	if len(keys) != len(u.KIDs) {
		t.Errorf("%d keys are published, want %d", len(keys), len(u.KIDs))
	}
	used := map[string]bool{}
	for _, name := range []string{"signed by the previous key", "signed by the current key"} {
		_, err := jwt.NewParser(jwt.WithTimeFunc(u.clock.Now)).Parse(u.Access[name], func(token *jwt.Token) (any, error) {
			kid, _ := token.Header["kid"].(string)
			used[kid] = slices.Contains(u.KIDs, kid)
			return keys[kid], nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r := u.visitor(awayIP, nil).do(http.MethodGet, "/api/devices", "", "Authorization", "Bearer "+u.Access[name]); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if len(used) != 2 || len(u.KIDs) != 3 {
		t.Errorf("the tokens are signed by %v of %v", used, u.KIDs)
	}
	r := u.visitor(awayIP, nil).do(http.MethodGet, "/api/whoami", "", "Authorization", "DPoP "+u.Access["bound"], "DPoP", u.proof(http.MethodGet, "/api/whoami", u.Access["bound"]))
	if r.status != http.StatusOK {
		t.Errorf("bound: %d %s", r.status, r.body)
	}
	if r := u.visitor(awayIP, nil).do(http.MethodGet, "/api/devices", "", "Authorization", "Bearer "+u.Access["of a revoked device"]); r.status != http.StatusUnauthorized {
		t.Errorf("of a revoked device: %d", r.status)
	}
}

// upgradeLinks are the mailed links of the fixture, with what their pages ask for and what their use leads to.
var upgradeLinks = map[string]struct {
	form  url.Values
	shows string // a text of the page
	works func(t *testing.T, u *upgraded)
}{
	"signup": {url.Values{"password": {upgradePassword}}, "dora@example.com", signsIn("dora@example.com", upgradePassword)},
	"reset":  {url.Values{"new_password": {newPassword}}, "ada@example.com", signsIn("ada@example.com", newPassword)},
	"email":  {url.Values{"password": {upgradePassword}}, "ada@new.example.net", signsIn("ada@new.example.net", upgradePassword)},
	"undo": {url.Values{}, "bob@example.com", func(t *testing.T, u *upgraded) {
		if r := u.visitor(awayIP, nil).login("bobby@example.net", upgradePassword, "x"); r.status != http.StatusUnauthorized {
			t.Errorf("the address that was undone signs in: %d", r.status)
		}
	}},
	"not me": {url.Values{}, "phone", func(t *testing.T, u *upgraded) {
		if got := u.visitor(homeIP, nil).reason(u.Tokens["phone"]); got != "revoked" {
			t.Errorf("the device is not signed out: %s", got)
		}
	}},
}

func signsIn(email, password string) func(t *testing.T, u *upgraded) {
	return func(t *testing.T, u *upgraded) {
		t.Helper()
		if r := u.visitor(awayIP, nil).login(email, password, "after the upgrade"); r.status != http.StatusOK {
			t.Errorf("%s cannot sign in: %d %s", email, r.status, r.body)
		}
	}
}

// A mailed link opens its page and acts.
func upgradedLinkWorks(kind string) func(t *testing.T, u *upgraded) {
	return func(t *testing.T, u *upgraded) {
		link, v := upgradeLinks[kind], u.visitor(awayIP, nil)
		page := u.Pages[kind]
		if got := v.follow(u.Links[kind]); got != page {
			t.Errorf("the page was at %s, and is at %s", page, got)
		}
		// A browser that had followed the link before finds the page by its cookie alone.
		again := u.visitor(homeIP, u.Cookies["link "+kind])
		for _, v := range []*visitor{v, again, u.plainly(homeIP, u.Plain["link "+kind])} {
			if r := v.get(page); r.status != http.StatusOK || !strings.Contains(r.body, link.shows) {
				t.Fatalf("%d to %q %s", r.status, r.header.Get("Location"), r.body)
			}
		}
		if r := again.answer(page, maps.Clone(link.form)); r.status != http.StatusSeeOther {
			t.Fatalf("%d %s", r.status, r.body)
		}
		link.works(t, u)
	}
}

// A link that was used minutes before leads on.
func upgradedAUsedLinkLeadsOn(t *testing.T, u *upgraded) {
	v := u.visitor(homeIP, u.Cookies["link used"])
	if r := v.get(v.follow(u.Links["used"])); r.status != http.StatusSeeOther || r.header.Get("Location") != "/security" {
		t.Errorf("%d to %q", r.status, r.header.Get("Location"))
	}
}

// Counters go on to count, and the origins from which an account signed in go on to be known.
func upgradedLimitsHold(t *testing.T, u *upgraded) {
	for what, c := range map[string]struct {
		ip, email string
		want      int
	}{
		"a network that guessed ada's password":          {guesserIP, "ada@example.com", http.StatusTooManyRequests},
		"another network":                                {awayIP, "ada@example.com", http.StatusOK},
		"an account that was guessed at from many":       {awayIP, "leo@example.com", http.StatusTooManyRequests},
		"the same from a network that the account knows": {familiarIP, "leo@example.com", http.StatusOK},
		"an account that signed in thirty times":         {awayIP, "mia@example.com", http.StatusTooManyRequests},
	} {
		if r := u.visitor(c.ip, nil).login(c.email, upgradePassword, "x"); r.status != c.want {
			t.Errorf("%s: %d, want %d", what, r.status, c.want)
		}
	}
	if r := u.visitor(guesserIP, u.Cookies["mark"]).signIn("ada@example.com"); r.status != http.StatusSeeOther {
		t.Errorf("ada's browser in the network that guesses: %d", r.status)
	}
	u.newMails()
	u.visitor(awayIP, nil).submit("/forgot", "/forgot", url.Values{"email": {"nina@example.com"}})
	if list := u.newMails(); len(list) != 0 {
		t.Errorf("a fourth mail: %+v", list)
	}
}

// A deletion that was under way is finished: the account's address is in no event any more.
func upgradedADeletionIsFinished(t *testing.T, u *upgraded) {
	searches := func() string { return u.visitor(homeIP, u.Cookies["sue"]).get("/activity").body }
	if !strings.Contains(searches(), "carl@example.com") {
		t.Fatal("nothing is left to do")
	}
	if err := u.finishDeletions(); err != nil {
		t.Fatal(err)
	}
	if page := searches(); strings.Contains(page, "carl@example.com") || !strings.Contains(page, "leo@example.com") {
		t.Errorf("the support's activity: %s", page)
	}
}

func upgradedMailsAreSent(t *testing.T, u *upgraded) {
	list := u.waitingMails()
	if len(list) != len(u.Mails) {
		t.Fatalf("%d mails are sent, want %d", len(list), len(u.Mails))
	}
	for i, m := range list {
		want := u.Mails[i]
		for j, fact := range want.Facts {
			want.Facts[j] = strings.Trim(fact, "“”") // names in mails stood in quotation marks
		}
		if !reflect.DeepEqual(m, want) {
			t.Errorf("mail %d: %+v, want %+v", i, m, want)
		}
	}
}

// A server of this release works on the data of an earlier one: no one is signed out, and nothing that was sealed is lost.
func TestAfterAnUpgrade(t *testing.T) {
	promises := map[string]func(t *testing.T, u *upgraded){
		"browsers stay signed in":      upgradedBrowsersStaySignedIn,
		"an account has the same data": upgradedAnAccountHasTheSameData,
		"device tokens are good":       upgradedDeviceTokensAreGood,
		"access tokens are good":       upgradedAccessTokensAreGood,
		"a used link leads on":         upgradedAUsedLinkLeadsOn,
		"limits hold":                  upgradedLimitsHold,
		"a deletion is finished":       upgradedADeletionIsFinished,
		"waiting mails are sent":       upgradedMailsAreSent,
	}
	for kind := range upgradeLinks {
		promises["the mailed link works: "+kind] = upgradedLinkWorks(kind)
	}
	t.Run("sqlite", func(t *testing.T) {
		for name, fn := range promises {
			t.Run(name, func(t *testing.T) { fn(t, openSQLiteFixture(t)) })
		}
	})
	t.Run("postgres", func(t *testing.T) {
		databaseURL := modelstest.Postgres(t) // one for all: its rows are replaced
		for name, fn := range promises {
			t.Run(name, func(t *testing.T) { fn(t, openPostgresFixture(t, databaseURL)) })
		}
	})
}
