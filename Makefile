# Steth: build, check, test, demo. `make help` lists what there is.
SHELL := /bin/bash
GO    ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# Tools of the developer, pinned here; they are no dependencies of the programs.
GOFUMPT     := $(GO) run mvdan.cc/gofumpt@v0.12.0
STATICCHECK := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build test check demo bench needs fmt clean
help:
	@echo "make build   bin/steth and bin/steth-agent (static)"
	@echo "make test    install what is missing, run every test"
	@echo "make check   format, vet, staticcheck"
	@echo "make demo    a small cloud on this machine, and the console on it"
	@echo "make bench   speed, beside a peer, in one run"

build:
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/steth ./cmd/steth-agent

# What the lab and the tests run; each line of the list says why.
needs:
	@scripts/needs

test: needs
	scripts/test

check:
	@out=$$($(GOFUMPT) -l .); if [ -n "$$out" ]; then echo "not formatted (make fmt):"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags integration ./...
	$(STATICCHECK) -tags integration ./...

fmt:
	$(GOFUMPT) -w .

demo: needs build
	bin/steth lab demo

bench: needs build
	scripts/bench

clean:
	rm -rf bin dist
