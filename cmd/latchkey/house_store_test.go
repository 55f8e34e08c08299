package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// storeMentions returns where a file names models.Store, under whatever name it imports models.
func storeMentions(files *token.FileSet, file *ast.File) []string {
	var found []string
	for _, spec := range file.Imports {
		if imported, _ := strconv.Unquote(spec.Path.Value); imported != module+"/models" {
			continue
		}
		name := "models"
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			found = append(found, files.Position(spec.Pos()).String()+": a dot import would hide the Store")
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok && selector.Sel.Name == "Store" {
				if x, ok := selector.X.(*ast.Ident); ok && x.Name == name {
					found = append(found, files.Position(selector.Pos()).String()+": web goes through auth, not to the Store")
				}
			}
			return true
		})
	}
	return found
}

func TestStoreMentionsAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		source string
		want   int
	}{
		"a struct of models":       {"import \"latchkey/models\"\nvar u models.User", 0},
		"the Store":                {"import \"latchkey/models\"\nvar s *models.Store", 1},
		"the Store, twice":         {"import \"latchkey/models\"\nfunc f(a *models.Store) { _ = models.Store{} }", 2},
		"under another name":       {"import m \"latchkey/models\"\nvar s m.Store", 1},
		"by a dot import":          {"import . \"latchkey/models\"\nvar s Store", 1},
		"another package's Store":  {"import \"github.com/gorilla/sessions\"\nvar s sessions.Store", 0},
		"a field of the same name": {"import \"latchkey/models\"\nvar u models.User\nvar s = u.Store", 0},
	} {
		t.Run(name, func(t *testing.T) {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, "web/page.go", "package web\n"+test.source, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if got := storeMentions(files, file); len(got) != test.want {
				t.Errorf("storeMentions = %q, want %d", got, test.want)
			}
		})
	}
}
