package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdbrowser "github.com/chromedp/cdproto/browser"

	"latchkey/auth/token"
	"latchkey/models/modelstest"
)

func TestAPersonTakesTheirDataAndLeavesInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("LEFT OUT: a short run does not test the portal in a browser")
	}
	for _, c := range []struct {
		width   int64
		scripts bool
	}{{390, false}, {1280, true}} {
		t.Run(fmt.Sprintf("%d pixels wide, scripts %v", c.width, c.scripts), func(t *testing.T) {
			chromium(t) // before a database is made
			s := newPostOffice(t, modelstest.MigratedSQLite(t))
			phone := s.login("phone")
			tab, folder := openTab(t, s.URL, c.width, c.scripts), t.TempDir()
			tab.do("take downloads", call(cdbrowser.SetDownloadBehavior, cdbrowser.SetDownloadBehaviorParams{Behavior: cdbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder}))
			tab.open("/login", http.StatusOK)
			tab.write("#email", adaEmail)
			tab.write("#password", adaPassword)
			tab.follow(`main button[type="submit"]`).one("h1").says("Devices")
			tab.follow(`.tabs a[href="/security"]`).one("h1").says("Security")
			tab.shoot("account-security")
			tab.follow(`a[href="/security/data"]`).one("h1").says("Download your data")
			tab.shoot("account-data")
			s.clock.Advance(time.Minute)
			tab.write("#current_password", adaPassword)
			tab.do("download", clicked(`main button[type="submit"]`))
			got := downloaded(t, folder)
			if got.Profile.Email != adaEmail || len(got.Devices) != 2 || got.Events[0]["kind"] != "data_downloaded" {
				t.Errorf("%+v", got)
			}

			tab.follow(`.aside a[href="/security"]`)
			tab.follow(`a[href="/security/delete"]`).one("h1").says("Delete your account?")
			tab.shoot("account-delete")
			tab.write("#email", adaEmail)
			tab.write("#current_password", adaPassword)
			tab.follow(`main button[type="submit"]`).one("h1").says("Sign in")
			tab.shoot("account-deleted")
			s.refused(phone.refresh, token.ReasonUnknownDevice)
			if list := s.mails(); list[len(list)-1].Subject != "Your account was deleted" {
				t.Errorf("%+v", list)
			}
			if faults := tab.takeFaults(); len(faults) > 0 {
				t.Errorf("the browser complains: %q", faults)
			}
		})
	}
}

// downloaded waits for the file and reads it.
func downloaded(t *testing.T, folder string) (got accountFile) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(20 * time.Millisecond) {
		names, err := filepath.Glob(filepath.Join(folder, "latchkey-data-*.json"))
		if err != nil || len(names) != 1 || strings.HasSuffix(names[0], ".crdownload") {
			continue
		}
		text, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		if got = (accountFile{}); json.Unmarshal(text, &got) == nil {
			return got
		} // else it is still being written
	}
	t.Fatal("no whole file came")
	return got
}
