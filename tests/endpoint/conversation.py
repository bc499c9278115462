"""What clients say to Secrets Manager, as data: one list for all of them, so that one is compared with the
other. A step is a region, an operation, its parameters, the code of the error that answers it, if one does, and why
moto's answer is not compared, where it is wrong. Bytes are `{"$bytes": BASE64}`.

No step needs what an earlier one answered: versions have the tokens that they are given here.
"""

import json

HERE, THERE = "us-east-1", "eu-west-1"
ONE, TWO, THREE = (f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123")
ELSEWHERE = f"arn:aws:secretsmanager:{HERE}:222222222222:secret:elsewhere-a1B2c3"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"},
     "Action": "secretsmanager:DeleteSecret", "Resource": "*"}]})
RARE = "\u0000\u007f\u00e9\u2028\u2029\ufeff\U0001f510\ud7ff \"\\/\b\f\n\r\t"
EVERY_BYTE = "".join("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BB"
                     "QkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKD"
                     "hIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TF"
                     "xsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==")

NONE, INVALID, REQUEST = ("ResourceNotFoundException", "InvalidParameterException",
                          "InvalidRequestException")


LACKS = "it has not implemented the operation"


def step(operation, _code=None, _region=HERE, _moto=None, **parameters):
    return {"region": _region, "operation": operation, "parameters": parameters, "code": _code,
            "moto": _moto}


