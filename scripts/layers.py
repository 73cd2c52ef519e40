#!/usr/bin/python3
"""Checks that each floor sees only what it may: its includes, and what its objects ask the linker for.

    scripts/layers.py BUILD

Two readings. The first is of the sources: an include of a floor that is not named below, or of a system
header that the floor has no business with, is an error. The second is of the pure libraries in BUILD
(`nm -u`): a symbol that neither the floor itself, nor a floor below, nor the allow-list defines is an
error, so that no clock, file, socket or random number slips into the core.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# floor: (floors it may see, further system headers beyond the language's own)
FLOORS = {
    "base": ((), ()),
    "proto": (("base",), ("idn2.h",)),
    "config": (("base",), ("pcre2.h", "regex.h")),
    "spool": (("base",), ("xxhash.h",)),
    "tls": (("base",), ("openssl/",)),
    "mta": (("spool", "proto", "config", "base"), ()),
    "backend": (("proto", "config", "base"), ("unix", "crypt.h", "openssl/", "unbound.h")),
    "shell": (("tls", "mta", "spool", "proto", "config", "base"), ("unix", "uv.h")),
    "proc": (("shell", "backend", "tls", "mta", "spool", "proto", "config", "base"), ("unix",)),
    "cmd": (("proc", "backend", "tls", "spool", "config", "base"), ("unix", "getopt.h")),
    "sim": (("mta", "spool", "proto", "config", "base"), ("unix", "getopt.h")),
}

# The language's own headers that do no input or output and read no clock.
LANGUAGE = {"ctype.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h",
            "stdint.h", "string.h"}
# base alone formats text and takes memory for the others.
BASE_ONLY = {"stdio.h", "stdlib.h"}

PURE = {"base": (), "proto": ("base",), "config": ("base",), "spool": ("base",),
        "mta": ("spool", "proto", "config", "base")}

# What the compiler and its hardening call on their own, and memory and string functions without effects.
ALLOWED = {"memcpy", "memmove", "memset", "memcmp", "bcmp", "memchr", "memmem", "memrchr", "strlen", "strchr",
           "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strnlen",
           "__memcpy_chk", "__memmove_chk", "__memset_chk", "__stack_chk_fail", "__strlen_chk",
           "_GLOBAL_OFFSET_TABLE_"}
ALLOWED_FOR = {
    "base": {"calloc", "realloc", "free", "abort", "fprintf", "__fprintf_chk", "stderr", "vsnprintf",
             "__vsnprintf_chk", "snprintf", "__snprintf_chk", "strerror"},
    "proto": {"idn2_free", "idn2_to_ascii_8z", "idn2_to_unicode_8z8z"},
    "spool": {"XXH3_64bits_withSeed"},
    "config": {"qsort", "bsearch", "regcomp", "regexec", "regfree", "regerror",
               "pcre2_compile_8", "pcre2_code_free_8", "pcre2_get_error_message_8", "pcre2_get_ovector_pointer_8",
               "pcre2_match_8", "pcre2_match_context_create_8", "pcre2_match_context_free_8",
               "pcre2_match_data_create_8", "pcre2_match_data_free_8", "pcre2_pattern_info_8",
               "pcre2_set_depth_limit_8", "pcre2_set_match_limit_8"},
}


def included(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def header_allowed(floor, header):
    extra = FLOORS[floor][1]
    if header in LANGUAGE or "unix" in extra:
        return True
    if floor == "base" and header in BASE_ONLY:
        return True
    return any(header == name or (name.endswith("/") and header.startswith(name)) for name in extra)


def include_errors():
    for floor, (seen, _) in FLOORS.items():
        folder = ROOT / ("sim" if floor == "sim" else f"src/{floor}")
        for path in sorted(folder.glob("*.[ch]")):
            is_test = path.stem.endswith(("_test", "_fuzz"))
            for number, kind, name in included(path):
                where = f"{path.relative_to(ROOT)}:{number}"
                if kind == "<":
                    if not is_test and not header_allowed(floor, name):
                        yield f"{where}: the floor {floor} has no business with <{name}>"
                    continue
                target = name.split("/")[0]
                if target == floor or target in seen or (is_test and target in ("tests", "sim")):
                    continue
                yield f"{where}: the floor {floor} may not see {name}"


def symbols(library):
    output = subprocess.run(["nm", str(library)], capture_output=True, text=True, check=True).stdout
    defined, wanted = set(), {}
    member = "?"
    for line in output.splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        fields = line.split()
        if len(fields) < 2:
            continue
        kind, name = fields[-2], fields[-1]
        if kind == "U":
            wanted.setdefault(name, member)
        elif kind not in ("t", "d", "r", "b"):
            defined.add(name)
    return defined, wanted


def symbol_errors(build):
    defined, wanted = {}, {}
    for floor in PURE:
        library = build / "src" / f"lib{floor}.a"
        if not library.exists():
            yield f"{library} is missing: build first"
            return
        defined[floor], wanted[floor] = symbols(library)
    for floor, below in PURE.items():
        known = set(ALLOWED) | ALLOWED_FOR.get(floor, set()) | defined[floor]
        for lower in below:
            known |= defined[lower]
        for name, member in sorted(wanted[floor].items()):
            if name in known or (floor == "mta" and name.startswith("world_")):
                continue
            yield f"lib{floor}.a({member}): wants {name}, which is neither a lower floor's nor allowed"


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    errors = list(include_errors()) + list(symbol_errors(build))
    for error in errors:
        print(error)
    print(f"layers: {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
