# The targets are one line each on purpose: what they do is in scripts/, where
# it can also be run and read on its own.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build setup test check race fuzz bench clean

export LISTEN   ?= 127.0.0.1:8080
export DATA     ?= .run/data
export FUZZTIME ?= 20s

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build, serve on http://127.0.0.1:8080 with sample files, say what to do next (LISTEN=, DATA=)
	@exec scripts/run

build: ## bin/coreshed: one static binary; needs only Go
	CGO_ENABLED=0 go build -trimpath -o bin/coreshed ./cmd/coreshed

setup: ## install what "test" needs beyond Go, on Debian, as root or with sudo
	@scripts/setup

test: build setup ## every test: ring 1 with the race detector, ring 2 with real clients and PostgreSQL, the walks
	@exec scripts/test

check: ## formatting, vet, linters, known vulnerabilities, builds for other systems, import directions
	@exec scripts/check

race: ## ring 1 with the race detector, as "test" runs it
	@exec scripts/race ./...

fuzz: ## each fuzz target for FUZZTIME (20s)
	@exec scripts/fuzz

bench: build ## speed of blobs, files, the catalogue, a bulk load, lineage and removal: an hour and 10 GB of disk
	bin/coreshed bench blobs
	bin/coreshed bench files
	bin/coreshed bench catalogue
	bin/coreshed bench load
	bin/coreshed bench lineage
	bin/coreshed bench purge

clean: ## remove what was built and installed here; .run, with your data, stays
	rm -rf bin .venv test/clients/js/node_modules
