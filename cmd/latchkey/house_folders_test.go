package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// strayFolders returns the folders that are neither part of the house nor ignored by .gitignore.
func strayFolders(folders []string, gitignore string) []string {
	house := slices.Collect(maps.Keys(allowedImports))
	house = append(house, ".ci", ".git", ".github")
	for line := range strings.Lines(gitignore) {
		house = append(house, strings.Trim(strings.TrimSpace(line), "/"))
	}
	return slices.DeleteFunc(slices.Clone(folders), func(f string) bool { return slices.Contains(house, f) })
}

func TestTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir(repoRoot)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := os.ReadFile(filepath.Join(repoRoot, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	for _, stray := range strayFolders(folders, string(ignored)) {
		t.Errorf("%s/ at the top level: the folders there are fixed", stray)
	}
}

func TestStrayFoldersAreFound(t *testing.T) {
	folders := []string{".ci", ".git", ".bin", "auth", "cmd", "data", "docs", "internal", "models", "static", "views", "web"}
	got := strayFolders(folders, "# a comment\n/data/\n/.bin/\n*.test\n")
	if want := []string{"docs", "internal"}; !slices.Equal(got, want) {
		t.Errorf("strayFolders = %q, want %q", got, want)
	}
}
