#!/usr/bin/python3
"""Runs a rotation function written for AWS Lambda, unmodified, as a rotator of Strongroom.

    strongroom rotate-secret --secret-id NAME -- /usr/bin/python3 -I ADAPTER HANDLER.py [FUNCTION]

FUNCTION is lambda_handler by default. The directory of HANDLER.py is what Lambda calls the task's
root: modules beside it can be imported, and it is the working directory; layers in /opt/python are
found too, but no compiled code beside them. --rotation-pin with that directory has it stay as it is.
`boto3` and `botocore` are what stands below, whether or not the real ones are installed:
the client of Secrets Manager speaks to Strongroom, and one of another service fails when it is first
called. For Python's own functions `/tmp` is the private directory of the step. Needs Python 3.8 or
later and nothing besides.
"""

import base64
import builtins
import datetime
import errno
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import logging
import os
import socket
import sys
import time
import traceback
import types
import uuid

# What a request may have, as botocore checks it before anything is sent: `!` for what it must have,
# `#` for a number, `?` for true or false, `*` for a list, `~` for bytes; the rest is text.
PARAMETERS = {
    "DescribeSecret": "SecretId!",
    "GetRandomPassword": "PasswordLength# ExcludeCharacters ExcludeNumbers? ExcludePunctuation? "
    "ExcludeUppercase? ExcludeLowercase? IncludeSpace? RequireEachIncludedType?",
    "GetSecretValue": "SecretId! VersionId VersionStage",
    "ListSecretVersionIds": "SecretId! MaxResults# NextToken IncludeDeprecated?",
    "ListSecrets": "IncludePlannedDeletion? MaxResults# NextToken Filters* SortOrder SortBy",
    "PutSecretValue": "SecretId! ClientRequestToken SecretBinary~ SecretString VersionStages* "
    "RotationToken",
    "TagResource": "SecretId! Tags*!",
    "UpdateSecretVersionStage": "SecretId! VersionStage! RemoveFromVersionId MoveToVersionId",
}
# What no step may do: Strongroom refuses it, as AWS would a function that has no right to it.
REFUSED = """AssociateCrossAccountReplica BatchGetSecretValue CancelRotateSecret CreateSecret
    DeleteResourcePolicy DeleteSecret DisassociateCrossAccountReplica GetResourcePolicy
    ListResourcePolicies PutResourcePolicy RemoveRegionsFromReplication ReplicateSecretToRegions
    RestoreSecret RotateSecret StopReplicationToReplica UntagResource UpdateSecret
    ValidateResourcePolicy""".split()
TYPES = {"#": (int,), "?": (bool,), "*": (list, tuple), "~": (bytes, bytearray, str), "": (str,)}
LISTS = {"ListSecrets": "SecretList", "ListSecretVersionIds": "Versions"}
# Where Lambda puts what functions share.
LAYERS = ["/opt/python", "/opt/python/lib/python{}.{}/site-packages".format(*sys.version_info)]


class BotoCoreError(Exception):
    """What botocore finds wrong itself."""

    fmt = ""

    def __init__(self, *arguments, **values):
        told = self.fmt.format(**values) if self.fmt else ", ".join(map(str, values.values()))
        super().__init__(*(arguments or [told]))
        self.kwargs = values


class ParamValidationError(BotoCoreError):
    """A request that is not sent."""

    fmt = "Parameter validation failed:\n{report}"


class ClientError(Exception):
    """What the service refuses."""

    def __init__(self, error_response, operation_name):
        error = error_response.get("Error", {})
        super().__init__(
            "An error occurred ({}) when calling the {} operation: {}".format(
                error.get("Code", "Unknown"), operation_name, error.get("Message", "Unknown")
            )
        )
        self.response = error_response
        self.operation_name = operation_name


class Exceptions:
    """The classes of what a service refuses, one for each code."""

    ClientError = ClientError

    def __getattr__(self, code):
        if code.startswith("_"):
            raise AttributeError(code)
        # Kept, so that the class that is raised is the class that is caught.
        setattr(Exceptions, code, type(code, (ClientError,), {}))
        return getattr(Exceptions, code)

    def from_code(self, code):
        return getattr(self, code)


