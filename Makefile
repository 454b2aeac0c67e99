# The README's commands. One release profile serves them all.
CARGO ?= cargo
PORT ?= 8787

.PHONY: serve test test-unit v8 tools lint fmt

serve: v8 ## the example: agent, outbound worker and an mTLS partner
	$(CARGO) build --release --bin workerd-lite --example partner
	./fixtures/example/serve --listen 127.0.0.1:$(PORT)

test: v8 ## every test, through the real binary
	$(CARGO) test --release --workspace

v8: tools ## V8's static library, once
	@./.ci/v8

tools:
	@missing=; for tool in "$(CARGO)" cc curl; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -n "$$missing" ]; then \
	  echo "make: missing:$$missing"; \
	  echo "  cargo: https://rustup.rs (the toolchain is named in rust-toolchain.toml)"; \
	  echo "  cc, curl: apt-get install build-essential curl"; \
	  exit 1; \
	fi

lint: v8
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings

fmt:
	$(CARGO) fmt --all
