"""Runs the logic of `aws cloudtrail validate-logs` over folders instead of S3.

Standard input: a JSON array of {"folder", "trail_arn", "bucket", "from", "until", "public_keys"}.
Standard output: a JSON array with what the aws CLI made of each of them.
"""

import io
import json
import os
import sys

from awscli.customizations.cloudtrail.validation import CloudTrailValidateLogs, normalize_date, parse_date
from botocore.exceptions import ClientError

SIDECAR = ".metadata.json"


class Folder:
    """The calls of S3 that the aws CLI makes, answered from a folder. Every bucket is that folder."""

    def __init__(self, folder):
        self.folder = folder

    def get_client(self, bucket_name):
        return self

    def get_paginator(self, operation):
        assert operation == "list_objects"
        return self

    def paginate(self, Bucket, Marker, Prefix):
        keys = []
        for at, _, names in os.walk(self.folder):
            below = os.path.relpath(at, self.folder)
            keys += [f"{below}/{name}" for name in names if not name.endswith(SIDECAR)]
        return Keys(sorted(key for key in keys if key.startswith(Prefix) and key > Marker))

    def get_object(self, Bucket, Key):
        path = os.path.join(self.folder, Key)
        if not os.path.exists(path):
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no such key"}}, "GetObject")
        metadata = {}
        if os.path.exists(path + SIDECAR):
            with open(path + SIDECAR, encoding="utf-8") as file:
                metadata = json.load(file)["Metadata"]
        with open(path, "rb") as file:
            return {"Body": io.BytesIO(file.read()), "Metadata": metadata}


class Keys:
    def __init__(self, keys):
        self.keys = keys

    def search(self, expression):
        assert expression == "Contents[*].Key"
        return iter(self.keys)


class PublicKeys:
    def __init__(self, listed):
        self.listed = listed

    def list_public_keys(self, StartTime, EndTime):
        return {"PublicKeyList": self.listed["PublicKeyList"]}


class Recorded(CloudTrailValidateLogs):
    """The command, with its services replaced and its words recorded."""

    def __init__(self, case):
        super().__init__(None)
        self.trail_arn = case["trail_arn"]
        self.s3_bucket = case["bucket"]
        self.start_time = normalize_date(parse_date(case["from"]))
        self.end_time = normalize_date(parse_date(case["until"]))
        self._source_region = self.trail_arn.split(":")[3]
        self.s3_client_provider = Folder(case["folder"])
        self.cloudtrail_client = PublicKeys(case["public_keys"])
        self.organization_client = None
        self.seen = {"digests": [], "logs": [], "gaps": 0}

    def _write_status(self, message, is_error=False):
        pass

    def _write_startup_text(self):
        pass

    def _write_summary_text(self):
        pass

    def _on_missing_digest(self, **arguments):
        self.seen["digests"].append(arguments["last_key"])
        super()._on_missing_digest(**arguments)

    def _on_invalid_digest(self, **arguments):
        self.seen["digests"].append(arguments["last_key"])
        super()._on_invalid_digest(**arguments)

    def _on_digest_gap(self, **arguments):
        self.seen["gaps"] += 1
        super()._on_digest_gap(**arguments)

    def _on_invalid_log_format(self, log):
        self.seen["logs"].append(log["s3Object"])
        super()._on_invalid_log_format(log)

    def _on_log_trailing_data(self, log):
        self.seen["logs"].append(log["s3Object"])
        super()._on_log_trailing_data(log)

    def _on_log_invalid(self, log):
        self.seen["logs"].append(log["s3Object"])
        super()._on_log_invalid(log)

    def _on_missing_log(self, log):
        self.seen["logs"].append(log["s3Object"])
        super()._on_missing_log(log)

    def run(self):
        self._call()
        return {
            "digests": sorted(self.seen["digests"]),
            "logs": sorted(self.seen["logs"]),
            "gaps": self.seen["gaps"],
            "valid_digests": self._valid_digests + self._valid_backfill_digests,
            "valid_logs": self._valid_logs,
        }


json.dump([Recorded(case).run() for case in json.load(sys.stdin)], sys.stdout)