class Config:
    """What a client can be told; nothing of it matters here."""

    def __init__(self, **options):
        self.__dict__.update(options)

    def merge(self, other):
        return Config(**dict(vars(self), **vars(other)))


class Events:
    """Takes those who want to hear of requests; there are none that they know."""

    def _take(self, *_arguments, **_options):
        return None

    register = register_first = register_last = unregister = emit = _take


class Absent:
    """Something of AWS that is not here: it can be made and handed on, and fails when it is used."""

    def __init__(self, name):
        self._name = name
        self.exceptions = Exceptions()
        self.meta = types.SimpleNamespace(
            client=self, events=Events(), region_name=None, endpoint_url=None
        )

    def __getattr__(self, member):
        if member.startswith("_"):
            raise AttributeError(member)
        if member.endswith(("Error", "Exception")):
            return getattr(self.exceptions, member)
        return Absent(self._name + "." + member)

    def __call__(self, *_arguments, **_options):
        # `Table("x")` of a resource, or `Key("x")`, makes something; `get_item()` does something.
        if self._name.rpartition(".")[2][:1].isupper():
            return Absent(self._name)
        raise NotImplementedError(self._name + " is not available in a rotation of Strongroom")


class Client:
    """The client of Secrets Manager: each method asks Strongroom."""

    exceptions = Exceptions()

    def __init__(self, region, endpoint_url=None, config=None):
        self.meta = types.SimpleNamespace(
            region_name=region,
            endpoint_url=endpoint_url or "https://secretsmanager.{}.amazonaws.com".format(region),
            config=config or Config(),
            events=Events(),
            partition="aws",
            service_model=types.SimpleNamespace(service_name="secretsmanager"),
            method_to_api_mapping=METHODS,
        )

    def __getattr__(self, method):
        if method not in METHODS:
            raise AttributeError("secretsmanager." + method + " is not available in a rotation")
        operation = METHODS[method]

        def call(**parameters):
            validate(operation, parameters)
            return ask(operation, parameters)

        return call

    def can_paginate(self, method):
        return METHODS.get(method) in LISTS

    def get_paginator(self, method):
        if not self.can_paginate(method):
            raise ValueError("secretsmanager." + method + " has no pages")
        return Paginator(getattr(self, method), LISTS[METHODS[method]])

    def close(self):
        """There is nothing to close."""


class Paginator:
    """Goes through the pages of a list."""

    def __init__(self, method, result):
        self._method, self._result = method, result

    def paginate(self, PaginationConfig=None, **parameters):
        wanted = PaginationConfig or {}
        for name, option in (("MaxResults", "PageSize"), ("NextToken", "StartingToken")):
            if wanted.get(option):
                parameters[name] = wanted[option]
        return Pages(self._method, self._result, wanted.get("MaxItems"), parameters)


class Pages:
    """The pages of a list."""

    def __init__(self, method, result, most, parameters):
        self._method, self._result, self._most = method, result, most
        self._parameters = parameters

    def __iter__(self):
        parameters, left = dict(self._parameters), self._most
        while left is None or left > 0:
            page = self._method(**parameters)
            if left is not None:
                page[self._result] = page.get(self._result, [])[:left]
                left -= len(page[self._result])
            yield page
            if not page.get("NextToken"):
                return
            parameters["NextToken"] = page["NextToken"]

    def build_full_result(self):
        return {self._result: [item for page in self for item in page.get(self._result, [])]}


def snake(operation):
    """Returns boto3's name of an operation."""
    return "".join("_" + c.lower() if c.isupper() else c for c in operation)[1:]


METHODS = {snake(operation): operation for operation in list(PARAMETERS) + REFUSED}


