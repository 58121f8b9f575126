# The team's vocabulary. Everything is installed into the checkout; nothing is installed anywhere else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# The Lambda runtime that `make deploy` builds for; its interpreter must be on PATH.
RUNTIME ?= $(shell $(BIN)/python -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
# What `make deploy` passes to the template, such as PARAMETERS="ServiceRoleArns=arn:aws:iam::123456789012:role/belay/*".
PARAMETERS ?=
# The stack that `make deploy` asks before and after it deploys: the one that samconfig.toml names.
STACK := $(shell sed -n 's/^stack_name = "\(.*\)"$$/\1/p' samconfig.toml)
export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/belay
export SAM_CLI_TELEMETRY := 0
# Else every process of the tests would compile the project's sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo golden up down deploy docs pictures test test-long check format requirements clean

$(INSTALLED): requirements/dev.txt packs/check_templates/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Belay needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Try: make PYTHON=python3.13 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing what Belay needs into $(VENV) (about a minute, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r packs/check_templates/requirements.txt \
	  || echo "Without cloudformation-validate, which needs glibc 2.34, belay validate says what it cannot check."
	@touch $@

demo: $(INSTALLED) ## play the example releases through Belay on the embedded engine; ONLY=good,approval plays some
	@$(BIN)/python -m local.demo $(if $(ONLY),--only $(ONLY))

golden: $(INSTALLED) ## write the golden messages anew from the last demo
	@$(BIN)/python -m local.golden_messages

up: $(INSTALLED) ## start the embedded engine with Belay deployed, and leave it running
	@$(BIN)/python -m local up

down: $(INSTALLED) ## stop it
	@$(BIN)/python -m local down

deploy: $(INSTALLED) ## build and deploy to the AWS account of your credentials
	PATH="$(CURDIR)/$(BIN):$$PATH" PYTHON_RUNTIME=$(RUNTIME) $(BIN)/sam build --parameter-overrides PythonRuntime=$(RUNTIME)
	@$(BIN)/python -m cli upgrade check --stack $(STACK)
	$(BIN)/sam deploy --parameter-overrides PythonRuntime=$(RUNTIME) $(PARAMETERS)
	@$(BIN)/python -m cli upgrade continue --stack $(STACK)

test: $(INSTALLED) ## all tests, and the floor of their coverage
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report= --cov-fail-under=0 tests/contract/aws tests/unit/sql tests/unit tests/conventions tests/contract/sql tests/executors
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-append --cov-report= tests/browser
	@rm -rf build/machines
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --numprocesses $(ENGINES) tests/e2e tests/machines tests/contract/engine
	@$(BIN)/python -m pytest tests/machines/together.py

SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Tests with an engine wait more than they compute.
ENGINES := 4

test-long: $(INSTALLED) ## the machines with all stages in another account; with random examples: the rollback planner over 10,000 generated stages, the policies over 100,000 templates, the model over 2,000 histories
	@BELAY_ELSEWHERE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) --numprocesses $(ENGINES) tests/machines
	@BELAY_LIVES=25 $(RANDOM) -m hypothesis tests/unit tests/contract/aws
	@BELAY_EXAMPLES=10000 $(RANDOM) tests/unit/rollback
	@BELAY_TEMPLATES=100000 $(RANDOM) tests/unit/policy/test_policy_oracle.py
	@BELAY_HISTORIES=2000 $(RANDOM) tests/contract/sql

# A failure says its seed; `make test` takes the same examples every time.
RANDOM = BELAY_SEED=$$(date +%s)0000 $(BIN)/python -m pytest --hypothesis-profile random

check: $(INSTALLED) ## linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy layers/belay/belay functions cli local packs benchmarks
	$(BIN)/cfn-lint --regions us-east-1 eu-west-1 -- template.yaml alarms.yaml spokes.yaml accounts/*.yaml database_changes.yaml plans.yaml template_checks.yaml packs/*/template.yaml examples/pipeline/template.yaml examples/pipeline/production_account.yaml \
	  examples/pipeline/templates/*.yaml examples/custom_resources/template.yaml examples/instances/template.yaml examples/repository_mirror/template.yaml examples/repository_mirror/source.yaml \
	  examples/image_builder/template.yaml examples/image_builder/region.yaml examples/image_builder/subscription.yaml examples/image_builder/application/template.yaml \
	  examples/table_parameters/*.yaml examples/table_parameters/release/service.yaml \
	  examples/code_build/template.yaml examples/code_build/application/template.yaml examples/github_actions/template.yaml \
	  examples/orders/bootstrap.yaml examples/orders/releases/1.0.0/templates/*.yaml examples/orders-cdk/bootstrap.yaml \
	  examples/catalogue/*.yaml examples/catalogue/releases/1.0.0/templates/*.yaml
	$(BIN)/sam validate --lint --region us-east-1

format: $(INSTALLED) ## let ruff lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## write the pages anew that are made from code
	@$(BIN)/python -m cli policies > docs/policies.md
	@$(BIN)/python -m cli.reference > docs/command-line.md
	@$(BIN)/python -m cli.rollback_page > docs/rollback.md
	@$(BIN)/python -m cli.life_page > docs/release-life.md
	@$(BIN)/python -m cli.pipeline_failures > docs/pipeline-failures.md
	@$(BIN)/python -m statemachines.document
	@$(BIN)/python -m statemachines.functions

pictures: $(INSTALLED) ## take the pictures of the console anew, with an installed browser
	@$(BIN)/python -m local.pictures

requirements: $(INSTALLED) ## compile the requirements anew, with hashes
	$(PYTHON) -m venv build/uv
	build/uv/bin/pip install --quiet uv
	cd requirements && ../build/uv/bin/uv pip compile $(COMPILE) --no-strip-extras dev.in -o dev.txt
	cd requirements && ../build/uv/bin/uv pip compile $(COMPILE) -c dev.txt layer.in -o ../layers/belay/requirements.txt
	cd packs/check_templates && ../../build/uv/bin/uv pip compile $(COMPILE) requirements.in -o requirements.txt
	cd packs/any_engine && ../../build/uv/bin/uv pip compile $(COMPILE) -c ../../requirements/dev.txt requirements.in -o requirements.txt
	cd packs/postgresql && ../../build/uv/bin/uv pip compile $(COMPILE) -c ../../requirements/dev.txt requirements.in -o requirements.txt

COMPILE := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

clean: ## remove everything that was built or installed
	rm -rf .aws-sam build $(VENV)
