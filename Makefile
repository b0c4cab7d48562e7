# `make demo` and `make test` need nothing but make and Python 3.11 or newer.

PYTHON ?= python3
VENV = .venv
ARGS =

python = $(VENV)/bin/python

.PHONY: demo test lint types notebooks browser frameworks bench clean
.NOTPARALLEL: # two installations into one environment would collide

demo: $(VENV)/.demo
	$(python) -m tensorcalc backprop

test: $(VENV)/.test
	$(python) -m pytest -n 2 --nbmake $(ARGS)

lint: $(VENV)/.dev
	$(python) -m ruff format --check
	$(python) -m ruff check

types: $(VENV)/.dev
	$(python) -m pyright --warnings --pythonpath $(python)

notebooks: $(VENV)/.test
	$(python) -m pytest --nbmake notebooks $(ARGS)

# The variables: no test may be skipped; where KaTeX and MathJax are. The path: whose node it is.
browser: $(VENV)/latex/node_modules
	@command -v chromium chromium-browser >/dev/null || { \
	    echo "There is no Chromium, for instance: apt-get install chromium"; exit 1; }
	PATH="$(abspath $(VENV))/bin:$$PATH" TENSORCALC_BROWSER=required \
	    LATEX_NODE_MODULES="$(VENV)/latex" $(python) -m pytest -m browser $(ARGS)

# Functions compiled for other libraries; JAX, Numba and PyTorch are large, and installed for this.
frameworks: $(VENV)/.frameworks
	$(python) -m pytest -n 2 -m "frameworks and not slow" $(ARGS)

bench: $(VENV)/.bench
	$(python) -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist .hypothesis .pytest_cache .ruff_cache
	find tensorcalc tests -name __pycache__ -prune -exec rm -rf {} +

# One stamp for each extra of pyproject.toml: installed once, and again when that file changes.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing tensorcalc[$*] into $(VENV)."
	@$(python) -m pip install -qq --disable-pip-version-check --editable ".[$*]"
	@touch $@

$(VENV)/latex/node_modules: $(VENV)/.browser
	PATH="$(abspath $(VENV))/bin:$$PATH" npm install --silent --no-audit --no-fund \
	    --prefix $(VENV)/latex katex@0.19 mathjax-full@3
	@touch $@

$(VENV)/bin/pip:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
	    echo "tensorcalc needs Python 3.11 or newer, and '$(PYTHON)' is not that."; \
	    echo "Name another one, for instance: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	    exit 1; }
	$(PYTHON) -m venv $(VENV)
