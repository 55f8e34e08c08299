package web_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latchkey/auth/client"
	"latchkey/auth/services"
	"latchkey/models"
	"latchkey/models/modelstest"
	"latchkey/web"
)

// copied are the examples of the page that people copy, as they stand there.
func copied(page screen) (list []string) {
	for _, block := range page.all("pre", "data-copy", "*") {
		var b strings.Builder
		for d := range block.n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data)
			}
		}
		list = append(list, b.String())
	}
	return list
}

// manual are all pages of the manual.
var manual = []string{"/docs", "/docs/browser", "/docs/form", "/docs/app", "/docs/servers", "/docs/backend"}

// manualText is what all of them say.
func (s *site) manualText() string {
	var b strings.Builder
	for _, path := range manual {
		b.WriteString(s.browser().shown(path).text() + " ")
	}
	return b.String()
}

// needCurl skips where there is no curl, but never in CI.
func needCurl(t *testing.T) {
	t.Helper()
	for _, program := range []string{"sh", "curl", "sed", "tee"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

func TestTheWalkOnTheDocsPageWorksAsItStands(t *testing.T) {
	needCurl(t)
	each(t, func(t *testing.T, s *site) {
		s.addUser("you@example.com", "your own password")
		var script strings.Builder
		steps := 0
		section := func(path, id string) []string {
			return copied(s.browser().shown(path).one("section", "aria-labelledby", id))
		}
		for _, block := range slices.Concat(section("/docs/form", "walk"), section("/docs", "finds"), section("/docs/servers", "servers")) {
			if strings.Contains(block, "curl ") || strings.HasPrefix(block, "EMAIL=") {
				script.WriteString(block + "\nprintf '\\n=====\\n'\n")
				steps++
			}
		}
		sh := exec.CommandContext(t.Context(), "sh", "-eu")
		photos, err := s.auth.Clients.Add(t.Context(), client.Registration{Name: "Photo server", ID: "photos", Confidential: true})
		if err != nil {
			t.Fatal(err)
		}
		sh.Dir, sh.Stdin, sh.Env = t.TempDir(), strings.NewReader(script.String()), []string{"PATH=" + os.Getenv("PATH"), "NO_PROXY=*", "CLIENT_ID=photos", "CLIENT_SECRET=" + photos.Secret}
		out, err := sh.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		came := strings.Split(string(out), "\n=====\n")
		if steps != 7 || len(came) != steps+1 {
			t.Fatalf("%d steps, %d answers: %s", steps, len(came), out)
		}
		for i, want := range [][]string{
			nil,
			{`"token_type":"Bearer"`, `"refresh_token":"lk1.`, `"device_name":"phone"`},
			{`"device_name":"phone","client_id":"app"`, `{"devices":[{`},
			{`"refresh_token":"lk1.`},
			{`"name":"my phone"`, "\n200\n", `{"error":"invalid_grant","error_description":"The device was signed out.","reason":"revoked"}`},
			{`"token_endpoint":"` + s.URL + `/oauth/token"`, `{"keys":[{`},
			{`{"active":false}`}, // the device was signed out
		} {
			for _, text := range want {
				if !strings.Contains(came[i], text) {
					t.Errorf("step %d does not say %s: %s", i, text, came[i])
				}
			}
		}
		if description, err := os.ReadFile(sh.Dir + "/latchkey.yaml"); err != nil || !strings.HasPrefix(string(description), "openapi: 3.1") {
			t.Errorf("the description: %v %.80s", err, description)
		}
		if _, err := os.Stat(sh.Dir + "/answer.json"); err == nil {
			t.Error("tokens are left on the disk")
		}
	})
}

func TestTheDocsPageExplainsEveryErrorThereIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		explained := s.browser().shown("/docs/app").one("section", "aria-labelledby", "errors").texts("th", "scope", "row")
		var possible []string
		c := newContract(t, s)
		for _, schema := range []string{"Problem", "InvalidGrant", "RefreshError"} {
			possible = append(possible, codes(c.model.Components.Schemas.GetOrZero(schema).Schema())...)
		}
		for _, op := range c.operations() {
			for _, answer := range op.Responses.Codes.FromOldest() {
				for _, body := range answer.Content.FromOldest() {
					possible = append(possible, codes(body.Schema.Schema())...)
				}
			}
		}
		possible = append(possible, inRedirects(t, c)...)
		possible = slices.DeleteFunc(possible, func(code string) bool { return code == "invalid_grant" }) // explained by its reasons
		for _, list := range []*[]string{&explained, &possible} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		if !slices.Equal(explained, possible) || len(possible) < 25 {
			t.Errorf("explained:\n%q\npossible:\n%q", explained, possible)
		}
	})
}

