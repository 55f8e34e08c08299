// Command release builds what a release of Latchkey consists of, for Linux on amd64 and arm64: archives, Debian packages, an image for
// containers, bills of materials and checksums.
//
// It is a module of its own, so that what packs the server is not among the server's dependencies. Two runs on one commit give
// the same bytes: every time in them is the commit's, or SOURCE_DATE_EPOCH.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "../..", "the checkout whose last commit is built")
	out := flag.String("out", "../../.bin/release", "the folder that the files are written into; what is in it goes")
	flag.Parse()
	r, err := newRelease(*root, *out)
	if err == nil {
		err = r.run()
	}
	if err == nil {
		fmt.Println("Latchkey", r.version, "is in", r.out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
