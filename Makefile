# The front door for those who have make. Everything is done by setup.sh, meson and ninja.
#
#   make            installs what is missing and builds into build/
#   make demo       shows Hecate at work
#   make test       runs every test
#   make install    PREFIX=/usr/local, DESTDIR= as usual; configuration goes to /etc/hecate
#   make deb        makes a Debian package beside this folder
#   make proof-X    long proofs, too long for every run: see `make help`
#   make fuzz       looks for inputs that break a decoder, with clang's libFuzzer
#   make clean      forgets the build
PREFIX ?= /usr/local
ARGS ?=

all:
	@./setup.sh

demo test deb:
	@./setup.sh $@ $(ARGS)

# Configures only when the prefix changes, so that an install as root compiles nothing.
install:
	@test -f build/build.ninja || { echo "make install: run make first, as yourself" >&2; exit 1; }
	@meson introspect build --buildoptions | grep -q '"name": "prefix", "value": "$(PREFIX)"' || \
		meson configure build -Dprefix=$(PREFIX) -Dsysconfdir=/etc
	meson install -C build

clean:
	rm -rf build build-ci build-asan build-fuzz

help:
	@sed -n 's/^#  *make/make/p' Makefile
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/make \1    \2/p' Makefile

proof-fresh: ## both Debians from nothing: setup.sh without a warning, again, demo, test (root, ../shared)
	@for release in bookworm trixie; do tests/proof/fresh.sh $$release || exit 1; done

proof-package: ## both Debians: the package is reproducible, lintian-clean, lives and leaves (root)
	@for release in bookworm trixie; do tests/proof/package.sh $$release || exit 1; done

proof-handbook: ## the handbook's split, beside its published table (../shared)
	@tests/proof/handbook.sh

proof-handbook-folds: ## its four prequential test folds, three seeds (ARGS=valid: the validation folds; ../shared)
	@tests/proof/handbook_folds.sh $(ARGS)

proof-bank: ## both heads on the simulated bank stream (../shared)
	@tests/proof/bank.sh

proof-trees: ## LightGBM and XGBoost on our rows, beside our model (ARGS=handbook|bank|sparkov|census; ../shared)
	@tests/proof/trees.sh $(ARGS)

proof-heads: ## two heads on one trunk against each alone; novelty's gradient stopped or let in (../shared)
	@tests/proof/heads.sh

proof-delay: ## young events with --delay-model, beside mature ones alone, on the bank stream (../shared)
	@tests/proof/delay.sh

proof-ablations: ## what each part of the recipe is worth on the handbook's validation folds (../shared)
	@tests/proof/ablations.sh

proof-takeover: ## what log-ins and changes are worth to the takeover head (../shared)
	@tests/proof/takeover.sh
proof-mmoe: ## the MMoE paper's synthetic experiment: its three claims, with plots (ARGS=RUNS)
	@tests/proof/mmoe.sh $(ARGS)

proof-attribution: ## explanations: complete, exact when linear, what they name counts, sane
	@tests/proof/attribution.sh

proof-novelty: ## a kind of fraud left out of training: who finds it (ARGS=handbook or bank; scikit-learn, ../shared)
	@tests/proof/novelty.sh $(ARGS)

proof-fewshot: ## a new kind of fraud from 5 to 200 examples, by where it starts, beside trees (pip, ../shared)
	@tests/proof/fewshot.sh $(ARGS)

proof-onnx: ## exported models in onnxruntime beside hecate score, every architecture (pip)
	@tests/proof/onnx.sh

proof-features: ## every feature of 100 000 events against an oracle in Python
	@tests/proof/features.sh

proof-simulator: ## 10 000 seeds of whole engines over a simulated world
	@ninja -C build tests/simulator/simulator >/dev/null
	@tests/simulator/run.sh build/tests/simulator/simulator 10000 100001

proof-properties: ## what must hold of every stream, on 20 000 random ones each (SEED=)
	@ninja -C build tests/test-core-feature_properties >/dev/null
	@HECATE_SEED=$${SEED:-1000000000} HECATE_STREAMS=20000 build/tests/test-core-feature_properties -j1

proof-soak: ## an hour of events while hecated, broker and Redis die at random (ARGS="SECONDS RATE")
	@tests/proof/soak.sh $(ARGS)
proof-faults: ## every fault of the field, one row each, over a real broker and Redis (ARGS="F9 F12": these)
	@tests/proof/faults_table.sh $(ARGS)

proof-sanitizers: ## TSan over engines, ASan and UBSan over fault runs, Valgrind on the short tests (ARGS=thread: that)
	@tests/proof/sanitizers.sh $(ARGS)
proof-redis: ## every kind of Redis and all its moods: Sentinel, Cluster, TLS (ARGS=sentinel; REDIS_SERVER=valkey-server)
	@tests/proof/redis_matrix.sh $(ARGS)

proof-redis-away: ## Redis away for ten minutes at 5 000 events/s, and back (ARGS='SECONDS RATE')
	@tests/proof/redis_away.sh $(ARGS)

proof-parity: ## live equals offline, exactly once: 200 000 events, killed and flushed (ARGS=handbook: its payments)
	@tests/proof/parity_all.sh $(ARGS)

fuzz: ## 30 CPU-minutes each on every way in: events, settings, HTTP, models, records (clang)
	@tests/fuzz/fuzz.sh $(ARGS)

bench-replay: ## events a second from a file, silently and with features
	@ninja -C build tests/bench/bench-replay >/dev/null
	@build/daemon/hecate gen --users 3000 --days 50 --seed 5 --out build/bench-replay.ndjson 2>/dev/null
	@build/tests/bench/bench-replay conf/features.conf build/bench-replay.ndjson

bench-model: ## what the model costs a row
	@ninja -C build tests/bench/bench-model >/dev/null
	@build/tests/bench/bench-model

bench-state: ## what reading and applying an event costs
	@ninja -C build tests/bench/bench-state >/dev/null
	@build/tests/bench/bench-state conf/features.conf

bench-crowd: ## what an event costs among 10 k and 1 M entities and beside a hot one; bytes a kind
	@ninja -C build tests/bench/bench-crowd >/dev/null
	@for what in flat hot memory; do build/tests/bench/bench-crowd $$what conf/features.conf; done

bench-daemon: ## the daemon against a pass-through, on a real broker: 24 features, then all
	@tests/bench/daemon.sh 5 1000000 core
	@tests/bench/daemon.sh 5 1000000 all

proof-explain: ## 10 000 alerts explained again from the rows that they carry
	@tests/proof/explain.sh

proof-page: ## the page in a browser with axe-core, and a picture of every view
	@tests/proof/page.sh

proof-http: ## the HTTP face under torture while events flow
	@tests/proof/http.sh

bench-score: ## events scored over HTTP at 500 a second beside half load
	@tests/bench/score_http.sh

bench-latency: ## from the moment an event is due to a committed score in hand, at 10 000 a second (ARGS="RATE SECONDS ROUNDS")
	@tests/bench/latency.sh $(ARGS)

# Every target is a name, not a file.
.PHONY: $(shell sed -n 's/^\([a-z][a-z0-9-]*\):.*/\1/p;s/^\(demo test deb\):.*/\1/p' Makefile)
