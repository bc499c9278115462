#!/usr/bin/env python3
"""`strongroom export --to aws`, and what the AWS CLI with moto as its AWS makes of its script.

An account that was empty has afterwards what the vault has: names, descriptions, tags, values, versions
and labels. The script is run once more, and stopped at many places and run again; nothing is different
then. What was changed in the account meanwhile is put right, and what is of no concern stays.

The program is $SUITE_BINARY, else target/debug/strongroom. See README.md beside this file.
"""

import base64
import json
import os
import pathlib
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True  # the tree stays as it was
import aws
import botocore.serialize

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = (ROOT / os.environ.get("SUITE_BINARY", "target/debug/strongroom")).resolve()

# What stands in for the AWS CLI: hands its words to this process, which starts no Python for each.
CLIENT = f"#!{sys.executable} -ISE\n" + """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "socket"))
    with s.makefile("rw", encoding="utf-8") as file:
        file.write(json.dumps(sys.argv[1:]) + "\\n")
        file.flush()
        code, out, err = json.loads(file.readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


def as_version_2():
    """Version 2 takes bytes as base64, as every export has them (`--cli-binary-format base64`, its
    default); version 1 has no such option, and would encode them once more."""
    encode = botocore.serialize.Serializer._get_base64

    def encoded(self, value):
        if isinstance(value, str):
            return base64.b64encode(base64.b64decode(value, validate=True)).decode("ascii")
        return encode(self, value)
    botocore.serialize.Serializer._get_base64 = encoded


class Account:
    """The AWS CLI, which may be made to fail at a request."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = aws.ENVIRONMENT | {"HOME": str(directory), "LANG": "C.UTF-8"}
        self.left = None  # how many more commands succeed
        self.done = 0

    def run(self, words):
        self.done += 1
        if self.left is not None:
            if self.left == 0:
                return 255, "", "stopped\n"
            self.left -= 1
        at = words.index("--cli-binary-format") if "--cli-binary-format" in words else None
        if at is not None:
            assert words[at + 1] == "base64", words
            words = words[:at] + words[at + 2:]
        return aws.run(words, self.environment, self.directory)

    def ask(self, *words):
        code, out, err = aws.run(["secretsmanager", *words], self.environment, self.directory)
        assert code == 0, (words, err)
        return json.loads(out) if out.strip() else None


def state(ask):
    """What is there, as far as an account and a vault can have the same."""
    found = {}
    for secret in ask("list-secrets")["SecretList"]:
        name = secret["Name"]
        versions = {}
        listed = ask("list-secret-version-ids", f"--secret-id={name}", "--include-deprecated")
        for version in listed["Versions"]:
            id = version["VersionId"]
            value = ask("get-secret-value", f"--secret-id={name}", "--version-id", id)
            versions[id] = (sorted(version.get("VersionStages") or []), value.get("SecretString"),
                            value.get("SecretBinary"))
        tags = sorted((tag["Key"], tag["Value"]) for tag in secret.get("Tags") or [])
        found[name] = {"description": secret.get("Description") or "", "tags": tags, "versions": versions}
    return found


def same(found, wanted, when):
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            sys.exit(f"{when}: {name}\n the account has {found.get(name)!r}\n the vault has "
                     f"{wanted.get(name)!r}")


