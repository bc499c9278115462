#!/usr/bin/python3
"""Runs a rotation function written for AWS Lambda, unmodified, as a rotator of Strongroom.

    strongroom rotate-secret --secret-id NAME -- /usr/bin/python3 -I ADAPTER HANDLER.py [FUNCTION]

FUNCTION is lambda_handler by default. Modules beside HANDLER.py can be imported. `boto3` and
`botocore` are what stands below, whether or not the real ones are installed: the client of
Secrets Manager speaks to Strongroom, every other service is not there. Needs Python 3.8 or later
and nothing besides.
"""

import base64
import datetime
import importlib.util
import json
import logging
import os
import socket
import sys
import time
import traceback
import types
import uuid

OPERATIONS = {
    "describe_secret": "DescribeSecret",
    "get_random_password": "GetRandomPassword",
    "get_secret_value": "GetSecretValue",
    "list_secret_version_ids": "ListSecretVersionIds",
    "put_secret_value": "PutSecretValue",
    "update_secret_version_stage": "UpdateSecretVersionStage",
}


class BotoCoreError(Exception):
    """What botocore finds wrong itself."""


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
    """The classes of what the service refuses, one for each code."""

    ClientError = ClientError

    def __getattr__(self, code):
        if code.startswith("_"):
            raise AttributeError(code)
        # Kept, so that the class that is raised is the class that is caught.
        setattr(Exceptions, code, type(code, (ClientError,), {}))
        return getattr(Exceptions, code)


class SecretsManager:
    """The client of Secrets Manager: each method asks Strongroom."""

    exceptions = Exceptions()

    def __init__(self, region):
        self.meta = types.SimpleNamespace(region_name=region, service_model=None)

    def __getattr__(self, method):
        if method not in OPERATIONS:
            raise AttributeError("secretsmanager." + method + " is not available in a rotation")
        return lambda **parameters: ask(OPERATIONS[method], parameters)


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
    metadata = {"RequestId": str(uuid.uuid4()), "HTTPStatusCode": 200, "RetryAttempts": 0}
    if answer["ok"]:
        return dict(decoded(answer["result"]), ResponseMetadata=metadata)
    metadata["HTTPStatusCode"] = 400
    response = {"Error": answer["error"], "ResponseMetadata": metadata}
    raise getattr(SecretsManager.exceptions, answer["error"]["Code"])(response, operation)


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
    """What `boto3.session.Session` is used for: to make clients."""

    def __init__(self, region_name=None, **_options):
        self.region_name = region_name or os.environ["AWS_REGION"]

    def client(self, service_name, region_name=None, **_options):
        if service_name != "secretsmanager":
            raise NotImplementedError("boto3: there is no service " + service_name + " here")
        return SecretsManager(region_name or self.region_name)

    def resource(self, service_name, *_arguments, **_options):
        raise NotImplementedError("boto3: there is no resource " + service_name + " here")


def provide_boto3():
    """Puts our boto3 and botocore where an import finds them first."""
    session = module("boto3.session", Session=Session)
    module(
        "boto3",
        Session=Session,
        session=session,
        client=lambda *arguments, **options: Session().client(*arguments, **options),
        resource=lambda *arguments, **options: Session().resource(*arguments, **options),
    )
    exceptions = module(
        "botocore.exceptions",
        BotoCoreError=BotoCoreError,
        ClientError=ClientError,
        ParamValidationError=type("ParamValidationError", (BotoCoreError,), {}),
        NoCredentialsError=type("NoCredentialsError", (BotoCoreError,), {}),
        EndpointConnectionError=type("EndpointConnectionError", (BotoCoreError,), {}),
    )
    config = module("botocore.config", Config=types.SimpleNamespace)
    module("botocore", exceptions=exceptions, config=config)


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


def provide_environment(event, context):
    """Sets the variables that Lambda sets and that rotation functions read."""
    arn = event["SecretId"].split(":")
    region = arn[3] if len(arn) > 3 else "local-1"
    os.environ.setdefault("AWS_REGION", region)
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    os.environ.setdefault("AWS_LAMBDA_FUNCTION_NAME", context.function_name)
    # AWS's own functions hand it to boto3.client, and fail where it is missing.
    os.environ.setdefault("SECRETS_MANAGER_ENDPOINT", "https://secretsmanager.invalid")


def load(handler, function):
    """Imports the function from its file."""
    sys.path.insert(0, os.path.dirname(handler))
    name = os.path.splitext(os.path.basename(handler))[0]
    spec = importlib.util.spec_from_file_location(name, handler)
    if spec is None:
        raise ImportError(handler + " is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return getattr(loaded, function)


def main():
    if len(sys.argv) not in (2, 3):
        print("usage: lambda-adapter HANDLER.py [FUNCTION]", file=sys.stderr)
        return 78
    handler = os.path.abspath(sys.argv[1])
    function = sys.argv[2] if len(sys.argv) == 3 else "lambda_handler"
    event = json.load(sys.stdin)
    context = Context(handler)
    provide_environment(event, context)
    provide_boto3()
    # Lambda shows what is logged; Strongroom shows it when a step fails, and with -v.
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        load(handler, function)(event, context)
    except BaseException as error:  # Whatever it is, the step failed: sys.exit() too, as in Lambda.
        place = traceback.extract_tb(error.__traceback__)[-1]
        place = "{}:{}".format(os.path.basename(place.filename), place.lineno)
        print("{}: {} ({})".format(type(error).__name__, error, place), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # The step is over when the function returns, whatever threads it leaves.
