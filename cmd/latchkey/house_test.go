package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house rules: imports go one way, cmd → web → auth → models; views and static are leaves that only
// web imports (views stands on its own views/catalog); the database stops at models, HTTP and HTML at web. What a compiler cannot hold
// is held here.

const (
	module     = "latchkey"
	repoRoot   = "../.."
	testSuffix = ".test" // marks what only a package's test files import

	wrongWay = "imports go cmd → web → auth → models, and only web imports views and static"
)

// allowedImports says what each top-level folder may import of the module besides itself.
var allowedImports = map[string][]string{
	"cmd":    {"web", "auth", "models"},
	"web":    {"auth", "models", "views", "static"},
	"auth":   {"models"},
	"models": {},
	"views":  {},
	"static": {},
}

// violations says, a sentence each, which of a package's imports break a rule. pkg is an import path;
// with testSuffix it stands for the package's test files.
func violations(pkg string, imports []string) []string {
	importer := pkg
	pkg, isTest := strings.CutSuffix(pkg, testSuffix)
	folder := topFolder(pkg)
	var found []string
	for _, imported := range imports {
		if reason := verdict(pkg, folder, imported, isTest); reason != "" {
			found = append(found, importer+" imports "+imported+": "+reason)
		}
	}
	return found
}

func verdict(pkg, folder, imported string, isTest bool) string {
	switch {
	case within(imported, "gorm.io") && folder != "models":
		return "only models knows gorm"
	case within(imported, module):
		return verdictWithin(pkg, folder, imported, isTest)
	case isTest:
		return "" // a test may serve HTTP and read HTML
	case folder == "auth" && within(imported, "net/http") && !within(pkg, module+"/auth/resource"):
		return "auth decides without an HTTP request"
	case folder == "auth" && (within(imported, "html") || within(imported, "golang.org/x/net/html")):
		return "auth decides without a page"
	}
	return ""
}

func verdictWithin(pkg, folder, imported string, isTest bool) string {
	target := topFolder(imported)
	_, known := allowedImports[folder]
	switch {
	case !known:
		return "it lies outside of the house"
	case within(imported, module+"/models/modelstest"):
		if isTest {
			return ""
		}
		return "modelstest is for tests"
	case isTest && (folder == "cmd" || folder == "views" && target == "static"):
		return "" // whole programs, and pages as they look
	case folder == "auth" && !isTest && (target == "auth" || target == "models"):
		return verdictInAuth(pkg, imported)
	case folder == "web" && !isTest:
		return verdictInWeb(pkg, imported)
	case target == folder && folder != "views" && folder != "static", within(imported, module+"/views/catalog") && folder == "views":
		return "" // the pages and what generates their words stand on the catalogue
	case slices.Contains(allowedImports[folder], target):
		return ""
	}
	return wrongWay
}

// within says that an import path is root or lies below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

func topFolder(pkg string) string {
	folder, _, _ := strings.Cut(strings.TrimPrefix(pkg, module+"/"), "/")
	return folder
}

func TestHouseRules(t *testing.T) {
	imports, mentions := readHouse(t)
	if len(imports[module+"/auth"]) == 0 || len(imports[module+"/models"]) == 0 {
		t.Fatal("auth or models was not read: the walk is broken")
	}
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		for _, broken := range violations(pkg, imports[pkg]) {
			t.Error(broken)
		}
	}
	for _, mention := range mentions {
		t.Error(mention)
	}
}

