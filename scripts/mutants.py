#!/usr/bin/python3
"""Proves the tests of the spool: breaks the source in many ways, and each must be noticed.

    scripts/mutants.py [--seeds N] [--jobs N] [--only TEXT] faults|statements [BUILD]

faults      Every sim/mutants/*.patch is a fault that must not be in a spool. The simulator has to fail
            with each of them within N seeds.
statements  Every check and every statement of src/spool that changes something is taken away in turn: a
            statement deleted, a condition never true, an operand of && or || left out. Unit tests or
            simulator must notice 90 in 100; each that they do not notice stands in sim/mutants/survivors,
            with the reason. No mutants are: what the compiler makes the same program of; a CHECK without
            effect, which only shows where another fault is; and what gives memory back, which the leak
            sanitizer sees to (the stages unit-asan and sim-asan).

BUILD is a build folder with everything in it (default: build). The last line counts.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "sim/mutants"
SURVIVORS = MUTANTS / "survivors"
SPOOL_TEST = "spool_spool_test"
SLOW_TESTS = {"spool_bit_flip_test", "spool_golden_test"}
TEST_PATIENCE_S = 15
SEED_PATIENCE_S = 10
CAUGHT_MIN = 0.90


# ---- a program with something in it replaced ----

def commands(build, target):
    """What ninja would do for it, the last command being its own."""
    output = subprocess.run(["ninja", "-C", build, "-t", "commands", target], capture_output=True,
                            text=True, check=True).stdout
    return [shlex.split(line) for line in output.splitlines()]


def absolute(word, build):
    """Paths in ninja's commands are relative to the build folder."""
    for prefix in ("-I", ""):
        if word.startswith(prefix):
            path = build / word[len(prefix):]
            if path.exists():
                return prefix + str(path.resolve())
    return word


class Programs:
    """Compiles single files and links the simulator and the unit tests around them."""

    def __init__(self, build, tests):
        names = ["sim"] + [f"tests/{test}" for test in tests]
        subprocess.run(["ninja", "-C", build, *names], stdout=subprocess.DEVNULL, check=True)
        self.build = build
        self.links = {name: self.link_of(name) for name in names}
        self.compiles = {}
        for command in commands(build, "sim"):
            if "-c" in command:
                source = (build / command[command.index("-c") + 1]).resolve()
                self.compiles[source.relative_to(ROOT)] = self.compile_of(command)

    def link_of(self, target):
        return [absolute(word, self.build) for word in commands(self.build, target)[-1]]

    def compile_of(self, command):
        """Without warnings, debug information and files of dependencies; quick to make."""
        kept, skip = [], False
        for word in command:
            if skip:
                skip = False
            elif word in ("-MQ", "-MF", "-o", "-c"):
                skip = True
            elif word not in ("-MD", "-g", "-O2", "-O3") and not word.startswith("-W"):
                kept.append(absolute(word, self.build))
        return kept + ["-w", "-O1"]

    def compile(self, source, text, folder):
        """The object, or None when it is no C."""
        path = folder / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        made = subprocess.run([*self.compiles[source], "-c", str(source), "-o", "object.o"], cwd=folder,
                              capture_output=True, check=False)
        return (folder / "object.o").read_bytes() if made.returncode == 0 else None

    def link(self, name, objects, folder):
        """The objects go in front of the libraries that hold what they replace."""
        words = list(self.links[name])
        out = folder / pathlib.Path(name).name
        words[words.index("-o") + 1] = str(out)
        if shutil.which("ld.lld"):
            words.insert(1, "-fuse-ld=lld")
        first = next(i for i, word in enumerate(words) if word.endswith(".a"))
        subprocess.run(words[:first] + [str(each) for each in objects] + words[first:], check=True,
                       capture_output=True)
        return out


def fails(command, patience_s, folder):
    """What a run says when it fails; None when it ends well."""
    try:
        run = subprocess.run(command, capture_output=True, timeout=patience_s, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        return "it does not end"
    if run.returncode == 0:
        return None
    text = (run.stdout + run.stderr).decode(errors="replace")
    told = re.search(r"seed \d+ failed.*?(?=:)|^\[  FAILED  \] \w+", text, re.MULTILINE)
    return told.group(0) if told else f"exit status {run.returncode}"


def simulator_fails(program, seeds, folder):
    return fails([program, "--seeds", str(seeds), "--stop", "--patience", str(SEED_PATIENCE_S)], 600, folder)


# ---- deliberate faults ----

def patched_files(patch):
    return [pathlib.Path(name) for name in re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.MULTILINE)]


