"""What one call takes by boto3: at an endpoint, and of moto within this process, which needs no connection.

Prints microseconds, a line for each. Wants what tests/endpoint/requirements.txt has.
"""

import os
import sys
import time

import boto3
import moto

CALLS = 300


def times(client, name):
    """Returns how long each call took; the first is not counted."""
    out = []
    for _ in range(CALLS + 1):
        before = time.perf_counter()
        client.get_secret_value(SecretId=name)
        out.append(round((time.perf_counter() - before) * 1e6))
    return out[1:]


def main():
    name = sys.argv[1]
    endpoint = os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    print(*times(boto3.client("secretsmanager", endpoint_url=endpoint), name))
    del os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    with moto.mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        client.create_secret(Name=name, SecretString="x" * 32)
        print(*times(client, name))


main()
