package web

import (
	"net/http"

	"latchkey/auth/mail"
	"latchkey/views"
)

// demo is page for what only the demonstration shows, on this machine.
func (s *Server) demo(h func(w http.ResponseWriter, r *http.Request, outbox mail.Files) error) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		if s.outbox == nil {
			return errNoRoute
		}
		return h(w, r, *s.outbox)
	})
}

// galleryMails lists the mails that the demonstration wrote, newest first.
func (s *Server) galleryMails(w http.ResponseWriter, r *http.Request, outbox mail.Files) error {
	names, err := outbox.Names()
	if err != nil {
		return err //nolint:wrapcheck // says what was attempted
	}
	page := views.OutboxPage{Shell: s.shell(w, r, "Mails", "")}
	for _, name := range names[:min(len(names), 50)] {
		m, err := outbox.Read(name)
		if err != nil {
			continue // deleted meanwhile
		}
		page.Mails = append(page.Mails, views.OutboxMail{ID: name, To: m.To, Subject: m.Subject, Text: m.Text, At: m.At})
	}
	return render(w, r, http.StatusOK, views.Outbox(page))
}

// galleryMail shows one mail as a mail program does.
func (s *Server) galleryMail(w http.ResponseWriter, r *http.Request, outbox mail.Files) error {
	m, err := outbox.Read(r.PathValue("id"))
	if err != nil {
		return errNoRoute
	}
	letterHeaders(w.Header())
	_, _ = w.Write([]byte(m.HTML)) //nolint:gosec // a mail of ours, and nothing in it may run
	return nil
}

// letterHeaders lets a mail have its style, which stands in it, and nothing else.
func letterHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
}