STEPS = [
    # Making and reading.
    step("ListSecrets"),
    step("CreateSecret", Name="app/text", SecretString="one", ClientRequestToken=ONE, Description="d",
         Tags=[{"Key": "team", "Value": "a"}, {"Key": "empty", "Value": ""}]),
    step("CreateSecret", Name="app/bytes", SecretBinary={"$bytes": EVERY_BYTE}, ClientRequestToken=ONE),
    step("CreateSecret", Name="app/none"),
    step("CreateSecret", Name="app/text", SecretString="one", ClientRequestToken=ONE),
    step("CreateSecret", "ResourceExistsException", Name="app/text", SecretString="x",
         ClientRequestToken=TWO),
    step("GetSecretValue", SecretId="app/text"),
    step("GetSecretValue", SecretId="app/bytes"),
    step("GetSecretValue", NONE, SecretId="app/none"),
    step("GetSecretValue", NONE, SecretId="nothing"),
    step("DescribeSecret", SecretId="app/text"),
    step("DescribeSecret", NONE, SecretId="nothing"),
    # Versions.
    step("PutSecretValue", SecretId="app/text", SecretString=RARE, ClientRequestToken=TWO),
    step("GetSecretValue", SecretId="app/text"),
    step("GetSecretValue", SecretId="app/text", VersionStage="AWSPREVIOUS"),
    step("GetSecretValue", SecretId="app/text", VersionId=ONE),
    step("GetSecretValue", NONE, SecretId="app/text", VersionStage="nothing",
         _moto="it does not say what it did not find"),
    step("PutSecretValue", SecretId="app/text", SecretString="three", ClientRequestToken=THREE,
         VersionStages=["mine"]),
    step("GetSecretValue", SecretId="app/text", VersionStage="mine"),
    step("ListSecretVersionIds", SecretId="app/text", IncludeDeprecated=True),
    step("UpdateSecret", "ValidationException", SecretId="app/none", SecretBinary={"$bytes": ""},
         _moto="it takes no bytes for bytes"),
    step("UpdateSecret", SecretId="app/none", Description="new", SecretString="{\"a\": 1}",
         ClientRequestToken=ONE),
    step("GetSecretValue", SecretId="app/none"),
    step("BatchGetSecretValue", SecretIdList=["app/text", "app/bytes", "nothing"]),
    step("BatchGetSecretValue", Filters=[{"Key": "name", "Values": ["app/"]}]),
    # Tags, lists.
    step("TagResource", SecretId="app/bytes", Tags=[{"Key": "k", "Value": "v\u00e9"}]),
    step("UntagResource", SecretId="app/text", TagKeys=["empty"]),
    step("ListSecrets", Filters=[{"Key": "tag-key", "Values": ["k"]}]),
    step("ListSecrets", SortOrder="asc"),
    # Policies.
    step("PutResourcePolicy", SecretId="app/text", ResourcePolicy=POLICY),
    step("GetResourcePolicy", SecretId="app/text"),
    step("ListResourcePolicies", SecretId="app/text", _moto=LACKS),
    step("ValidateResourcePolicy", ResourcePolicy=POLICY, _moto=LACKS),
    step("PutResourcePolicy", "MalformedPolicyDocumentException", SecretId="app/bytes",
         ResourcePolicy="{}", _moto="it reads no policy"),
    step("DeleteResourcePolicy", SecretId="app/text"),
    step("GetResourcePolicy", SecretId="app/none"),
    # The end of a secret.
    step("DeleteSecret", INVALID, SecretId="app/none", RecoveryWindowInDays=7,
         ForceDeleteWithoutRecovery=True, _moto="its text has the whole error in it"),
    step("DeleteSecret", SecretId="app/none", RecoveryWindowInDays=7),
    step("GetSecretValue", REQUEST, SecretId="app/none", _moto="its text has the whole error in it"),
    step("DescribeSecret", SecretId="app/none"),
    step("ListSecrets", IncludePlannedDeletion=True, SortOrder="asc"),
    step("RestoreSecret", SecretId="app/none"),
    step("GetSecretValue", SecretId="app/none"),
    step("DeleteSecret", SecretId="app/none", ForceDeleteWithoutRecovery=True),
    step("GetSecretValue", NONE, SecretId="app/none"),
    # Labels moved by hand.
    step("UpdateSecretVersionStage", SecretId="app/text", VersionStage="AWSCURRENT",
         MoveToVersionId=THREE, RemoveFromVersionId=TWO),
    step("GetSecretValue", SecretId="app/text", _moto="it goes on reading the version before"),
    step("UpdateSecretVersionStage", INVALID, SecretId="app/text", VersionStage="AWSCURRENT",
         MoveToVersionId=ONE, RemoveFromVersionId=ONE, _moto="the text is its own"),
    step("ListSecretVersionIds", SecretId="app/text", _moto="it shows versions without labels"),
    # Replicas.
    step("ReplicateSecretToRegions", SecretId="app/text", AddReplicaRegions=[{"Region": THERE}]),
    step("DescribeSecret", SecretId="app/text"),
    step("GetSecretValue", _region=THERE, SecretId="app/text", _moto="as above"),
    step("PutSecretValue", INVALID, _region=THERE, SecretId="app/text", SecretString="x"),
    step("StopReplicationToReplica", _region=THERE, SecretId="app/text", _moto=LACKS),
    step("ReplicateSecretToRegions", SecretId="app/bytes", AddReplicaRegions=[{"Region": THERE}]),
    step("RemoveRegionsFromReplication", SecretId="app/bytes", RemoveReplicaRegions=[THERE]),
    step("AssociateCrossAccountReplica", NONE, SecretId="nothing", CrossAccountReplicaARN=ELSEWHERE,
         ReplicaRestriction="SameOrg", ReplicationRoleARN="arn:aws:iam::123456789012:role/r", _moto=LACKS),
    step("DisassociateCrossAccountReplica", NONE, SecretId="nothing", CrossAccountReplicaARN=ELSEWHERE,
         _moto=LACKS),
    # A rotation needs somebody who runs its function; the endpoint has nobody.
    step("RotateSecret", "AccessDeniedException", SecretId="app/text",
         RotationLambdaARN="arn:local:builtin:random-password", _moto="it has no such function"),
    step("RotateSecret", REQUEST, SecretId="app/text", _moto="it rotates without a function"),
    step("CancelRotateSecret", REQUEST, SecretId="app/text", _moto="the text is of another operation"),
    # Passwords.
    step("GetRandomPassword", PasswordLength=20, ExcludePunctuation=True),
    step("GetRandomPassword", INVALID, PasswordLength=4, RequireEachIncludedType=True,
         ExcludeCharacters="".join(map(chr, range(33, 127))), _moto="it fails"),
]