def validate(operation, parameters):
    """Refuses what botocore would not send, in its words."""
    if operation not in PARAMETERS:
        return
    known, report = {}, []
    for word in PARAMETERS[operation].split():
        kind = next((kind for kind in TYPES if kind and kind in word), "")
        known[word.rstrip("!#?*~")] = TYPES[kind]
        name = word.rstrip("!#?*~")
        if "!" in word and name not in parameters:
            report.append('Missing required parameter in input: "{}"'.format(name))
    for name, value in parameters.items():
        if name not in known:
            report.append(
                'Unknown parameter in input: "{}", must be one of: {}'.format(name, ", ".join(known))
            )
        elif not isinstance(value, known[name]):
            report.append(
                "Invalid type for parameter {}, value: {}, type: {}, valid types: {}".format(
                    name, shown(value), type(value), ", ".join(map(str, known[name]))
                )
            )
        elif name == "SecretId" and not value:
            report.append("Invalid length for parameter SecretId, value: 0, valid min length: 1")
    if report:
        raise ParamValidationError(report="\n".join(report))


def shown(value):
    """Returns what may be shown of a wrong parameter: it may be a secret that was not encoded."""
    return repr(value) if value is None or isinstance(value, (bool, int)) else "..."


def ask(operation, parameters):
    """Sends one request and returns its response, with the types that boto3 gives."""
    request = {
        "v": 1,
        "token": os.environ["STRONGROOM_ROTATION_TOKEN"],
        "op": operation,
        "params": parameters,
    }
    line = json.dumps(request, default=encoded).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["STRONGROOM_ROTATION_SOCKET"])
        connection.sendall(line)
        with connection.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise BotoCoreError("Strongroom gave no answer to " + operation)
    answer = json.loads(line)
    metadata = {
        "RequestId": str(uuid.uuid4()),
        "HTTPStatusCode": 200,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }
    if answer["ok"]:
        return dict(decoded(answer["result"]), ResponseMetadata=metadata)
    metadata["HTTPStatusCode"] = 400
    response = {"Error": answer["error"], "ResponseMetadata": metadata}
    raise getattr(Client.exceptions, answer["error"]["Code"])(response, operation)


def encoded(value):
    """Writes what JSON has no word for."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    raise TypeError("a parameter has the type " + type(value).__name__)


def decoded(value):
    """Reads times and bytes, which JSON has no word for, by the names of their members."""
    if isinstance(value, list):
        return [decoded(element) for element in value]
    if not isinstance(value, dict):
        return value
    members = {}
    for name, member in value.items():
        if name.endswith("Date") and isinstance(member, (int, float)):
            member = datetime.datetime.fromtimestamp(member, datetime.timezone.utc)
        elif name == "SecretBinary" and isinstance(member, str):
            member = base64.b64decode(member)
        members[name] = decoded(member)
    return members


class Session:
    """What sessions of boto3 and botocore are used for: to make clients."""

    def __init__(self, region_name=None, **_options):
        self.region_name = region_name or os.environ["AWS_REGION"]
        self.profile_name = "default"
        self.events = Events()
        self.register = self.events.register

    def client(self, service_name, region_name=None, *_arguments, **options):
        if service_name != "secretsmanager":
            return Absent(service_name)
        wanted = {name: options.get(name) for name in ("endpoint_url", "config")}
        return Client(region_name or self.region_name, **wanted)

    create_client = client

    def resource(self, service_name, *_arguments, **_options):
        return Absent(service_name)

    def get_credentials(self):
        return None

    def get_config_variable(self, name, *_arguments):
        return self.region_name if name == "region" else None

    def get_available_services(self):
        return ["secretsmanager"]


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what a function imports of boto3 and botocore and what is not below: it is absent."""

    def find_spec(self, name, _path=None, _target=None):
        if name.partition(".")[0] not in ("boto3", "botocore"):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def exec_module(self, made):
        made.__getattr__ = Absent(made.__name__).__getattr__


