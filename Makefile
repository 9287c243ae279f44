# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything a developer types. Each target installs what it needs; the scripts behind them are in tools/.
.DEFAULT_GOAL := help
.PHONY: help demo test format lint docs release-check sanity matrix unit unit-all browser fleet integration board bench lab-up lab-down lab-status clean
.NOTPARALLEL:

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.venv/collections
# Holds Go, where tools/venv had to bring it.
export PATH := $(CURDIR)/.venv/toolchain:$(PATH)
LAB := tests/lab/lab

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/.stamp: requirements-dev.txt requirements-go.txt tools/venv
	tools/venv

demo: .venv/.stamp ## an empty registry, two broken boards: publish, heal, upgrade, heal (root; first time some 25 minutes, then 4)
	tools/demo

test: .venv/.stamp ## lint, sanity, other cores, unit, browser, fleet and integration (root; some 50 minutes)
	tools/test

format: .venv/.stamp ## format the Python of this checkout, and sort its imports
	.venv/bin/ruff check --select I --fix
	.venv/bin/ruff format

lint: .venv/.stamp ## ruff, mypy, yamllint, ansible-lint, antsibull-changelog, antsibull-docs, galaxy-importer, shellcheck
	tools/lint

docs: .venv/.stamp ## the site of the documentation, into build/docs/html
	tools/docs

release-check: .venv/.stamp ## whether this can be released: a candidate in build/, and what is left for a person (root)
	tools/release-check

sanity: .venv/.stamp ## ansible-test sanity, without ignores
	tools/sanity

matrix: .venv/.stamp ## sanity, lint, importer, docs and a run with each ansible-core (root; some 35 minutes)
	tools/matrix

unit: .venv/.stamp ## unit tests; those of board code once more on Python 3.9 (as root installs what they need)
	tools/unit-programs
	tools/unit
	tools/unit-board

unit-all: .venv/.stamp ## unit tests on the newest Python of this machine that can be a controller (ALL=1: on each)
	tools/unit-programs
	tools/unit-controllers

browser: .venv/.stamp ## the page of riscv.k3s.diagnose in Chromium: accessibility, phone, a thousand boards
	tools/browser

fleet: .venv/.stamp ## waves over 20 simulated boards (root)
	tools/unit-programs
	tools/fleet

integration: .venv/.stamp ## the collection against the lab (root)
	tools/integration

board: .venv/.stamp ## the story and its costs on an emulated riscv64 board (root; half an hour, then an hour or more; ONLY="make story")
	tools/board $(ONLY)

bench: .venv/.stamp ## what a run costs, beside a ping and beside plain tasks, on the lab (root)
	.venv/bin/python tests/bench/bench.py

lab-up: .venv/.stamp ## bring the lab up (root; the first time builds its programs)
	$(LAB) up

lab-down: ## take the lab down and check that nothing is left of it
	$(LAB) down --check

lab-status: ## what of the lab is running
	$(LAB) status

clean: ## remove what was made in this folder (not the user's cache folder)
	rm -rf .venv .venv-board build .ansible .pytest_cache .hypothesis tests/output changelogs/.plugin-cache.yaml
	rm -f riscv-k3s-*.tar.gz
	find . -name __pycache__ -prune -exec rm -rf {} +
