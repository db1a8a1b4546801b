"""The sweep that everybody writes first: all users, their keys, and the last use of each, one call after the other.

Writes the facts to `facts.json`, from which the truth is computed, and its own findings to `found.json`.
"""

import datetime
import json
import sys
from pathlib import Path

import boto3

folder = Path(sys.argv[1])
iam = boto3.client("iam")
users = []
for page in iam.get_paginator("list_users").paginate():
    for user in page["Users"]:
        name = user["UserName"]
        keys = []
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            last_used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
            used = last_used.get("LastUsedDate")
            keys.append(
                {
                    "id": key["AccessKeyId"],
                    "active": key["Status"] == "Active",
                    "created": int(key["CreateDate"].timestamp()),
                    "used": int(used.timestamp()) if used else None,
                }
            )
        users.append({"name": name, "keys": keys})
root_keys = iam.get_account_summary()["SummaryMap"]["AccountAccessKeysPresent"]
(folder / "facts.json").write_text(json.dumps({"users": users, "root_keys": root_keys}), encoding="utf-8")

now = datetime.datetime.now(datetime.timezone.utc).timestamp()
DAY = 86400
found = {"key-too-old": [], "key-unused": [], "two-active-keys": [], "root-access-key": []}
for user in users:
    active = [key for key in user["keys"] if key["active"]]
    if any(now - key["created"] > 90 * DAY for key in active):
        found["key-too-old"].append(user["name"])
    if any(now - (key["used"] or key["created"]) > 45 * DAY for key in active):
        found["key-unused"].append(user["name"])
    if len(active) > 1:
        found["two-active-keys"].append(user["name"])
if root_keys:
    found["root-access-key"].append("<root_account>")
(folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
