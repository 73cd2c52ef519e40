#!/usr/bin/python3
"""Runs the tests in stages, counts them one by one, and says how long each stage took.

    sh scripts/test [--list] [--build DIR] [--seeds N] [--fuzz-seconds N] [STAGE...]

Without STAGE all stages run; with it those, and what they need. Everything built or written goes below
DIR (default build-test); DIR/results has the full output of each stage. The last line is
"N passed, N failed". A stage that could not run, or did not end in time, counts as one failed test.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
HEARTBEAT_S = 60
SEEDS = 20000     # nights to simulate
SHOWN_LINES = 40  # of the output of a stage that failed
MARKERS = ("markers=slow: too slow under the sanitizers\n"
           "unsanitized: the sanitizers change what it looks at")
SANITIZED = ("-Db_sanitize=address,undefined", "-Db_lundef=false")


# ---- what a stage finds out ----

class Outcome:
    def __init__(self):
        self.passed = 0
        self.failed = []   # sentences
        self.skipped = []
        self.seconds = 0.0

    def expect(self, good, sentence):
        """Counts one test."""
        if good:
            self.passed += 1
        else:
            self.failed.append(sentence)

    def summary(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {len(self.skipped)} skipped" if self.skipped else "")


class Stage:
    """What runs, and its output in a file of its own."""

    def __init__(self, name, options):
        self.name = name
        self.options = options
        self.outcome = Outcome()
        self.process = None
        self.stopped = False
        self.log = options.results / f"{name}.log"
        self.log.write_bytes(b"")
        self.deadline = time.monotonic() + 60 * STAGES[name].minutes_max

    def run(self, *command, **environment):
        """The exit code; None when the stage's time was over."""
        if self.stopped:
            return None
        with open(self.log, "ab") as log:
            log.write(f"$ {shlex.join(map(str, command))}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                list(map(str, command)), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                env=dict(os.environ, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1", **environment))
            try:
                return self.process.wait(max(1.0, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.outcome.failed.append(f"not over after {STAGES[self.name].minutes_max} minutes")
                self.end()
                return None

    def end(self):
        """Ends what runs: kindly, so that it tidies up, and then surely."""
        self.stopped = True
        if self.process is None:
            return
        for number, patience_s in ((signal.SIGINT, 15), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)

    def lines(self):
        return self.log.read_text(errors="replace").splitlines()

    def folder(self, name):
        return self.options.build / name


# ---- counting ----

def count_tap(outcome, name, text):
    """cmocka's TAP and ours. Says whether there was any."""
    planned, seen, failed_before = None, 0, len(outcome.failed)
    for line in text.splitlines():
        plan = re.match(r"1\.\.(\d+)", line)
        point = re.match(r"(not )?ok \d+(?: - )?(.*)", line)
        if plan:
            planned = int(plan.group(1))
        elif point and "# SKIP" in point.group(2):
            seen += 1
            outcome.skipped.append(f"{name}: {point.group(2)}")
        elif point:
            seen += 1
            outcome.expect(point.group(1) is None, f"{name}: {point.group(2)}")
    if planned is not None and seen < planned and len(outcome.failed) == failed_before:
        outcome.failed.append(f"{name}: ended after {seen} of {planned} tests")
    return planned is not None or seen > 0


def count_meson(stage, folder):
    """The tests in Meson's log: those that print TAP one by one, the others as one each."""
    path = folder / "meson-logs" / "testlog.json"
    for line in path.read_text(errors="replace").splitlines():
        test = json.loads(line)
        name = test["name"].split(" / ")[-1]
        good = test["result"] in ("OK", "EXPECTEDFAIL")
        failed_before = len(stage.outcome.failed)
        if not count_tap(stage.outcome, name, test.get("stdout", "")):
            stage.outcome.expect(good, f"{name}: {test['result']}")
        elif not good and len(stage.outcome.failed) == failed_before:
            stage.outcome.failed.append(f"{name}: {test['result']}, exit status {test['returncode']}")


def count_junit(outcome, path):
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '').split('.')[-1]}::{case.get('name')}"
        skipped = case.find("skipped")
        if skipped is not None:
            outcome.skipped.append(f"{name}: {skipped.get('message')}")
        else:
            outcome.expect(case.find("failure") is None and case.find("error") is None, name)


# ---- stages ----

