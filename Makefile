# Needs Go and make; `make lint` fetches its own tool. PKGS narrows the tests: make test PKGS=./auth/...
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export CGO_ENABLED := 0

# The web takes the longest by far: it starts first, and the others run beside it.
PKGS      ?= ./web ./...
# In CI the race detector sees packages that share memory and need no database: to compile SQLite for it takes four minutes. make check-long
# runs everything under it.
RACE_PKGS ?= ./models/groupcommit ./auth/dpop ./auth/keyring ./auth/password ./auth/resource ./auth/statuslist
# Tests are linked without a debugger's tables, which take half of linking, and not vetted once more.
QUICK     := -vet=off -ldflags=-w
FUZZTIME  ?= 5m
SOAK      ?= 5000
CODE      := cmd auth models web views static

LINT_VERSION := 2.15.0
LINT_PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: help run build release manual test test-fast test-race test-citus test-release lint generate verify bench bench-growth fuzz soak soak-cluster search crashes check-long screenshots clean

help: ## print the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1	/p' Makefile | expand -t 16

run: ## serve the portal with demonstration accounts (data/, port 8080)
	@$(MAKE) --no-print-directory -s build
	@exec .bin/latchkey serve --demo

build: ## build .bin/latchkey
	go build -trimpath -o .bin/latchkey ./cmd/latchkey

release: ## build packages, archives and the image of the last commit into .bin/release
	go -C cmd/release run .

manual: ## make the man page and the completions of shells from the commands
	go test ./cmd/latchkey -count=1 -run TestTheManualAndCompletionsAreThoseOfTheCommands -write-manual

test: ## run every test and count them (make lint vets)
	go run ./cmd/testcount -count=1 $(QUICK) -timeout 30m $(PKGS)

test-fast: ## run the short tests
	go test -short $(PKGS)

test-race: ## run the short tests that race, under the race detector (needs gcc)
	@if command -v gcc >/dev/null; then \
		CGO_ENABLED=1 go run ./cmd/testcount -race -short -count=1 $(QUICK) $(RACE_PKGS); \
	elif [ -n "$$CI" ]; then \
		echo "test-race: the race detector needs gcc" >&2; exit 1; \
	else \
		echo "test-race: left out, for the race detector needs gcc"; \
	fi

# LATCHKEY_TEST_CITUS names a coordinator; "installed" starts one. The journeys are those of web.
CITUS    ?= installed
JOURNEYS ?= SignIn|SignUp|Device|Password|Email|Account|Factor|Passkey|Support|Webhook|Import
test-citus: ## run the store's tests and the main journeys on Citus (CONTRIBUTING.md tells how to build it)
	LATCHKEY_TEST_CITUS='$(or $(LATCHKEY_TEST_CITUS),$(CITUS))' go run ./cmd/testcount -count=1 -short $(QUICK) -timeout 90m -run './citus|Citus' ./models
	LATCHKEY_TEST_CITUS='$(or $(LATCHKEY_TEST_CITUS),$(CITUS))' go run ./cmd/testcount -count=1 -short $(QUICK) -timeout 90m -run './citus' ./auth/services
	LATCHKEY_TEST_CITUS='$(or $(LATCHKEY_TEST_CITUS),$(CITUS))' go run ./cmd/testcount -count=1 -short $(QUICK) -timeout 90m -run '($(JOURNEYS))/citus' ./web
	LATCHKEY_TEST_CITUS='$(or $(LATCHKEY_TEST_CITUS),$(CITUS))' go run ./cmd/testcount -count=1 -short $(QUICK) -timeout 90m -run 'Distributes/citus|Citus' ./cmd/latchkey

test-release: ## build a release twice and test what is in it (Debian; lintian, systemd-analyze)
	go build -o .bin/testcount ./cmd/testcount
	cd cmd/release && ../../.bin/testcount -count=1 -timeout 40m .

lint: ## run golangci-lint, fetched into .bin when it is not there
	@for tool in golangci-lint "$$(go env GOPATH)/bin/golangci-lint" .bin/golangci-lint; do \
		if "$$tool" version 2>/dev/null | grep -Eq 'version v?$(subst .,\.,$(LINT_VERSION)) '; then break; fi; \
		tool=; \
	done; \
	if [ -z "$$tool" ]; then \
		tool=.bin/golangci-lint; \
		echo "fetching golangci-lint $(LINT_VERSION)"; \
		GOBIN="$(CURDIR)/.bin" go install $(LINT_PACKAGE)@v$(LINT_VERSION) || exit 1; \
	fi; \
	echo "$$tool run"; "$$tool" run

