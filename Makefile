# Overround: the front door. Everything works from a clean clone; what is missing is installed
# first (Debian 12, as root or with sudo). The build itself is Meson's: see meson.build.

PYTHON := /usr/bin/python3
BUILD  := build
TARGET := # of ninja: everything, where a recipe does not say less

.PHONY: all help run naive test races sim sim-swarm mutants bench fuzz soak lint coverage linearizable \
        foreign-verifiers check-bets autobahn drills ci clean deps-build deps-test cluster compare
.DEFAULT_GOAL := all

all: deps-build ## build the program, build/overround, and what tests it
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD) $(TARGET)

run: ## a live sportsbook on this machine: the URL is the first line (ARGS= for its options)
	@$(MAKE) --no-print-directory all TARGET=overround >&2
	@exec $(BUILD)/overround demo $(ARGS)

cluster: deps-build deps-test ## every role in a process of its own, on Redis, Kafka and PostgreSQL: ARGS='--brokers 1'
	@$(MAKE) --no-print-directory all TARGET=overround >&2
	@exec deploy/cluster/cluster $(ARGS)

naive: deps-build deps-test ## the naive book, with a PostgreSQL and a Redis of its own: ARGS='--listen 127.0.0.1:8080'
	@$(MAKE) --no-print-directory all TARGET=overround >&2
	@exec deploy/naive $(ARGS)

test: deps-build deps-test ## every test; T=core/money for some of them, SAN=1 under sanitizers only
	@$(PYTHON) tools/run-tests $(if $(SAN),--san-only) $(T)


bench: ## measurements, one JSON object a line: ARGS='--only bets,replay --seconds 5'
	@tools/install-deps bench || echo 'bench: without io_uring to compare with' >&2
	@tools/install-deps peers || echo 'bench: without some of the peers' >&2
	@$(MAKE) --no-print-directory all >&2
	@$(PYTHON) bench/run --build $(BUILD) $(ARGS)

compare: deps-build ## V0, the naive book, and V1 under the same bettors, in 15 minutes: ARGS='--quick'
	@$(MAKE) --no-print-directory all TARGET=overround >&2
	@$(BUILD)/overround compare $(ARGS)

races: deps-build deps-test ## the whole program under ThreadSanitizer, with several loops: minutes
	@$(PYTHON) tools/run-tests tsan

sim: ## one seed of the simulator: SEED=7 TICKS=3000 (docs/TESTING.md)
	@$(MAKE) --no-print-directory all TARGET=overround >&2
	@$(BUILD)/overround sim --seed $(or $(SEED),1) --ticks $(or $(TICKS),3000)

sim-swarm: ## seed after seed for a while: MINUTES=60 SEED=1
	@$(MAKE) --no-print-directory all TARGET=overround >&2
	@$(BUILD)/overround sim --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10)

mutants: deps-build ## deliberate bugs, each of which the simulator must find: ARGS='--random 20'
	@tools/mutants $(ARGS)

fuzz: deps-build deps-test ## one fuzz target for a while: F=json_read SECONDS=60
	@$(PYTHON) tools/run-tests --fuzz-seconds $(or $(SECONDS),60) fuzz/$(F)

soak: deps-build deps-test ## a million connections that come and go, then every fuzz target for long: SECONDS=3600 each
	@CHURN_CONNECTIONS=$(or $(CONNECTIONS),1000000) $(PYTHON) tools/run-tests e2e/test_churn
	@WATCH_SECONDS=$(or $(WATCH),300) $(PYTHON) tools/run-tests e2e/test_price_watch
	@TROUBLE_SECONDS=$(or $(TROUBLE),60) $(PYTHON) tools/run-tests e2e/test_network_trouble
	@$(MAKE) --no-print-directory fuzz F= SECONDS=$(or $(SECONDS),3600)

lint: deps-build deps-test ## format, sizes, banned calls, layers, cppcheck, checklist
	@$(PYTHON) tools/run-tests lint

coverage: deps-build deps-test ## lines and branches reached by the unit tests, per file
	@tools/install-deps coverage
	@tools/coverage

foreign-verifiers: all ## verifiers that others wrote (Go, Python) over proofs that we export
	@tools/install-deps foreign
	@tests/foreign/run $(BUILD)

check-bets: all ## random bets, settled again in Python: COUNT=1000000 SEED=7
	@tests/foreign/bets $(BUILD) $(or $(COUNT),1000000) $(or $(SEED),1)

drills: deps-build deps-test ## failure drills for longer, every role killed at random: SECONDS=30 SEED=1
	@mkdir -p $(BUILD) && : >$(BUILD)/drills.log
	@DRILL_LOG=$(CURDIR)/$(BUILD)/drills.log DRILL_SECONDS=$(or $(SECONDS),30) DRILL_SEED=$(or $(SEED),1) \
		$(PYTHON) tools/run-tests e2e/test_roles_killed e2e/test_engines_failing \
		e2e/test_partitions e2e/test_bets_on_their_way \
		e2e/test_partitions_redis e2e/test_redis_killed e2e/test_slow_disks e2e/test_database_standbys \
		e2e/test_hot_keys e2e/test_streams_brokers; status=$$?; cat $(BUILD)/drills.log; exit $$status

linearizable: all ## wallets and keys under kills and cuts, their history checked by Porcupine: SECONDS=60 SEED=1
	@tools/install-deps foreign
	@tests/foreign/linearizable $(BUILD) $(or $(SECONDS),60) $(or $(SEED),1)

autobahn: all ## Autobahn's fuzzing client at our WebSocket server: ARGS='--cases 1.*,6.*' for some of it
	@tools/install-deps foreign
	@tests/foreign/autobahn $(BUILD) $(ARGS)

ci: ## what the machine that guards the main branch runs
	@.ci/run

clean: ## remove everything that was built
	rm -rf build build-san build-fuzz build-tsan build-cov

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | \
	while IFS='|' read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done

deps-build:
	@tools/install-deps build

deps-test:
	@tools/install-deps test