def provide_boto3():
    """Puts our boto3 and botocore where an import finds them first."""
    sys.meta_path.insert(0, Finder())
    module(
        "boto3",
        Session=Session,
        session=module("boto3.session", Session=Session),
        client=lambda *arguments, **options: Session().client(*arguments, **options),
        resource=lambda *arguments, **options: Session().resource(*arguments, **options),
        setup_default_session=lambda **_options: None,
        set_stream_logger=lambda *_arguments, **_options: None,
        __version__="1.0.0",
    )
    exceptions = module(
        "botocore.exceptions",
        BotoCoreError=BotoCoreError,
        ClientError=ClientError,
        ParamValidationError=ParamValidationError,
        __getattr__=other_exception,
    )
    module(
        "botocore",
        exceptions=exceptions,
        config=module("botocore.config", Config=Config),
        client=module("botocore.client", BaseClient=Client, Config=Config),
        session=module(
            "botocore.session",
            Session=Session,
            get_session=lambda *_arguments, **_options: Session(),
        ),
        register_initializer=lambda *_arguments: None,
        __version__="1.0.0",
    )


def other_exception(name):
    """Makes a class of what botocore may find wrong and nothing here does."""
    if name.startswith("_"):
        raise AttributeError(name)
    made = type(name, (BotoCoreError,), {})
    setattr(sys.modules["botocore.exceptions"], name, made)
    return made


def module(name, **members):
    """Makes a module."""
    made = types.ModuleType(name)
    made.__path__ = []
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


class Context:
    """What Lambda tells a function about its call."""

    memory_limit_in_mb = "128"
    function_version = "$LATEST"
    identity = client_context = None

    def __init__(self, handler):
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = os.path.splitext(os.path.basename(handler))[0]
        self.invoked_function_arn = "arn:local:exec:" + handler
        self.log_group_name = self.log_stream_name = self.function_name
        self._end = time.monotonic() + float(os.environ.get("STRONGROOM_ROTATION_TIMEOUT", "60"))

    def get_remaining_time_in_millis(self):
        return max(0, int((self._end - time.monotonic()) * 1000))


def provide_environment(event, context, root):
    """Sets the variables that Lambda sets and that rotation functions read."""
    arn = event["SecretId"].split(":")
    region = arn[3] if len(arn) > 3 else "local-1"
    for name, value in {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": context.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": context.function_version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": context.memory_limit_in_mb,
        "LAMBDA_TASK_ROOT": root,
        # AWS's own functions hand it to boto3.client, and fail where it is missing.
        "SECRETS_MANAGER_ENDPOINT": "https://secretsmanager.invalid",
    }.items():
        os.environ.setdefault(name, value)
    os.chdir(root)


def provide_tmp():
    """Has Python's functions take `/tmp`, which a rotation has none of, for the step's directory.

    What the user granted there stays where it is. Libraries in C, and programs that are started, do
    not go through these functions.
    """
    own = os.environ.get("TMPDIR")
    if not own:
        return
    really_open, really_lstat = os.open, os.lstat

    def is_granted(place):
        try:
            descriptor = really_open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            return False
        os.close(descriptor)
        return really_lstat(place).st_uid == os.geteuid()

    def moved(path):
        text = os.fspath(path) if isinstance(path, os.PathLike) else path
        if not isinstance(text, str) or not (text + "/").startswith("/tmp/"):
            return path
        first = text[5:].partition("/")[0]
        is_elsewhere = text.startswith(own) or first and is_granted("/tmp/" + first)
        return path if is_elsewhere else own + text[4:]

    class Moving:
        """A function that takes so many paths. Not a function itself, which would be a method where
        a class has it, as pathlib's did before Python 3.10."""

        def __init__(self, function, paths):
            self._function, self._paths = function, paths
            # What can be said of the function can be said of this.
            for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
                if function in known:
                    known.add(self)

        def __call__(self, *arguments, **options):
            places = [moved(path) for path in arguments[: self._paths]]
            return self._function(*places, *arguments[self._paths :], **options)

    for paths, names in (
        (1, "access chdir chmod chown getxattr lchown listdir listxattr lstat mkdir mkfifo open"),
        (1, "readlink remove removexattr rmdir scandir setxattr stat statvfs truncate unlink utime"),
        (2, "link rename replace symlink"),
    ):
        # Not every system has all of them.
        for name in filter(lambda name: hasattr(os, name), names.split()):
            setattr(os, name, Moving(getattr(os, name), paths))
    builtins.open = io.open = Moving(io.open, 1)


