# Each target makes the environment that it needs; PYTHON, VENV and CONSTRAINTS choose another one.
PYTHON ?= python3.11
VENV ?= .venv
CONSTRAINTS ?= constraints/py311.txt
EXTRAS ?= train,jax,onnx,dev,oracle
PYTEST ?= -n 2 --dist loadfile
# Without the extra `oracle` there is no torch to compare with.
LEFT_OUT = $(if $(findstring oracle,$(EXTRAS)),,--ignore-glob='*against_torch*')
BIN = $(VENV)/bin
INSTALL = $(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable
TFA_REFERENCE = build/tfa/reference.npz

.PHONY: demo test slow docs doctest web serving lint types format soak wheel tfa
.DELETE_ON_ERROR:

demo: $(VENV)/stamp-demo
	$(BIN)/tf-melgan demo

test: $(VENV)/stamp-dev
	$(BIN)/python -m pytest $(PYTEST) $(LEFT_OUT)

slow: $(VENV)/stamp-serving
	$(BIN)/python -m pytest $(PYTEST) -m slow $(LEFT_OUT)

docs: $(VENV)/stamp-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

doctest: $(VENV)/stamp-dev
	$(BIN)/python -m pytest -n 2 --dist load -m docs tests/docs tests/examples

web: $(VENV)/stamp-dev
	$(BIN)/python -m pytest -m slow tests/export/test_web_client.py

serving: $(VENV)/stamp-serving
	$(BIN)/python -m pytest -m slow tests/export/test_serving.py tests/export/test_gateway.py

lint: $(VENV)/stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: $(VENV)/stamp-dev
	$(BIN)/mypy

format: $(VENV)/stamp-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: $(VENV)/stamp-dev
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.chunking
	$(BIN)/python -m benchmarks.fuzz --inputs 10000

wheel: $(VENV)/stamp-dev
	$(BIN)/python -m build --outdir dist

tfa: $(VENV)/stamp-dev $(TFA_REFERENCE)
	TF_MELGAN_TFA_REFERENCE=$(TFA_REFERENCE) \
		$(BIN)/python -m pytest -rP tests/layers/test_weight_normalization_tfa.py

$(TFA_REFERENCE): tests/layers/tfa/write_reference.py .venv-tfa/stamp
	mkdir -p $(@D)
	CUDA_VISIBLE_DEVICES= .venv-tfa/bin/python $< $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/stamp-demo: setup.py $(CONSTRAINTS) | $(VENV)/bin/python
	$(INSTALL) . matplotlib
	touch $@

$(VENV)/stamp-dev: setup.py $(CONSTRAINTS) | $(VENV)/bin/python
	$(INSTALL) '.[$(EXTRAS)]'
	touch $@ $(VENV)/stamp-demo

$(VENV)/stamp-serving: $(VENV)/stamp-dev
	$(INSTALL) '.[serving]'
	touch $@

$(VENV)/stamp-docs: $(VENV)/stamp-dev
	$(INSTALL) '.[docs]'
	touch $@

.venv-tfa/stamp: constraints/py311-tfa.txt
	$(PYTHON) -m venv .venv-tfa
	.venv-tfa/bin/pip install --quiet --constraint $< tensorflow-addons tensorflow
	touch $@
