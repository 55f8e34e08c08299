//go:build ignore

// This program makes confusables.txt of the file with that name in https://www.unicode.org/Public/security/latest/:
//
//	go run lookalike_table.go < ~/Downloads/confusables.txt > confusables.txt
//
// It leaves out the characters that decompose (they never reach the table, which is read after decomposing), and groups
// the rest by what they look like.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

func main() {
	log.SetFlags(0)
	lookLike := map[string][]rune{} // target → sources
	var version, date string
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		line := strings.TrimPrefix(lines.Text(), "\ufeff")
		if v, ok := strings.CutPrefix(line, "# Version: "); ok {
			version = v
		}
		if d, ok := strings.CutPrefix(line, "# Date: "); ok {
			date = d
		}
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		columns := strings.Split(line, ";") // source ; target ; MA
		source, target := runes(columns[0]), runes(columns[1])
		if len(source) != 1 || len(target) == 0 {
			log.Fatalf("a line that this program does not know: %q", line)
		}
		if s := string(source); norm.NFD.String(s) == s {
			lookLike[string(target)] = append(lookLike[string(target)], source[0])
		}
	}
	if err := lines.Err(); err != nil || version == "" {
		log.Fatal("not a whole confusables.txt: ", err)
	}
	var targets []string
	for target, sources := range lookLike {
		slices.Sort(sources)
		targets = append(targets, target)
	}
	slices.Sort(targets)
	fmt.Printf("# UTS #39, confusables.txt, version %s of %s, by lookalike_table.go: target = characters that look like it\n", version, date)
	for _, target := range targets {
		fmt.Println(hex([]rune(target)) + " = " + hex(lookLike[target]))
	}
}

func runes(column string) (list []rune) {
	for _, number := range strings.Fields(column) {
		r, err := strconv.ParseUint(number, 16, 21)
		if err != nil {
			log.Fatal(err)
		}
		list = append(list, rune(r))
	}
	return list
}

func hex(list []rune) string {
	numbers := make([]string, len(list))
	for i, r := range list {
		numbers[i] = fmt.Sprintf("%04X", r)
	}
	return strings.Join(numbers, " ")
}