def is_trusted(layer):
    """Whether a layer is there, and is nobody's but root's and the user's. No pin knows of it."""
    try:
        found = os.stat(layer)
    except OSError:
        return False
    is_own = found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022
    return is_own and os.path.isdir(layer)


def load(handler, function):
    """Imports the function from its file."""
    # What others compiled, or say they did, stands beside the files and is no part of any pin.
    sys.pycache_prefix = os.path.join(os.environ["TMPDIR"], "compiled")
    sys.dont_write_bytecode = True
    sys.path[:0] = [os.path.dirname(handler)] + [layer for layer in LAYERS if is_trusted(layer)]
    name = os.path.splitext(os.path.basename(handler))[0]
    spec = importlib.util.spec_from_file_location(name, handler)
    if spec is None:
        raise ImportError(handler + " is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return getattr(loaded, function)


def tell(error, root):
    """Says what went wrong, where the function was then, and where it came up. Not all of it where
    that is much: twenty lines are shown, and the first of these says what it is."""
    told = []
    while error is not None and len(told) < 3 and not any(error is known for known in told):
        if told:
            print("after", file=sys.stderr)
        told.append(error)
        frames = list(traceback.walk_tb(error.__traceback__))
        words = in_words(error) + missing(error, frames)
        print("{}: {}".format(type(error).__name__, words), file=sys.stderr)
        places = [(frame.f_code, line) for frame, line in frames]
        adapter = tell.__code__.co_filename
        places = [place for place in places if place[0].co_filename != adapter]
        own = [place for place in places if place[0].co_filename.startswith(root + os.sep)]
        most = 6 if len(told) == 1 else 3
        left = own if len(own) <= most else own[:1] + own[1 - most :]
        for code, line in left + [place for place in places[-1:] if place not in own]:
            name = code.co_filename
            name = os.path.relpath(name, root) if (code, line) in own else os.path.basename(name)
            print("    {}:{} in {}".format(name, line, code.co_name), file=sys.stderr)
        is_hidden = error.__cause__ is None and error.__suppress_context__
        error = None if is_hidden else error.__cause__ or error.__context__


def in_words(error):
    """Returns what an error says, and what was noted about it."""
    try:
        return "; ".join([str(error)] + [str(note) for note in getattr(error, "__notes__", [])])
    except Exception as other:
        return "it cannot say why: " + type(other).__name__


def missing(error, frames):
    """Names the file that is not there where the error does not, as one of OpenSSL's does not."""
    if not isinstance(error, OSError) or error.errno != errno.ENOENT or error.filename:
        return ""
    for frame, _line in reversed(frames):
        for name, value in frame.f_locals.items():
            is_file = name == "ca" or any(part in name for part in ("file", "path", "cert"))
            if is_file and isinstance(value, str) and value and not os.path.exists(value):
                return ": {!r}".format(value)
    return ""


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: lambda-adapter HANDLER.py [FUNCTION]", file=sys.stderr)
        return 78
    handler = os.path.abspath(sys.argv[1])
    root = os.path.dirname(handler)
    function = sys.argv[2] if len(sys.argv) == 3 else "lambda_handler"
    event = json.load(sys.stdin)
    # Lambda shows what is printed and logged; Strongroom shows it when a step fails, and with -v.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    context = Context(handler)
    provide_environment(event, context, root)
    provide_tmp()
    provide_boto3()
    try:
        load(handler, function)(event, context)
    except BaseException as error:  # Whatever it is, the step failed: sys.exit() too, as in Lambda.
        tell(error, root)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)  # The step is over when the function returns, whatever threads it leaves.
