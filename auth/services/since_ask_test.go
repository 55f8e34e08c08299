package services_test

import (
	"errors"
	"slices"

	"pgregory.net/rapid"

	"latchkey/auth/challenge"
	"latchkey/auth/confirm"
	"latchkey/auth/device"
	"latchkey/models"
)

// ask makes the act, and returns the device that made it, if any, and whether the factors since were to go.
func (w *sinceWorld) ask(how string, x *sinceDevice) (keep *sinceDevice, removes bool, err error) {
	ctx := w.t.Context()
	if how == "at the end" {
		how = rapid.SampledFrom([]string{"portal", "portal, confirmed", "API", "link"}).Draw(w.rt, "how")
	}
	if how == "link" {
		return nil, true, w.answerLink(x)
	}
	keep = w.some("who acts", func(d *sinceDevice) bool { return d != x && isBrowser(d) == (how != "API") })
	if keep == nil {
		return nil, false, errNothing
	}
	young := slices.ContainsFunc(w.factors, func(f *sinceFactor) bool { return f.order >= x.order })
	if how == "API" {
		return w.askByApp(x, keep, young)
	}
	by := w.browserOf(keep)
	if how == "portal" {
		_, err = w.Devices.RevokeSince(ctx, by, x.id.String(), nil, w.laptop)
		return keep, false, err
	}
	c, f, ok := w.proof(by, anyFactor)
	if !ok {
		return nil, false, errNothing
	}
	_, err = w.Devices.RevokeSince(ctx, by, x.id.String(), &c, w.laptop)
	w.hold((err == nil) == (!young || f.order < x.order), "(e) confirmed with number %v, since number %d: %v", f, x.order, err)
	if err != nil && f.kind == models.FactorRecoveryCode {
		f.codes = append(f.codes, c.Code) // a refused act leaves it good
	}
	return keep, true, err
}

// askByApp confirms in an app, and acts by its access token.
func (w *sinceWorld) askByApp(x, keep *sinceDevice, young bool) (*sinceDevice, bool, error) {
	ctx := w.t.Context()
	answer, err := w.refresh(keep)
	if err != nil {
		w.rt.Fatal(err)
	}
	claims, err := w.Tokens.Verify(answer.AccessToken)
	if err != nil {
		w.rt.Fatal(err)
	}
	given, err := w.Confirm.App(ctx, confirm.AppRequest{Claims: claims, Password: adaPassword, From: w.phone})
	old := true
	var step *challenge.StepError
	if errors.As(err, &step) {
		f := w.usable()
		if f == nil {
			return nil, false, errNothing
		}
		a := challenge.Answer{Challenge: step.Challenge, From: w.phone, Method: challenge.Method(f.kind)}
		if f.kind == models.FactorPasskey {
			a.Credential = f.passkey.answer(w.t, step.PublicKey, "https://"+passkeyHost)
		} else {
			a.Code = w.codeOf(f)
		}
		old = f.order < x.order
		given, err = w.Confirm.FinishApp(ctx, claims, a)
	}
	if err != nil {
		w.rt.Fatalf("confirm in an app: %v", err)
	}
	kept := rapid.Bool().Draw(w.rt, "keep the factors")
	_, err = w.Devices.RevokeSinceByToken(ctx, device.SinceAct{AppAct: confirm.AppAct{Claims: claims, Confirmation: given.Confirmation, From: w.phone}, ID: x.id.String(), KeepFactors: kept})
	w.hold((err == nil) == (kept || !young || old), "(e) an app confirmed, with what came before: %v, keeps: %v, since number %d: %v", old, kept, x.order, err)
	return keep, !kept, err
}

// answerLink answers the mail about the sign-in: "This wasn't me". Then the owner has a password again.
func (w *sinceWorld) answerLink(x *sinceDevice) error {
	return (&forkBench{desk: w.desk, t: w.sinceBench.t}).thisWasNotMe(w.ada.ID, x.id, w.laptop)
}
