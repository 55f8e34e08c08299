package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi/datamodel/high/base"
	"github.com/pb33f/libopenapi/orderedmap"
)

// ledger is which of the described answers were given, by whichever site.
type ledger struct {
	answers map[string]map[string]bool // "login 401": the codes and reasons that came
	bodies  map[string]bool            // errors, without their request ids
	sent    int
}

// probe sends requests to one site and holds every answer against the description that the site gives of itself.
type probe struct {
	*site
	*contract
	t *testing.T
	*ledger
}

// in is where an operation's path and method are found for a request.
func (p *probe) in(method, path string) (operation, bool) {
	var templated operation
	for _, op := range p.operations() {
		switch {
		case op.method != method:
		case op.path == path:
			return op, true
		case placeholder.MatchString(op.path) && regexp.MustCompile("^"+placeholder.ReplaceAllString(op.path, "[^/]+")+"$").MatchString(path):
			templated = op
		}
	}
	return templated, templated.Operation != nil
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// send sends a request; headers come in pairs. proper requests are held against the description too.
func (p *probe) send(proper bool, method, path, body string, headers ...string) reply {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := stay.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	request.Body = io.NopCloser(strings.NewReader(body))
	return p.check(proper, request, response)
}

// stall sends a request whose body does not arrive before the server's deadline.
func (p *probe) stall(method, path string, headers ...string) reply {
	p.t.Helper()
	request := httptest.NewRequestWithContext(p.t.Context(), method, p.URL+path, stalled{})
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	p.Config.Handler.ServeHTTP(recorder, request)
	return p.check(false, request, recorder.Result())
}

type stalled struct{}

func (stalled) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// check holds an exchange against the description and notes it.
func (p *probe) check(proper bool, request *http.Request, response *http.Response) reply {
	p.t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	r := reply{response.StatusCode, response.Header, string(body)}
	op, ok := p.in(request.Method, request.URL.Path)
	if !ok {
		p.t.Fatalf("%s %s is not described", request.Method, request.URL.Path)
	}
	validate := p.validator.ValidateHttpResponse
	if proper {
		validate = p.validator.ValidateHttpRequestResponse
	}
	if ok, errs := validate(request, response); !ok {
		p.t.Errorf("%s: %d %s\n%s", op.OperationId, r.status, r.body, strings.Join(complaints(errs), "\n"))
	}
	p.tell(op, r)
	return r
}

// tell compares what a validator leaves out: that a body that is not described is empty, and that the header of a
// problem names the same request. It notes the answer.
func (p *probe) tell(op operation, r reply) {
	p.t.Helper()
	p.sent++
	key := fmt.Sprintf("%s %d", op.OperationId, r.status)
	if p.answers[key] == nil {
		p.answers[key] = map[string]bool{}
	}
	if answer := op.Responses.Codes.GetOrZero(fmt.Sprint(r.status)); answer != nil && orderedmap.Len(answer.Content) == 0 && r.body != "" && r.status/100 != 3 { // a redirect may say so in HTML
		p.t.Errorf("%s: a body that is not described: %q", key, r.body)
	}
	if r.status == http.StatusUnauthorized && r.header.Get("WWW-Authenticate") == "" { // RFC 9110 §11.6.1
		p.t.Errorf("%s: no challenge", key)
	}
	if r.status < 400 || r.isPage() {
		return
	}
	m := r.json(p.t)
	for _, member := range []string{"code", "error", "reason"} {
		if code, ok := m[member].(string); ok {
			p.answers[key][code] = true
		}
	}
	if id, ok := m["request_id"]; ok && id != r.header.Get("X-Request-Id") {
		p.t.Errorf("%s: request_id %s, header %s", key, id, r.header.Get("X-Request-Id"))
	}
	p.bodies[withoutID(m)] = true
}

// withoutID is an error without what differs from one answer, and one server, to the next.
func withoutID(value any) string {
	m, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	delete(m, "request_id")
	if _, ok := m["challenge"]; ok {
		m["challenge"] = "another one each time"
	}
	if _, ok := m["devices"].([]any); ok {
		m["devices"] = "those of the account"
	}
	if setup, ok := m["setup_uri"].(string); ok {
		m["setup_uri"] = path.Base(setup)
	}
	b, _ := json.Marshal(m)
	return string(b)
}

// isPage reports whether an answer is for people.
func (r reply) isPage() bool { return strings.HasPrefix(r.header.Get("Content-Type"), "text/html") }

// want checks a refusal; of a page, its status.
func (p *probe) want(r reply, status int, code string) {
	p.t.Helper()
	if r.isPage() {
		if r.status != status {
			p.t.Errorf("a page with %d, want %d: %s", r.status, status, r.body)
		}
		return
	}
	m := r.json(p.t)
	if r.status != status || m["code"] != code && m["error"] != code && m["reason"] != code {
		p.t.Errorf("%d %s, want %d %s", r.status, r.body, status, code)
	}
}

// codes are the errors that a schema allows: the values of code, error and reason, wherever they stand in it.
func codes(schema *base.Schema) (list []string) {
	if schema == nil {
		return nil
	}
	for _, name := range []string{"code", "error", "reason"} {
		if schema.Properties == nil || schema.Properties.GetOrZero(name) == nil {
			continue
		}
		property := schema.Properties.GetOrZero(name)
		for _, node := range property.Schema().Enum {
			list = append(list, node.Value)
		}
		if node := property.Schema().Const; node != nil {
			list = append(list, node.Value)
		}
	}
	for _, parts := range [][]*base.SchemaProxy{schema.OneOf, schema.AllOf} {
		for _, part := range parts {
			if part.GetReference() != "#/components/schemas/Problem" { // every code that there is
				list = append(list, codes(part.Schema())...)
			}
		}
	}
	return list
}

// complete checks that the description holds nothing that did not happen: no status, no code, no reason, and no example
// of an error that says something else than the server.
func (l *ledger) complete(t *testing.T, c *contract) {
	t.Helper()
	pairs, errors := 0, 0
	for _, op := range c.operations() {
		for status, answer := range op.Responses.Codes.FromOldest() {
			pairs++
			key := op.OperationId + " " + status
			came, ok := l.answers[key]
			if !ok {
				t.Errorf("%s is described and was never answered", key)
				continue
			}
			if status < "400" {
				continue
			}
			for mediaType, body := range answer.Content.FromOldest() {
				if mediaType == "text/html" {
					continue
				}
				possible := codes(body.Schema.Schema())
				if len(possible) == 0 {
					t.Errorf("%s: no codes are described", key)
				}
				for _, code := range possible {
					errors++
					if !came[code] {
						t.Errorf("%s: %s is described and never came", key, code)
					}
				}
				for name, e := range body.Examples.FromOldest() {
					if !l.bodies[withoutID(example(t, e))] {
						t.Errorf("%s: the example %s says what the server never said", key, name)
					}
				}
			}
		}
	}
	t.Logf("%d requests; %d operations, %d pairs of operation and status, %d codes among them", l.sent, len(c.operations()), pairs, errors)
	if pairs < 90 || errors < 100 {
		t.Errorf("%d pairs and %d codes were counted", pairs, errors)
	}
}

// encode writes an example of a request body in a media type.
func encode(t *testing.T, mediaType string, value any) string {
	t.Helper()
	if mediaType == jsonType {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	form := url.Values{}
	for name, text := range value.(map[string]any) {
		form.Set(name, text.(string))
	}
	return form.Encode()
}

// guarded tells whether an operation needs an access token.
func (op operation) guarded() bool {
	return slices.ContainsFunc(op.Security, func(r *base.SecurityRequirement) bool {
		_, ok := r.Requirements.Get("bearer")
		return ok
	})
}

// ofBackends tells whether an operation is for the operator's backend: openapi_backend_test.go has those.
func (op operation) ofBackends() bool { return slices.Contains(op.Tags, "backend") }
