package web_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
)

// clientFaults are the things that are sound OpenAPI 3.1 and yet stop a generator of clients (oapi-codegen 2.8, ogen 1.25,
// openapi-typescript 7), or make it write a client that does not work.
func clientFaults(t *testing.T, text string) []string {
	t.Helper()
	document, err := libopenapi.NewDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := document.GetSpecInfo().RootNode.Decode(&root); err != nil {
		t.Fatal(err)
	}
	w := &faultWalk{}
	if list, ok := root["security"].([]any); !ok || len(list) > 0 {
		w.say("", "there is no top-level security: []")
	}
	components := root["components"].(map[string]any)
	w.schemes(components)
	w.walk("", root)
	return w.found
}

type faultWalk struct{ found []string }

func (w *faultWalk) say(where, fault string) { w.found = append(w.found, where+": "+fault) }

// schemes: a generator makes a Go type of every scheme and every schema, and has a type Client of its own.
func (w *faultWalk) schemes(components map[string]any) {
	types := map[string]bool{"client": true, "server": true}
	for name := range components["schemas"].(map[string]any) {
		types[strings.ToLower(name)] = true
	}
	for name, scheme := range components["securitySchemes"].(map[string]any) {
		if types[strings.ToLower(name)] {
			w.say(name, "a scheme is named like a type")
		}
		if s := scheme.(map[string]any); s["type"] == "http" && s["scheme"] != "basic" && s["scheme"] != "bearer" {
			w.say(name, "no generator knows this http scheme")
		}
	}
}

func (w *faultWalk) walk(where string, value any) {
	switch v := value.(type) {
	case []any:
		for i, inner := range v {
			w.walk(fmt.Sprintf("%s/%d", where, i), inner)
		}
	case map[string]any:
		named := strings.HasSuffix(where, "/properties") || strings.HasSuffix(where, "/headers") || strings.HasSuffix(where, "/schemas")
		if !named {
			w.schema(where, v)
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "example" && key != "examples" {
				w.walk(where+"/"+key, v[key])
			}
		}
	}
}

// schema looks at what may be a schema or a header: no other object has these members.
func (w *faultWalk) schema(where string, s map[string]any) {
	_, isConst := s["const"]
	list, isEnum := s["enum"].([]any)
	typed, _ := s["type"].(string)
	if (isConst || isEnum) && typed == "" {
		w.say(where, "a const or enum has no type")
	}
	for _, value := range append(list, s["const"]) {
		if _, ok := value.([]any); ok {
			w.say(where, "a const or enum of arrays")
		}
	}
	if _, ok := s["items"]; typed == "array" && !ok {
		w.say(where, "an array has no items")
	}
	if _, ok := s["properties"]; ok && typed != "object" {
		w.say(where, "properties of what is no object")
	}
	if header, ok := s["schema"].(map[string]any); ok && header["type"] == nil && header["$ref"] == nil && header["oneOf"] == nil && header["allOf"] == nil {
		w.say(where, "a header, parameter or body has no type")
	}
	if _, ok := s["oneOf"]; ok && s["discriminator"] == nil {
		w.say(where, "nothing tells the schemas of oneOf apart")
	}
}

func TestTheDescriptionSuitsGeneratorsOfClients(t *testing.T) {
	content, err := os.ReadFile("api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, fault := range clientFaults(t, text) {
		t.Error(fault)
	}
	for why, c := range map[string][2]string{
		"no type":                   {"kind: {type: string, enum: [app, browser]}", "kind: {enum: [app, browser]}"},
		"no type of a const":        {"status: {type: integer, const: 422}", "status: {const: 422}"},
		"no type of a header":       {"schema: {type: string, const: no-store}", "schema: {const: no-store}"},
		"a header that is anything": {"schema: {type: string, const: no-cache}", "schema: {description: x}"},
		"a long enum":               {"        code:\n          type: string\n", "        code:\n"},
		"a const array":             {"items: {type: string, enum: [none, client_secret_basic, client_secret_post]}", "const: [none]"},
		"no items":                  {"{type: array, items: {type: string}, minItems: 1", "{type: array, minItems: 1"},
		"no object":                 {"{type: object, properties: {error:", "{properties: {error:"},
		"an unknown scheme":         {"type: apiKey\n      in: header\n      name: Authorization", "type: http\n      scheme: dpop"},
		"a scheme like a schema":    {"clientBasic", "clientId"},
		"a scheme like the client":  {"clientBasic", "client"},
		"no discriminator":          {"            discriminator:\n              propertyName: error\n", "            x-gone:\n"},
		"no security":               {"\nsecurity: []", "\nx-security: []"},
	} {
		broken := strings.ReplaceAll(text, c[0], c[1])
		if broken == text || len(clientFaults(t, broken)) == 0 {
			t.Errorf("%s is not found", why)
		}
	}
}
