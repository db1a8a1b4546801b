"""An independent reader of a trail: trail_reference.py TRAIL ANSWER

Nothing but Python's json and gzip, one record after another, everything in memory: slow, and plain enough to be
believed. Writes what `rotakey trail usage --format json` is held against: the keys sorted, and in each the lists
sorted by calls, the most first, then by name. Holds only what follows from the records without opinion: how user
agents, networks and schedules are summed up is not here.
"""

import gzip
import json
import pathlib
import re
import sys

THROTTLING = {
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
DENIED = re.compile("AccessDenied|Unauthorized|NotAuthorized|AuthorizationError|Forbidden")


def files(folder):
    """The log files, without digests, insights and what else lies beside them."""
    for path in sorted(pathlib.Path(folder).rglob("*")):
        parts = set(path.parts)
        foreign = {"CloudTrail-Digest", "CloudTrail-Insight", "Config"}
        if path.is_file() and not parts & foreign:
            yield path


def records(path):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    text = data.decode("utf-8")
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return json.loads(text)["Records"]


def string(value):
    """A text that is there, or None: CloudTrail writes null and "" for what is absent."""
    return value if isinstance(value, str) and value else None


def member(value, name):
    return value.get(name) if isinstance(value, dict) else None


def outcome(code):
    if code is None:
        return None
    short = code.split(".", 1)[1] if "." in code else code
    if short in THROTTLING or "Throttl" in short:
        return "throttled_calls"
    return "denied_calls" if DENIED.search(short) else "failed_calls"


def service(source):
    return source.removesuffix(".amazonaws.com")


class Tally:
    def __init__(self, at):
        self.calls, self.first, self.last = 0, at, at

    def add(self, at):
        self.calls += 1
        self.first, self.last = min(self.first, at), max(self.last, at)

    def form(self):
        return {"calls": self.calls, "first_at": self.first, "last_at": self.last}


class Key:
    def __init__(self, at):
        self.all = Tally(at)
        self.outcomes = {"denied_calls": 0, "failed_calls": 0, "throttled_calls": 0}
        self.lists = {name: {} for name in ("actions", "errors", "regions", "vpc_endpoints", "invoked_by")}
        self.addresses, self.user_agents = set(), set()

    def take(self, record, at):
        self.all.add(at)
        action = (service(record["eventSource"]), record["eventName"])
        self.count("actions", action, at)
        code = string(record.get("errorCode"))
        if code:
            what = outcome(code)
            self.outcomes[what] += 1
            if what == "denied_calls":
                self.outcomes["failed_calls"] += 1
            self.count("errors", (*action, code), at)
        for name, value in (
            ("regions", record.get("awsRegion")),
            ("vpc_endpoints", record.get("vpcEndpointId")),
            ("invoked_by", member(record.get("userIdentity"), "invokedBy")),
        ):
            if string(value):
                self.count(name, (value,), at)
        self.addresses.add(string(record.get("sourceIPAddress")))
        self.user_agents.add(string(record.get("userAgent")))

    def count(self, name, what, at):
        tally = self.lists[name].get(what)
        if tally is None:
            tally = self.lists[name][what] = Tally(at)
        tally.add(at)

    def form(self, key):
        form = {"access_key_id": key, **self.all.form(), **self.outcomes}
        members = {"actions": ("service", "action"), "errors": ("service", "action", "code")}
        for name, tallies in self.lists.items():
            names = members.get(name, ("name",))
            ordered = sorted(tallies.items(), key=lambda pair: (-pair[1].calls, pair[0]))
            form[name] = [{**dict(zip(names, what)), **tally.form()} for what, tally in ordered]
        form["addresses"] = len(self.addresses - {None})
        form["distinct_user_agents"] = len(self.user_agents - {None})
        return form


def read(folder):
    keys, seen, parents = {}, set(), {}
    summary = {"files": 0, "records": 0, "duplicates": 0, "malformed_records": 0}
    for path in files(folder):
        summary["files"] += 1
        for record in records(path):
            if not all(string(record.get(name)) for name in ("eventTime", "eventSource", "eventName")):
                summary["malformed_records"] += 1
                continue
            summary["records"] += 1
            event = string(record.get("eventID"))
            if event in seen:
                summary["duplicates"] += 1
                continue
            if event:
                seen.add(event)
            at = record["eventTime"][:19] + "Z"
            key = string(member(record.get("userIdentity"), "accessKeyId"))
            minted = string(member(member(record.get("responseElements"), "credentials"), "accessKeyId"))
            if minted and key and service(record["eventSource"]) in ("sts", "signin"):
                parents[minted] = key
            if key:
                if key not in keys:
                    keys[key] = Key(at)
                keys[key].take(record, at)
    return summary, keys, parents


def main():
    summary, keys, parents = read(sys.argv[1])
    forms = []
    for name in sorted(keys):
        form = keys[name].form(name)
        if name in parents:
            form["parent"] = parents[name]
        forms.append(form)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"summary": summary, "keys": forms}, file)


if __name__ == "__main__":
    main()