def fill(ask, directory):
    """Secrets with whatever an export has to carry over."""
    def file(text):
        (directory / "value").write_bytes(text if isinstance(text, bytes) else text.encode())
        return "file://value" if isinstance(text, str) else "fileb://value"

    def create(name, value, *more):
        option = "--secret-string" if isinstance(value, str) else "--secret-binary"
        ask("create-secret", f"--name={name}", option, file(value), *more)

    def put(name, value, *stages):
        option = "--secret-string" if isinstance(value, str) else "--secret-binary"
        ask("put-secret-value", f"--secret-id={name}", option, file(value),
            *(["--version-stages", *stages] if stages else []))

    create("app/db", '{"username":"ada","password":"it\'s $HOME `x` \\" \\\\"}', "--description", "the 'db'",
           "--tags", '[{"Key":"a b","Value":"c=d"},{"Key":"empty","Value":""}]')
    create("app/bytes", bytes(range(256)))
    create("app/long", "\u00e9" * 32768)
    create("-option", "a\tb\n\x01\x7f\u2028")
    create("/slash+=.@_-/", "x")
    create("history", "one")
    for value in ("two", b"\xff\x00", "four"):
        put("history", value)
    create("labels", "one")
    put("labels", "two", "AWSCURRENT", "blue green")
    put("labels", "three", "canary")
    third = next(version["VersionId"] for version in
                 ask("list-secret-version-ids", "--secret-id", "labels")["Versions"]
                 if "canary" in version["VersionStages"])
    ask("update-secret-version-stage", "--secret-id", "labels", "--version-stage=-x",
        "--move-to-version-id", third)
    create("back", "one")
    put("back", "two")
    first, second = (next(version["VersionId"] for version in
                          ask("list-secret-version-ids", "--secret-id", "back")["Versions"]
                          if stage in version["VersionStages"])
                     for stage in ("AWSPREVIOUS", "AWSCURRENT"))
    ask("update-secret-version-stage", "--secret-id", "back", "--version-stage", "AWSCURRENT",
        "--remove-from-version-id", second, "--move-to-version-id", first)
    create("pending", "one")
    put("pending", "two", "AWSPENDING")


def main():
    as_version_2()
    aws.prepare()
    with tempfile.TemporaryDirectory() as name, aws.account():
        directory = pathlib.Path(name)
        environment = {"HOME": name, "STRONGROOM_VAULT": f"{name}/vault", "TZ": "UTC",
                       "STRONGROOM_KEYFILE": f"{name}/keyfile", "PATH": f"{name}/bin:/usr/bin:/bin"}

        def ours(*words):
            done = subprocess.run([BINARY, *words], env=environment, cwd=directory, capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=60)
            assert done.returncode == 0, (words, done.stderr)
            return done.stdout.decode()

        def ask(*words):
            out = ours("aws", "secretsmanager", *words, "--output", "json")
            return json.loads(out) if out.strip() else None

        ours("init", "--keyfile-only", "--no-recovery", "--region", aws.REGION)
        fill(ask, directory)
        wanted = state(ask)
        ours("export", "--to", "aws", "--plaintext", "--out", "account")

        account = Account(directory)
        (directory / "bin").mkdir()
        (directory / "bin/aws").write_text(CLIENT)
        (directory / "bin/aws").chmod(0o755)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                answer = account.run(json.loads(self.rfile.readline()))
                self.wfile.write(json.dumps(answer).encode() + b"\n")

        def apply():
            return subprocess.run(["sh", "account/apply.sh"], env=environment, cwd=directory, text=True,
                                  capture_output=True, timeout=300)

        with socketserver.UnixStreamServer(f"{name}/bin/socket", Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            # Stopped again and again, each time a little later.
            stops = 0
            while True:
                account.left = 1 + 37 * stops
                done = apply()
                if done.returncode == 0:
                    break
                assert done.stderr.endswith("stopped\n"), done.stderr
                stops += 1
            account.left = None
            same(state(account.ask), wanted, f"after {stops} stops")

            account.done = 0
            done = apply()
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
            same(state(account.ask), wanted, "run again")

            account.ask("create-secret", "--name", "other", "--secret-string", "x")
            account.ask("put-secret-value", "--secret-id", "labels", "--secret-string", "newer",
                        "--version-stages", "AWSCURRENT", "canary")
            account.ask("update-secret", "--secret-id", "app/db", "--description", "changed")
            account.ask("untag-resource", "--secret-id", "app/db", "--tag-keys", "empty")
            done = apply()
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
            found = state(account.ask)
            assert found.pop("other")["versions"], "other secrets stay"
            newer = [id for id, (_, value, _) in found["labels"]["versions"].items() if value == "newer"]
            assert len(newer) == 1, "other versions stay"
            del found["labels"]["versions"][newer[0]]
            same(found, wanted, "put right")
            server.shutdown()
        print(f"{len(wanted)} secrets, {account.done} commands, {stops} stops")


if __name__ == "__main__":
    main()
