# Names for what one does here. Meson and ninja do the work; see CONTRIBUTING.md.
BUILD = build

.PHONY: all test check demo sim format clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD)

test: ; @sh scripts/test
check: all ; @sh scripts/check $(BUILD)
demo: ; @sh scripts/demo

# Simulated nights from seeds: make sim SEEDS=1000 SEED_FIRST=1
SEEDS = 200
SEED_FIRST = 1
sim: all ; @$(BUILD)/sim --seeds $(SEEDS) --first $(SEED_FIRST)

format: ; @git ls-files '*.[ch]' | xargs clang-format-14 -i
clean: ; @rm -rf $(BUILD)
