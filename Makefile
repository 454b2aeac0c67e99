# The README's commands. One release profile serves them all.
CARGO ?= cargo
PORT ?= 8787

# How long `make fuzz` goes on: seconds, or 10m, or 1h.
TIME ?= 1m
SECONDS = $(shell echo $(TIME) | sed -e 's/h$$/*3600/' -e 's/m$$/*60/' -e 's/s$$//' | { read sum; echo $$(($$sum)); })

.PHONY: serve test v8 tools lint fmt bypass kill fuzz soak docs-test node-tests wpt build packaging npm deb container sbom release

serve: v8 ## the example: agent, outbound worker and an mTLS partner
	$(CARGO) build --release --bin workerd-lite --example partner
	./fixtures/example/serve --listen 127.0.0.1:$(PORT)

test: v8 ## every test, through the real binary
	umask 022; $(CARGO) test --release --workspace --no-fail-fast

docs-test: v8 ## the commands and files of README.md and docs, as they stand there
	$(CARGO) test --release --workspace --test main docs:: -- --nocapture --test-threads 1

node-tests: v8 ## Node's own tests of the modules that workers have, with a table by module; NODE_TESTS="util path" for some
	NODE_TESTS="$${NODE_TESTS:-all}" $(CARGO) test --release --workspace --test main node_suite:: -- --nocapture

wpt: v8 ## web-platform-tests, with a table by area; WPT="streams url" for some
	WPT="$${WPT:-all}" $(CARGO) test --release --workspace --test main wpt_suite:: -- --nocapture

build: v8
	$(CARGO) build --release --workspace --bin workerd-lite

packaging: build ## pages of the manual, completions and the schema, in target/packaging
	runtime/packaging/make-assets target/release/workerd-lite target/packaging

npm: build ## npm's packages, in target/npm
	runtime/packaging/npm/pack target/release/workerd-lite target/npm

# Programs that packages are made with, built once.
target/tools/bin/cargo-deb:
	$(CARGO) install --locked --root target/tools cargo-deb@3.8.0
target/tools/bin/cargo-cyclonedx:
	$(CARGO) install --locked --root target/tools cargo-cyclonedx@0.5.9

deb: packaging target/tools/bin/cargo-deb ## Debian's package, in target/debian
	PATH="$(CURDIR)/target/tools/bin:$$PATH" $(CARGO) deb --package workerd-lite --no-build --no-strip

container: build ## what runtime/packaging/Containerfile copies, in target/container
	mkdir -p target/container && cp target/release/workerd-lite target/container

sbom: target/tools/bin/cargo-cyclonedx ## what the program is made of, in CycloneDX's format: target/packaging/workerd-lite.cdx.json
	mkdir -p target/packaging
	PATH="$(CURDIR)/target/tools/bin:$$PATH" $(CARGO) cyclonedx --format json --override-filename sbom --manifest-path runtime/Cargo.toml
	mv runtime/sbom.json target/packaging/workerd-lite.cdx.json; rm -f js/sbom.json ops/sbom.json

release: npm deb container sbom ## all of these with their checksums, in target/dist
	runtime/packaging/collect target/dist

bypass: v8 ## the attempts to get round the outbound worker, of agents in isolates and of others in processes, with a table by class
	@echo "| class | attempts | as they must | canary touched |"; echo "|---|---|---|---|"
	@$(CARGO) test --release --workspace --test main -q bypass:: -- --nocapture --test-threads 1

kill: v8 ## what hostile agents do to their thread, or their process, with a table of what became of it
	$(CARGO) test --release --workspace --test main kill:: rpc_attacks:: -- --nocapture --test-threads 1
	ISOLATION=process $(CARGO) test --release --workspace --test main kill:: rpc_attacks:: -- --nocapture --test-threads 1
	$(CARGO) test --release --workspace --test main boundary::floods:: boundary::methods:: -- --nocapture --test-threads 1

fuzz: v8 ## random calls and random inputs, for TIME: make fuzz TIME=10m
	@[ "$(SECONDS)" -ge 4 ] || { echo "TIME=$(TIME) is no time to fuzz: write 30s, 10m or 1h"; exit 1; }
	FUZZ_SECONDS=$$(($(SECONDS) / 2)) FUZZ_SEED=$$(date +%s) $(CARGO) test --release --workspace --test main fuzz:: -- --nocapture
	end=$$(($$(date +%s) + $(SECONDS) / 2)); while [ $$(date +%s) -lt $$end ]; do \
	  PROPTEST_CASES=4000 $(CARGO) test --release --workspace --lib -q properties:: || exit 1; done

soak: v8 ## memory over a million requests
	SOAK_REQUESTS=1000000 $(CARGO) test --release --workspace --test main soak:: -- --nocapture

v8: tools ## V8's static library, once
	@./.ci/v8

tools:
	@missing=; for tool in "$(CARGO)" cc c++ curl; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -n "$$missing" ]; then \
	  echo "make: missing:$$missing"; \
	  echo "  cargo: https://rustup.rs (the toolchain is named in rust-toolchain.toml)"; \
	  echo "  cc, c++, curl: apt-get install build-essential curl"; \
	  exit 1; \
	fi

lint: v8
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all
