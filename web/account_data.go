package web

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	"latchkey/auth/browser"
	"latchkey/views"
	"latchkey/web/wire"
)

// downloadTime bounds a whole download, downloadPause how long its reader may let the next part of it wait.
const (
	downloadTime  = 10 * time.Minute
	downloadPause = 20 * time.Second
)

// accountDataForm says what is in the file, and asks who is there.
func (s *Server) accountDataForm(w http.ResponseWriter, r *http.Request, _ *browser.Session) error {
	return s.renderAccountData(w, r, http.StatusOK, views.FormProblems{})
}

// accountData hands out everything that is kept of the account, in one file.
func (s *Server) accountData(w http.ResponseWriter, r *http.Request, by *browser.Session) error {
	_, c, err := s.decodeConfirmed(w, r, "current_password")
	if err != nil {
		return err
	}
	data, err := s.exports.Start(r.Context(), by, c)
	if err != nil {
		problems, status, ok := s.refusedAct(w, r, err, c, say(r).DataRefused())
		if !ok {
			return err
		}
		return s.renderAccountData(w, r, status, problems)
	}
	defer data.Close()
	now := by.Device.LastSeenAt
	w.Header().Set("Content-Type", wire.JSONType)
	w.Header().Set("Content-Disposition", attachment(say(r).FileName("data-"+now.Format(time.DateOnly)+".json")))
	// A long file takes longer than a request usually may.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), downloadTime)
	defer cancel()
	f := &dataFile{w: w, control: http.NewResponseController(w), current: by.Device.ID}
	if err := f.write(ctx, data, now); err != nil {
		s.log.WarnContext(ctx, "a download broke off", "request", request(r).ID, "cause", err.Error())
		panic(http.ErrAbortHandler) // so that the reader does not take a part for the whole
	}
	return nil
}

// attachment is the header that makes a browser save what it gets under a name (RFC 6266 §4.1).
func attachment(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return mime.FormatMediaType("attachment", map[string]string{"filename": name})
	}
	return `attachment; filename="` + name + `"`
}

func (s *Server) renderAccountData(w http.ResponseWriter, r *http.Request, status int, problems views.FormProblems) error {
	c, err := s.confirmPart(r)
	if err != nil {
		return err
	}
	return render(w, r, status, views.AccountData(views.AccountDataPage{Shell: s.shell(w, r, say(r).DataTitle(), "security"), Confirm: c, Problems: problems}))
}
