package catalog

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T) (list []*File, source *File) {
	t.Helper()
	list, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if f.Language == Source {
			source = f
		}
	}
	return list, source
}

// The build's own check: what stands in the files is sound, complete where it is said to be, and the methods are those of the source.
func TestTheCataloguesAreSound(t *testing.T) {
	list, source := read(t)
	have := map[string]bool{}
	for _, f := range list {
		have[f.Language] = true
		if err := f.Check(source); err != nil {
			t.Error(err)
		}
		data, err := files.ReadFile(f.Language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if sorted, err := Sorted(data); err != nil || string(sorted) != string(data) {
			t.Errorf("%s.json is not in order: run make generate (%v)", f.Language, err)
		}
	}
	for _, tag := range Complete {
		if !have[tag] {
			t.Errorf("%s.json is missing", tag)
		}
	}
	for _, f := range list {
		for _, key := range f.Missing(source) {
			if contains(Complete, f.Language) {
				t.Errorf("%s.json: %s: is missing, and the language is said to be complete", f.Language, key)
			}
		}
	}
	code, err := Generate(source)
	if err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile("messages.go"); err != nil || string(written) != string(code) {
		t.Errorf("messages.go is stale: run make generate (%v)", err)
	}
}

func contains(list []string, s string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
}

// unused are the messages whose method no page, mail or handler calls.
func unused(source *File, code string) (list []string) {
	called := map[string]bool{}
	for _, name := range regexp.MustCompile(`\.([A-Z][A-Za-z0-9]*)`).FindAllStringSubmatch(code, -1) {
		called[name[1]] = true
	}
	for _, key := range source.Keys() {
		if !strings.HasPrefix(key, errorGroup) && !called[MethodName(key)] {
			list = append(list, key)
		}
	}
	return list
}

func TestEveryMessageIsUsed(t *testing.T) {
	var code strings.Builder
	for _, pattern := range []string{"../*.templ", "../*.go", "../../web/*.go", "isolate.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") || strings.Contains(filepath.Base(name), "gallery") {
				continue // the gallery plays the handlers
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(data)
		}
	}
	_, source := read(t)
	for _, key := range unused(source, code.String()) {
		t.Errorf("en.json: %s: nothing calls %s: delete the message", key, MethodName(key))
	}
	other, _ := ReadFile(Source, []byte(`{"a.used": "x", "a.unused": "y", "errors.z": "z"}`))
	if got := unused(other, "say(ctx).AUsed()"); len(got) != 1 || got[0] != "a.unused" {
		t.Errorf("unused: %q", got)
	}
}

func TestMethodsTakeWhatTheirMessageNeeds(t *testing.T) {
	for message, want := range map[string]string{
		`"Save"`: `AB() string { return p.text("a.b", nil) }`,
		`{"one": "{date}: {count} x", "other": "{date}: {count} y"}`: `AB(count int, date string) string {`,
		`"You renamed “{name}” to “{new_name}”."`:                    `AB(name string, newName string) Sentence {`,
		`{"one": "It is.", "other": "They are."}`:                    `AB(count int) string {`,
		`"New to {brand}?"`:               `AB() Sentence { return p.sentence("a.b", nil) }`,
		`"<link>{brand}</link> {email}"`:  `AB(link Tag, email string) templ.Component {`,
		`"<link>{device}</link> <when/>"`: `AB(link Tag, device string, when templ.Component) templ.Component {`,
	} {
		f, err := ReadFile(Source, []byte(`{"a.b": `+message+`}`))
		if err != nil {
			t.Fatal(err)
		}
		code, err := Generate(f)
		if err != nil || !strings.Contains(string(code), "func (p Printer) "+want) {
			t.Errorf("%s: %v\n%s", message, err, code)
		}
	}
}

func TestWhatCannotBeGeneratedIsRefused(t *testing.T) {
	for catalogue, want := range map[string]string{
		`{"a.b": "LATCHKEY"}`:          "en.json: a.b: other: the name of the service is {brand}",
		`{"a.b_c": "x", "a_b.c": "y"}`: "en.json: a_b.c: has the method ABC of a.b_c",
		`{"a.b": "{count} x"}`:         "en.json: a.b: the plural form one is missing",
	} {
		f, err := ReadFile(Source, []byte(catalogue))
		if err == nil {
			_, err = Generate(f)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", catalogue, errors.Join(err), want)
		}
	}
}
