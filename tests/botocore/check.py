#!/usr/bin/env python3
"""Holds Strongroom against AWS's own model of Secrets Manager, as botocore has it.

1. tests/conformance/surface.json, which the declarations are held against, says what the model says.
2. The skeletons of requests and answers are those that botocore makes of the model.
3. A client that botocore makes of the model talks to the program: it is given every request, and
   reads every answer. Every operation is called, and every member of an answer is seen.

The program is $SUITE_BINARY, else target/debug/strongroom. What the model has and the program not yet
is said once, in surface.json's `not_there_yet`.
"""

import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import botocore.awsrequest
import botocore.exceptions
import botocore.session
import botocore.utils
import botocore.validate

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SURFACE = json.loads((ROOT / "tests/conformance/surface.json").read_text())
NOT_YET = SURFACE.get("not_there_yet", [])
ACCOUNT, REGION, OTHER = "123456789012", "us-east-1", "eu-west-1"
# What no answer of ours has, and why.
NEVER = {
    "OwningService": "no service manages a secret here",
    "ExternalSecretRotationRoleArn": "there are no roles here",
    "ListResourcePolicies.output.NextToken": "a secret has one policy at the most",
}

wrong = []


def say(what):
    wrong.append(what)


def is_not_yet(path):
    """Whether a path is one that is not there yet, or inside of one."""
    return any(re.match(re.escape(name) + r"(?![A-Za-z])", path) for name in NOT_YET)


# 1. The facts.

def facts(session):
    """The model as surface.json writes it, from the file that botocore brings."""
    loader = session.get_component("data_loader")
    raw = loader.load_service_model("secretsmanager", "service-2")
    operations = {}
    for name, operation in raw["operations"].items():
        fact = {way: operation[way]["shape"] for way in ("input", "output") if way in operation}
        operations[name] = fact | {"errors": [error["shape"] for error in operation["errors"]]}
    errors = {error for operation in operations.values() for error in operation["errors"]}
    shapes = {}
    for name, shape in raw["shapes"].items():
        if name in errors:
            continue
        fact = shapes[name] = {"type": shape["type"]}
        for key in ("min", "max", "pattern", "enum", "sensitive", "required"):
            if shape.get(key):
                fact[key] = shape[key]
        if shape.get("min") == 0:
            fact["min"] = 0
        for key in ("member", "key", "value"):
            if key in shape:
                fact[key] = shape[key]["shape"]
        if "members" in shape:
            fact["members"] = {member: of["shape"] for member, of in shape["members"].items()}
            tokens = [member for member, of in shape["members"].items() if of.get("idempotencyToken")]
            if tokens:
                fact["tokens"] = tokens
    pages = loader.load_service_model("secretsmanager", "paginators-1")["pagination"]
    return {"operations": operations, "shapes": shapes,
            "pages": {name: page["result_key"] for name, page in pages.items()}}


def check_facts(session):
    for kind, found in facts(session).items():
        copy = SURFACE[kind]
        for name in sorted(found.keys() | copy.keys()):
            ours, theirs = (fact and {key: list(value.items()) if isinstance(value, dict) else value
                                      for key, value in dict(fact).items()}
                            if not isinstance(fact, str) else fact
                            for fact in (copy.get(name), found.get(name)))
            if ours != theirs:
                say(f"surface.json: {kind} {name}: {ours}, and in the model {theirs}")


# 2. Skeletons.

def command(operation):
    """The command of an operation: `GetSecretValue` is `get-secret-value`."""
    return "-".join(word.lower() for word in re.findall(r"[A-Z][a-z]*", operation))


class Program:
    """The program, with a vault of its own."""

    def __init__(self, directory):
        binary = os.environ.get("SUITE_BINARY", "target/debug/strongroom")
        self.binary = str((ROOT / binary).resolve())
        keyfile = directory / "keyfile"
        self.environment = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "TZ": "UTC",
                            "LANG": "C.UTF-8", "STRONGROOM_VAULT": str(directory / "vault"),
                            "STRONGROOM_KEYFILE": str(keyfile)}
        made = self.run("init", "--keyfile-only", "--keyfile", str(keyfile), "--no-recovery",
                        "--account-id", ACCOUNT, "--region", REGION)
        assert made.returncode == 0, made.stderr

    def run(self, *words):
        return subprocess.run([self.binary, *words], env=self.environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True)


def without(value, path):
    """A skeleton without what is not there yet."""
    if isinstance(value, dict):
        return {name: without(inner, f"{path}.{name}") for name, inner in value.items()
                if not is_not_yet(f"{path}.{name}")}
    if isinstance(value, list):
        return [without(inner, f"{path}[]") for inner in value]
    # What stands for a text is not compared: in most of AWS's answers it is not one that AWS's own
    # command lets through.
    return value if isinstance(value, (bool, int)) else ""