// inRedirects are the errors that an app gets at its redirect URI. They stand in a description, for a redirect has no body.
func inRedirects(t *testing.T, c *contract) []string {
	t.Helper()
	found := c.model.Paths.PathItems.GetOrZero("/oauth/authorize").Get.Responses.Codes.GetOrZero("303")
	_, list, ok := strings.Cut(found.Description, "`state` and `iss`: ")
	codes := regexp.MustCompile("[a-z_]+").FindAllString(list, -1)
	if !ok || len(codes) < 8 {
		t.Fatalf("the errors of /oauth/authorize: %q", found.Description)
	}
	return codes
}

func TestTheManualIsTheSameForEverybody(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.signedIn()
		for _, path := range manual {
			stranger, known := s.browser().get(path), b.get(path)
			if stranger.body != known.body || strings.Contains(known.body, adaEmail) {
				t.Errorf("%s is another page for a person who is signed in", path)
			}
			for _, r := range []reply{stranger, known} {
				if r.status != http.StatusOK || r.header.Get("Cache-Control") != "public, max-age=300" || len(r.header.Values("Set-Cookie")) > 0 || r.header.Get("Content-Security-Policy") == "" {
					t.Errorf("%s: %d %v", path, r.status, r.header)
				}
			}
			page := stranger.screen(t)
			for _, link := range page.one("main").all("a") {
				to, anchor, _ := strings.Cut(link.attr("href"), "#")
				there := page
				if to != "" {
					if r := b.get(to); r.status != http.StatusOK {
						t.Errorf("%s links to %s: %d", path, to, r.status)
						continue
					} else if anchor != "" {
						there = r.screen(t)
					}
				}
				if anchor != "" {
					there.one("", "id", anchor)
				}
			}
		}
		s.browser().shown("/login").none("a", "href", "/docs") // it is for developers
	})
}

// What /docs#errors was, when the manual was one page, leads to the section.
func TestOldLinksIntoTheManualLeadToTheirSections(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	page := s.browser().shown("/docs")
	for _, id := range []string{
		"authorize", "reference", "libraries", "appauth", "browser", "device", "endpoints", "walk", "factors", "step-up", "native",
		"guide", "key", "errors", "account-data", "security", "servers", "claims", "sensitive", "logout",
	} {
		if to := page.one("li", "id", id).one("a").attr("href"); !strings.HasSuffix(to, "#"+id) || !strings.HasPrefix(to, "/docs/") {
			t.Errorf("%s leads to %q", id, to)
		}
	}
}

// The contents say what the headings say, in their order, and leave no section out.
func TestTheContentsOfTheManualAreItsHeadings(t *testing.T) {
	s := newSite(t, modelstest.MigratedSQLite(t))
	contents := s.browser().shown("/docs").one("nav", "aria-label", "All pages")
	for _, path := range manual[1:] {
		var want, got []string
		page := s.browser().shown(path)
		for _, heading := range page.one("main").all("", "id", "*") {
			if heading.n.Data == "h2" || heading.n.Data == "h3" {
				want = append(want, "#"+heading.attr("id")+" "+heading.text())
			}
		}
		for _, link := range page.one("nav", "aria-label", "On this page").all("a") {
			got = append(got, link.attr("href")+" "+link.text())
			contents.one("a", "href", path+link.attr("href")).says(link.text())
		}
		if !slices.Equal(got, want) || len(got) < 4 {
			t.Errorf("%s has the contents\n%q, the headings\n%q", path, got, want)
		}
	}
}

func TestTheDocsPageKnowsWhatThisServerAsksFor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		text := s.manualText()
		for _, want := range []string{"This server accepts new devices only with a key.", "This server asks for nonces."} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
	}, func(a *services.Config, _ *web.Config) { a.DPoPRequired, a.NonceRequired = true, true })
	each(t, func(t *testing.T, s *site) {
		if text := s.manualText(); regexp.MustCompile(`This server (accepts new devices only|asks)`).MatchString(text) {
			t.Error("the page asks for what the server does not")
		}
	})
}

// An account's data may hold every kind of event but the last one, which goes with the account.
func TestTheDocsPageNamesEveryKindOfEvent(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		kinds := s.browser().shown("/docs/servers").one("ul", "class", "docs-kinds").texts("code")
		for _, kind := range models.EventKinds {
			named := slices.Contains(kinds, string(kind))
			if want := kind != models.EventAccountDeleted; named != want {
				t.Errorf("%s is named: %v", kind, named)
			}
		}
	})
}

// The reasons in the file with an account's data are the stored ones.
func TestTheDocsPageNamesEveryReasonOfADevicesEnd(t *testing.T) {
	source, err := os.ReadFile("../views/docs_account_data.templ")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(source), "<dt><code>revoke_reason</code></dt>")
	text, _, _ = strings.Cut(text, "</dd>")
	var got []string
	for _, m := range regexp.MustCompile(`<code>(\w+)</code>`).FindAllStringSubmatch(text, -1) {
		got = append(got, m[1])
	}
	var want []string
	for _, reason := range models.EndReasons {
		if reason != models.RevokedByPasswordSet {
			want = append(want, string(reason))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the page names\n%q, there are\n%q", got, want)
	}
}