def try_fault(programs, patch, seeds):
    with tempfile.TemporaryDirectory(prefix="tuvi-mutant-") as name:
        folder = pathlib.Path(name)
        for path in patched_files(patch):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
        applied = subprocess.run(["patch", "-p1", "-s", "-F3", "-i", str(patch)], cwd=folder,
                                 capture_output=True, check=False)
        if applied.returncode != 0:
            return "the patch does not apply any more: " + applied.stdout.decode(errors="replace"), False
        objects = []
        for number, path in enumerate(patched_files(patch)):
            if programs.compile(path, (folder / path).read_text(), folder) is None:
                return "it is no C any more", False
            objects.append((folder / "object.o").rename(folder / f"object-{number}.o"))
        told = simulator_fails(programs.link("sim", objects, folder), seeds, folder)
    return (told, True) if told else (f"not noticed within {seeds} seeds", False)


def run_faults(programs, options):
    patches = [each for each in sorted(MUTANTS.glob("*.patch")) if options.only in each.name]
    caught = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda patch: try_fault(programs, patch, options.seeds), patches)
        for patch, (told, good) in zip(patches, results):
            caught += good
            print(f"{'ok     ' if good else 'FAILED '} {patch.stem}: {told}", flush=True)
    print(f"{caught} passed, {len(patches) - caught} failed")
    return caught == len(patches)


# ---- statements and checks ----

DECLARATION = re.compile(r"(?:static |const |struct |enum |unsigned |signed )*[A-Za-z_]\w*[\s*]+[A-Za-z_]\w*\s*(?:[=;,\[]|$)")
NO_STATEMENT = re.compile(r"(return|break|continue|case|default|goto|else|do|if|for|while|switch)\b")


# Only says what is true anyway; or only gives memory back.
ASSERTION = re.compile(r"CHECK\((?!.*(?:add|append|reserve|arena_take|log_append)).*\);", re.DOTALL)
GIVES_BACK = re.compile(r"(?:memory_free|buf_free|buf_shrink|map_free|arena_reset|content_free|replay_free|log_free|"
                        r"free_message|free_list|segment_table_free)\(")


class Mutant:
    def __init__(self, source, function, what, text):
        self.source = source      # a path
        self.function = function
        self.what = what          # in words; with source and function it is its name
        self.text = text          # the whole file

    def name(self):
        return f"{self.source.name} {self.function}: {self.what}"


def blank(text):
    """As many lines as the text has, so that line numbers stay."""
    return "\n" * text.count("\n")


def one_line(text):
    return " ".join(text.split())


