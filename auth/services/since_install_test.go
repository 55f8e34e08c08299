package services_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/signin"
	"latchkey/auth/token"
	"latchkey/models"
)

// sincePhone is a phone on which apps name their installation, and its key.
type sincePhone struct {
	id       string
	key      *prover
	replaced []replacement
}

// replacement is when a sign-in of a client took a place on a phone.
type replacement struct {
	client string
	at     time.Time
}

// newPhones are the phones of a story. Their keys are those of all stories: a key makes each proof once.
func (b *sinceBench) newPhones() (list []*sincePhone) {
	for _, key := range b.keys {
		list = append(list, &sincePhone{id: uuid.NewString(), key: key})
	}
	return list
}

// installing is what an app that signs in says and proves about the phone that it is on.
type installing struct {
	client string
	phone  *sincePhone // nil: it names none
	key    *prover     // of the phone; nil: it proves none
	token  string      // of an earlier sign-in; empty: it sends none
}

func (i installing) sent() (s auth.SentInstallation) {
	if i.phone != nil {
		s.ID, s.OldToken = i.phone.id, i.token
	}
	return s
}

// installing draws a phone, and what the app proves: nothing, the phone's key, a token of some device, live or not, the latest or an older one.
func (w *sinceWorld) installing(client string) (i installing) {
	i.client = client
	at := rapid.IntRange(0, len(w.phones)).Draw(w.rt, "phone")
	if at == len(w.phones) {
		return i
	}
	i.phone = w.phones[at]
	if rapid.IntRange(0, 2).Draw(w.rt, "key") == 0 {
		i.key = i.phone.key
	}
	apps := slices.DeleteFunc(slices.Clone(w.devices), isBrowser)
	if len(apps) == 0 || rapid.IntRange(0, 3).Draw(w.rt, "token") == 0 {
		return i
	}
	own := slices.DeleteFunc(slices.Clone(apps), func(d *sinceDevice) bool { return d.phone != i.phone })
	if len(own) > 0 && rapid.IntRange(0, 4).Draw(w.rt, "its own") > 0 {
		apps = own
	}
	d := pick(w, "whose token", apps)
	if i.token = d.token; d.former != "" && rapid.IntRange(0, 2).Draw(w.rt, "an older one") == 0 {
		i.token = d.former
	}
	return i
}

// places are the devices whose place the sign-in proves, by this search's own rule: the device of the latest token or, without one, those with its
// key. It takes that of one of them.
func (w *sinceWorld) places(i installing) (list []*sinceDevice) {
	for _, d := range w.devices {
		if i.phone == nil || d.gone || d.phone != i.phone || d.client != i.client {
			continue
		}
		switch {
		case i.token == d.token && (d.bound == nil || i.key != nil):
			return []*sinceDevice{d}
		case d.bound != nil && i.key != nil:
			list = append(list, d)
		}
	}
	return list
}

// installed notes an app that signed in, and judges whose place it took. may are the places that it proved.
func (w *sinceWorld) installed(how string, answer token.Answer, i installing, may []*sinceDevice) {
	live, err := w.store.LiveDevices(w.t.Context(), w.ada.ID, w.live())
	if err != nil {
		w.rt.Fatal(err)
	}
	var gone []*sinceDevice
	for _, d := range w.devices {
		if !d.gone && !slices.ContainsFunc(live, func(row models.Device) bool { return row.ID == d.id }) {
			gone = append(gone, d)
		}
	}
	switch tooMany := i.phone != nil && i.phone.isShared(i.client, w.now()); {
	case len(may) == 0 || tooMany:
		w.hold(len(gone) == 0, "(f) %s took the place of %s without a proof, or too often: %v", how, names(gone), tooMany)
		w.shared += min(len(may), 1)
	default:
		w.hold(len(gone) == 1 && slices.Contains(may, gone[0]), "(f) %s proved the place of %s, and took that of %s", how, names(may), names(gone))
		w.hold(answer.DeviceName == gone[0].name, "(f) %s took the place of %q, and is %q", how, gone[0].name, answer.DeviceName)
		gone[0].gone = true
		i.phone.replaced = append(i.phone.replaced, replacement{i.client, w.now()})
		how += ", in a place"
		w.took++
	}
	w.add(&sinceDevice{id: answer.DeviceID, how: how, token: answer.RefreshToken, client: i.client, name: answer.DeviceName, phone: i.phone, bound: i.key})
}