ARN = "arn:aws:secretsmanager:local-1:222222222222:secret:a-a1B2c3"


def filled(value):
    """A request whose texts are not empty."""
    if isinstance(value, dict):
        return {name: ARN if name.endswith("ARN") else filled(inner) for name, inner in value.items()}
    return [filled(inner) for inner in value] if isinstance(value, list) else value or "a-1"


def check_skeletons(model, program):
    botocore.utils.random.choice = lambda values: values[0]  # AWS's is any of them, ours the first
    for operation in model.operation_names:
        if is_not_yet(operation):
            continue
        declared = model.operation_model(operation)
        given = botocore.utils.ArgumentGenerator().generate_skeleton(declared.input_shape)
        least = filled({name: given[name] for name in declared.input_shape.required_members})
        for way, shape, words in [
            ("input", declared.input_shape, []),
            ("output", declared.output_shape, ["--cli-input-json", json.dumps(least)]),
        ]:
            done = program.run(command(operation), *words, "--generate-cli-skeleton", way)
            path = f"{operation}.{way}"
            made = botocore.utils.ArgumentGenerator(use_member_names=way == "output")
            theirs = without(made.generate_skeleton(shape), path) if shape else None
            ours = without(json.loads(done.stdout), path) if done.stdout else None
            if done.returncode or json.dumps(ours) != json.dumps(theirs):
                say(f"{path}: the skeleton is\n  {json.dumps(ours)}\nand botocore's\n"
                    f"  {json.dumps(theirs)}\n{done.stderr}")


# 3. A client.

class Body(io.BytesIO):
    def stream(self, **_):
        yield self.read()


class Wire:
    """Answers what a client sends by running the program, and looks at what comes back."""

    def __init__(self, model, program):
        self.model, self.program = model, program
        self.called, self.seen = set(), set()
        self.more = []

    def client(self, session, region):
        client = session.create_client("secretsmanager", region_name=region,
                                       aws_access_key_id="x", aws_secret_access_key="x")
        client.meta.events.register("before-send.secretsmanager", self.answer)
        return client

    def answer(self, request, **_):
        operation = request.headers["X-Amz-Target"].decode().split(".")[1]
        region = re.match(r"https://secretsmanager\.([^.]+)\.", request.url)[1]
        done = self.program.run(command(operation), "--region", region, "--no-paginate",
                                "--cli-input-json", request.body.decode(), "--output", "json",
                                *self.more)
        if done.returncode:
            told = re.match(r"\s*(?:\w+: \[ERROR\]: )?An error occurred \((\w+)\) when calling the "
                            r"(\w+) operation: (.*)", done.stderr, re.S)
            assert told and told[2] == operation, f"{operation} {request.body}: {done.stderr}"
            return self.http(request, 400, json.dumps({"__type": told[1], "Message": told[3].strip()}))
        self.called.add(operation)
        if done.stdout:
            shape = self.model.operation_model(operation).output_shape
            self.look(shape, json.loads(done.stdout), f"{operation}.output")
        return self.http(request, 200, done.stdout)

    @staticmethod
    def http(request, status, body):
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return botocore.awsrequest.AWSResponse(request.url, status, headers, Body(body.encode()))

    def look(self, shape, value, path):
        """Looks at a value as it is on the wire: a client drops what it does not know."""
        kind = shape.type_name
        self.seen.add(path)
        if kind == "structure":
            known = [name for name in shape.members if name in value]
            if known != list(value):
                say(f"{path}: {list(value)}, and in the model's order {known}")
            for name in known:
                self.look(shape.members[name], value[name], f"{path}.{name}")
        elif kind in ("list", "map"):
            for inner in value if kind == "list" else value.values():
                self.look(shape.member if kind == "list" else shape.value, inner, f"{path}[]")
        limits = shape.metadata
        size = value if kind in ("integer", "long") else len(value) if hasattr(value, "__len__") else None
        if size is not None and kind != "blob":
            if not limits.get("min", size) <= size <= limits.get("max", size):
                say(f"{path}: {value!r} is not within {limits}")
        if kind == "string":
            if shape.enum and value not in shape.enum:
                say(f"{path}: {value!r} is none of {shape.enum}")
            if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
                say(f"{path}: {value!r} is not like {limits['pattern']}")

    def unseen(self, shape, path):
        """The members of an answer that no answer had."""
        found = set()
        if shape is None or is_not_yet(path) or path in NEVER or path.split(".")[-1] in NEVER:
            return found
        if path not in self.seen:
            return {path}
        if shape.type_name == "structure":
            for name, member in shape.members.items():
                found |= self.unseen(member, f"{path}.{name}")
        elif shape.type_name in ("list", "map"):
            inner = shape.member if shape.type_name == "list" else shape.value
            found |= self.unseen(inner, f"{path}[]")
        return found


