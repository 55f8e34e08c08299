package web

import (
	"net/http"
	"slices"

	"latchkey/auth"
	"latchkey/auth/confirm"
	"latchkey/views"
	"latchkey/web/wire"
)

// confirmParams are the fields with which a form confirms a sensitive act, beside the password.
var confirmParams = []string{"code", "passkey", "challenge", "ticket"}

// decodeConfirmed is decodePage for the form of a sensitive act. passwordField is the name of its password field.
func (s *Server) decodeConfirmed(w http.ResponseWriter, r *http.Request, passwordField string, wanted ...string) (wire.Params, confirm.Confirmation, error) {
	p, err := decodePage(r, append(append(wanted, passwordField), confirmParams...)...)
	if err != nil {
		return nil, confirm.Confirmation{}, err
	}
	from, err := s.caller(r)
	if err != nil {
		return nil, confirm.Confirmation{}, err
	}
	return p, confirm.Confirmation{Password: p[passwordField], Code: p["code"], Passkey: []byte(p["passkey"]), Challenge: p["challenge"], Ticket: p["ticket"], From: from, PasswordField: passwordField}, nil
}

// confirmPart returns the part of a form that asks who is there.
func (s *Server) confirmPart(r *http.Request) (views.Confirm, error) {
	o, err := s.confirm.Options(r.Context(), request(r).session.User)
	return confirmFields(o), err
}

func confirmFields(o confirm.Options) views.Confirm {
	c := views.Confirm{SecondFactor: o.SecondFactor, HasCode: o.HasCode, HasApp: o.HasApp, HasRecovery: o.HasRecovery}
	if o.Passkey != nil {
		c.Passkey = &views.PasskeyStart{Challenge: o.Passkey.Challenge, Options: string(o.Passkey.PublicKey)}
	}
	return c
}

// refusedAct turns the refusal of a sensitive act, confirmed with c, into what its form shows, when a form can show it. undone says what was not
// done; typed is the new password of a form that asks for one. The form forgets all passwords, and says so.
func (s *Server) refusedAct(w http.ResponseWriter, r *http.Request, err error, c confirm.Confirmation, undone string, typed ...string) (views.FormProblems, int, bool) {
	problems, status, ok := s.formProblems(w, r, err)
	if !ok {
		return problems, status, false
	}
	field := ""
	switch own := auth.AsError(err); {
	case own.Kind == auth.KindWrongPassword:
		field = c.PasswordField
	case own.OfPasskey && (own.Kind == auth.KindInvalidCode || own.Kind == auth.KindInvalidChallenge):
		field = "passkey"
	case own.Kind == auth.KindInvalidCode:
		field = "code"
	}
	if field != "" {
		problems.Fields[field], problems.Summary = problems.Summary, undone
		status = http.StatusUnprocessableEntity
	}
	if auth.AsError(err).Kind == auth.KindInvalidRequest && len(problems.Fields) > 0 {
		problems.Summary = undone
	}
	if len(problems.Fields) > 0 {
		again := slices.DeleteFunc(append(typed, c.Password), func(s string) bool { return s == "" })
		switch {
		case len(again) > 1:
			problems.Summary = say(r).TextTwo(problems.Summary, say(r).FormPasswordsAgain())
		case len(again) == 1 && problems.Fields[c.PasswordField] == "" && problems.Fields["new_password"] == "":
			problems.Summary = say(r).TextTwo(problems.Summary, say(r).FormPasswordAgain())
		}
	}
	return problems, status, true
}
