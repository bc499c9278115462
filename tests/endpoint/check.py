#!/usr/bin/env python3
"""Real clients of AWS against the endpoint.

1. boto3 calls every operation, and what comes over the wire is held against AWS's model: the same
   conversation as tests/botocore/check.py has with the program's commands.
2. boto3 says what conversation.py has, once to the endpoint and once to moto, and hears the same but for
   what stands in MOTO, each with a reason.
3. AWS's SDK for JavaScript says it too, and hears what boto3 heard.
4. Credentials that are wrong are refused with AWS's codes, by Secrets Manager and by STS.
5. The AWS CLI, the SDK for Rust, AWS's caching library and a rotation function with the real boto3 work under
   `run --endpoint`, with no credentials but those that they fetch.

The program is $SUITE_BINARY, else target/debug/strongroom. The AWS CLI is $AWS_CLI, else `aws` on the path;
$NODE_MODULES_AT is a directory with node_modules as package.json wants them, and $RUST_CLIENT what is built of
rust/. What is not there is skipped, and with SUITE_STRICT=1 it fails.
"""

import base64
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import boto3
import botocore.auth
import botocore.config
import botocore.exceptions
import botocore.session
import moto

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "botocore"))
sys.dont_write_bytecode = True

import check as model_check  # noqa: E402
import conversation  # noqa: E402

REGION = conversation.HERE


