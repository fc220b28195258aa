# Everything that a developer runs, and all that continuous integration runs.
#
#   make demo    real images, signed and unsigned, through the real webhook, with the answers printed
#   make demo-cluster  the same in a real cluster, with kubectl and Helm; KEEP=1 leaves it to play with until Enter is pressed
#   make test    everything that must hold before a change lands: formatting, lints, licences, docs, tests
#   make bench   the figures of docs/performance.md
#   make compare ADVISORIES=FOLDER  the advisor beside other scanners; the folder has archives of advisories as osv.dev exports them
#   make image   what is in the container image, as a folder below target/, and its tests (the musl target and cargo-cyclonedx)
#   make fuzz    each of FUZZ_TARGETS for FUZZ_SECONDS, from the corpora of fuzz/corpus
#
# Tools and peers that a test needs are built once, from pinned sources, into the cache folder.

CARGO      ?= cargo
CISE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cise
export CISE_CACHE

DENY_VERSION := 0.20.2
DENY         := $(CISE_CACHE)/cargo-deny-$(DENY_VERSION)/bin/cargo-deny

# Which peers a target needs: those of `cluster` take minutes to build, once.
SETS := images
demo-cluster: SETS := images cluster helm
bench: SETS := images cluster
compare: SETS := images witnesses compare
test: SETS := images witnesses cluster helm cert-manager

FUZZ_VERSION := 0.13.2
FUZZ         := $(CISE_CACHE)/cargo-fuzz-$(FUZZ_VERSION)/bin/cargo-fuzz
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

.PHONY: demo demo-cluster test bench compare image fuzz lint fmt fmt-check clippy deny docs components cargo-test help

help:
	@sed -n 's/^#   //p' Makefile

demo: components
	$(CARGO) build --locked --profile ci -p cise-cli --bin cise --example demo
	target/ci/examples/demo

demo-cluster: components
	$(CARGO) build --locked --profile ci -p cise-cli --bin cise --example demo_cluster
	target/ci/examples/demo_cluster

test: lint docs components cargo-test

bench: components
	$(CARGO) build --locked --profile ci -p cise-cli --bin cise --example bench -p cise-server --example echo
	target/ci/examples/bench
	$(CARGO) bench --locked --profile ci -p cise-advisor --bench budgets

# Nothing is measured here, so that the quickest build does.
compare: components
	$(CARGO) build --locked -p cise-cli --bin cise --example compare
	target/debug/examples/compare $(ADVISORIES)

# The static binary takes minutes to build, so its tests are not part of `make test`.
image:
	ci/rootfs target/rootfs
	CISE_ROOTFS=$(CURDIR)/target/rootfs $(CARGO) test -p cise-cli --test chart --locked image

fuzz: $(addprefix fuzz-,$(FUZZ_TARGETS))

# The code is safe Rust, in which an address sanitizer finds nothing; without it the stable toolchain does, and the search is
# faster. What is found on the way goes below target/, what breaks a property into fuzz/artifacts.
fuzz-%: $(FUZZ)
	@echo "fuzzing $* for $(FUZZ_SECONDS) s" >&2
	@mkdir -p fuzz/target/corpus/$*
	nice $(FUZZ) fuzz run --fuzz-dir fuzz --sanitizer none $* fuzz/target/corpus/$* fuzz/corpus/$* -- \
	  -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 -timeout=10 -max_len=65536 -print_final_stats=1

$(FUZZ):
	@echo "building cargo-fuzz $(FUZZ_VERSION) (once)" >&2
	$(CARGO) install --quiet --locked --version $(FUZZ_VERSION) --root $(CISE_CACHE)/cargo-fuzz-$(FUZZ_VERSION) cargo-fuzz

lint: fmt-check clippy deny

fmt:
	$(CARGO) fmt --all

fmt-check:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

deny: $(DENY)
	$(DENY) --workspace check bans licenses sources
	ci/advisories $(DENY)

# Pinned, and locked to the dependencies that its authors tested with.
$(DENY):
	@echo "building cargo-deny $(DENY_VERSION) (once; some minutes)" >&2
	$(CARGO) install --quiet --locked --version $(DENY_VERSION) --root $(CISE_CACHE)/cargo-deny-$(DENY_VERSION) cargo-deny

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet
	ci/links

components:
	$(CARGO) run --quiet --locked -p cise-testkit --bin components -- get $(SETS)

cargo-test:
	CISE_REQUIRE_COMPONENTS=1 $(CARGO) test --workspace --locked --no-fail-fast