// readHouse parses every Go file of the module: the imports of each package and of its tests, and the
// places where web names the Store.
func readHouse(t *testing.T) (imports map[string][]string, mentions []string) {
	t.Helper()
	imports = map[string][]string{}
	for folder := range allowedImports {
		root := filepath.Join(repoRoot, folder)
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(repoRoot, filepath.Dir(name))
			if err != nil {
				return err
			}
			pkg := path.Join(module, filepath.ToSlash(rel))
			if strings.HasSuffix(name, "_test.go") {
				pkg += testSuffix
			} else if folder == "web" {
				mentions = append(mentions, storeMentions(files, file)...)
			}
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				imports[pkg] = append(imports[pkg], imported)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return imports, mentions
}

// Each rule, kept and broken: a rule that cannot fail guards nothing.
func TestViolationsAreFound(t *testing.T) {
	for _, test := range []struct {
		pkg, imported string
		broken        bool
	}{
		{"cmd/latchkey", "latchkey/web", false},
		{"cmd/latchkey", "latchkey/auth/keyring", false},
		{"cmd/latchkey", "latchkey/models", false},
		{"cmd/latchkey", "latchkey/views", true},
		{"cmd/latchkey", "latchkey/static", true},
		{"cmd/latchkey", "latchkey/models/modelstest", true},
		{"cmd/latchkey", "gorm.io/gorm", true},
		{"cmd/latchkey", "net/http", false},
		{"cmd/latchkey.test", "latchkey/views", false},
		{"cmd/latchkey.test", "latchkey/models/modelstest", false},
		{"cmd/latchkey.test", "gorm.io/gorm", true},
		{"web", "latchkey/auth", false},
		{"web", "latchkey/models", false},
		{"web", "latchkey/views", false},
		{"web", "latchkey/static", false},
		{"web", "net/http", false},
		{"web", "latchkey/cmd/latchkey", true},
		{"web", "latchkey/models/modelstest", true},
		{"web", "gorm.io/driver/sqlite", true},
		{"web.test", "latchkey/models/modelstest", false},
		{"web.test", "latchkey/cmd/latchkey", true},
		{"web", "latchkey/web/api", false},
		{"web", "latchkey/web/metrics", false},
		{"web/api", "latchkey/web/wire", false},
		{"web/api", "latchkey/auth/token", false},
		{"web/api", "latchkey/models", false},
		{"web/api", "latchkey/web", true},
		{"web/api", "latchkey/views", true},
		{"web/api", "latchkey/views/catalog", true},
		{"web/api", "latchkey/static", true},
		{"web/api", "latchkey/cmd/latchkey", true},
		{"web/api", "gorm.io/gorm", true},
		{"web/api.test", "latchkey/web", false},
		{"web/wire", "latchkey/web/metrics", false},
		{"web/wire", "latchkey/web/api", true},
		{"web/wire", "latchkey/views", true},
		{"web/metrics", "latchkey/auth/account", false},
		{"web/metrics", "latchkey/web/wire", true},
		{"web/unheard", "latchkey/auth", true},
		{"auth", "latchkey/models", false},
		{"auth", "latchkey/auth/devicetoken", false},
		{"auth", "net/url", false},
		{"auth", "net/http", true},
		{"auth", "net/http/httptest", true},
		{"auth", "html", true},
		{"auth", "html/template", true},
		{"auth", "golang.org/x/net/html", true},
		{"auth", "latchkey/web", true},
		{"auth", "latchkey/views", true},
		{"auth", "latchkey/cmd/latchkey", true},
		{"auth", "latchkey/models/modelstest", true},
		{"auth", "gorm.io/gorm", true},
		{"auth.test", "latchkey/models/modelstest", false},
		{"auth.test", "net/http/httptest", false},
		{"auth.test", "latchkey/web", true},
		{"auth/keyring", "latchkey/models", true},
		{"auth/keyring", "latchkey/auth", true},
		{"auth/keyring", "net/http", true},
		{"auth/keyring", "latchkey/auth/devicetoken", false},
		{"auth/resource", "net/http", false},
		{"auth/resource", "latchkey/models", true},
		{"auth/resource", "gorm.io/gorm", true},
		{"auth/resource.test", "latchkey/models/modelstest", false},
		{"auth/resourceful", "net/http", true},
		{"auth", "latchkey/auth/seal", false},
		{"auth", "latchkey/auth/keys", true},
		{"auth/keyring", "latchkey/auth/seal", false},
		{"auth/keyring", "latchkey/auth/dpop", true},
		{"auth/token", "latchkey/auth/keys", false},
		{"auth/token", "latchkey/auth", false},
		{"auth/token", "latchkey/models", false},
		{"auth/token", "latchkey/auth/signin", true},
		{"auth/signin", "latchkey/auth/challenge", false},
		{"auth/signin", "latchkey/auth/confirm", true},
		{"auth/confirm", "latchkey/auth/browser", false},
		{"auth/challenge", "latchkey/auth/signin", true},
		{"auth/token", "net/http", true},
		{"auth/token.test", "latchkey/auth/services", false},
		{"auth/account", "latchkey/auth/device", true},
		{"auth/account", "latchkey/auth/services", true},
		{"auth/services", "latchkey/auth/operator", false},
		{"auth/unheard", "latchkey/auth", true},
		{"models", "gorm.io/gorm", false},
		{"models", "gorm.io", false},
		{"models", "latchkey/auth", true},
		{"models", "latchkey/web", true},
		{"models", "latchkey/views", true},
		{"models.test", "latchkey/models/modelstest", false},
		{"models.test", "latchkey/auth", true},
		{"models/modelstest", "latchkey/models", false},
		{"models/modelstest", "gorm.io/gorm", false},
		{"models/modelstest", "latchkey/auth", true},
		{"modelsandmore", "gorm.io/gorm", true},
		{"views", "github.com/a-h/templ", false},
		{"views", "latchkey/models", true},
		{"views", "latchkey/auth", true},
		{"views", "latchkey/static", true},
		{"views", "latchkey/views/parts", true},
		{"views", "latchkey/views/catalog", false},
		{"views/catalog/gen", "latchkey/views/catalog", false},
		{"views/catalog", "latchkey/views", true},
		{"auth", "latchkey/views/catalog", true},
		{"views.test", "latchkey/models", true},
		{"views.test", "latchkey/static", false},
		{"views.test", "latchkey/web", true},
		{"views.test", "golang.org/x/net/html", false},
		{"static", "embed", false},
		{"static", "latchkey/web", true},
		{"static", "latchkey/views", true},
		{"tools", "latchkey/models", true},
	} {
		t.Run(test.pkg+" imports "+test.imported, func(t *testing.T) {
			got := violations(module+"/"+test.pkg, []string{"fmt", test.imported})
			if (len(got) == 1) != test.broken || len(got) > 1 {
				t.Errorf("violations = %q, want broken: %v", got, test.broken)
			}
		})
	}
}
