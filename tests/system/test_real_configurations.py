"""Configurations as people have them: tuvi check understands each file and names what is not supported, with its
weight. TUVI_CONFIGS names a folder of more such files (NAME-main.cf and NAME-master.cf, of which one may be missing);
the count of those in which nothing dangerous is set without support is printed."""
import collections
import os
import pathlib
import re
import subprocess

from harness import ROOT, TUVI, Folder

OWN = ROOT / "tests" / "configs"
LITTLE = {"main": "compatibility_level = 3.6\nmydestination =\n", "master": "smtp inet n - n - - smtpd\n"}
EX_CONFIG = 78
LINE = re.compile(r"(error|warning|note)( \((harmless|dangerous)\))?: ")
REASON = re.compile(r'(?:line \d+|dangerous\)): (?:\S+: the restriction )?"?([^/\s":=]+)[\s":=]')
SYNTAX = re.compile(r"missing '='|missing attribute|logical line|bad field|unbalanced|bad transport type")


def pairs():
    """(name, {"main": text, "master": text}); what a pair lacks is the least that runs."""
    found = collections.defaultdict(dict)
    for folder in OWN.iterdir():
        for kind in LITTLE:
            found[folder.name][kind] = (folder / f"{kind}.cf").read_text()
    for path in pathlib.Path(os.environ["TUVI_CONFIGS"]).glob("*.cf") if "TUVI_CONFIGS" in os.environ else ():
        name, kind = path.stem.rsplit("-", 1)
        found[name][kind] = path.read_text(errors="surrogateescape")
    return sorted((name, LITTLE | texts) for name, texts in found.items())


def check(texts):
    folder = Folder()
    try:
        for kind, text in texts.items():
            (folder.path / f"{kind}.cf").write_text(text, errors="surrogateescape")
        done = subprocess.run([TUVI, "check", folder.path], capture_output=True, check=False, timeout=60)
        assert done.stderr == b"" and done.returncode in (0, EX_CONFIG), done
        return done.stdout.decode(errors="replace").splitlines()
    finally:
        folder.close()


def test_every_configuration_parses_and_what_is_unsupported_has_its_weight(capsys):
    clean, reasons, count = [], collections.Counter(), 0
    for name, texts in pairs():
        count += 1
        lines = [line for line in check(texts) if LINE.match(line)]
        assert lines, name
        assert not [line for line in lines if line.startswith("error") and SYNTAX.search(line)], (name, lines)
        dangerous = [line for line in lines if line.startswith("error (dangerous): ")]
        unweighed = [line for line in lines if line.startswith("error: ") and "not support" in line]
        assert not unweighed, (name, unweighed)
        clean += [name] * (not dangerous)
        reasons.update({REASON.search(line)[1] for line in dangerous})
    assert count >= 3 and clean
    with capsys.disabled():
        print(f"\n{len(clean)} of {count} configurations have nothing dangerous unsupported: {', '.join(clean)}")
        print("most often: " + ", ".join(f"{reason} {number}" for reason, number in reasons.most_common(15)))
