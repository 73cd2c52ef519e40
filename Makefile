# Names for what one does here. Meson and ninja do the work; see CONTRIBUTING.md.
BUILD = build

.PHONY: all demo test check differential floods fuzz fuzz-coverage fuzz-keep sim mutants powercut faults format clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD)

# What is missing is installed first; "make all" alone expects the packages of
# "sh scripts/install-packages build test".
demo: ; @sh scripts/demo
test: ; @sh scripts/test
check: all ; @sh scripts/check $(BUILD)

# The same SMTP sequences for Tuvi and for Postfix, whose replies are compared: make differential SEQUENCES=10000
SEQUENCES = 10000
differential: all
	@TUVI_BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 tests/system/differential.py --strict \
	    --sequences $(SEQUENCES) --first $(SEED_FIRST)

# Clients that send without end: 10 GB of body, a million chunks of a byte, ...; the worker must not grow
floods: all
	@TUVI_BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 tests/system/floods.py

# A minute for each fuzzer: make fuzz SECONDS=60. Or each so many times in all, which may take days, can be stopped, and
# goes on where it was: make fuzz RUNS=10000000
SECONDS = 60
RUNS =
fuzz:
ifeq ($(RUNS),)
	@sh scripts/test --fuzz-seconds $(SECONDS) fuzz
else
	@/usr/bin/python3 scripts/fuzz.py run --runs $(RUNS)
endif

# Which lines the kept inputs of each fuzzer reach, and how fast it is; then the inputs worth keeping are taken over
fuzz-coverage: ; @/usr/bin/python3 scripts/fuzz.py coverage
fuzz-keep: ; @/usr/bin/python3 scripts/fuzz.py keep

# Simulated nights from seeds: make sim SEEDS=20000 SEED_FIRST=1
SEEDS = 1000
SEED_FIRST = 1
JOBS = $(shell nproc)
sim: all ; @$(BUILD)/sim --seeds $(SEEDS) --first $(SEED_FIRST) --jobs $(JOBS)

# The spool broken in every statement, and the simulator's own test: takes half an hour.
mutants: all
	@/usr/bin/python3 scripts/mutants.py faults $(BUILD)
	@/usr/bin/python3 scripts/mutants.py statements $(BUILD)

# Power cuts under load, on a file system of its own: make powercut CUTS=1000 FS=xfs
CUTS = 100
FS = ext4
powercut: all
	@TUVI_BUILD=$(CURDIR)/$(BUILD) TUVI_CUTS=$(CUTS) TUVI_FS=$(FS) /usr/bin/python3 -m pytest -q -rP \
	    tests/system/test_durability.py -k power_cuts

# Every call to the disk and every request for memory fails once
faults: all
	@TUVI_BUILD=$(CURDIR)/$(BUILD) TUVI_FAULT_STEP=1 /usr/bin/python3 -m pytest -q -rP tests/system/test_faults.py

format: ; @git ls-files '*.[ch]' | xargs clang-format-14 -i
clean: ; @rm -rf $(BUILD) build-test
