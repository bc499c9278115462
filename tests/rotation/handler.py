"""A rotation function as AWS's templates are built: guards first, one function for each step."""
import json
import logging
import os

import boto3
from botocore.exceptions import ClientError

import device

logger = logging.getLogger()
logger.setLevel(logging.INFO)


def lambda_handler(event, context):
    arn = event["SecretId"]
    token = event["ClientRequestToken"]
    step = event["Step"]
    client = boto3.client(
        "secretsmanager", endpoint_url=os.environ["SECRETS_MANAGER_ENDPOINT"]
    )

    metadata = client.describe_secret(SecretId=arn)
    if "RotationEnabled" in metadata and not metadata["RotationEnabled"]:
        raise ValueError("Secret %s is not enabled for rotation" % arn)
    versions = metadata["VersionIdsToStages"]
    if token not in versions:
        raise ValueError("Secret version %s has no stage for rotation of secret %s." % (token, arn))
    if "AWSCURRENT" in versions[token]:
        logger.info("Secret version %s already set as AWSCURRENT for secret %s." % (token, arn))
        return
    if "AWSPENDING" not in versions[token]:
        raise ValueError("Secret version %s not set as AWSPENDING for secret %s." % (token, arn))

    if step == "createSecret":
        create_secret(client, arn, token)
    elif step == "setSecret":
        set_secret(client, arn, token)
    elif step == "testSecret":
        test_secret(client, arn, token, context)
    elif step == "finishSecret":
        finish_secret(client, arn, token)
    else:
        raise ValueError("Invalid step parameter")


def create_secret(client, arn, token):
    current = value(client, arn, "AWSCURRENT")
    try:
        value(client, arn, "AWSPENDING", token)
        logger.info("createSecret: Successfully retrieved secret for %s." % arn)
    except client.exceptions.ResourceNotFoundException:
        password = client.get_random_password(
            ExcludeCharacters=os.environ.get("EXCLUDE_CHARACTERS", "/@\"'\\")
        )
        current["password"] = password["RandomPassword"]
        client.put_secret_value(
            SecretId=arn,
            ClientRequestToken=token,
            SecretString=json.dumps(current),
            VersionStages=["AWSPENDING"],
        )


def set_secret(client, arn, token):
    # Whatever is refused comes as a ClientError with its code.
    for call in (
        lambda: client.get_secret_value(SecretId="elsewhere"),
        lambda: client.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString="x", VersionStages=["AWSCURRENT"]
        ),
    ):
        try:
            call()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
            assert isinstance(error, client.exceptions.ClientError)
        else:
            raise AssertionError("it was not refused")
    device.set_password(value(client, arn, "AWSPENDING", token)["password"])


def test_secret(client, arn, token, context):
    response = client.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
    assert response["CreatedDate"].tzinfo is not None
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert 0 < context.get_remaining_time_in_millis() <= 900000
    device.check(json.loads(response["SecretString"])["password"])


def finish_secret(client, arn, token):
    metadata = client.describe_secret(SecretId=arn)
    for version, stages in metadata["VersionIdsToStages"].items():
        if "AWSCURRENT" in stages:
            client.update_secret_version_stage(
                SecretId=arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=token,
                RemoveFromVersionId=version,
            )
            return


def value(client, arn, stage, token=None):
    required = ["username", "password"]
    if token:
        found = client.get_secret_value(SecretId=arn, VersionId=token, VersionStage=stage)
    else:
        found = client.get_secret_value(SecretId=arn, VersionStage=stage)
    found = json.loads(found["SecretString"])
    for field in required:
        if field not in found:
            raise KeyError("%s key is missing from secret JSON" % field)
    return found