def read(model, operation, answer):
    """Validates what a client made of an answer."""
    shape = model.operation_model(operation).output_shape
    answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    if shape is None:
        return answer
    errors = botocore.validate.ParamValidator().validate(answer, shape)
    if errors.has_errors():
        say(f"{operation}: {errors.generate_report()}")
    return answer


POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/reader"},
     "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]})
PUBLIC = POLICY.replace(json.dumps({"AWS": f"arn:aws:iam::{ACCOUNT}:role/reader"}), '"*"')


def interrupt(program):
    """Leaves a rotation unfinished: its program fails at the first step."""
    program.run("rotate-secret", "--secret-id", "a", "--rotation-command", '["/bin/false"]')


def converse(session, model, wire):
    here, there = (wire.client(session, region) for region in (REGION, OTHER))

    def call(client, operation, **request):
        method = getattr(client, botocore.xform_name(operation))
        return read(model, operation, method(**request))

    def ask(operation, **request):
        return call(here, operation, **request)

    def refused(code, operation, **request):
        try:
            ask(operation, **request)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != code:
                say(f"{operation} {request}: {error}")
            declared = {shape.name for shape in model.operation_model(operation).error_shapes}
            if code not in declared | {"ValidationException"}:
                say(f"{operation} does not declare {code}")
        else:
            say(f"{operation} {request} is not refused")

    made = {"Name": "a", "SecretString": "one", "Description": "d", "KmsKeyId": "alias/k", "Type": "T",
            "ClientRequestToken": "1" * 32, "Tags": [{"Key": "k", "Value": "v"}],
            "AddReplicaRegions": [{"Region": OTHER, "KmsKeyId": "k"}]}
    ask("CreateSecret", **made)
    call(there, "GetSecretValue", SecretId="a")
    ask("CreateSecret", **made)
    ask("CreateSecret", Name="b", SecretBinary=b"\x00\xff")
    first = ask("GetSecretValue", SecretId="a")["VersionId"]
    second = ask("PutSecretValue", SecretId="a", SecretString="two", VersionStages=["mine"])["VersionId"]
    ask("UpdateSecretVersionStage", SecretId="a", VersionStage="AWSCURRENT", MoveToVersionId=second,
        RemoveFromVersionId=first)
    ask("UpdateSecret", SecretId="b", Description="e", SecretBinary=b"\x01")
    if ask("GetSecretValue", SecretId="b")["SecretBinary"] != b"\x01":
        say("bytes do not come back")

    ask("BatchGetSecretValue", SecretIdList=["a", "b", "nothing"])
    name = [{"Key": "name", "Values": ["a", "b"]}]
    page = ask("BatchGetSecretValue", Filters=name, MaxResults=1)
    ask("BatchGetSecretValue", Filters=name, MaxResults=1, NextToken=page["NextToken"])
    page = ask("ListSecretVersionIds", SecretId="a", MaxResults=1)
    ask("ListSecretVersionIds", SecretId="a", NextToken=page["NextToken"])
    pages = here.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1})
    if [[one["Name"] for one in page["SecretList"]] for page in pages] != [["a"], ["b"]]:
        say("the secrets are not those that were made, one a page")

    ask("PutResourcePolicy", SecretId="a", ResourcePolicy=POLICY, PolicyName="default",
        BlockPublicPolicy=True)
    if ask("GetResourcePolicy", SecretId="a")["ResourcePolicy"] != POLICY:
        say("the policy does not come back")
    pages = here.get_paginator("list_resource_policies").paginate(SecretId="a")
    if pages.build_full_result() != {"ResourcePolicies": [{"PolicyName": "default"}]}:
        say("the policies are not those that were put")
    ask("ListResourcePolicies", SecretId="a", MaxResults=1)
    refused("ResourceNotFoundException", "GetResourcePolicy", SecretId="a", PolicyName="other")
    refused("InvalidParameterException", "PutResourcePolicy", SecretId="a", ResourcePolicy=POLICY,
            PolicyName="other")
    refused("InvalidNextTokenException", "ListResourcePolicies", SecretId="a", NextToken="x")
    refused("ValidationException", "GetResourcePolicy", SecretId="a", PolicyName="a b")
    refused("PublicPolicyException", "PutResourcePolicy", SecretId="a", ResourcePolicy=PUBLIC,
            BlockPublicPolicy=True)
    ask("ValidateResourcePolicy", ResourcePolicy=PUBLIC)
    ask("DeleteResourcePolicy", SecretId="a", PolicyName="default")
    if ask("ListResourcePolicies", SecretId="a")["ResourcePolicies"]:
        say("a policy that was deleted is listed")

    ask("RotateSecret", SecretId="a", RotationLambdaARN="arn:local:builtin:random-password",
        RotationRules={"ScheduleExpression": "rate(10 days)", "Duration": "3h"},
        ExternalSecretRotationMetadata=[{"Key": "PasswordLength", "Value": "20"}])
    ask("RotateSecret", SecretId="b", RotationLambdaARN="arn:local:builtin:random-password",
        RotationRules={"AutomaticallyAfterDays": 30}, RotateImmediately=False)
    ask("DescribeSecret", SecretId="a")
    ask("DescribeSecret", SecretId="b")
    call(there, "DescribeSecret", SecretId="a")
    call(there, "ListSecrets")
    interrupt(wire.program)
    ask("CancelRotateSecret", SecretId="a")
    ask("TagResource", SecretId="b", Tags=[{"Key": "k", "Value": "v"}])
    ask("UntagResource", SecretId="b", TagKeys=["k"])

    ask("ReplicateSecretToRegions", SecretId="a", AddReplicaRegions=[{"Region": "eu-west-2"}])
    ask("RemoveRegionsFromReplication", SecretId="a", RemoveReplicaRegions=["eu-west-2"])
    call(there, "StopReplicationToReplica", SecretId="a")
    ask("DeleteSecret", SecretId="a", RecoveryWindowInDays=7)
    ask("DescribeSecret", SecretId="a")
    ask("ListSecrets", IncludePlannedDeletion=True)
    ask("RestoreSecret", SecretId="a")
    refused("InvalidParameterException", "DeleteSecret", SecretId="a", RecoveryWindowInDays=6,
            ForceDeleteWithoutRecovery=True)
    refused("InvalidRequestException", "PutSecretValue", SecretId="nothing")
    refused("ResourceNotFoundException", "DescribeSecret", SecretId="nothing")
    ask("GetRandomPassword", PasswordLength=12)
    return ask


