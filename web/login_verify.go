package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/auth"
	"latchkey/auth/challenge"
	"latchkey/auth/signin"
	"latchkey/views"
)

// verifyPath is the page of the second step, and where it leads on to.
func verifyPath(next string) string { return withNext("/login/verify", next) }

func withNext(path, next string) string {
	if next == "" {
		return path
	}
	joint := "?"
	if strings.Contains(path, joint) {
		joint = "&"
	}
	return path + joint + "next=" + url.QueryEscape(next)
}

// toSecondStep keeps the sign-in whose password was right, and leads to its second step.
func (s *Server) toSecondStep(w http.ResponseWriter, r *http.Request, step *challenge.StepError, next string) error {
	if err := s.cookies.keepStep(w, r, step.Challenge); err != nil {
		return err
	}
	return redirect(w, r, verifyPath(localPath(next)))
}

// loginVerifyForm asks for the second step of the sign-in that waits in this browser.
func (s *Server) loginVerifyForm(w http.ResponseWriter, r *http.Request) error {
	page := views.SecondStepPage{Next: localPath(r.URL.Query().Get("next")), Method: r.URL.Query().Get("method")}
	if by, err := s.session(r); err == nil && s.cookies.step(r) == "" {
		request(r).session = by
		return redirect(w, r, orDevices(page.Next))
	}
	return s.renderStep(w, r, http.StatusOK, page)
}

// loginVerify takes the second step and signs the person in.
func (s *Server) loginVerify(w http.ResponseWriter, r *http.Request) error {
	p, err := decodePage(r, "challenge", "method", "code", "passkey", "trust", "next", "account")
	if err != nil {
		return err
	}
	page := views.SecondStepPage{Next: localPath(p["next"]), Method: p["method"]}
	waiting := s.cookies.step(r)
	if waiting == "" || challenge.ID(waiting) != p["challenge"] {
		page.Ended = true // another tab began a sign-in since, or this one took too long
		return s.renderStep(w, r, http.StatusConflict, page)
	}
	signIn, err := s.browserLogin(w, r, p)
	if err != nil {
		return err
	}
	if by := signIn.Replaces; by != nil && p["account"] != by.User.ID.String() {
		step, err := s.challenges.Find(r.Context(), waiting)
		if err == nil && step.User != by.User.ID { // of a step that was taken, FinishBrowser knows whose it was
			page.Problems = signedInSince(say(r), by)
			return s.renderStep(w, r, http.StatusConflict, page)
		}
	}
	key, err := s.signIn.FinishBrowser(r.Context(), signin.BrowserAnswer{
		Answer: challenge.Answer{Challenge: waiting, Method: challenge.Method(p["method"]), Code: p["code"], Credential: []byte(p["passkey"]), From: signIn.From},
		Trust:  p["trust"] != "", Replaces: signIn.Replaces,
	})
	if err != nil {
		return s.refuseStep(w, r, page, err)
	}
	s.cookies.forgetStep(w, r)
	s.chooseLanguage(r, key.Language) // of the notice, which the account's page shows
	if p["method"] == string(challenge.MethodRecoveryCode) {
		s.cookies.leave(w, r, views.Flash{
			Tone: views.ToneInfo, Text: say(r).StepUsedRecoveryCode(),
			Detail: say(r).StepUsedRecoveryCodeDetail(),
		})
	}
	if key.Trust != "" {
		if err := s.cookies.addTrust(w, r, key.Trust); err != nil {
			return err
		}
	}
	return s.welcome(w, r, key, p["next"])
}

// refuseStep shows the page again with what was wrong. After the last try, or if the challenge is over, only the way back to the
// sign-in form is left.
func (s *Server) refuseStep(w http.ResponseWriter, r *http.Request, page views.SecondStepPage, err error) error {
	own := auth.AsError(err)
	switch own.Kind {
	case auth.KindInvalidChallenge:
		page.Ended = true
		s.judge(w, r, err)
		return s.renderStep(w, r, http.StatusConflict, page)
	case auth.KindInvalidCode:
		s.judge(w, r, err)
		if own.AttemptsLeft == 0 {
			page.Ended = true
			return s.renderStep(w, r, http.StatusUnprocessableEntity, page)
		}
		page.Problems = views.FormProblems{Summary: say(r).StepTries(int(own.AttemptsLeft)), Fields: map[string]string{stepField(page.Method): say(r).Error(own.Message)}}
		return s.renderStep(w, r, http.StatusUnprocessableEntity, page)
	default:
		problems, status, ok := s.formProblems(w, r, err)
		if !ok {
			return err
		}
		page.Problems = problems
		return s.renderStep(w, r, status, page)
	}
}

// stepField is the field that a method's answer stands in.
func stepField(method string) string {
	if method == string(challenge.MethodPasskey) {
		return "passkey"
	}
	return "code"
}

// renderStep shows the second step of the challenge in this browser's cookie.
func (s *Server) renderStep(w http.ResponseWriter, r *http.Request, status int, page views.SecondStepPage) error {
	if !page.Ended {
		step, err := s.challenges.Find(r.Context(), s.cookies.step(r))
		if err != nil && auth.AsError(err).Kind != auth.KindInvalidChallenge {
			return err
		}
		page.Ended = err != nil
		showStep(&page, step)
	}
	if page.Ended {
		s.cookies.forgetStep(w, r)
	}
	title := say(r).StepTitle()
	if page.Ended {
		title = say(r).StepEndedTitle()
	}
	page.Shell = s.shell(w, r, title, "")
	return render(w, r, status, views.SecondStep(page))
}

// showStep fills in what the account can use. The first method is asked for where the page names none of them.
func showStep(page *views.SecondStepPage, step challenge.SecondStep) {
	page.Challenge, page.CanTrust, page.Closed = step.ID, step.CanTrust, step.Closed
	for _, m := range step.Methods {
		page.Methods = append(page.Methods, string(m))
	}
	if len(page.Methods) > 0 && !slices.Contains(page.Methods, page.Method) {
		page.Method = page.Methods[0]
	}
	if step.PublicKey != nil {
		page.Passkey = &views.PasskeyStart{Options: string(step.PublicKey)}
	}
}

// secondStep returns the second step that an error of a sign-in asks for, or nil.
func secondStep(err error) *challenge.StepError {
	var step *challenge.StepError
	if errors.As(err, &step) {
		return step
	}
	return nil
}
