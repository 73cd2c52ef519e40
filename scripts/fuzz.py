#!/usr/bin/python3
"""Measures the fuzzers, and lets them run for as many executions as one likes.

    scripts/fuzz.py coverage [NAME...]        of its target files, by the inputs that are kept: lines, executions a second
    scripts/fuzz.py run --runs N [NAME...]    until each has been executed N times in all; the count is kept. Without
                                              sanitizers, which is ten times as fast; what was found is then
                                              executed once under them
    scripts/fuzz.py keep [NAME...]            takes of the inputs that were found those that reach something new

Coverage is built in build-coverage, the quick ones in build-fuzz-quick, the others in build-fuzz; what is found and how
often each ran stands in build-fuzz/found. A target file of whose reachable lines less than 90 % are covered makes "coverage"
fail. Lines that no input can reach are named with their reason in tests/corpora/unreached; one that is reached after all is
reported."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPORA = ROOT / "tests" / "corpora"
UNREACHED = CORPORA / "unreached"
FOUND = ROOT / "build-fuzz" / "found"
COVERED_MIN = 90
SLICE_S = 60        # after so many seconds the count is written down
MEASURED_S = 3
LONGEST = 4096      # bytes of an input that is kept

# What a fuzzer attacks besides the file beside which it stands.
MORE_TARGETS = {
    "dovecot_auth_client": ["src/proto/dovecot_auth.c"],
    "mail_hosts": ["src/proto/dns_request.c"],
    "mime_downgrade": ["src/proto/mime_boundaries.c", "src/proto/mime_field.c", "src/proto/quoted_printable.c"],
    "smtp_body": ["src/proto/dot_stuffing.c"],
    "smtp_client": ["src/proto/smtp_reply.c"],
    "smtp_server": ["src/proto/smtp_server_answer.c", "src/proto/smtp_server_commands.c",
                    "src/proto/smtp_server_keywords.c", "src/proto/smtp_server_reply.c", "src/proto/smtp_chunk.c"],
}


def run(*command, **more):
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=True, **more)


# ---- building ----

def build(name, *options):
    folder = ROOT / name
    if not (folder / "build.ninja").exists():
        run("meson", "setup", "-Dtests=disabled", "-Dfuzzers=true", "-Db_lundef=false", *options, folder,
            env=dict(os.environ, CC="clang"), stdout=subprocess.DEVNULL)
    run("ninja", "-C", folder, "fuzzers", stdout=subprocess.DEVNULL)
    return folder


def build_for_finding():
    return build("build-fuzz", "-Db_sanitize=address,undefined")


def build_for_running():
    return build("build-fuzz-quick", "--buildtype=release")


def build_for_counting():
    flags = "-fprofile-instr-generate -fcoverage-mapping"
    return build("build-coverage", f"-Dc_args={flags}", f"-Dc_link_args={flags}")


class Fuzzer:
    def __init__(self, test):
        self.program = pathlib.Path(test["cmd"][0])
        self.corpus = pathlib.Path(test["cmd"][-1])
        self.name = self.corpus.name
        self.found = FOUND / self.name

    def targets(self):
        if self.name == "session":
            return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("src/mta/session*.c"))
        beside = [path.relative_to(ROOT) for path in ROOT.glob(f"s*/**/{self.name}.c")]
        return [str(path) for path in beside] + MORE_TARGETS.get(self.name, [])

    def execute(self, *options, folders=()):
        """What it prints. Its exit code is not 0 when it has found something."""
        self.found.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [str(self.program), "-timeout=10", "-print_final_stats=1", f"-dict={CORPORA}/dictionary",
             f"-artifact_prefix={FOUND}/{self.name}-", *options, *map(str, folders)],
            cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            sys.exit(f"{self.name}:\n{done.stderr[-4000:]}")
        return done.stderr


def fuzzers(folder, names):
    tests = subprocess.run(["meson", "introspect", "--tests", folder], capture_output=True, check=True).stdout
    found = [Fuzzer(test) for test in json.loads(tests)]
    unknown = set(names) - {one.name for one in found}
    if unknown:
        sys.exit(f"no such fuzzer: {', '.join(sorted(unknown))}")
    return [one for one in found if not names or one.name in names]


def statistic(output, name):
    return int(re.search(rf"stat::{name}:\s+(\d+)", output).group(1))


# ---- coverage ----

def lines_of(fuzzer, folder):
    """For each target file: which of its lines with code were executed."""
    with tempfile.TemporaryDirectory() as name:
        raw, merged = pathlib.Path(name) / "raw", pathlib.Path(name) / "merged"
        run(fuzzer.program, "-runs=0", fuzzer.corpus, env=dict(os.environ, LLVM_PROFILE_FILE=str(raw)),
            stderr=subprocess.DEVNULL)
        run("llvm-profdata-14", "merge", "-sparse", raw, "-o", merged)
        exported = run("llvm-cov-14", "export", "-format=lcov", fuzzer.program, f"-instr-profile={merged}",
                       capture_output=True, text=True).stdout
    counts, functions, file = {path: {} for path in fuzzer.targets()}, {path: {} for path in fuzzer.targets()}, None
    for line in exported.splitlines():
        if line.startswith("SF:"):
            file = os.path.relpath(os.path.realpath(os.path.join(folder, line[3:])), ROOT)
        elif line.startswith("FN:") and file in counts:
            start, function = line[3:].split(",")
            functions[file][int(start)] = function.split(":")[-1]
        elif line.startswith("DA:") and file in counts:
            number, count = line[3:].split(",")[:2]
            counts[file][int(number)] = count != "0"
    return {path: File(path, counts[path], functions[path]) for path in counts}


class File:
    def __init__(self, path, covered, functions):
        self.path, self.covered, self.functions = path, covered, functions

    def function_at(self, number):
        """"name()" of the function that the line is in."""
        starts = [start for start in self.functions if start <= number]
        return f"{self.functions[max(starts)]}()" if starts else ""


class Unreached:
    """Lines by file and text, and whole functions by file and "name()", with the reason why no input reaches them."""

    def __init__(self):
        self.reasons, self.met = {}, set()
        for line in UNREACHED.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                file, text, reason = (one.strip() for one in line.split(" | "))
                self.reasons[file, text] = reason

    def explains(self, file, text, function):
        known = [key for key in ((file, text.strip()), (file, function)) if key in self.reasons]
        self.met.update(known)
        return bool(known)

    def stale(self, files):
        return [f"{file}: is reached, or is no more: {text}" for file, text in self.reasons
                if (file, text) not in self.met and file in files]


def judge(file, unreached):
    """Per cent of the lines, of those that can be reached, and the ones among these that are not."""
    source = (ROOT / file.path).read_text(encoding="utf-8").splitlines()
    missed = [number for number, covered in file.covered.items() if not covered]
    open_ones = [number for number in missed
                 if not unreached.explains(file.path, source[number - 1], file.function_at(number))]
    reachable = len(file.covered) - len(missed) + len(open_ones)
    return (100 * (len(file.covered) - len(missed)) / len(file.covered),
            100 * (reachable - len(open_ones)) / max(1, reachable),
            [f"{file.path}:{number}: {source[number - 1].strip()}" for number in open_ones])


def coverage(options):
    finding, counting = build_for_finding(), build_for_counting()
    speeds = {one.name: one for one in fuzzers(finding, options.names)}
    unreached, failed, files, missing = Unreached(), False, set(), []
    print(f"{'fuzzer':20} {'inputs':>6} {'exec/s':>7}    lines reachable target file")
    for fuzzer in fuzzers(counting, options.names):
        output = speeds[fuzzer.name].execute(f"-max_total_time={MEASURED_S}", folders=[FOUND / fuzzer.name, fuzzer.corpus])
        head = f"{fuzzer.name:20} {len(list(fuzzer.corpus.iterdir())):6} {statistic(output, 'average_exec_per_sec'):7}"
        for file, seen in lines_of(fuzzer, counting).items():
            percent, of_reachable, open_ones = judge(seen, unreached)
            good = of_reachable >= COVERED_MIN
            failed |= not good
            files.add(file)
            missing += open_ones
            print(f"{head} {percent:6.1f} % {of_reachable:6.1f} % {file}{'' if good else '   <<<'}", flush=True)
            head = " " * len(head)
    stale = unreached.stale(files)
    print("\n".join(["lines that no kept input reaches, and that have no reason:"] + missing + stale))
    return 1 if failed or stale else 0


# ---- running ----

def counts_file():
    return FOUND / "executions.json"


def read_counts():
    return json.loads(counts_file().read_text()) if counts_file().exists() else {}


def run_many(options):
    """In slices, so that it can be stopped and goes on where it was. A fuzzer that finds something ends it all."""
    sanitized = {one.name: one for one in fuzzers(build_for_finding(), options.names)}
    for fuzzer in fuzzers(build_for_running(), options.names):
        while (done := read_counts().get(fuzzer.name, 0)) < options.runs:
            output = fuzzer.execute(f"-max_total_time={SLICE_S}", f"-runs={options.runs - done}",
                                    folders=[fuzzer.found, fuzzer.corpus])
            counts = read_counts()
            counts[fuzzer.name] = done + statistic(output, "number_of_executed_units")
            counts_file().write_text(json.dumps(counts, indent=1))
            print(f"{fuzzer.name:20} {counts[fuzzer.name]:10} of {options.runs}", flush=True)
        sanitized[fuzzer.name].execute("-runs=0", folders=[fuzzer.found, fuzzer.corpus])
        print(f"{fuzzer.name:20} under the sanitizers: {len(list(fuzzer.found.iterdir()))} inputs", flush=True)
    return 0


# ---- keeping ----

def keep(options):
    """Edges count, not how often each was passed: that keeps corpora small. Inputs that have names stay."""
    for fuzzer in fuzzers(build_for_finding(), options.names):
        fuzzer.execute("-merge=1", "-use_counters=0", f"-max_len={LONGEST}", folders=[fuzzer.corpus, fuzzer.found])
        for path in fuzzer.corpus.iterdir():
            if re.fullmatch(r"[0-9a-f]{40}", path.name):
                path.rename(path.with_name(path.name[:12]))
        print(f"{fuzzer.name:20} {len(list(fuzzer.corpus.iterdir())):6} inputs", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, function in (("coverage", coverage), ("run", run_many), ("keep", keep)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("names", nargs="*", metavar="NAME")
        if name == "run":
            command.add_argument("--runs", type=int, required=True, metavar="N")
    options = parser.parse_args()
    for tool in ("clang", "llvm-cov-14"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: sh scripts/install-packages build check")
    return options.function(options)


if __name__ == "__main__":
    sys.exit(main())