def across(ask, wire):
    """Another account, which is another vault."""
    own = dict(wire.program.environment)
    primary = ask("CreateSecret", Name="c", SecretString="one")["ARN"]
    vault, keyfile = own["STRONGROOM_VAULT"] + ".other", own["STRONGROOM_KEYFILE"] + ".other"
    other = {**own, "STRONGROOM_VAULT": vault, "STRONGROOM_KEYFILE": keyfile}
    wire.program.environment = other
    made = wire.program.run("init", "--keyfile-only", "--keyfile", keyfile, "--no-recovery",
                            "--account-id", "222222222222", "--region", REGION)
    assert made.returncode == 0, made.stderr
    replica = ask("CreateSecret", Name="c", KmsKeyId="alias/k", CrossAccountPrimaryARN=primary)["ARN"]
    if ask("DescribeSecret", SecretId="c")["CrossAccountPrimary"]["ReplicationStatus"] != "Pending":
        say("a replica does not wait")
    wire.program.environment = own
    wire.more = ["--peer-keyfile", keyfile]
    added = wire.program.run("peer", "add", vault, "--peer-keyfile", keyfile)
    assert added.returncode == 0, added.stderr
    role = "arn:aws:iam::111111111111:role/r"
    ask("AssociateCrossAccountReplica", SecretId="c", CrossAccountReplicaARN=replica,
        ReplicaRestriction="SameOrg", ReplicationRoleARN=role)
    if ask("DescribeSecret", SecretId="c")["CrossAccountReplicas"][0]["ReplicationStatus"] != "InSync":
        say("a replica does not follow")
    ask("DisassociateCrossAccountReplica", SecretId="c", CrossAccountReplicaARN=replica)
    wire.more = []


def main():
    session = botocore.session.Session()
    model = session.get_service_model("secretsmanager")
    check_facts(session)
    with tempfile.TemporaryDirectory() as directory:
        program = Program(pathlib.Path(directory))
        check_skeletons(model, program)
        wire = Wire(model, program)
        across(converse(session, model, wire), wire)
        for operation in model.operation_names:
            if not is_not_yet(operation):
                if operation not in wire.called:
                    say(f"{operation} was never called")
                shape = model.operation_model(operation).output_shape
                for path in sorted(wire.unseen(shape, f"{operation}.output")):
                    say(f"no answer had {path}")
    print("\n".join(wrong))
    print(f"{len(model.operation_names)} operations of botocore {botocore.__version__}, "
          f"{len(wire.called)} called: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
