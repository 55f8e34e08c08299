package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// mapped is how much of files this process has in memory, in kB.
func mapped(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatal("this kernel does not tell the pages of files: Linux does since 4.5")
	}
	kB, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB
}

func TestThePagesOfTheStartAreGivenBack(t *testing.T) {
	before := mapped(t)
	if err := forgetStartup(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(t); after > before/2 {
		t.Errorf("%d kB of files are mapped, %d before", after, before)
	}
}
