package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// mostMethods is how many methods a type of auth may have. One with more has more than one subject.
const mostMethods = 40

// methods counts the methods of each type in a file.
func methods(file *ast.File) map[string]int {
	count := map[string]int{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv == nil {
			continue
		}
		ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
			name, ok := n.(*ast.Ident) // the first name: of a generic type, the others are its parameters
			if ok {
				count[name.Name]++
			}
			return !ok && n != nil
		})
	}
	return count
}

func TestHouseTypesOfAuthHaveOneSubject(t *testing.T) {
	all := map[string]int{}
	root := filepath.Join(repoRoot, "auth")
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for name, n := range methods(file) {
			all[filepath.Dir(path)+"."+name] += n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Join(root, "account") + ".Service"; all[name] < 10 {
		t.Fatalf("%s has %d methods: the test counts wrong", name, all[name])
	}
	for name, n := range all {
		if n > mostMethods {
			t.Errorf("%s has %d methods, more than %d: give some of them a type of their own", name, n, mostMethods)
		}
	}
}
