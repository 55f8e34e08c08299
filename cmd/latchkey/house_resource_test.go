package main

import (
	"strings"
	"testing"
)

// A resource server imports auth/resource: neither the database nor the rest of the server may come with it, by however
// many steps, and from outside of the standard library nothing but golang-jwt, and idna for names of hosts.
func strangers(imports map[string][]string, pkg string) []string {
	var found []string
	seen, next := map[string]bool{pkg: true}, []string{pkg}
	for len(next) > 0 {
		importer := next[0]
		next = next[1:]
		for _, imported := range imports[importer] {
			first, _, _ := strings.Cut(imported, "/")
			switch {
			case seen[imported]:
				continue
			case within(imported, module+"/models"), imported == module+"/auth",
				strings.Contains(first, ".") && !within(imported, "github.com/golang-jwt/jwt") && imported != "golang.org/x/net/idna":
				found = append(found, importer+" imports "+imported+", and "+pkg+" imports that")
			}
			seen[imported] = true
			next = append(next, imported)
		}
	}
	return found
}

func TestResourceServersImportLittle(t *testing.T) {
	imports, _ := readHouse(t)
	if len(imports[module+"/auth/resource"]) == 0 {
		t.Fatal("auth/resource was not read")
	}
	for _, stranger := range strangers(imports, module+"/auth/resource") {
		t.Error(stranger)
	}
}

func TestStrangersAreFound(t *testing.T) {
	for imported, want := range map[string]int{
		"net/http": 0, module + "/auth/dpop": 0, "github.com/golang-jwt/jwt/v5": 0, module + "/auth": 1, module + "/models": 1, "gorm.io/gorm": 1, "github.com/google/uuid": 1,
		module + "/auth/door": 1,
	} {
		imports := map[string][]string{
			"resource": {"fmt", module + "/auth/steps"}, module + "/auth/steps": {"resource", imported}, module + "/auth/door": {module + "/models/deep"},
		}
		if got := strangers(imports, "resource"); len(got) != want {
			t.Errorf("%s: %q", imported, got)
		}
	}
}
