#!/usr/bin/env python3
"""Runs the commands in sessions/ through the AWS CLI and through Strongroom, and compares.

    compare.py                      everything; fails on a difference that differences.txt has not,
                                    and on an entry there that no command needs any more
    compare.py NAME...              the sessions of these files (`errors`), without the second check
    compare.py --update             prints differences.txt as it would have to be
    compare.py --show NAME          prints what both sides answered

The program is $SUITE_BINARY, else target/debug/strongroom. See README.md beside this file.
"""

import argparse
import concurrent.futures
import difflib
import json
import multiprocessing
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone

import jmespath

sys.dont_write_bytecode = True  # the tree stays as it was
import aws

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIST = HERE / "differences.txt"
STREAMS = ("exit", "stdout", "stderr")
SIDES = ("aws", "ours")


class Wrong(Exception):
    """A session, or the list of differences, cannot be read."""


def require(condition, why):
    if not condition:
        raise Wrong(why)


# What is compared.

def sessions(path):
    """The sessions of a file: (title, [(line number, text)]). Each begins with nothing there."""
    found, lines = [], iter(enumerate(path.read_text().split("\n"), 1))
    for number, text in lines:
        while text.endswith(" \\"):
            text = text[:-1] + next(lines)[1].lstrip()
        if text.startswith("== "):
            found.append((text[3:], []))
        elif text and not text.startswith("#"):
            require(found, f"{path.name}:{number}: before the first session")
            found[-1][1].append((number, text))
    return found


class Side:
    """One of the two that are compared, in one session."""

    def __init__(self, name, directory, binary):
        self.name, self.binary = name, binary
        self.home = directory / name
        self.work = self.home / "work"
        self.variables, self.names = {}, {}
        self.out = ""
        if name == "ours":
            shutil.copytree(directory.parent / "template", self.home)
            self.environment = {
                "HOME": str(self.home),
                "STRONGROOM_VAULT": str(self.home / "vault"),
                "STRONGROOM_KEYFILE": str(self.home / "keyfile"),
            }
        else:
            self.home.mkdir()
            (self.home / "config").write_text(aws.CONFIGURATION)
            self.environment = aws.ENVIRONMENT | {
                "HOME": str(self.home),
                "AWS_CONFIG_FILE": str(self.home / "config"),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "credentials"),
            }
        self.environment |= {"TZ": "UTC", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
        self.work.mkdir()

    def words(self, text):
        """The words of a line, its variables replaced by what they are on this side."""
        def value(match):
            return self.variables.get(match[1] or match[2], match[0])
        return [re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, word) for word in shlex.split(text)]

    def step(self, text):
        """Runs a line. Returns what is compared, or None if the line is not a command."""
        name, *rest = self.words(text)
        match name, rest:
            case "write", [file, *lines]:
                (self.work / file).write_text("\n".join(lines))
            case "hex", [file, digits]:
                (self.work / file).write_bytes(bytes.fromhex(digits))
            case "repeat", [variable, text, count]:
                self.variables[variable] = text * int(count)
            case "keep", [variable, query]:
                value = jmespath.search(query, json.loads(self.out))
                require(isinstance(value, str), f"{self.name}: {query} is {value!r}")
                self.variables[variable] = value
            case "env", pairs:
                self.environment.update(pair.split("=", 1) for pair in pairs)
            case "unset", names:
                for name in names:
                    self.environment.pop(name, None)
            case "aws", _:
                return self.command(text, rest)
            case _:
                return self.command(text, ["secretsmanager", name, *rest])
        return None

    def command(self, line, words):
        if self.name == "aws":
            code, out, err = aws.run(words, self.environment, self.work)
        else:
            done = subprocess.run([self.binary, "aws", *words], env=self.environment, cwd=self.work,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            code = done.returncode
            out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        self.out = out
        return {"exit": f"{code}\n"} | {
            stream: self.normal(text, line) for stream, text in (("stdout", out), ("stderr", err))
        }

    def normal(self, text, typed):
        """Without what no two runs have in common: random names and dates, in equal widths."""
        def numbered(kind, name, form):
            key = kind, name.lower()
            self.names.setdefault(key, sum(k == kind for k, _ in self.names) + 1)
            return form.format(self.names[key])

        def identifier(match):
            return match[0] if match[0] in typed else numbered(
                "id", match[0], "........-....-....-....-{:.>12}")

        def time(match):
            at = datetime.fromisoformat(match[0])
            if (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0):
                return "<day>"
            days = round((at - datetime.now(timezone.utc)).total_seconds() / 86400)
            return f"<now{days:+}d>" if days else "<now>"

        text = re.sub(r"(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", identifier, text)
        text = re.sub(r"(:secret:[\w/+=.@!-]+)-([A-Za-z0-9]{6})(?![\w/+=@!-]|\.\w)",
                      lambda m: m[0] if m[0] in typed
                      else m[1] + "-" + numbered("arn", m[2], "{:.>6}"), text)
        text = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", time, text)
        text = re.sub(r'("NextToken": )"[^"]+"', r'\1"<token>"', text)
        return re.sub(r"(.)\1{127,}", lambda m: f"{m[1]}<{len(m[0])} times>", text)


def run(task):
    """Runs a session on both sides. Returns [(line number, command, answers by side)]."""
    path, title, steps, scratch, binary = task
    directory = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    both = [Side(name, directory, binary) for name in SIDES]
    done = []
    try:
        with aws.account():
            for number, text in steps:
                try:
                    answers = [side.step(text) for side in both]
                except Exception as error:
                    raise Wrong(f"{path.name}:{number}: {text}: {error!r}") from error
                if answers[0]:
                    done.append((number, text, dict(zip(SIDES, answers))))
    finally:
        shutil.rmtree(directory)
    return path.name, title, done


def lines_of(text):
    if text.endswith("\n"):
        return text[:-1].split("\n")
    return [*text.split("\n"), "(no newline)"] if text else []


def difference(answers):
    """What differs, as lines of the list; empty if nothing does."""
    found = []
    for stream in STREAMS:
        theirs, ours = (lines_of(answers[side][stream]) for side in SIDES)
        matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
        lines = []
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind != "equal":
                lines += [f"- {line}" for line in theirs[a:b]] + [f"+ {line}" for line in ours[c:d]]
        if lines:
            found += [stream, *lines]
    return [line.rstrip() if line in ("- ", "+ ") else line for line in found]


# What may differ.

class Entry:
    """A difference that is known: the commands that have it, the lines, and in which block why."""

    def __init__(self, pattern, lines, reason):
        self.pattern, self.lines, self.reason = pattern, lines, reason
        self.needed = False

    def covers(self, command, lines):
        form = re.escape(self.pattern).replace(r"\*", ".*")
        return self.lines == lines and re.fullmatch(form, command) is not None


def entries(text):
    """The list of differences: blocks of `## ` lines, which are reasons, and of `$ ` lines, which
    are commands (`*` is any text), with what differs in them."""
    found, reason = [], None
    for block in re.split(r"\n{2,}", text.strip("\n")):
        lines = block.split("\n")
        patterns = [line[2:] for line in lines if line.startswith("$ ")]
        if all(line.startswith("## ") for line in lines):
            reason = block
        elif patterns:
            require(reason, f"no reason before {patterns[0]}")
            found += [Entry(pattern, lines[len(patterns):], reason) for pattern in patterns]
        else:
            require(all(line.startswith("# ") for line in lines), f"not a block: {block}")
    return found


def written(listed):
    """The entries as text, in their order: those of one difference in one block."""
    blocks, last = [], None
    for entry in listed:
        if last is None or entry.reason != last.reason:
            blocks.append([entry.reason])
        if last is None or (entry.reason, entry.lines) != (last.reason, last.lines):
            blocks.append([*entry.lines])
            at = 0
        blocks[-1].insert(at, f"$ {entry.pattern}")
        at, last = at + 1, entry
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


# What is not covered.

def unused_options(commands):
    """The options of Strongroom's operations that no command has."""
    operations = {path.stem.replace("_", "-") for path in (ROOT / "src/service/operations").glob("*.rs")}
    used = {}
    for command in commands:
        words = shlex.split(command)
        name = next((word for word in words if word in operations), None)
        used.setdefault(name, set()).update(word.split("=")[0] for word in words)
    return sorted(f"{name} --{option}" for name, options in aws.options().items()
                  if name in operations for option in options
                  if f"--{option}" not in used.get(name, set()))


# The program.

def compare(paths, scratch, binary):
    """Runs the sessions, on as many processors as there are."""
    template = pathlib.Path(scratch) / "template"
    template.mkdir()
    environment = {"HOME": str(template), "STRONGROOM_VAULT": str(template / "vault")}
    subprocess.run([binary, "init", "--keyfile-only", "--keyfile", template / "keyfile",
                    "--no-recovery", "--account-id", aws.ACCOUNT, "--region", aws.REGION],
                   env=environment, check=True, capture_output=True)
    tasks = [(path, title, steps, scratch, binary)
             for path in paths for title, steps in sessions(path)]
    aws.prepare()
    fork = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(mp_context=fork) as pool:
        return [answer for done in pool.map(run, tasks) for answer in
                ((done[0], done[1], *each) for each in done[2])]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="files in sessions/")
    parser.add_argument("--update", action="store_true", help="print what the list would have to be")
    parser.add_argument("--show", action="store_true", help="print what both answered")
    return parser.parse_args()