def policy(*resources):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "secretsmanager:GetRandomPassword", "Resource": "*"},
        {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": resources}]})


say = model_check.say
skipped = []


def skip(what):
    skipped.append(what)
    if os.environ.get("SUITE_STRICT") == "1":
        say(f"{what} is missing")


class Serve:
    """`strongroom serve` with a vault of its own, and a key for everything."""

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        directory = pathlib.Path(self.directory.name)
        self.program = model_check.Program(directory)
        (directory / "all.json").write_text(policy("*"))
        (directory / "one.json").write_text(policy(f"arn:aws:secretsmanager:{REGION}:*:secret:a-??????"))
        self.process = subprocess.Popen(
            [self.program.binary, "serve", "--port", "0", "--policy", str(directory / "all.json")],
            env=self.program.environment, stdout=subprocess.PIPE)
        told = b""
        while not told.rstrip().endswith(b"}"):
            more = self.process.stdout.read1()
            assert more, f"serve ended, and said {told!r}"
            told += more
        self.at = json.loads(told)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        if self.process.wait(30) != 0:
            say(f"serve ended with {self.process.returncode}")
        self.process.stdout.close()
        self.directory.cleanup()

    def options(self, region=REGION, **changed):
        options = {"region_name": region, "endpoint_url": self.at["Endpoint"],
                   "aws_access_key_id": self.at["AccessKeyId"],
                   "aws_secret_access_key": self.at["SecretAccessKey"],
                   "aws_session_token": self.at["SessionToken"]}
        return options | changed

    def under_run(self, words, reads="", policy="all.json", **more):
        """Runs a program by `run --endpoint`, in an environment without anything of AWS."""
        policy = pathlib.Path(self.directory.name) / policy
        environment = {**self.program.environment, "PATH": os.environ["PATH"],
                       "PYTHONDONTWRITEBYTECODE": "1", **more}
        return subprocess.run(
            [self.program.binary, "run", "--endpoint", "--policy", str(policy), "--", *words],
            env=environment, input=reads, capture_output=True, text=True, timeout=120)


# 1. The model.

class Endpoint(model_check.Wire):
    """Looks at what comes over the wire. What only a command can do, a command does."""

    # A rotation needs somebody who runs its function, and a replica in another account somebody who has
    # both vaults open.
    BY_COMMAND = {"RotateSecret", "AssociateCrossAccountReplica", "DisassociateCrossAccountReplica"}

    def __init__(self, model, serve):
        super().__init__(model, serve.program)
        self.serve = serve
        self.is_across = False

    def client(self, session, region):
        client = session.create_client("secretsmanager", **self.serve.options(region))
        client.meta.events.register("before-send.secretsmanager", self.by_command)
        client.meta.events.register("before-parse.secretsmanager", self.came)
        return client

    def by_command(self, request, **_):
        operation = request.headers["X-Amz-Target"].decode().split(".")[1]
        if operation in self.BY_COMMAND or self.is_across:
            request.url = f"https://secretsmanager.{REGION}.amazonaws.com/"
            return self.answer(request)
        return None

    def came(self, operation_model, response_dict, **_):
        if response_dict["status_code"] == 200 and operation_model.name not in self.BY_COMMAND:
            name = operation_model.name
            self.called.add(name)
            if response_dict["body"]:
                self.look(operation_model.output_shape, json.loads(response_dict["body"]),
                          f"{name}.output")


def every_operation():
    session = botocore.session.Session()
    model = session.get_service_model("secretsmanager")
    with Serve() as serve:
        wire = Endpoint(model, serve)
        ask = model_check.converse(session, model, wire)
        wire.is_across = True
        model_check.across(ask, wire)
    for operation in model.operation_names:
        if operation not in wire.called:
            say(f"{operation} was never called")
        shape = model.operation_model(operation).output_shape
        for path in sorted(wire.unseen(shape, f"{operation}.output")):
            say(f"no answer had {path}")


# 2. and 3. One conversation.

def given(value):
    if isinstance(value, list):
        return [given(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return {name: given(inner) for name, inner in value.items()}


def taken(value):
    if isinstance(value, datetime.datetime):
        return {"$date": round(value.timestamp() * 1000)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [taken(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {name: taken(inner) for name, inner in value.items() if name != "ResponseMetadata"}


def by_boto3(options):
    """Says all steps; returns the answers."""
    clients = {region: boto3.client("secretsmanager", **options(region))
               for region in (conversation.HERE, conversation.THERE)}
    answers = []
    for step in conversation.STEPS:
        call = getattr(clients[step["region"]], botocore.xform_name(step["operation"]))
        try:
            answer = call(**given(step["parameters"]))
            assert answer["ResponseMetadata"]["RequestId"]
            answers.append({"answer": taken(answer)})
        except botocore.exceptions.ClientError as error:
            answers.append({"code": error.response["Error"]["Code"],
                            "message": error.response["Error"]["Message"],
                            "status": error.response["ResponseMetadata"]["HTTPStatusCode"]})
        except Exception as error:  # moto has not implemented everything, and can fail
            answers.append({"code": type(error).__name__, "message": str(error)})
    return answers


def plain(answers, began):
    """What is different each time, made alike: dates, ids, suffixes, passwords."""
    def alike(value, name=""):
        if isinstance(value, list):
            return [alike(inner) for inner in value]
        if isinstance(value, dict) and "$date" in value:
            since = value["$date"] / 1000 - began
            days = round(since / 86400)
            if value["$date"] % 86_400_000 == 0:
                return "<day>"
            return "<now>" if days == 0 else f"<now + {days} days>"
        if isinstance(value, dict):
            return {inner: alike(of, inner) for inner, of in sorted(value.items())}
        if name == "RandomPassword":
            return f"<{len(value)} characters>"
        if isinstance(value, str):
            value = re.sub(r"(:secret:[\w/]+?)-[A-Za-z0-9]{6}\b", r"\1-<suffix>", value)
            return re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
                          lambda id: id[0] if len(set(id[0])) < 5 else "<id>", value)
        return value
    return [alike(answer) for answer in answers]


def by_node(serve):
    node, at = shutil.which("node"), os.environ.get("NODE_MODULES_AT")
    if not node or not at:
        skip("node, or $NODE_MODULES_AT")
        return None
    done = serve.under_run([node, str(HERE / "client.mjs"), at], reads=json.dumps(conversation.STEPS))
    if done.returncode:
        say(f"node ended with {done.returncode}: {done.stderr}")
        return None
    *answers, identity = map(json.loads, done.stdout.strip().split("\n"))
    if identity["answer"]["Account"] != model_check.ACCOUNT:
        say(f"in node, GetCallerIdentity says {identity}")
    return answers


def one_conversation():
    began = datetime.datetime.now().timestamp()
    with Serve() as serve:
        ours = plain(by_boto3(serve.options), began)
    for number, (step, answer) in enumerate(zip(conversation.STEPS, ours)):
        if answer.get("code") != step["code"]:
            say(f"step {number}, {step['operation']} {step['parameters']}: {answer}")
    with moto.mock_aws():
        moto_s = plain(by_boto3(lambda region: {
            "region_name": region, "aws_access_key_id": "x", "aws_secret_access_key": "x"}), began)
    used = set()
    for number, (step, one, other) in enumerate(zip(conversation.STEPS, ours, moto_s)):
        found = list(differences(one, other))
        if step["moto"]:
            if not found:
                say(f"step {number}, {step['operation']}: moto answers the same, and it is not compared")
            continue
        for path, here, theirs in found:
            known = [place for place in MOTO if re.fullmatch(place, f"{step['operation']}.{path}")]
            used.update(known)
            if not known:
                say(f"step {number}, {step['operation']} {step['parameters']}: {path}: {here!r}, and moto "
                    f"{theirs!r}")
    for place in MOTO.keys() - used:
        say(f"{place} does not differ from moto, and is in MOTO")
    with Serve() as serve:
        theirs = by_node(serve)
    compared = 0
    for number, (step, one, other) in enumerate(zip(conversation.STEPS, ours, plain(theirs or [], began))):
        if "unknown" in other:
            if step["operation"] not in NOT_IN_NODE:
                say(f"the SDK for JavaScript does not know {step['operation']}")
            continue
        compared += 1
        for path in NOT_IN_NODE:
            one = {name: {inner: of for inner, of in value.items() if inner != path}
                   if isinstance(value, dict) else value for name, value in one.items()}
        if one != other:
            say(f"step {number}, {step['operation']}: boto3 hears {one}, and node {other}")
    print(f"{len(ours)} steps by boto3, {compared} by node")


def differences(one, other, path=""):
    """Where two answers differ: a path without places in lists, and what is there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{path}.{name}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for inner, another in zip(one, other):
            yield from differences(inner, another, path)
    elif one != other:
        yield path, one, other


# What the SDK for JavaScript of this version does not know yet: operations, and a member.
NOT_IN_NODE = {"AssociateCrossAccountReplica", "DisassociateCrossAccountReplica", "ListResourcePolicies",
               "PolicyName"}

# Where moto answers otherwise throughout: the operation and the place in its answer, and what AWS does.
# (docs/behaviour.md says of each how that is known.)
MOTO = {
    r".*\.status": "AWS answers 400 to each of these, and never 404",
    r".*\.LastAccessedDate": "the day on which a value was read; a midnight in every list",
    r".*ResourcePolicy\.answer\.PolicyName": "a member that is newer than this moto",
    r".*\.(SecretVersionsToStages|VersionIdsToStages)\..*":
        "versions without labels are not shown, and a secret without a value has no version",
    r"(ListSecretVersionIds|ReplicateSecretToRegions|RemoveRegionsFromReplication)\.answer\.ARN":
        "an ARN; moto repeats what the secret was called",
    r"ListSecretVersionIds\.answer\.NextToken": "not there where there is no next page",
    r"ListSecretVersionIds\.answer\.Versions\.KmsKeyIds": "the key of each version",
    r"ReplicateSecretToRegions\.answer\.ReplicationStatus\.(Status|StatusMessage)":
        "InProgress, and no more, as long as that is the answer",
    r"DescribeSecret\.answer\.PrimaryRegion": "there as soon as there are replicas",
}


# 4. Credentials.

def wrong_credentials():
    unknown = "The security token included in the request is invalid"
    mismatch = ("The request signature we calculated does not match the signature you provided. Check your "
                "AWS Secret Access Key and signing method. Consult the service documentation for details.")
    no_region = "Credential should be scoped to a valid region. "
    cases = [
        ({"aws_secret_access_key": "x"}, "InvalidSignatureException", "SignatureDoesNotMatch", mismatch),
        ({"aws_session_token": None}, "UnrecognizedClientException", "InvalidClientTokenId", unknown + "."),
        ({"aws_session_token": "x"}, "UnrecognizedClientException", "InvalidClientTokenId", unknown),
        ({"aws_access_key_id": "AKIA" + "Q" * 16}, "UnrecognizedClientException", "InvalidClientTokenId",
         unknown + "."),
        ({"region": "nowhere"}, "InvalidSignatureException", "SignatureDoesNotMatch", no_region),
    ]
    with Serve() as serve:
        def refused(service, code, message, **changed):
            client = boto3.client(service, **serve.options(**changed))
            call = client.list_secrets if service == "secretsmanager" else client.get_caller_identity
            told = error_of(call)
            status = 403 if service == "sts" else 400
            if told is None or told[:2] != (code, status) or not re.fullmatch(message, told[2]):
                say(f"{service} with {changed}: {told}, and not {code}: {message}")
        for changed, code, at_sts, message in cases:
            refused("secretsmanager", code, re.escape(message), **changed)
            refused("sts", at_sts, re.escape(message), **changed)
        when = r"\d{8}T\d{6}Z"
        for service, code, minutes in [("secretsmanager", "InvalidSignatureException", 5),
                                       ("sts", "SignatureDoesNotMatch", 15)]:
            with clock_off_by(minutes=-minutes - 1):
                refused(service, code, rf"Signature expired: {when} is now earlier than {when} "
                                       rf"\({when} - {minutes} min\.\)")
            with clock_off_by(minutes=minutes + 1):
                refused(service, code, rf"Signature not yet current: {when} is still later than {when} "
                                       rf"\({when} \+ {minutes} min\.\)")
            with clock_off_by(minutes=1 - minutes):
                if service == "sts":
                    boto3.client("sts", **serve.options()).get_caller_identity()
                else:
                    boto3.client("secretsmanager", **serve.options()).list_secrets()
        bare = botocore.config.Config(signature_version=botocore.UNSIGNED)
        refused("secretsmanager", "MissingAuthenticationTokenException", "Missing Authentication Token",
                config=bare)


def error_of(call):
    """The code, the status and the text with which a call is refused."""
    try:
        call()
    except botocore.exceptions.ClientError as error:
        told = error.response
        return told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Message"]
    return None


@contextlib.contextmanager
def clock_off_by(**span):
    """Has botocore sign with another time."""
    right = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *names, **values: (
        right(*names, **values) + datetime.timedelta(**span))
    try:
        yield
    finally:
        botocore.auth.get_current_datetime = right


# 5. Programs.

def expect(done, expected, what):
    if done.returncode or done.stdout.strip() != expected:
        say(f"{what}: {done.returncode}, {done.stdout!r}, {done.stderr}")


def the_command_line():
    cli = os.environ.get("AWS_CLI") or shutil.which("aws")
    if not cli:
        skip("aws, or $AWS_CLI")
        return
    secrets = [cli, "secretsmanager"]
    with Serve() as serve:
        def query(words, expression, expected):
            done = serve.under_run([*words, "--query", expression, "--output", "text"])
            expect(done, expected, " ".join(words[1:]))
        query([*secrets, "create-secret", "--name", "a", "--secret-string", "one"], "Name", "a")
        query([*secrets, "get-secret-value", "--secret-id", "a"], "SecretString", "one")
        query([*secrets, "list-secrets"], "SecretList[].Name", "a")
        query([cli, "sts", "get-caller-identity"], "Account", model_check.ACCOUNT)
        refused = serve.under_run([*secrets, "get-secret-value", "--secret-id", "b"])
        told = ("An error occurred (ResourceNotFoundException) when calling the GetSecretValue operation: "
                "Secrets Manager can't find the specified secret.")
        # Version 1 of the AWS CLI ends with 255, version 2 with 254.
        if refused.returncode not in (254, 255) or told not in refused.stderr:
            say(f"aws get-secret-value of nothing: {refused.returncode}, {refused.stderr}")


def the_sdk_for_rust():
    client = os.environ.get("RUST_CLIENT")
    if not client:
        skip("$RUST_CLIENT")
        return
    with Serve() as serve:
        expect(serve.under_run([client]), "done", "the SDK for Rust")


CACHING = """
import boto3
from aws_secretsmanager_caching import InjectKeywordedSecretString, InjectSecretString, SecretCache
client = boto3.client("secretsmanager")
client.create_secret(Name="a", SecretString='{"user": "ada", "password": "one"}')
client.create_secret(Name="b", SecretBinary=b"\\x00\\xff")
cache = SecretCache(client=client)
seen = [cache.get_secret_string("a") for _ in range(2)]
client.put_secret_value(SecretId="a", SecretString="two")
assert cache.get_secret_string("a") == seen[0] == seen[1], "it is cached"
fresh = SecretCache(client=client)
assert fresh.get_secret_string("a", version_stage="AWSPREVIOUS") == seen[0]
assert fresh.get_secret_string("a") == "two"
assert cache.get_secret_binary("b") == b"\\x00\\xff"
@InjectSecretString("a", cache)
def whole(secret): return secret
@InjectKeywordedSecretString(secret_id="a", cache=cache, name="user")
def part(name): return name
assert whole() == seen[0] and part() == "ada"
print("cached")
"""

ROTATING = """
import os, pathlib, sys
import boto3
sys.path.insert(0, os.environ["HANDLER_AT"])
sys.path.insert(0, os.getcwd())
pathlib.Path("device.py").write_text('''
known = []
def set_password(password): known.append(password)
def check(password): assert known == [password]
''')
import handler
os.environ["SECRETS_MANAGER_ENDPOINT"] = os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
client = boto3.client("secretsmanager")
before = client.describe_secret(SecretId="a")
token = next(id for id, stages in before["VersionIdsToStages"].items() if "AWSPENDING" in stages)
class Context:
    def get_remaining_time_in_millis(self): return 1000
for step in ["createSecret", "testSecret", "finishSecret"]:
    event = {"SecretId": before["ARN"], "ClientRequestToken": token, "Step": step}
    handler.lambda_handler(event, Context())
    if step == "createSecret":
        # Its setSecret tries first what a step of a rotation may not do, and the holder of a key may.
        handler.device.set_password(handler.value(client, "a", "AWSPENDING", token)["password"])
after = client.get_secret_value(SecretId="a")
assert after["VersionId"] == token and "AWSCURRENT" in after["VersionStages"]
print("rotated")
"""


def programs_of_python():
    with Serve() as serve:
        expect(serve.under_run([sys.executable, "-c", CACHING]), "cached", "the caching library")
    with Serve() as serve, tempfile.TemporaryDirectory() as directory:
        run = serve.program.run
        run("create-secret", "--name", "a", "--secret-string", '{"username": "ada", "password": "one"}')
        model_check.interrupt(serve.program)  # what a rotation begins with, and no more
        done = serve.under_run(["env", "-C", directory, sys.executable, "-c", ROTATING],
                               policy="one.json", HANDLER_AT=str(HERE.parent / "rotation"))
        expect(done, "rotated", "a rotation function with boto3")


def main():
    # Nothing of the machine's own AWS.
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CLI"]:
        del os.environ[name]
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull,
                      AWS_EC2_METADATA_DISABLED="true")
    for part in [every_operation, one_conversation, wrong_credentials, the_command_line, the_sdk_for_rust,
                 programs_of_python]:
        part()
    print("\n".join(model_check.wrong))
    also = f", without {' and '.join(skipped)}" if skipped else ""
    print(f"boto3 {boto3.__version__}{also}: {len(model_check.wrong)} wrong")
    return 1 if model_check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
