package web_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// sentences are the texts in a file's string literals that a person may read: they begin like a sentence, or hold one's end.
func sentences(t *testing.T, file string) map[token.Position]string {
	t.Helper()
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[token.Position]string{}
	ast.Inspect(tree, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if regexp.MustCompile(`^[A-Z“]|[.?!]( |$)`).MatchString(text) && strings.Contains(text, " ") {
				found[files.Position(literal.Pos())] = text
			}
		}
		return true
	})
	return found
}

// catalogued are the English texts of the catalogue, every plural form, by their keys.
func catalogued(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../views/catalog/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for key, message := range all {
		if text, ok := message.(string); ok {
			texts[key] = text
			continue
		}
		for form, text := range message.(map[string]any) {
			if form != "description" {
				texts[key+" "+form] = text.(string)
			}
		}
	}
	return texts
}

// The gallery shows many texts (see views); these are all: the catalogue, and in the code refusals and what stays English.
func TestEveryAddressInASentenceSaysWhichKindItIs(t *testing.T) {
	seen := 0
	check := func(at, text string) {
		seen++
		if bare := regexp.MustCompile(`(?i)(^|[^.\w{])address(es)?\b`).ReplaceAllStringFunc(regexp.MustCompile(`(?i)\b(e-mail|IP) address(es)?\b`).ReplaceAllString(text, ""), strings.ToUpper); strings.Contains(bare, "ADDRESS") {
			t.Errorf("%s: %q", at, text)
		}
	}
	for key, text := range catalogued(t) {
		check(key, text)
	}
	for _, pattern := range []string{"*.go", "*/*.go", "../auth/*.go", "../views/*.go"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range list {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
				continue
			}
			for at, text := range sentences(t, file) {
				check(at.String(), text)
			}
		}
	}
	if seen < 500 {
		t.Errorf("only %d sentences were found", seen)
	}
}
