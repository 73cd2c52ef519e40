#!/usr/bin/python3
"""Checks tests/replies.txt: each row has a place where its reply is shown, or says why there is none.

    tests/replies.py [--list]      --list prints the rows whose reply does not exist here
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRANSCRIPTS = ROOT / "tests" / "transcripts" / "smtp_server"
ROWS = ROOT / "tests" / "replies.txt"


def rows():
    for number, line in enumerate(ROWS.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, [field.strip() for field in line.split(" | ")]


def is_shown(reply, place):
    if place.endswith(".txt"):
        path = TRANSCRIPTS / place
        return path.is_file() and any(line.startswith("S: " + reply)
                                      for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    path = ROOT / place
    return path.is_file() and reply in path.read_text(encoding="utf-8")


def wrong(fields):
    """What is wrong with a row; empty when nothing is."""
    if len(fields) < 3 or not fields[2]:
        return "no place shows this reply"
    if fields[2] == "-":
        return "" if len(fields) == 4 and fields[3] else "it does not say why there is no such reply"
    if len(fields) != 3:
        return "write CASE | REPLY | FILE"
    return "" if is_shown(fields[1], fields[2]) else f"{fields[2]} does not show this reply"


def main():
    absent = [fields for _, fields in rows() if len(fields) == 4 and fields[2] == "-"]
    if sys.argv[1:] == ["--list"]:
        for fields in absent:
            print(f"{fields[0]}: {fields[3]}")
        return 0
    complaints = [f"{ROWS.relative_to(ROOT)}, line {number}: {fields[0]}: {wrong(fields)}"
                  for number, fields in rows() if wrong(fields)]
    print("\n".join(complaints + [f"{len(list(rows()))} rows, {len(absent)} of them not here, {len(complaints)} wrong"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
