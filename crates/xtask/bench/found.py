"""Brings what a tool wrote into one form, users by question: found.py TOOL FOLDER. Writes `found.json`.

A question that the tool was not asked is absent.
"""

import csv
import json
import sys
from pathlib import Path


def rotakey(folder):
    """`rotakey audit --format json`."""
    codes = {
        "key-too-old": "key-too-old",
        "key-unused": "key-unused",
        "key-never-used": "key-unused",
        "two-active-keys": "two-active-keys",
        "root-access-key": "root-access-key",
    }
    found = {question: set() for question in codes.values()}
    for finding in json.loads((folder / "audit.json").read_text(encoding="utf-8"))["findings"]:
        if finding["code"] in codes:
            found[codes[finding["code"]]].add(finding["user_name"])
    return found


def custodian(folder):
    """Cloud Custodian: one file of resources for each policy, which bears the name of the question."""
    found = {}
    for file in folder.glob("out/*/resources.json"):
        resources = json.loads(file.read_text(encoding="utf-8"))
        found[file.parent.name] = {user["UserName"] for user in resources}
    return found


def prowler(folder):
    """Prowler: CSV with semicolons, one row for each user and check, or for each key if it fails."""
    checks = {
        "iam_rotate_access_key_90_days": "key-too-old",
        "iam_user_accesskey_unused": "key-unused",
        "iam_user_two_active_access_key": "two-active-keys",
        "iam_no_root_access_key": "root-access-key",
    }
    found = {question: set() for question in checks.values()}
    csv.field_size_limit(sys.maxsize)
    with open(folder / "out" / "prowler.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            if row["STATUS"] == "FAIL" and row["CHECK_ID"] in checks:
                _, _, user = row["RESOURCE_UID"].partition(":user/")
                found[checks[row["CHECK_ID"]]].add(user.rsplit("/", 1)[-1] or "<root_account>")
    return found


tool, folder = sys.argv[1], Path(sys.argv[2])
found = {"rotakey": rotakey, "custodian": custodian, "prowler": prowler}[tool](folder)
listed = {question: sorted(users) for question, users in found.items()}
(folder / "found.json").write_text(json.dumps(listed), encoding="utf-8")