def closing(text, start):
    """Behind the parenthesis that closes the one at start."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i + 1
    raise ValueError("unbalanced")


def without_comments(text):
    """Comments and strings become spaces of the same length."""
    pattern = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def functions(code):
    """Name, start and end of the body of every function; the format puts its braces in column 1."""
    for match in re.finditer(r"^\{\n(.*?)^\}", code, re.DOTALL | re.MULTILINE):
        head = code[:match.start()].rstrip()
        line = head[head.rfind("\n\n") + 1:] if "\n\n" in head else head
        name = re.search(r"(\w+)\(", line)
        if name and "struct " + name.group(1) != line.strip():
            yield name.group(1), match.start(1), match.end(1)


def statements(code, start, end):
    """Where each statement that is an expression begins and ends."""
    at = start
    for line in code[start:end].split("\n"):
        begin = at + len(line) - len(line.lstrip())
        at += len(line) + 1
        text = line.strip()
        if not text or text[0] in "{}#.[" or NO_STATEMENT.match(text) or text.endswith(":"):
            continue
        before = code[:begin].rstrip()
        if before[-1] not in ";{}):" and not before.endswith("else"):
            continue  # it goes on from the line before
        if before[-1] == ")" and not re.search(r"\b(if|for|while|switch) \(", before[before.rfind("\n"):]):
            opened = before.rfind("\n    if (")
            if opened < 0 or closing(before, before.index("(", opened)) != len(before):
                continue
        stop = code.find(";", begin) + 1
        whole = code[begin:stop]
        if not DECLARATION.match(whole) and whole.count("(") == whole.count(")"):
            yield begin, stop


def conditions(code, start, end):
    """Where the condition of each `if` begins and ends."""
    for match in re.finditer(r"\bif \(", code[start:end]):
        begin = start + match.end() - 1
        yield begin + 1, closing(code, begin) - 1


def operands(code, begin, end):
    """The operands of && and || in an expression, with what may stand in their place."""
    depth, cuts = 0, []
    for i in range(begin, end):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0 and code[i:i + 2] in ("&&", "||"):
            cuts.append((i, code[i:i + 2]))
    if not cuts or len({kind for _, kind in cuts}) > 1:
        return
    edges = [begin] + [at + 2 for at, _ in cuts]
    stops = [at for at, _ in cuts] + [end]
    for first, stop in zip(edges, stops):
        yield first, stop, "1" if cuts[0][1] == "&&" else "0"


def expressions(code, start, end):
    """Conditions, and what is returned or assigned: wherever && and || may stand."""
    yield from conditions(code, start, end)
    for match in re.finditer(r"(?:\breturn |[^=!<>]= )([^;{]*);", code[start:end]):
        yield start + match.start(1), start + match.end(1)
    for match in re.finditer(r"\b(?:while|for) \(", code[start:end]):
        begin = start + match.end() - 1
        yield begin + 1, closing(code, begin) - 1


def mutants_of(source):
    text = (ROOT / source).read_text()
    code = without_comments(text)

    def mutant(function, what, begin, end, instead):
        changed = text[:begin] + instead + blank(text[begin:end]) + text[end:]
        return Mutant(source, function, what, changed)

    for function, start, end in functions(code):
        for begin, stop in statements(code, start, end):
            if ASSERTION.match(code[begin:stop]) or GIVES_BACK.match(code[begin:stop]):
                continue
            yield mutant(function, f"no {one_line(text[begin:stop])}", begin, stop, ";")
        for begin, stop in conditions(code, start, end):
            yield mutant(function, f"never if ({one_line(text[begin:stop])})", begin, stop, "0")
        for outer, outer_end in expressions(code, start, end):
            for begin, stop, neutral in operands(code, outer, outer_end):
                what = f"without {one_line(text[begin:stop])} in {one_line(text[outer:outer_end])}"
                yield mutant(function, what, begin, stop, f" {neutral} ")


def tests_of(source):
    """Those of the spool that are quick and need no files: its own first, where there is one, then all others."""
    tests = {f"spool_{path.stem}" for path in ROOT.glob("src/spool/*_test.c")} - SLOW_TESTS
    own = f"spool_{source.stem}_test"
    return sorted(tests, key=lambda test: (test != own, test != SPOOL_TEST, test))


def try_mutant(programs, mutant, original, seeds):
    """How it was noticed; "" when it was not; None when it is no mutant."""
    with tempfile.TemporaryDirectory(prefix="tuvi-mutant-") as name:
        folder = pathlib.Path(name)
        made = programs.compile(mutant.source, mutant.text, folder)
        if made is None or made == original:
            return None
        for test in tests_of(mutant.source):
            program = programs.link(f"tests/{test}", [folder / "object.o"], folder)
            told = fails([program], TEST_PATIENCE_S, folder)
            if told:
                return told
        return simulator_fails(programs.link("sim", [folder / "object.o"], folder), seeds, folder) or ""


def read_survivors():
    """Name: reason. A line each, the reason behind " -- "."""
    if not SURVIVORS.exists():
        return {}
    lines = [line for line in SURVIVORS.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split(" -- ", 1) for line in lines)


def original_object(programs, source):
    with tempfile.TemporaryDirectory(prefix="tuvi-mutant-") as name:
        return programs.compile(source, (ROOT / source).read_text(), pathlib.Path(name))


def run_statements(programs, options):
    sources = [path for path in sorted(programs.compiles) if path.parts[:2] == ("src", "spool")]
    originals = {source: original_object(programs, source) for source in sources}
    mutants = [each for source in sources for each in mutants_of(source) if options.only in each.name()]
    expected, began = read_survivors(), time.monotonic()
    caught, survivors, unexplained = 0, [], 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(try_mutant, programs, each, originals[each.source], options.seeds): each
                   for each in mutants}
        for number, done in enumerate(concurrent.futures.as_completed(running), 1):
            mutant, told = running[done], done.result()
            if told:
                caught += 1
                if options.verbose:
                    print(f"caught: {mutant.name()}: {told}", flush=True)
            elif told is not None:
                survivors.append(mutant.name())
                explained = expected.get(mutant.name())
                unexplained += explained is None
                print(f"survives: {mutant.name()} -- {explained or '?'}", flush=True)
            if number % 50 == 0:
                print(f"{number} of {len(mutants)}, {time.monotonic() - began:.0f} s", flush=True)
    if not options.only:
        for name in sorted(set(expected) - set(survivors)):
            print(f"explained, but it does not survive any more: {name}")
    share = caught / max(1, caught + len(survivors))
    print(f"{caught} mutants caught, {len(survivors)} survive, {unexplained} of them unexplained: "
          f"{100 * share:.1f} in 100 caught")
    return share >= CAUGHT_MIN and unexplained == 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/mutants.py")
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="that the simulator may take")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose name contains it")
    parser.add_argument("--verbose", action="store_true", help="name those that are caught, too")
    parser.add_argument("what", choices=["faults", "statements"])
    parser.add_argument("build", nargs="?", default="build")
    options = parser.parse_args()
    build = (ROOT / options.build).resolve()
    if options.what == "faults":
        return 0 if run_faults(Programs(build, []), options) else 1
    tests = tests_of(pathlib.Path("src/spool/spool.c"))
    return 0 if run_statements(Programs(build, tests), options) else 1


if __name__ == "__main__":
    sys.exit(main())
