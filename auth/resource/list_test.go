package resource

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/auth/keyring"
	"latchkey/auth/statuslist"
)

// Invalid lists: a token that names one is never accepted.
func TestListsAreJudged(t *testing.T) {
	bomb, err := statuslist.Encode(statuslist.NewBits(8 << 22))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		header, claims map[string]any
		good           bool
	}{
		"as it should be":               {nil, nil, true},
		"typ written out":               {map[string]any{"typ": statuslist.MediaType}, nil, true},
		"of the issuer, and saying so":  {nil, map[string]any{"iss": theIssuer}, true},
		"an access token":               {map[string]any{"typ": "at+jwt"}, nil, false},
		"without a type":                {map[string]any{"typ": nil}, nil, false},
		"crit":                          {map[string]any{"crit": []string{"exp"}}, nil, false},
		"alg none":                      {map[string]any{"alg": "none"}, nil, false},
		"by an unknown key":             {map[string]any{"kid": "nobody's"}, nil, false},
		"of another URI":                {nil, map[string]any{"sub": theIssuer + "/statuslists/2"}, false},
		"of no URI":                     {nil, map[string]any{"sub": ""}, false},
		"of another issuer":             {nil, map[string]any{"iss": "https://evil.example.com"}, false},
		"expired":                       {nil, map[string]any{"exp": 1_000_000_000}, false},
		"from the future":               {nil, map[string]any{"iat": 4_102_444_800}, false},
		"from no time":                  {nil, map[string]any{"iat": "now"}, false},
		"of two bits for each":          {nil, map[string]any{"status_list": map[string]any{"bits": 2, "lst": "eNrbuRgAAhcBXQ"}}, false},
		"of no bits":                    {nil, map[string]any{"status_list": map[string]any{"lst": "eNrbuRgAAhcBXQ"}}, false},
		"without a list":                {nil, map[string]any{"status_list": map[string]any{"bits": 1}}, false},
		"with a list that is no list":   {nil, map[string]any{"status_list": map[string]any{"bits": 1, "lst": "AAAA"}}, false},
		"with a list of sixteen":        {nil, map[string]any{"status_list": map[string]any{"bits": 1, "lst": "eNoDAAAAAAE"}}, false},
		"a bomb of four megabytes":      {nil, map[string]any{"status_list": map[string]any{"bits": 1, "lst": bomb}}, false},
		"with a ttl of zero":            {nil, map[string]any{"ttl": 0}, false},
		"with a negative ttl":           {nil, map[string]any{"ttl": -5}, false},
		"with a ttl past all numbers":   {nil, map[string]any{"ttl": 1e300}, true},
		"with a ttl in fractions":       {nil, map[string]any{"ttl": 0.001}, true},
		"with claims that nobody knows": {nil, map[string]any{"aggregation_uri": theIssuer + "/x"}, true},
	} {
		bubble(t, func(t *testing.T, i *issuer) {
			i.now = func() time.Time { return time.Unix(1_800_000_000, 0) }
			i.header, i.claims = test.header, test.claims
			v := i.verifier(nil)
			kind := ErrUnavailable
			switch {
			case test.good:
				kind = nil
			case strings.HasSuffix(name, "sixteen"):
				kind = ErrInvalidToken // the list is good, and knows no such token
			}
			want(t, v, i.listed(20), kind, name)
		})
	}
}

func TestTheListOfAnotherIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		evil := newIssuer(t, keyring.ES256)
		evil.keys[0].ID = i.keys[0].ID
		i.instead[listPath] = evil.ServeHTTP
		v := i.verifier(nil)
		want(t, v, i.listed(1), ErrUnavailable, "a list that somebody else signed")
	})
}

func TestAnOlderListDoesNotReplaceANewerOne(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		v := i.verifier(nil)
		before := i.list()
		time.Sleep(maxSetBack + time.Second)
		i.revoke(5)
		want(t, v, i.listed(5), ErrRevoked, "by the newer list")
		i.change(func() {
			i.instead[listPath] = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(before)) }
		})
		time.Sleep(5 * time.Minute)
		want(t, v, i.listed(5), ErrRevoked, "when an older list is served")
	})
}

// A token must not make the server send requests elsewhere, even one of the issuer's.
func TestListsOfOtherOriginsAreNotFetched(t *testing.T) {
	bubble(t, func(t *testing.T, i *issuer) {
		asked := 0
		v := i.verifier(func(c *Config) {
			c.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != jwksPath {
					asked++
				}
				return i.RoundTrip(r)
			})}
		})
		for _, uri := range []string{
			"", "statuslists/1", "/statuslists/1", "//id.example.com/statuslists/1", "http://id.example.com/statuslists/1", "https://id.example.com:8443/statuslists/1",
			"https://evil.example.com/statuslists/1", "https://id.example.com.evil.com/", "https://id.example.com@evil.com/", "https://user@id.example.com/statuslists/1",
			"https://169.254.169.254/latest/meta-data", "file:///etc/passwd", "https:id.example.com/statuslists/1", "https://id.example.com/statuslists/1#fragment",
			"https://id.example.com\\@evil.com/", "https://id.example.com/%zz", "https://id.example.com\t/", theIssuer + "/" + strings.Repeat("a", 2000), "\x00",
		} {
			want(t, v, i.token(map[string]any{"status": status(1, uri)}), ErrInvalidToken, uri)
		}
		if asked > 0 || len(*v.lists.Load()) > 0 {
			t.Errorf("%d requests", asked)
		}
		want(t, v, i.listed(1), nil, "a list of the issuer's")
		if asked != 1 {
			t.Errorf("%d requests for one list", asked)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
