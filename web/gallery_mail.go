package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"

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
		return err
	}
	page := views.OutboxPage{Shell: s.shell(w, r, "Mails", "")}
	for _, name := range names[:min(len(names), 50)] {
		m, err := outbox.Read(name)
		if err != nil {
			continue // deleted since it was listed
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
	showMail(w, m.HTML)
	return nil
}

// inlineStyle finds the styles in a mail: those of its elements, and the elements <style>.
var inlineStyle = regexp.MustCompile(`(?s) style="([^"]*)"|<style>(.*?)</style>`)

// showMail answers with a mail. Its page may have the styles that stand in the mail, named by their hashes, and the icon that
// browsers load for every page; nothing else.
func showMail(w http.ResponseWriter, text string) {
	var styles []string
	for _, found := range inlineStyle.FindAllStringSubmatch(text, -1) {
		hash := sha256.Sum256([]byte(html.UnescapeString(found[1]) + found[2]))
		styles = append(styles, "'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	}
	slices.Sort(styles)
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-hashes' "+strings.Join(slices.Compact(styles), " ")+
		"; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(text))
}
