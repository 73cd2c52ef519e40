# Names for what one does here. Meson and ninja do the work; see CONTRIBUTING.md.
BUILD = build

.PHONY: all demo test check fuzz sim format clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD)

# What is missing is installed first; "make all" alone expects the packages of
# "sh scripts/install-packages build test".
demo: ; @sh scripts/demo
test: ; @sh scripts/test
check: all ; @sh scripts/check $(BUILD)

# A minute for each fuzzer: make fuzz SECONDS=60
SECONDS = 60
fuzz: ; @sh scripts/test --fuzz-seconds $(SECONDS) fuzz

# Simulated nights from seeds: make sim SEEDS=1000 SEED_FIRST=1
SEEDS = 200
SEED_FIRST = 1
sim: all ; @$(BUILD)/sim --seeds $(SEEDS) --first $(SEED_FIRST)

format: ; @git ls-files '*.[ch]' | xargs clang-format-14 -i
clean: ; @rm -rf $(BUILD) build-test