def main():
    given = arguments()
    binary = str((ROOT / os.environ.get("SUITE_BINARY", "target/debug/strongroom")).resolve())
    require(os.access(binary, os.X_OK), f"there is no program {binary}")
    paths = [HERE / "sessions" / f"{name}.txt" for name in given.names]
    paths = paths or sorted((HERE / "sessions").glob("*.txt"))
    listed = entries(LIST.read_text()) if LIST.exists() else []
    with tempfile.TemporaryDirectory() as scratch:
        answers = compare(paths, scratch, binary)

    news, faults = [], 0
    for file, title, number, command, sides in answers:
        if given.show:
            print(f"\n{file}:{number}: {command}")
            for name in SIDES:
                print(f"[{name} {sides[name]['exit'].strip()}]", sides[name]["stdout"] + sides[name]["stderr"])
        lines = difference(sides)
        if not lines:
            continue
        known = [entry for entry in listed if entry.covers(command, lines)]
        for entry in known:
            entry.needed = True
        if not known and not any(entry.covers(command, lines) for entry in news):
            news.append(Entry(command, lines, "## Not explained."))
            if not given.update:
                print(f"{file}:{number}: a new difference, in \"{title}\":")
                print("\n".join([f"$ {command}", *lines, ""]))
        faults += not known
    if given.update:
        print(written([entry for entry in listed if entry.needed] + news), end="")
        return 0
    if not given.names:
        for entry in listed:
            if not entry.needed:
                faults += 1
                print(f"no command needs this entry any more: $ {entry.pattern}")
        for option in unused_options(command for _, _, _, command, _ in answers):
            faults += 1
            print(f"no session has {option}")
    same = sum(not difference(sides) for *_, sides in answers)
    print(f"{len(answers)} commands: {same} alike, {len(answers) - same} differ, {faults} wrong")
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        sys.exit(f"compare: {wrong}")