def packages(stage):
    if stage.run("sh", "scripts/install-packages", "build", "demo", "test", "check") != 0:
        stage.outcome.failed.append("the packages could not be installed")


def build(stage, name, compiler, *options, targets=()):
    folder, made_with = stage.folder(name), f"{compiler} {' '.join(options)}\n"
    note = folder / "made-with"
    if not note.exists() or note.read_text() != made_with:
        shutil.rmtree(folder, ignore_errors=True)
    code = 0
    if not folder.exists():
        code = stage.run("meson", "setup", *options, folder, CC=compiler)
        if code == 0:
            note.write_text(made_with)
    if code == 0:
        code = stage.run("ninja", "-k", "0", "-C", folder, *targets)
    stage.outcome.expect(code == 0, f"the build with {compiler} {' '.join(options)}".rstrip())


def unit(stage, name, patience="1", **environment):
    folder = stage.folder(name)
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    code = stage.run("meson", "test", "-C", folder, "--no-rebuild", "--timeout-multiplier", patience,
                     CMOCKA_MESSAGE_OUTPUT="TAP", **environment)
    if log.exists():
        count_meson(stage, folder)
    if code != 0 and not stage.outcome.failed:
        stage.outcome.failed.append(f"meson test: exit status {code}")


def simulate(stage, name, divisor, *words, **environment):
    """All seeds, or that part of them. They count as one test, but each seed that fails is named. So many
    as are run by default must also show every fault and every named point."""
    seeds = max(1, stage.options.seeds // divisor)
    full = ["--full"] if seeds >= SEEDS else []
    code = stage.run(stage.folder(name) / "sim", "--seeds", seeds, "--jobs", os.cpu_count(), *full, *words,
                     **environment)
    bad = [line for line in stage.lines() if re.match(r"seed \d+ failed", line)]
    stage.outcome.failed += bad
    if not bad:
        stage.outcome.expect(code == 0, f"sim: exit status {code}")


def simulate_asan(stage):
    """A killed worker leaves its memory behind, in the simulation as in life; so leaks are looked for in
    nights without crashes."""
    simulate(stage, "asan", 20, ASAN_OPTIONS="detect_leaks=0")
    simulate(stage, "asan", 100, "--calm", ASAN_OPTIONS="detect_leaks=1")


def faults(stage):
    """What must not be in a spool is put in, and must be noticed."""
    code = stage.run(PYTHON, "scripts/mutants.py", "faults", stage.folder("gcc"))
    for line in stage.lines():
        if line.startswith(("ok ", "FAILED ")):
            stage.outcome.expect(line.startswith("ok "), line[8:])
    if code != 0 and not stage.outcome.failed:
        stage.outcome.failed.append(f"scripts/mutants.py: exit status {code}")


def check(stage):
    code = stage.run("sh", "scripts/check", stage.folder("gcc"))
    for line in stage.lines():
        if line.startswith(("ok ", "FAILED ")):
            stage.outcome.expect(line.startswith("ok "), line[8:])
    if code != 0 and not stage.outcome.failed:
        stage.outcome.failed.append(f"scripts/check: exit status {code}")


def fuzz(stage):
    """The inputs that are kept, and then a while of new ones."""
    folder = stage.folder("fuzz")
    found = stage.options.results / "fuzz"
    unit(stage, "fuzz")
    tests = subprocess.run(["meson", "introspect", "--tests", folder], capture_output=True, check=True)
    for test in json.loads(tests.stdout):
        program, corpus = test["cmd"][0], test["cmd"][-1]
        name = pathlib.Path(program).name
        (found / name).mkdir(parents=True, exist_ok=True)
        code = stage.run(program, f"-max_total_time={stage.options.fuzz_seconds}", "-timeout=10",
                         "-print_final_stats=1", f"-dict={ROOT}/tests/corpora/dictionary",
                         f"-artifact_prefix={found}/{name}-", found / name, corpus)
        stage.outcome.expect(code == 0, f"{name}: see {found}/{name}-*")


def system(stage, name, *which, **environment):
    junit = stage.options.results / f"{stage.name}.xml"
    junit.unlink(missing_ok=True)
    temporary = stage.options.results / f"{stage.name}-tmp"
    code = stage.run(PYTHON, "-m", "pytest", "-v", "-rs", "--durations=10", "--color=no",
                     "-p", "no:cacheprovider", "-o", MARKERS,
                     "--basetemp", temporary, "--junitxml", junit, *which,
                     TUVI_BUILD=str(stage.folder(name)), **environment)
    if junit.exists():
        count_junit(stage.outcome, junit)
    if code not in (0, None) and not stage.outcome.failed:
        stage.outcome.failed.append(f"pytest: exit status {code}")


def system_asan(stage):
    """The same from outside, less what is marked slow and what the sanitizers change. What the sanitizers
    find in a process of tuvid's ends that process alone, so it is read from their reports, which any
    user must be able to write."""
    with tempfile.TemporaryDirectory(prefix="tuvi-reports-") as name:
        os.chmod(name, 0o1777)
        common = f"log_path={name}/report:print_stacktrace=1"
        system(stage, "asan", SYSTEM, f"--ignore={DEMO}", f"--ignore={SYSTEM}/test_memory.py",
               "-m", "not slow and not unsanitized",
               ASAN_OPTIONS=f"{common}:detect_leaks=0", UBSAN_OPTIONS=common)
        for report in sorted(pathlib.Path(name).iterdir()):
            shutil.copy(report, stage.options.results)
            first = re.search(r"ERROR: .*|.*runtime error: .*", report.read_text(errors="replace"))
            stage.outcome.failed.append(f"{report.name}: {first.group(0) if first else 'a report'}")


class Plan:
    def __init__(self, what, run, after=(), minutes_max=10, alone=False):
        self.what = what
        self.run = run
        self.after = after              # stages that must have ended well
        self.minutes_max = minutes_max
        self.alone = alone              # it keeps all cores busy, or cannot stand company


def using(function, *words, **more):
    return lambda stage: function(stage, *words, **more)


TESTS = "-Dtests=enabled"
SYSTEM = "tests/system"
DEMO = "tests/system/test_demo.py"

# In the order in which they start, two at a time.
STAGES = {
    "packages": Plan("installs what is missing", packages, alone=True),
    "build": Plan("gcc, warnings are errors",
                  using(build, "gcc", "gcc", TESTS, "--werror"), ["packages"], alone=True),
    "build-clang": Plan("clang, warnings are errors",
                        using(build, "clang", "clang", TESTS, "--werror"), ["packages"], alone=True),
    "build-asan": Plan("gcc with the address and undefined behaviour sanitizers",
                       using(build, "asan", "gcc", TESTS, *SANITIZED), ["packages"], alone=True),
    "build-fuzz": Plan("clang with libFuzzer and the sanitizers",
                       using(build, "fuzz", "clang", "-Dtests=disabled", "-Dfuzzers=true", *SANITIZED,
                             targets=["fuzzers"]), ["packages"], alone=True),
    "system": Plan("tuvid from outside, with the mail servers and clients people have",
                   using(system, "gcc", SYSTEM, f"--ignore={DEMO}"), ["build"], 20, alone=True),
    "system-asan": Plan("the same under the sanitizers", system_asan, ["build-asan"], 20, alone=True),
    "unit": Plan("unit tests and transcripts", using(unit, "gcc"), ["build"]),
    "unit-asan": Plan("the same under the sanitizers", using(unit, "asan", "5"), ["build-asan"]),
    "fuzz": Plan("kept inputs, then new ones for a while", fuzz, ["build-fuzz"], 30),
    "sim": Plan("simulated nights", using(simulate, "gcc", 1), ["build"], 20, alone=True),
    "sim-asan": Plan("fewer of them, under the sanitizers", simulate_asan, ["build-asan"], 20),
    "faults": Plan("deliberate faults in the spool, for the simulator to notice", faults, ["build"]),
    "check": Plan("format, floors, hardening, banned functions", check, ["build"]),
    "demo": Plan("scripts/demo, and what changes its outcome", using(system, "gcc", DEMO), ["build"]),
}


# ---- running them ----

class Runner:
    def __init__(self, names, options):
        self.names = names
        self.options = options
        self.started = time.monotonic()
        self.outcomes = {}
        self.running = {}
        self.changed = threading.Condition()

    def say(self, text):
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        print(f"[{minutes:2}:{seconds:02}] {text}", flush=True)

    def run_one(self, stage):
        plan = STAGES[stage.name]
        self.say(f"{stage.name}: {plan.what}")
        began = time.monotonic()
        try:
            plan.run(stage)
        except Exception as error:  # a stage that breaks is a stage that failed
            stage.outcome.failed.append(f"{type(error).__name__}: {error}")
        stage.outcome.seconds = time.monotonic() - began
        with self.changed:
            self.report(stage)
            self.outcomes[stage.name] = stage.outcome
            del self.running[stage.name]
            self.changed.notify()

    def report(self, stage):
        outcome = stage.outcome
        self.say(f"{stage.name}: {outcome.summary()}, {outcome.seconds / 60:.1f} minutes")
        for sentence in outcome.skipped:
            print(f"  skipped: {sentence}")
        if outcome.failed:
            print("\n".join(f"  | {line}" for line in stage.lines()[-SHOWN_LINES:]))
            print("\n".join(f"  FAILED: {sentence}" for sentence in outcome.failed))
            print(f"  all of it: {stage.log}", flush=True)

    def next_name(self, waiting):
        """The first that can start now."""
        for name in waiting:
            plan = STAGES[name]
            if any(other in waiting or other in self.running for other in plan.after):
                continue
            if self.running and (plan.alone or any(STAGES[other].alone for other in self.running)):
                return None  # the order is kept
            return name
        return None

    def give_up(self, name):
        broken = [other for other in STAGES[name].after if self.outcomes[other].failed]
        if broken:
            self.outcomes[name] = Outcome()
            self.outcomes[name].failed.append(f"could not run, because {broken[0]} failed")
            self.say(f"{name}: could not run, because {broken[0]} failed")
        return bool(broken)

    def heartbeat(self):
        for stage in self.running.values():
            lines = stage.lines()
            self.say(f"{stage.name}: still running: {lines[-1][:90] if lines else ''}")

    def run(self):
        waiting = list(self.names)
        with concurrent.futures.ThreadPoolExecutor(2) as pool, self.changed:
            try:
                while waiting or self.running:
                    name = self.next_name(waiting) if len(self.running) < 2 else None
                    if name is not None:
                        waiting.remove(name)
                        if not self.give_up(name):
                            self.running[name] = Stage(name, self.options)
                            pool.submit(self.run_one, self.running[name])
                    elif not self.changed.wait(HEARTBEAT_S):
                        self.heartbeat()
            except KeyboardInterrupt:
                for stage in self.running.values():
                    stage.end()
                raise


def with_needed(names):
    needed = set()

    def add(name):
        needed.add(name)
        for other in STAGES[name].after:
            add(other)
    for name in names:
        add(name)
    return [name for name in STAGES if name in needed]


def read_options():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    parser.add_argument("--list", action="store_true", help="name the stages and end")
    parser.add_argument("--build", default="build-test", metavar="DIR", help="where to build")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N",
                        help="nights to simulate")
    parser.add_argument("--fuzz-seconds", type=int, default=10, metavar="N", help="for each fuzzer")
    options = parser.parse_args()
    for name in options.stages:
        if name not in STAGES:
            parser.error(f"there is no stage {name}; --list names them")
    options.build = (ROOT / options.build).resolve()
    options.results = options.build / "results"
    return options


def print_table(outcomes, seconds):
    print(f"\n{'stage':12} {'minutes':>8} {'passed':>8} {'failed':>8} {'skipped':>8}")
    for name, outcome in outcomes.items():
        print(f"{name:12} {outcome.seconds / 60:8.1f} {outcome.passed:8} {len(outcome.failed):8} "
              f"{len(outcome.skipped):8}")
    print(f"{'all':12} {seconds / 60:8.1f}\n")
    for name, outcome in outcomes.items():
        for sentence in outcome.failed:
            print(f"FAILED {name}: {sentence}")


def main():
    options = read_options()
    if options.list:
        for name, plan in STAGES.items():
            print(f"{name:12} {plan.what}")
        return 0
    options.results.mkdir(parents=True, exist_ok=True)
    runner = Runner(with_needed(options.stages or STAGES), options)
    runner.run()
    outcomes = {name: runner.outcomes[name] for name in runner.names}
    print_table(outcomes, time.monotonic() - runner.started)
    failed = sum(len(outcome.failed) for outcome in outcomes.values())
    print(f"{sum(len(outcome.skipped) for outcome in outcomes.values())} skipped")
    print(f"{sum(outcome.passed for outcome in outcomes.values())} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped")
