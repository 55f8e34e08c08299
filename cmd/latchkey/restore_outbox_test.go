package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"latchkey/auth/mail/mailtest"
	"latchkey/models/modelstest"
)

// What waits in a copy is sent after the copy was made, and once more after it was put back, under the same ids.
func TestWhatWaitsInACopyIsToldTwiceUnderOneID(t *testing.T) {
	t.Parallel()
	told := make(chan string, 10)
	system := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.Header.Get("webhook-id") }))
	defer system.Close()
	mails := mailtest.Start(t, false)
	url := modelstest.SQLite(t)
	s := &restoreStory{t: t, settings: on(url, "LATCHKEY_SMTP_URL="+smtpURL(mails), "LATCHKEY_MAIL_FROM=no-reply@id.example.com", "LATCHKEY_BASE_URL=http://localhost:8080")}
	s.latchkey("", "migrate")
	s.latchkey("", "webhook", "add", system.URL, "--event", "user.created")
	s.latchkey("", "user", "add", bea, "--invite") // no server runs: the mail and the message wait
	kept := filepath.Join(t.TempDir(), "kept.db")
	s.latchkey("", "backup", kept)
	var ids []string
	tell := func() {
		t.Helper()
		before := len(mails.Mails())
		s.start()
		eventually(t, time.Minute, "the mail is sent", func() bool { return len(mails.Mails()) > before })
		select {
		case id := <-told:
			ids = append(ids, id)
		case <-time.After(time.Minute):
			t.Fatal("the system was not told")
		}
		s.stop()
	}
	tell()
	s.latchkey("", "restore", kept, "--replace")
	tell()
	for _, m := range mails.Mails() {
		read, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, read.Header.Get("Message-ID"))
	}
	if len(ids) != 4 || ids[0] == "" || ids[2] == "" || len(slices.Compact(ids)) != 2 {
		t.Errorf("told under %q", ids)
	}
}