generate: ## make the methods of the catalogue's messages, format the templates and make their Go code
	go generate ./views/catalog
	go tool templ fmt views
	go tool templ generate -path views

# The sums are of the files as they lie here, so that work in progress passes when its generated code is fresh.
SUMS = find views -name '*.templ' -o -name '*_templ.go' -o -path 'views/catalog/*.json' -o -name messages.go | LC_ALL=C sort | xargs -r sha256sum

verify: ## fail on stale generated code, go.mod, formatting or build (make lint vets)
	@mkdir -p .bin && $(SUMS) > .bin/generated.before
	$(MAKE) --no-print-directory generate
	@$(SUMS) | diff .bin/generated.before - || { echo "verify: generated files were stale; run make generate and commit them" >&2; exit 1; }
	go mod tidy -diff
	cd cmd/release && go mod tidy -diff && go vet .
	@stale="$$("$$(go env GOROOT)/bin/gofmt" -l $(CODE))" || exit 1; [ -z "$$stale" ] || { echo "verify: run gofmt -w on:" $$stale >&2; exit 1; }
	go build ./...

# With LATCHKEY_BENCH_RIVAL=/path/to/auth it also refreshes at GoTrue (github.com/supabase/auth), on the same PostgreSQL.
bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem $(PKGS)

# The cost with more rows than there are here: GROWTH=10000,10000000 takes 20 minutes and 12 GB. LATCHKEY_GROWTH_ON=sqlite measures SQLite alone.
GROWTH ?= 10000,1000000
bench-growth: ## measure what the same work costs with 10 thousand devices and with a million (GROWTH), in the background
	LATCHKEY_GROWTH='$(GROWTH)' nice -n 15 go test ./cmd/loadgen -v -run '^$$' -bench Growth -benchtime 1x -timeout 6h

fuzz: ## fuzz what reads strangers' texts, each target for FUZZTIME (5m)
	@grep -ro --include='*_test.go' '^func Fuzz[[:alnum:]]*' $(CODE) | sed 's|^\(.*\)/[^/]*:func |./\1 |' | sort | while read -r pkg target; do \
		echo "$$target in $$pkg"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null || exit 1; \
	done

soak: search crashes ## play random stories against the fork rule, compute its table, and crash the program (-j2: both at once)

search: ## play SOAK (5000) random stories against the fork rule, and compute its table on the real code
	go test ./auth/services -v -timeout 3h -run 'TestSearchForAHoleInTheForkRule' -rapid.checks=$(SOAK) -rapid.steps=100
	go test ./auth/services -v -timeout 1h -run 'TestTheTableOfRules' -every-refresh

crashes: ## crash the program for half an hour
	LATCHKEY_SOAK=1 go test ./cmd/latchkey -v -timeout 2h -count=1 -run Crash

soak-cluster: ## break a primary, its standby, disk, connections and clocks under two replicas and 16 clients (patroni, etcd-server, haproxy; root)
	LATCHKEY_SOAK=1 go test ./cmd/latchkey -v -timeout 1h -count=1 -run '^TestCluster'

check-long: soak ## run soak, what CI bounds at its full size, and all under the race detector
	LATCHKEY_SOAK=1 go run ./cmd/testcount -count=1 $(QUICK) -p 3 -timeout 2h ./web ./auth/... ./models/... ./web/...
	LATCHKEY_SOAK=1 go test -C cmd/release -v -timeout 1h -count=1 -run TestTheDockerfileBuildsWhatServes
	CGO_ENABLED=1 go run ./cmd/testcount -race -short -count=1 $(QUICK) -p 3 -timeout 1h ./web ./auth/... ./models/... ./web/...

screenshots: ## renew the README's pictures of the devices page (needs chromium)
	rm -rf .bin/screenshots
	LATCHKEY_SCREENSHOTS="$(CURDIR)/.bin/screenshots" go test ./web -count=1 -run 'TestAPersonSignsOutAPhoneInARealBrowser/1280'
	cp .bin/screenshots/devices-1280-light.png .github/devices-light.png
	cp .bin/screenshots/devices-1280-dark.png .github/devices-dark.png

clean: ## remove builds and tools; data/ stays
	rm -rf .bin coverage.* *.test *.prof *.out
