package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
)

// contract is the description that a running server gives of itself.
type contract struct {
	t         *testing.T
	model     *v3.Document
	validator validator.Validator
}

// everyAnswer are headers that are on every answer and described by their own standards.
var everyAnswer = []string{"Content-Type", "Content-Length", "Date", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}

func newContract(t *testing.T, s *site) *contract {
	t.Helper()
	r := s.request(http.MethodGet, "/openapi.yaml", "")
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/yaml" {
		t.Fatalf("%d %v", r.status, r.header)
	}
	c := readContract(t, []byte(r.body))
	return c
}

func readContract(t *testing.T, text []byte) *contract {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document, config.WithStrictMode(), config.WithStrictIgnorePaths("$.body.**.metadata.*", "$.body.metadata.*"), config.WithFormatAssertions(), config.WithURLEncodedBodyValidation(),
		config.WithStrictIgnoredHeaders(append(everyAnswer, "Authorization", "User-Agent", "Accept-Encoding")...))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	t.Cleanup(v.Release)
	return &contract{t, &model.Model, v}
}

// complaints are what a validator found, a line each.
func complaints(errs []*errors.ValidationError) (list []string) {
	for _, e := range errs {
		list = append(list, e.Message+": "+e.Reason)
		for _, inner := range e.SchemaValidationErrors {
			list = append(list, "  "+inner.Reason+" at "+inner.KeywordLocation)
		}
	}
	return list
}

// operation is one method of one path, as the document has it.
type operation struct {
	method, path string
	*v3.Operation
}

func (c *contract) operations() (list []operation) {
	for path, item := range c.model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			list = append(list, operation{strings.ToUpper(method), path, op})
		}
	}
	return list
}

// example decodes one example of the document.
func example(t *testing.T, e *base.Example) (value any) {
	t.Helper()
	if err := e.Value.Decode(&value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value) // numbers as JSON has them
	if err == nil {
		err = json.Unmarshal(encoded, &value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTheDescriptionIsSoundOpenAPI(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		c := newContract(t, s)
		if ok, errs := c.validator.ValidateDocument(); !ok {
			t.Error(strings.Join(complaints(errs), "\n"))
		}
		if c.model.Version != "3.1.1" || len(c.model.Servers) != 1 || c.model.Servers[0].URL != s.URL {
			t.Errorf("version %s, servers %v, want %s", c.model.Version, c.model.Servers[0].URL, s.URL)
		}
		r := s.request(http.MethodGet, "/openapi.yaml", "")
		if strings.Contains(r.body, "id.example.com") {
			t.Error("an address of the example is left")
		}
	})
}

// apiRoute is a route in routes.go that may be of the JSON and OAuth surface.
var apiRoute = regexp.MustCompile(`"(GET|POST|PATCH|DELETE|PUT) (/\S*)":\s+s\.(api|oauth|openID|bearer|backend|page|anySite)\(`)

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		table, err := os.ReadFile("routes.go")
		if err != nil {
			t.Fatal(err)
		}
		var served, described []string
		for _, m := range apiRoute.FindAllStringSubmatch(string(table), -1) {
			if (m[3] == "page" || m[3] == "anySite") && m[2] != "/oauth/authorize" {
				continue // for people
			}
			if m[2] == "/.well-known/change-password" || m[2] == "/.well-known/security.txt" {
				continue // for browsers and people
			}
			served = append(served, m[1]+" "+strings.ReplaceAll(m[2], "...}", "}"))
		}
		for _, op := range newContract(t, s).operations() {
			// The own device is described apart: it needs no password.
			described = append(described, op.method+" "+strings.ReplaceAll(op.path, "/current", "/{id}"))
			if op.OperationId == "" || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s has no name, summary or tag", op.method, op.path)
			}
		}
		slices.Sort(served)
		slices.Sort(described)
		if described = slices.Compact(described); len(served) < 12 || !slices.Equal(served, described) {
			t.Errorf("served:\n%s\ndescribed:\n%s", strings.Join(served, "\n"), strings.Join(described, "\n"))
		}
	})
}

// TestEveryExampleIsWhatItIsAnExampleOf also checks that there are examples wherever there is a JSON body.
func TestEveryExampleIsWhatItIsAnExampleOf(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		c := newContract(t, s)
		v := schema_validation.NewSchemaValidator(config.WithFormatAssertions())
		n := 0
		check := func(where string, bodies *orderedmap.Map[string, *v3.MediaType]) {
			for mediaType, body := range bodies.FromOldest() {
				if orderedmap.Len(body.Examples) == 0 && mediaType != "application/yaml" && mediaType != "text/html" {
					t.Errorf("%s, %s: no example", where, mediaType)
				}
				for name, e := range body.Examples.FromOldest() {
					n++
					if ok, errs := v.ValidateSchemaObject(body.Schema.Schema(), example(t, e)); !ok {
						t.Errorf("%s, %s, example %s:\n%s", where, mediaType, name, strings.Join(complaints(errs), "\n"))
					}
				}
			}
		}
		for _, op := range c.operations() {
			where := op.method + " " + op.path
			if op.RequestBody != nil {
				check(where, op.RequestBody.Content)
			}
			for status, answer := range op.Responses.Codes.FromOldest() {
				check(where+" "+status, answer.Content)
				for name, header := range answer.Headers.FromOldest() {
					if header.Schema == nil || header.Description == "" {
						t.Errorf("%s %s: the header %s has no schema or description", where, status, name)
						continue
					}
					if header.Example == nil {
						continue
					}
					var value any
					if err := header.Example.Decode(&value); err != nil {
						t.Fatal(err)
					}
					n++
					if ok, errs := v.ValidateSchemaObject(header.Schema.Schema(), value); !ok {
						t.Errorf("%s %s, header %s:\n%s", where, status, name, strings.Join(complaints(errs), "\n"))
					}
				}
			}
		}
		t.Logf("%d examples", n)
		if n < 100 {
			t.Errorf("only %d examples were found", n)
		}
	})
}
