package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
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

// The gallery shows most texts (see views); these are the others: messages after a redirect, refusals, the activity.
func TestEveryAddressInASentenceSaysWhichKindItIs(t *testing.T) {
	seen := 0
	for _, pattern := range []string{"*.go", "../auth/*.go", "../views/*.go"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range list {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
				continue
			}
			for at, text := range sentences(t, file) {
				seen++
				if bare := regexp.MustCompile(`(?i)(^|[^.\w])address(es)?\b`).ReplaceAllStringFunc(regexp.MustCompile(`(?i)\b(e-mail|IP) address(es)?\b`).ReplaceAllString(text, ""), strings.ToUpper); strings.Contains(bare, "ADDRESS") {
					t.Errorf("%s: %q", at, text)
				}
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d sentences were found", seen)
	}
}
