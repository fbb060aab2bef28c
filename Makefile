# SPDX-License-Identifier: MIT
# Needs only python3 and make, on a bare Debian or Ubuntu: `make run` and `make test` install the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Idle threads of torch's OpenMP must not spin while another process works.
export OMP_WAIT_POLICY := PASSIVE
# Without a screen Qt draws offscreen, here and in the tests.
HEADLESS := $(if $(DISPLAY)$(WAYLAND_DISPLAY),,1)
# The start-up benchmark opens real windows.
SCREEN := $(if $(HEADLESS),xvfb-run -a)

.PHONY: run test test-all fuzz lint format map bench demo package package-test setup clean

run: setup ## open the window; without a screen, write the headless tour instead
ifdef HEADLESS
	@echo "No screen found: writing the headless tour."
	@$(MAKE) --no-print-directory demo
else
	$(BIN)/latent-explorer
endif

demo: setup ## the headless tour of the bundled explainer, into demo/
	$(BIN)/latent-explorer demo --out demo

test: lint ## lint and all tests but the slow ones; at most ten minutes on two cores
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -q -n auto -m "not slow"

test-all: lint ## also the slow tests: fuzz, soak, a real window, a study in a browser
	@sh packaging/linux/browser.sh
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -q

fuzz: setup ## 50,000 mutations each of checkpoints, programs, ONNX files, SavedModels, and all hostile files
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -q -n auto tests/models/test_foreign_files_fuzz.py tests/models/test_hostile_files.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

map: ## every module with the first line of its docstring
	@$(PYTHON) docs/module_map.py

bench: setup ## ratios measured side by side; the other scripts of benchmarks/ train for hours or need files
	@for name in slider startup training scaling export projection; do \
		echo "== $$name"; $(SCREEN) $(BIN)/python "benchmarks/$$name.py" || exit 1; done

package: setup ## the frozen program in dist/, built, tried and wrapped
	$(BIN)/python packaging/build.py

package-test: ## the .deb of dist/ installed in a clean Debian, used without a network, and removed; needs root
	@for tool in mmdebstrap xdotool import openbox Xvfb; do command -v $$tool >/dev/null || \
		{ echo "Install first: apt-get install -y mmdebstrap xdotool imagemagick openbox xvfb"; exit 1; }; done
	$(PYTHON) packaging/package_test.py

clean:
	rm -rf build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# ------------------------------------------------------------------------------------------------ set-up
# Stamp files make a second run instant; a change of pyproject.toml reinstalls.

setup: $(VENV)/.installed $(VENV)/.system-libs

$(VENV)/.made:
	@sh packaging/linux/python-venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.made
	@echo "Installing the dependencies. PyTorch is large, so this takes minutes the first time."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VENV)/.system-libs: packaging/linux/system-libs.sh $(VENV)/.made
	@sh packaging/linux/system-libs.sh
	@touch $@
