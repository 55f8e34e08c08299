package passkey_test

import (
	"errors"
	"testing"

	"latchkey/auth/passkey"
)

func TestSitesThatCanHavePasskeys(t *testing.T) {
	for name, c := range map[string]passkey.Config{
		"a host":          {ID: domain, Name: "Latchkey", Origins: []string{webOrigin}},
		"in capitals":     {ID: "ID.Example.COM", Name: "Latchkey", Origins: []string{webOrigin}},
		"with two apps":   {ID: domain, Name: "Latchkey", Origins: []string{webOrigin, appOrigin, appOrigin + "x"}},
		"at home":         {ID: "localhost", Name: "Latchkey", Origins: []string{"http://localhost:8080", appOrigin}},
		"with a Umlaut":   {ID: "xn--mller-kva.example", Name: "Müller", Origins: []string{"https://xn--mller-kva.example"}},
		"with a port":     {ID: domain, Name: "Latchkey", Origins: []string{webOrigin + ":8443"}},
		"of a long brand": {ID: domain, Name: "The Very Long and Honourable Society of Latchkeys", Origins: []string{webOrigin}},
	} {
		if _, err := passkey.New(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheHostIsInLowerCase guards what authenticators hash: browsers write hosts in lower case.
func TestTheHostIsInLowerCase(t *testing.T) {
	c, err := passkey.New(passkey.Config{ID: "ID.Example.COM", Name: "Latchkey", Origins: []string{"https://ID.Example.COM"}})
	if err != nil {
		t.Fatal(err)
	}
	p := register(t, c, newPerson(t, ada))
	options, session := begin(t, c)
	if _, err := c.FinishRequest(ada, session, p.answer(t, site, options), []passkey.Credential{p.stored}, now); err != nil {
		t.Error(err)
	}
}

func TestSitesThatAreWrong(t *testing.T) {
	for name, c := range map[string]passkey.Config{
		"without a name":      {ID: domain, Origins: []string{webOrigin}},
		"without an origin":   {ID: domain, Name: "Latchkey"},
		"with apps only":      {ID: domain, Name: "Latchkey", Origins: []string{appOrigin}},
		"with no origin's":    {ID: domain, Name: "Latchkey", Origins: []string{webOrigin, "latchkey"}},
		"with an empty one's": {ID: domain, Name: "Latchkey", Origins: []string{webOrigin, ""}},
	} {
		if got, err := passkey.New(c); err == nil || got != nil || errors.Is(err, passkey.ErrNoDomain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostsThatCannotHavePasskeys(t *testing.T) {
	for _, id := range []string{"", "127.0.0.1", "::1", "[::1]", "fe80::1%eth0", "intranet", domain + ":8443", webOrigin} {
		got, err := passkey.New(passkey.Config{ID: id, Name: "Latchkey", Origins: []string{"http://127.0.0.1:8080"}})
		if got != nil || !errors.Is(err, passkey.ErrNoDomain) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestTheSharedCeremoniesAreUsedAtOnce(t *testing.T) {
	c := newSite(t)
	done := make(chan error)
	for range 8 {
		go func() {
			_, _, err := c.Creation(ada, nil, now)
			if err == nil {
				_, _, err = c.Request(nil, now)
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
