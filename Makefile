# The course's commands. Each one sets up .venv by itself the first time; `make help` lists them.
# Portable: GNU make 3.81 (macOS) and later, POSIX sh.

# The Python that builds .venv; empty: the first of these that is 3.11 or newer and can make environments.
PYTHON =
PYTHONS = $(or $(PYTHON),python3.11 python3 python3.12 python3.13 python3.14)

# Where torch comes from on Linux: PyTorch's index of CPU builds. GPU=1 takes the CUDA build instead.
TORCH_INDEX = https://download.pytorch.org/whl/cpu
TORCH = $(shell grep '^torch==' constraints.txt)

PY = .venv/bin/python
PIP = $(PY) -m pip --disable-pip-version-check
READY = .venv/.ready
PORT = 8888

.PHONY: help lab test run slides lecture book release grade model clean

help:
	@echo "make lab     open the course in JupyterLab            (first time: 3-6 minutes of set-up, then seconds)"
	@echo "make test    every check: lint, spelling, tests, maths, notebooks    (15-20 minutes on two cores)"
	@echo "make run     run every notebook top to bottom, without a browser"
	@echo "make slides  a deck of each notebook, with the lecturer's notes, and PDFs: build/slides/index.html"
	@echo "make lecture the widgets without code, a page each, on http://127.0.0.1:8866"
	@echo "make book    the notebooks with their outputs, as pages to read offline: build/book/index.html"
	@echo "make release the exercises as students get them       (notebooks/exercises/README.md has it all)"
	@echo "make grade SUBMISSIONS=folder    grade a class: points, feedback and a report, sandboxed"
	@echo "make model   make the bundled data and models again   (up to 90 minutes on two cores; resumable)"
	@echo "make clean   delete .venv, checkpoints and everything else that can be made again"
	@echo "Settings: PYTHON=python3.12 (after make clean), PORT=8889, GPU=1, NOTEBOOKS=00_start_here (for make run, slides)"

lab: $(READY)
	@echo "Opening JupyterLab at notebooks/00_start_here.ipynb, in about 5 seconds."
	@echo "If no browser opens, copy the http://127.0.0.1:... address printed below. Ctrl-C twice stops it."
	@root=; if [ "$$(id -u)" = 0 ]; then root=--allow-root; fi; \
	exec $(PY) -m jupyterlab --ip=127.0.0.1 --port=$(PORT) $$root \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: $(READY)
	@echo "== Lint, format and spelling (seconds)"
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m codespell_lib
	@echo "== Tests, with every notebook and formula (15-20 minutes on two cores)"
	$(PY) -m pytest

run: $(READY)
	@$(PY) tests/notebooks/run.py $(NOTEBOOKS)

slides: $(READY)
	@$(PY) -m pedagogy.publish.slides $(NOTEBOOKS)

lecture: $(READY)
	@$(PY) -m pedagogy.publish.lecture

book: $(READY)
	@$(PY) -m pedagogy.publish.book

release: $(READY)
	@$(PY) -m pedagogy.grading release

# SUBMISSIONS: a folder or a zip; ASSIGNMENT: only that one; UNSANDBOXED=1: student code runs as you; JOBS: at a time.
grade: $(READY)
	@if [ -z "$(SUBMISSIONS)" ]; then \
		echo "Which submissions? make grade SUBMISSIONS=folder-or-zip (see notebooks/exercises/README.md)" >&2; exit 2; fi
	@$(PY) -m pedagogy.grading grade "$(SUBMISSIONS)" --jobs $(or $(JOBS),2) \
		$(if $(ASSIGNMENT),--assignment $(ASSIGNMENT)) $(if $(UNSANDBOXED),--unsandboxed)

model: $(READY)
	@echo "The data set (a minute), then both language models (up to 90 minutes on two cores)."
	@echo "Ctrl-C stops; the same command goes on from the last checkpoint, in build/."
	$(PY) -m pedagogy.howto.build
	$(PY) -m pedagogy.howto.train
	$(PY) benchmarks/reference_logprobs.py
	@echo "Measuring both models and writing the cards (some minutes)."
	$(PY) -m pedagogy.howto.evaluate

clean:
	rm -rf .venv build notebooks/exercises/build *.egg-info */node_modules tests/*/node_modules
	rm -rf .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints */.ipynb_checkpoints
	find pedagogy tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp, so that the environment is made once, and again only when what it depends on changes.
$(READY): constraints.txt pyproject.toml
	@echo "Setting up .venv: about 2 GB of disk and 3-6 minutes, once. Nothing outside this folder is changed."
	@echo "== 1/3 Python environment"
	@$(PY) -m pip --version >/dev/null 2>&1 && exit 0; \
	for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		if "$$python" -c 'import ensurepip, venv' 2>/dev/null; \
			then "$$python" --version; exec "$$python" -m venv --clear .venv; fi; \
		bare=$$python; \
	done; \
	if [ -n "$$bare" ]; then \
		echo "$$bare cannot make environments: its venv module is incomplete."; \
		echo "Debian/Ubuntu: sudo apt install python3-venv    then run make again."; \
	else \
		echo "Python 3.11 or newer is needed; tried: $(PYTHONS)"; \
		echo "Debian/Ubuntu: sudo apt install python3 python3-venv    macOS: brew install python@3.12"; \
		echo "or https://www.python.org/downloads/    or name one: make lab PYTHON=/path/to/python3"; \
	fi >&2; exit 1
	@echo "== 2/3 $(TORCH): 200 MB on Linux (CPU build), 100 MB on macOS"
	@version=$$($(PY) -c 'import importlib.metadata as m; print(m.version("torch").split("+")[0])' 2>/dev/null); \
	if [ "torch==$$version" = "$(TORCH)" ]; then echo "already there"; exit 0; fi; \
	if [ -z "$(GPU)" ] && [ "$$(uname -s)" = Linux ]; then \
		$(PIP) --timeout 15 --retries 1 install --no-deps --index-url "$(TORCH_INDEX)" "$(TORCH)" && exit 0; \
		echo "No answer from $(TORCH_INDEX): looking for a CPU build where pip usually looks."; \
		$(PIP) install --dry-run --quiet --no-deps --report - "$(TORCH)" | grep -q '"version": "[0-9.]*+cpu"' && \
		exec $(PIP) install --no-deps "$(TORCH)"; \
		echo "There is only the CUDA build, 4 GB more. Try again later, or take that one:" >&2; \
		echo "make lab GPU=1" >&2; exit 1; \
	fi; \
	$(PIP) install --no-deps "$(TORCH)"
	@echo "== 3/3 Everything else, at the versions in constraints.txt"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@$(PIP) check
	@if command -v npm >/dev/null; then for folder in slides tests/notebooks tests/browser; do \
		(cd $$folder && npm ci --prefer-offline --no-audit --no-fund --loglevel=error) || echo "again when needed"; done; \
	else echo "No npm here: all works but slides, book and some tests."; fi
	@mkdir -p .venv/share/jupyter/lab/settings
	@printf '%s\n' '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> .venv/share/jupyter/lab/settings/overrides.json  # no pop-up, and no network, on opening the lab
	@touch $(READY)
