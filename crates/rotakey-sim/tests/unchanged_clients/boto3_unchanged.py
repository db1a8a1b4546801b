"""What a program on boto3 sees of the sandbox, as one JSON object on standard output.

Nothing here names an endpoint or a credential: both come from the environment.
"""

import datetime
import json
import urllib.error
import urllib.request
from unittest import mock

import boto3
import botocore.auth
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"max_attempts": 1})
iam = boto3.client("iam", config=once)
sts = boto3.client("sts", config=once)
seen = {}


def refusal(call, **parameters):
    """The error code of a call that is refused."""
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "accepted"


def status(url):
    """The HTTP status of a plain request."""
    try:
        with urllib.request.urlopen(url) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


seen["identity"] = sts.get_caller_identity()["Arn"]

pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
seen["user_pages"] = [len(page["Users"]) for page in pages]
details = iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"])
seen["authorization_details"] = [user["UserName"] for page in details for user in page["UserDetailList"]]

tags = {"Owner": "platform & <friends>", "Ünïcode": "é\U0001f511"}
iam.tag_user(UserName="dan", Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
seen["tags"] = {tag["Key"]: tag["Value"] for tag in iam.list_user_tags(UserName="dan")["Tags"]}

key = iam.create_access_key(UserName="alice")["AccessKey"]
fresh = boto3.client(
    "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"], config=once
)
seen["new_key_before_it_propagates"] = refusal(fresh.get_caller_identity)
seen["keys_of_alice"] = len(iam.list_access_keys(UserName="alice")["AccessKeyMetadata"])
iam.create_access_key(UserName="alice")
seen["third_key"] = refusal(iam.create_access_key, UserName="alice")

accounts = boto3.client("organizations").get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 2})
seen["account_pages"] = [len(page["Accounts"]) for page in accounts]

secrets = boto3.client("secretsmanager")
blob = bytes(range(256))
secrets.create_secret(Name="blob", SecretBinary=blob)
seen["binary_secret"] = secrets.get_secret_value(SecretId="blob")["SecretBinary"] == blob

url = sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")
seen["presigned"] = status(url)
seen["presigned_and_changed"] = status(url.replace("GetCallerIdentity", "GetSessionToken"))

session = sts.get_session_token()["Credentials"]
temporary = boto3.client(
    "sts",
    aws_access_key_id=session["AccessKeyId"],
    aws_secret_access_key=session["SecretAccessKey"],
    aws_session_token=session["SessionToken"],
)
seen["session_token"] = temporary.get_caller_identity()["Arn"]

s3 = boto3.client("s3")
seen["buckets"] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
seen["object"] = s3.get_object(Bucket=seen["buckets"][0], Key="a/b c")["Body"].read().decode()
anonymous = boto3.client("s3", config=Config(signature_version=UNSIGNED))
seen["unsigned"] = refusal(anonymous.list_buckets)

late = botocore.auth.get_current_datetime() - datetime.timedelta(minutes=20)
with mock.patch("botocore.auth.get_current_datetime", return_value=late):
    seen["clock_skew"] = refusal(sts.get_caller_identity)

print(json.dumps(seen))
