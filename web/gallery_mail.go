package web

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"latchkey/auth/mail"
	"latchkey/views"
	"latchkey/web/wire"
)

// demo is page for what only the demonstration shows, on this machine.
func (s *Server) demo(h func(w http.ResponseWriter, r *http.Request, outbox mail.Files) error) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		if s.outbox == nil {
			return wire.ErrNoRoute
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
	page := views.OutboxPage{Shell: s.shell(w, r, "E-mails", "")}
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
		return wire.ErrNoRoute
	}
	html := m.HTML
	if logo := s.files.Logo(); logo != nil {
		html = strings.Replace(html, `src="cid:`+mail.LogoID+`"`, `src="`+logo.URL+`"`, 1)
	}
	showMail(w, html)
	return nil
}

var inlineStyle = regexp.MustCompile(` style="([^"]*)"`)

// showMail answers with a mail. Its page may have the styles that stand in the mail, named by their hashes, the logo, and the
// icon that browsers load for every page; nothing else. Styles of single elements would need a policy that lets in any: they become rules.
func showMail(w http.ResponseWriter, mail string) {
	var rules strings.Builder
	numbers := map[string]string{}
	mail = inlineStyle.ReplaceAllStringFunc(mail, func(attribute string) string {
		declarations := html.UnescapeString(inlineStyle.FindStringSubmatch(attribute)[1])
		n, ok := numbers[declarations]
		if !ok {
			n = strconv.Itoa(len(numbers))
			numbers[declarations] = n
			rules.WriteString(`[data-style="` + n + `"] {` + declarations + "}\n")
		}
		return ` data-style="` + n + `"`
	})
	mail = strings.Replace(mail, "<style>", "<style>"+rules.String(), 1)
	policy := "default-src 'none'; style-src"
	for _, block := range strings.Split(mail, "<style>")[1:] {
		style, _, _ := strings.Cut(block, "</style>")
		hash := sha256.Sum256([]byte(style))
		policy += " 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy+"; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(mail))
}
