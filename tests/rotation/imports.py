"""A rotation function that uses much of what others use: other services, pages, layers, files."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import boto3
import botocore.config
import botocore.session
from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import TypeDeserializer
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

import shared

# Made when the module is loaded, as in most functions, and perhaps never used.
kms = boto3.client("kms", region_name="eu-west-1")
table = boto3.resource("dynamodb").Table("rotations")
bucket = boto3.resource("s3").meta.client
deserializer = TypeDeserializer()
settings = json.load(open("settings.json"))
# As the libraries of AWS make theirs: the cache of secrets, and Powertools.
client = botocore.session.get_session().create_client(
    "secretsmanager", config=botocore.config.Config(user_agent_extra="AwsSecretCache/1")
)
client.meta.events.register_last("request-created.secretsmanager", lambda request, **_: None)
botocore.register_initializer(lambda session: session.register("request-created", print))


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("it did not fail")


def lambda_handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    print("printed in", step)
    subprocess.run(["echo", "a child in", step], check=True)
    {"createSecret": create, "setSecret": set_, "testSecret": test, "finishSecret": finish}[step](
        arn, token
    )


def create(arn, token):
    assert settings == {"length": 20} and shared.LAYER, settings
    assert os.environ["LAMBDA_TASK_ROOT"] == os.path.dirname(__file__)
    assert os.path.samefile(os.getcwd(), os.environ["LAMBDA_TASK_ROOT"])
    assert isinstance(client, BaseClient)
    assert client.meta.endpoint_url.startswith("https://") and client.meta.region_name
    given = boto3.client("secretsmanager", endpoint_url="https://here.invalid")
    assert given.meta.endpoint_url == "https://here.invalid"
    for call in (
        lambda: kms.decrypt(CiphertextBlob=b"x"),
        lambda: table.get_item(Key={}),
        lambda: bucket.head_bucket(Bucket="x"),
        lambda: table.query(KeyConditionExpression=Key("id").eq("x")),
        lambda: deserializer.deserialize({}),
        lambda: AWSRequest("GET").prepare(),
    ):
        assert "not available" in str(fails(NotImplementedError, call))
    try:
        kms.encrypt()
    except (kms.exceptions.NotFoundException, ReadTimeoutError):
        raise AssertionError("it is none of these")
    except NotImplementedError:
        pass
    error = fails(ParamValidationError, lambda: client.get_secret_value(Name=arn, VersionId=5))
    assert str(error).splitlines() == [
        "Parameter validation failed:",
        'Missing required parameter in input: "SecretId"',
        'Unknown parameter in input: "Name", must be one of: SecretId, VersionId, VersionStage',
        "Invalid type for parameter VersionId, value: 5, type: <class 'int'>, "
        "valid types: <class 'str'>",
    ], error
    error = fails(ClientError, lambda: client.delete_secret(SecretId=arn))
    assert error.response["Error"]["Code"] == "AccessDeniedException"
    client.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString="made", VersionStages=["AWSPENDING"]
    )


def set_(arn, token):
    assert [secret["ARN"] for secret in client.list_secrets()["SecretList"]] == [arn]
    client.tag_resource(SecretId=arn, Tags=[{"Key": "rotated-by", "Value": "function"}])
    pages = client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1})
    assert [secret["ARN"] for page in pages for secret in page["SecretList"]] == [arn]
    versions = client.get_paginator("list_secret_version_ids").paginate(SecretId=arn)
    versions = versions.build_full_result()["Versions"]
    assert token in [version["VersionId"] for version in versions]


def test(arn, token):
    fails(
        client.exceptions.ResourceNotFoundException,
        lambda: client.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS"),
    )
    # What is written to /tmp is found there, by every way of Python, and is nowhere else.
    place = pathlib.Path("/tmp/rotation-of-strongroom/deep")
    place.mkdir(parents=True)
    with open("/tmp/rotation-of-strongroom/deep/one", "w") as file:
        file.write("x")
    os.rename("/tmp/rotation-of-strongroom/deep/one", place / "two")
    assert (place / "two").read_text() == "x" and os.listdir(place) == ["two"]
    # Copying a file's attributes looked for them where the file is not.
    shutil.copy2(place / "two", "/tmp/rotation-of-strongroom/three")
    before = os.getcwd()
    os.chdir("/tmp/rotation-of-strongroom")
    assert sorted(os.listdir(".")) == ["deep", "three"]
    os.chdir(before)
    assert os.path.exists("/tmp/rotation-of-strongroom")
    own = os.path.join(os.environ["TMPDIR"], "rotation-of-strongroom")
    assert os.path.isdir(own) and tempfile.gettempdir() == os.environ["TMPDIR"]
    assert subprocess.run(["ls", "-d", "/tmp/rotation-of-strongroom"]).returncode != 0


def finish(arn, token):
    value = client.get_secret_value(SecretId=arn, VersionId=token)["SecretString"]
    client.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString=value, VersionStages=["AWSCURRENT"]
    )
