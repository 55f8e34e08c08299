package views

import (
	"net/url"
	"strings"
	"testing"
)

// What a form for a sensitive act asks depends on what the account has.
func TestASensitiveFormAsksForWhatTheAccountHas(t *testing.T) {
	for page, want := range map[string]struct{ password, code, passkey int }{
		"password/empty":                       {1, 0, 0},
		"password/with a code":                 {1, 1, 0},
		"password/with everything":             {1, 1, 1},
		"password/with a passkey only":         {0, 0, 1},
		"security/data with everything":        {1, 1, 1},
		"security/delete with everything":      {1, 1, 1},
		"ways back/to end with everything":     {1, 1, 1},
		"passkeys/some":                        {1, 1, 1},
		"remove/the app, the last":             {1, 1, 0},
		"app/set up with a passkey":            {0, 0, 1},
		"codes/many":                           {1, 1, 1},
		"setup/codes, confirmed once more":     {1, 1, 1},
		"setup/required":                       {0, 0, 0},
		"security/own password":                {1, 0, 0},
		"second step/recovery code":            {0, 1, 0},
		"second step/passkey":                  {0, 0, 1},
		"second step/app closed":               {0, 0, 0},
		"second step/ended":                    {0, 0, 0},
		"email/change with everything (email)": {1, 1, 1},
	} {
		field := "current_password"
		if strings.HasSuffix(page, " (email)") {
			page, field = strings.TrimSuffix(page, " (email)"), "password"
		}
		doc := state(t, page)
		for name, n := range map[string]int{field: want.password, "code": want.code, "passkey": want.passkey} {
			if got := len(find(doc, "input", "name", name)); got != n {
				t.Errorf("%s: %d fields %q, want %d", page, got, name, n)
			}
		}
		if want.passkey == 1 {
			part := one(t, doc, "div", "id", "passkey", "data-passkey", "get", "data-options", "*")
			one(t, part, "noscript")
			one(t, part, "p", "class", "passkey-said")
			one(t, part, "button", "hidden", "*")
		}
	}
}

func TestTheCodeIsAskedForAsPhonesFillItIn(t *testing.T) {
	one(t, state(t, "second step/code"), "input", "name", "code", "inputmode", "numeric", "autocomplete", "one-time-code", "autofocus", "*")
	recovery := one(t, state(t, "second step/recovery code"), "input", "name", "code", "autocomplete", "off")
	if _, ok := attr(recovery, "inputmode"); ok {
		t.Error("a phone shows its digits only for a code with letters")
	}
	one(t, state(t, "login/passkey"), "input", "name", "email", "autocomplete", "username webauthn")
}

// No trust without a second factor that its owner has at hand: a recovery code means that it was lost.
func TestTrustIsOfferedWhereItIsAllowed(t *testing.T) {
	one(t, state(t, "second step/code"), "input", "type", "checkbox", "name", "trust", "value", "1")
	none(t, state(t, "second step/recovery code"), "input", "name", "trust")
	none(t, state(t, "second step/passkey only"), "input", "name", "trust")
}

func TestTheOtherWaysLeadOn(t *testing.T) {
	doc := state(t, "second step/passkey")
	one(t, doc, "a", "href", "/login/verify?method=recovery_code&next=%2Factivity%3Fkind%3Dsign-ins")
	none(t, state(t, "second step/code"), "a", "href", "/login/verify?method=totp")
	one(t, state(t, "second step/ended"), "a", "href", "/login?next=%2Factivity")
}

func TestTheOverviewLeadsToEverything(t *testing.T) {
	doc := state(t, "security/needs care")
	for _, path := range []string{"password", "passkeys", "app", "codes", "browsers", "email", "ways-back", "data", "delete", "secure"} {
		one(t, doc, "a", "href", "/security/"+path)
	}
	none(t, doc, "a", "href", "/security/setup")
	one(t, state(t, "security/off"), "a", "class", "button button-primary", "href", "/security/setup")
	none(t, state(t, "security/off"), "a", "href", "/security/ways-back")
	if s := text(doc); !strings.Contains(s, "3 left. Get new ones soon.") {
		t.Error("few codes are no reason to warn")
	}
	if s := text(state(t, "security/on")); strings.Contains(s, "Get new ones") {
		t.Error("enough codes are a reason to warn")
	}
}

