# Everything here sets up what it needs by itself; see tools/setup.sh.
#
# PYTHON=... chooses the interpreter that .venv is made with.

.DEFAULT_GOAL := help
.PHONY: help demo gallery test test-all check clean

# Exported so that the shell, not make, sees the spaces in it.
export DATA

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{ printf "make %-8s %s\n", $$1, $$2 }'

demo: ## Open example images in napari, or your own: make demo DATA="path/to/scan"
	@tools/setup.sh
# DATA is one path, spaces and all, or several paths separated by spaces.
	@split=yes; \
	for path in $$DATA; do [ -e "$$path" ] || split=no; done; \
	if [ -e "$$DATA" ] || [ $$split = no ]; then set -- "$$DATA"; else set -- $$DATA; fi; \
	exec tools/with-display.sh .venv/bin/python tools/demo.py "$$@"

gallery: ## Take the pictures of the docs
	@tools/setup.sh --xvfb
	tools/with-display.sh --xvfb .venv/bin/python tools/gallery.py

check: ## Check style, types and the plugin manifest
	@tools/setup.sh --xvfb
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/npe2 validate --imports src/napari_medread/napari.yaml

test: check ## Check, then run the tests that find nearly everything
	tools/pytest.sh

test-all: check ## Check, then run all tests, with all seeds and all files
	tools/pytest.sh -m ""

clean: ## Remove .venv and the demo's pictures
	rm -rf .venv demo
