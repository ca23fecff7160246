# make help says what there is.

PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
BOARD ?= board
VERSION ?=
MICROPYTHON ?=
FLASH_SIZE ?=
PYTEST_ARGS ?=
# A file's tests share a board, so they stay together; tests/conftest.py says which files begin.
PYTEST := $(VENV_PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder
PORT ?=
IMAGE ?=
SOURCE ?=
UART ?=
SCRIPTS ?=
SSID ?=
PASSWORD ?=
HTTP_HOST ?=
BAUDRATE ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-full bench lint format image flash install uninstall console upgrade device-test clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: .venv/ready ## start a simulated board and print its AT port; BOARD=dir keeps its state there
	@$(VENV_PYTHON) -m tools.interpreter >/dev/null
	@$(VENV_PYTHON) -m sim run --board $(BOARD)

test: .venv/ready ## run the tests; PYTEST_ARGS=... for pytest
	@$(VENV_PYTHON) -m tools.interpreter
	@$(PYTEST) -m "not full" $(PYTEST_ARGS)

test-full: .venv/ready ## run the tests, those too that take long
	@$(VENV_PYTHON) -m tools.interpreter
	@$(PYTEST) $(PYTEST_ARGS)

bench: .venv/ready ## measure against the plainest code, write build/bench.json
	@$(VENV_PYTHON) -m tools.interpreter
	@$(VENV_PYTHON) -m bench

lint: .venv/ready ## ruff and mypy
	@$(VENV_PYTHON) -m ruff check
	@$(VENV_PYTHON) -m ruff format --check
	@$(VENV_PYTHON) -m mypy --cache-dir .mypy_cache/device --config-file mypy-device.ini & device=$$!; \
		$(VENV_PYTHON) -m mypy; host=$$?; wait $$device && exit $$host

format: .venv/ready ## put the sources into the project's form
	@$(VENV_PYTHON) -m ruff check --fix
	@$(VENV_PYTHON) -m ruff format
	@$(VENV_PYTHON) -m tools.package_json

image: .venv/ready ## make build/esp-at-VERSION.bin; MICROPYTHON=ESP32_....bin for a real board; VERSION=... FLASH_SIZE=8MB
	@$(VENV_PYTHON) -m tools.image $(if $(VERSION),--version "$(VERSION)") $(if $(MICROPYTHON),--micropython "$(MICROPYTHON)") \
		$(if $(FLASH_SIZE),--flash-size "$(FLASH_SIZE)")

flash: .venv/ready ## erase, write and verify a new board: IMAGE=build/...-flash.bin, by default the newest; PORT=... BAUDRATE=...
	@$(VENV_PYTHON) -m tools.flash $(if $(PORT),--port "$(PORT)") $(if $(BAUDRATE),--baudrate "$(BAUDRATE)") $(if $(IMAGE),"$(IMAGE)")

install: .venv/ready ## run this tree on a board for development: changed files to its filesystem; PORT=... SOURCE=1 for .py
	@$(VENV_PYTHON) -m tools.install $(if $(PORT),--port "$(PORT)") $(if $(SOURCE),--source)

uninstall: .venv/ready ## take the files of make install away; PORT=...
	@$(VENV_PYTHON) -m tools.install --uninstall $(if $(PORT),--port "$(PORT)")

console: .venv/ready ## log and REPL of a board, Ctrl-] ends it; PORT=...
	@$(VENV_PYTHON) -m tools.console $(if $(PORT),--port "$(PORT)")

upgrade: .venv/ready ## upgrade a board: PORT=... IMAGE=...; UART=1 through the port, SSID=... PASSWORD=... HTTP_HOST=... BAUDRATE=...
	@test -n "$(PORT)" -a -n "$(IMAGE)" || { echo "say which board and image: make upgrade PORT=/dev/ttyUSB0 IMAGE=build/esp-at-1.2.3.bin"; exit 1; }
	@$(VENV_PYTHON) -m tools.upgrade "$(PORT)" "$(IMAGE)" $(if $(UART),--uart) $(if $(SSID),--ssid "$(SSID)" --password "$(PASSWORD)") \
		$(if $(HTTP_HOST),--http-host "$(HTTP_HOST)") $(if $(BAUDRATE),--baudrate "$(BAUDRATE)")

device-test: .venv/ready ## test a board from the inside: PORT=... its console, SSID=... PASSWORD=... SCRIPTS="wake ota"; two wires: tests/device/loopback.py
	@$(VENV_PYTHON) -m tools.device_test $(if $(PORT),--port "$(PORT)") $(if $(SSID),--ssid "$(SSID)" --password "$(PASSWORD)") $(SCRIPTS)

clean: ## remove everything that was made or fetched, but not a board's state
	rm -rf build .venv .interpreters .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: requirements.txt requirements-stubs.txt requirements-drivers.txt tools/stub_fixes.py
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -m tools.venv