func TestRemovingTheLastFactorSaysWhatItMeans(t *testing.T) {
	const alone = "your password alone is enough to sign in."
	if !strings.Contains(text(state(t, "remove/the last passkey")), alone) || strings.Contains(text(state(t, "remove/a passkey")), alone) {
		t.Error("the last one and another one look alike")
	}
	none(t, state(t, "remove/the last, required"), "form", "action", "/security/app/remove")
}

// The file needs neither a script nor another request.
func TestRecoveryCodesAreDownloadedFromThePage(t *testing.T) {
	doc := state(t, "codes/shown instead of old ones")
	link := one(t, doc, "a", "download", "latchkey-recovery-codes.txt")
	body, ok := strings.CutPrefix(value(link, "href"), "data:text/plain;charset=utf-8,")
	file, err := url.PathUnescape(body)
	codes := find(doc, "code")
	if !ok || err != nil || len(codes) != 10 {
		t.Fatalf("%q, %d codes: %v", value(link, "href"), len(codes), err)
	}
	for _, c := range codes {
		if !strings.Contains(file, text(c)+"\r\n") {
			t.Errorf("the file lacks %s", text(c))
		}
	}
	one(t, doc, "a", "href", "/support")
	if !strings.Contains(text(doc), "old codes no longer work") {
		t.Error("the old codes are not said to be over")
	}
}

func TestTheSetUpCarriesWhereItLeads(t *testing.T) {
	doc := state(t, "setup/staff")
	form := one(t, doc, "form", "action", "/security/passkeys")
	for _, name := range []string{"guided", "next", "enrol_code", "name", "new_passkey", "new_challenge"} {
		one(t, form, "input", "name", name)
	}
	one(t, doc, "a", "href", "/security/setup?method=app&next=%2Fsupport")
	one(t, one(t, state(t, "setup/chosen"), "main"), "a", "href", "/security")
}

func TestADeviceSaysHowItSignedIn(t *testing.T) {
	if s := text(state(t, "devices/a few")); !strings.Contains(s, "with a password and a code") || !strings.Contains(s, "with a passkey") {
		t.Error("it does not")
	}
}

// A passkey gets a name by itself: people who do not know passkeys should not have to think of one.
func TestAPasskeyNeedsNoName(t *testing.T) {
	name := one(t, state(t, "passkeys/none"), "input", "name", "name")
	if _, ok := attr(name, "required"); ok {
		t.Error("the form asks for a name")
	}
}

func TestTheOtherWaysAreButtonsUnderAHeading(t *testing.T) {
	doc := state(t, "second step/app closed")
	ways := one(t, doc, "nav", "aria-labelledby", "ways")
	one(t, doc, "h2", "id", "ways")
	one(t, ways, "a", "class", "button button-wide", "href", "/login/verify?method=recovery_code")
}

// Copied codes stand on lines of their own.
func TestRecoveryCodesAreCopiedLineByLine(t *testing.T) {
	doc := state(t, "codes/shown")
	one(t, doc, "button", "data-copy", "all-codes", "hidden", "*")
	all := one(t, doc, "pre", "id", "all-codes", "hidden", "*").FirstChild.Data
	for _, c := range find(doc, "code") {
		if !strings.Contains("\n"+all+"\n", "\n"+text(c)+"\n") {
			t.Errorf("%q lacks %s", all, text(c))
		}
	}
}

// The label names what the account has: without an app there is no code of one.
func TestTheCodeIsCalledWhatTheAccountHas(t *testing.T) {
	for page, want := range map[string]string{"password/with a code": "Authenticator or recovery code", "password/with a recovery code": "Recovery code"} {
		if got := text(one(t, state(t, page), "label", "for", "code")); got != want {
			t.Errorf("%s: the field is called %q, want %q", page, got, want)
		}
	}
}
