"""The AWS CLI, run inside this process against moto, and told as version 2 would have told it.

What can be installed as a package is version 1; what Strongroom follows is version 2. Where the two
differ as a rule, this file says how, and nowhere else. A single command that differs stands in
differences.txt.
"""

import argparse
import contextlib
import difflib
import inspect
import io
import os
import re
import sys
import warnings
from datetime import timezone

warnings.filterwarnings("ignore")

import awscli.argparser
import awscli.clidriver
import awscli.customizations.scalarparse
import awscli.shorthand
import botocore.hooks
import botocore.loaders
import botocore.session
import botocore.utils
import moto

ACCOUNT = "123456789012"
REGION = "us-east-1"
PREFIX = "aws: [ERROR]: "
INVALID = "An error occurred (ParamValidation): "

USAGE = """\
usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  aws help
  aws <command> help
  aws <command> <subcommand> help
"""

# The environment of a user of AWS. Nothing leaves the process: moto answers every request.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_MAX_ATTEMPTS": "1",  # what moto has not implemented would be tried again
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DATA_PATH": os.environ["AWS_DATA_PATH"],  # where the CLI, when imported, says it keeps its own
}
CONFIGURATION = "[default]\ncli_timestamp_format = iso8601\n"  # version 2's default

loaders = {}


def prepare():
    """Makes each run cheap: what is the same for every command is found out once. And makes version
    1 print what version 2 does where that cannot be seen from what is printed."""
    make = botocore.loaders.create_loader

    def shared(search_path_string=None):
        if search_path_string not in loaders:
            loaders[search_path_string] = make(search_path_string)
        return loaders[search_path_string]

    botocore.session.create_loader = shared
    inspected = botocore.hooks.accepts_kwargs

    def accepts_kwargs(hook):
        code = getattr(hook, "__code__", None)
        return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else inspected(hook)
    botocore.hooks.accepts_kwargs = accepts_kwargs
    alias = botocore.hooks.EventAliaser._alias_event_name
    names = {}

    def aliased(self, name):
        if name not in names:
            names[name] = alias(self, name)
        return names[name]
    botocore.hooks.EventAliaser._alias_event_name = aliased
    sys.argv = ["aws"]

    # 1.45 prints "{self._error_location()}" itself: an f-string lacks its f. Version 2 has it, and a
    # blank before it.
    def message(self):
        return (f"Expected: '{self.expected}', received: '{self.actual}' for input:\n"
                f" {self._error_location()}")
    awscli.shorthand.ShorthandParseSyntaxError._construct_msg = message

    # In a skeleton, a value of an enumeration is any of them. Ours is the first.
    botocore.utils.random.choice = lambda values: values[0]

    # Version 2 names a wrong choice and what is like it, version 1 all the right ones.
    def check(self, action, value):
        if action.choices is not None and value not in action.choices:
            text = f"Found invalid choice '{value}'\n"
            like = difflib.get_close_matches(value, action.choices, cutoff=0.8)
            if like:
                text += "\nMaybe you meant:\n" + "".join(f"\n  * {word}" for word in like)
            raise argparse.ArgumentError(action, text)
    awscli.argparser.CLIArgParser._check_value = check

    # Moto's clock has whole seconds, AWS's has milliseconds; a date is then 32 characters wide, as
    # ours nearly always is, which a table shows. Midnight is a day and stays one.
    def timestamp(value):
        time = botocore.utils.parse_timestamp(value).astimezone(timezone.utc)
        is_day = (time.hour, time.minute, time.second) == (0, 0, 0)
        return time.replace(microsecond=0 if is_day else 1000).isoformat()
    awscli.customizations.scalarparse.iso_format = timestamp
    with account():  # the first command imports the most
        run(["secretsmanager", "list-secrets"], ENVIRONMENT, os.curdir)


@contextlib.contextmanager
def account():
    """A new, empty account of AWS."""
    with moto.mock_aws():
        yield


def run(words, environment, directory):
    """Runs `aws WORDS` and returns (exit code, standard output, standard error)."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n", write_through=True) for _ in "oe"]
    variables, where = dict(os.environ), os.getcwd()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    try:
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                code = awscli.clidriver.create_clidriver().main(words)
            except SystemExit as exit:
                code = exit.code
    finally:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(variables)
    out, err = (stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams)
    return as_version_2(code, out, err)


def as_version_2(code, out, err):
    """What version 2 (from 2.34) prints and exits with where version 1 printed this."""
    err = re.sub(r"\Ausage: \rNote: AWS CLI version 2, .*\n\n(?=usage: )", "", err)
    if code == 2 and err.startswith(USAGE + "aws: error: "):
        message = err.removeprefix(USAGE + "aws: error: ").removesuffix("\n")
        return 252, out, f"\n{PREFIX}{INVALID}{message}\n\n{USAGE}"
    if err.startswith(USAGE + "\nUnknown options: "):
        return 252, out, f"\n{USAGE}\n\n{PREFIX}{err.removeprefix(USAGE).strip()}\n"
    if code != 255 or not err.startswith("\n"):
        return code, out, err
    # moto repeats the sentence that the CLI begins with, and has the indentation of its own source
    # in what it says.
    sentence = r"An error occurred \((\w+)\) when calling the (\w+) operation: "
    err = re.sub(rf"{sentence}An error occurred \(\1\) when calling the \2 operation: ",
                 r"An error occurred (\1) when calling the \2 operation: ", err)
    if re.match("\n" + sentence, err):
        return 254, out, f"\n{PREFIX}" + re.sub(" {2,}", " ", err.removeprefix("\n"))
    err = err.removeprefix("\nError during pagination: ").removeprefix("\n")
    err = re.sub(r"\A(Error parsing parameter 'cli-input-json': Invalid JSON): [^$]*\Z",
                 r"\1 received.\n", err)
    wrong = re.match(r"'(\w+)' object has no attribute 'keys'\n", err)
    if wrong:
        err = ("Error parsing parameter '--cli-input-json': Invalid type: expecting map, received "
               f"<class '{wrong[1]}'>\n")
    invalid = ("Parameter validation failed:", "Error parsing parameter ", "Bad value for --query ",
               "ambiguous option: ", "Cannot specify --no-paginate along with ")
    if err.startswith(invalid):
        return 252, out, f"\n{PREFIX}{INVALID}{err}"
    environment = {"You must specify a region.": "NoRegion", "Unable to locate credentials": "NoCredentials"}
    for start, name in environment.items():
        if err.startswith(start):
            return 253, out, f"\n{PREFIX}An error occurred ({name}): {err}"
    return 255, out, f"\n{PREFIX}{err}"


def options():
    """The options of each operation, as the CLI has them."""
    commands = awscli.clidriver.create_clidriver()._get_command_table()
    table = commands["secretsmanager"].create_help_command().command_table
    return {name: set(command.arg_table) for name, command in table.items() if name != "help"}