// isShared reports whether so many places were taken that the next sign-in takes none.
func (p *sincePhone) isShared(client string, now time.Time) bool {
	n := 0
	for _, r := range p.replaced {
		if r.client == client && r.at.After(now.Add(-token.ReplacedWithin)) {
			n++
		}
	}
	return n >= token.MaxReplaced
}

func names(list []*sinceDevice) (text []string) {
	for _, d := range list {
		text = append(text, fmt.Sprintf("%s, number %d", d.how, d.order))
	}
	return text
}

// proofBy proves a key, or none.
func (w *sinceWorld) proofBy(key *prover) token.Proof {
	if key == nil {
		return token.Proof{}
	}
	return key.proofAt(w.t, w.config.Issuer+"/oauth/token", w.now())
}

func (w *sinceWorld) signInApp() {
	i := w.installing("notes")
	may := w.places(i)
	answer, err := w.login(i)
	how := "app, password"
	var step *challenge.StepError
	if errors.As(err, &step) {
		a, ok := w.secondStep(step)
		if !ok {
			return
		}
		how = "app, password and " + string(a.Method)
		answer, err = w.SignIn.FinishApp(w.t.Context(), a, w.proofBy(i.key))
	}
	if err != nil {
		w.failed(how, err)
		return
	}
	w.installed(how, answer, i, may)
}

func (w *sinceWorld) anAppRefreshes() {
	if d := w.some("app", func(d *sinceDevice) bool { return !isBrowser(d) }); d != nil {
		w.hold(w.alive(d), "%s, number %d, is out", d.how, d.order)
	}
}

func (w *sinceWorld) login(i installing) (token.Answer, error) {
	return w.SignIn.Login(w.t.Context(), signin.LoginRequest{
		Email: adaEmail, Password: adaPassword, DeviceName: "phone", ClientID: i.client, Installation: i.sent(), Proof: w.proofBy(i.key), From: w.phone,
	})
}

// appStepWaits gives the password in an app, and keeps the right answer to the second step for later.
func (w *sinceWorld) appStepWaits() {
	f := w.passkeyOfHers()
	if f == nil {
		return
	}
	i := w.installing("notes")
	_, err := w.login(i)
	var step *challenge.StepError
	if !errors.As(err, &step) {
		w.failed("a password in an app of an account with a passkey", err)
		return
	}
	a := challenge.Answer{Challenge: step.Challenge, Method: challenge.MethodPasskey, Credential: f.passkey.answer(w.t, step.PublicKey, "https://"+passkeyHost), From: w.phone}
	w.waits = append(w.waits, waiting{"a second step in an app", func() error {
		may := w.places(i)
		answer, err := w.SignIn.FinishApp(w.t.Context(), a, w.proofBy(i.key))
		if err == nil {
			w.installed("app, second step later", answer, i, may)
		}
		return err
	}})
}

func (w *sinceWorld) passkeyInAnApp() {
	f := w.passkeyOfHers()
	if f == nil {
		w.addPasskeyOfHers()
		return
	}
	i := w.installing("notes")
	start, err := w.SignIn.StartPasskeyApp(w.t.Context(), signin.AppStart{DeviceName: "phone", ClientID: i.client, Installation: i.sent(), Proof: w.proofBy(i.key), From: w.phone})
	if err != nil {
		w.rt.Fatal(err)
	}
	may := w.places(i)
	a := challenge.Answer{Challenge: start.Challenge, Method: challenge.MethodPasskey, Credential: f.passkey.answer(w.t, start.PublicKey, "https://"+passkeyHost), From: w.phone}
	answer, err := w.SignIn.FinishApp(w.t.Context(), a, w.proofBy(i.key))
	if err != nil {
		w.failed("a passkey in an app", err)
		return
	}
	w.installed("app, passkey", answer, i, may)
}

// passkeyOfHers returns the first passkey, or nil.
func (w *sinceWorld) passkeyOfHers() *sinceFactor {
	at := slices.IndexFunc(w.factors, func(f *sinceFactor) bool { return f.kind == models.FactorPasskey })
	if at < 0 {
		return nil
	}
	return w.factors[at]
}
