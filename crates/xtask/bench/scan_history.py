"""Makes the history that `bench scan` measures on: scan_history.py RELEASES PINS REPOSITORY TRUTH [--commits N] [--seed S]
[--imports WHEEL...]

The changes between releases of real packages, as `npm pack` fetches them, become commits: a commit for each place of a file
that changes, in an order in which several packages are worked on at the same time, with branches and merges. Among them,
the files of other packages are imported, some at a time. Into some commits keys are planted, of which TRUTH tells.
"""

import argparse
import bisect
import hashlib
import itertools
import json
import os
import random
import re
import subprocess
import tarfile
import zipfile

import scan_key

# What a person would not keep in a repository.
LARGEST_FILE = 2_000_000
# More places of a file than these that change between two releases are taken together.
MOST_COMMITS_OF_A_FILE = 12
FILES_OF_AN_IMPORT = 60
MINUTES_BETWEEN_COMMITS = 17
FIRST_SECOND = 1_400_000_000


def releases(pins):
    """The pinned releases, as {package: [version, ...]} in ascending order."""
    packages, package = {}, None
    with open(pins, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    for word in " ".join(lines).split():
        if word.endswith(":"):
            package = word[:-1]
            packages[package] = []
        else:
            packages[package].append(word)
    return packages


def files_of(archive):
    files = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.size <= LARGEST_FILE:
                path = member.name.split("/", 1)[-1]
                if re.fullmatch(r"[\w./@+-]+", path) and ".." not in path and ".git" not in path:
                    files[path] = tar.extractfile(member).read()
    return files


def imports(wheels):
    """Files of the wheels, some at a time, as {path: content}."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as file:
            names = [
                entry.filename for entry in file.infolist()
                if entry.file_size <= LARGEST_FILE and re.fullmatch(r"[\w./@+-]+[\w@+-]", entry.filename)
                and ".git" not in entry.filename
            ]
            for at in range(0, len(names), FILES_OF_AN_IMPORT):
                yield {f"third_party/{name}": file.read(name) for name in names[at:at + FILES_OF_AN_IMPORT]}


def changes(old, new):
    """The places that differ, as the ends of each in both texts: lines that are there once in both are the same line."""

    def once(lines):
        seen = {}
        for number, line in enumerate(lines):
            seen[line] = number if line not in seen else None
        return seen

    left, right = once(old), once(new)
    pairs = [(at, right[line]) for line, at in left.items() if at is not None and right.get(line) is not None]
    pairs.sort()
    # The longest ascending sequence of places in the new text.
    tails, indexes, before = [], [], [None] * len(pairs)
    for index, (_, at) in enumerate(pairs):
        place = bisect.bisect_left(tails, at)
        tails[place:place + 1] = [at]
        indexes[place:place + 1] = [index]
        before[index] = indexes[place - 1] if place else None
    index, anchors = (indexes[-1] if indexes else None), []
    while index is not None:
        anchors.append(pairs[index])
        index = before[index]
    anchors.reverse()
    found, start_old, start_new = [], 0, 0
    for at_old, at_new in [*anchors, (len(old), len(new))]:
        if old[start_old:at_old] != new[start_new:at_new]:
            found.append((at_old, at_new))
        start_old, start_new = at_old + 1, at_new + 1
    return found


def versions_of(old, new):
    """The contents that lead from one to the other, one place after the other."""
    left, right = old.splitlines(True), new.splitlines(True)
    places = changes(left, right)
    step = max(1, -(-len(places) // MOST_COMMITS_OF_A_FILE))
    versions = [
        b"".join(right[:at_new]) + b"".join(left[at_old:]) for at_old, at_new in places[step - 1:-1:step]
    ]
    return [*versions, new]


class Planter:
    """Makes keys, and remembers where they are put."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.planted = []

    def lines(self, how, path):
        """Text with a new key, and what is told of it. In which commit it is is added later."""
        access_key_id, secret = scan_key.make(self.random)
        form = len(self.planted) % 5
        plant = scan_key.truth(access_key_id, secret, how=how, path=path, form=form)
        self.planted.append(plant)
        return scan_key.forms(access_key_id, secret)[form].encode(), plant


class Writer:
    """A stream for `git fast-import`."""

    def __init__(self, stream, commits):
        self.stream = stream
        self.most = commits
        self.mark = 0
        self.commits = 0
        self.blobs = {}
        self.blob_bytes = 0
        self.heads = {}

    def blob(self, content):
        digest = hashlib.sha1(content).digest()
        if digest not in self.blobs:
            self.mark += 1
            self.blobs[digest] = self.mark
            self.blob_bytes += len(content)
            self.stream.write(b"blob\nmark :%d\ndata %d\n%b\n" % (self.mark, len(content), content))
        return self.blobs[digest]

    def commit(self, branch, message, files, source=None, merge=None):
        """Commits files, {path: content or None if it is deleted}, and returns the mark of the commit."""
        lines = []
        for path, content in sorted(files.items()):
            if content is None:
                lines.append(b"D %b\n" % path.encode())
            else:
                lines.append(b"M 100644 :%d %b\n" % (self.blob(content), path.encode()))
        self.mark += 1
        self.commits += 1
        person = self.commits % 37
        second = FIRST_SECOND + self.commits * MINUTES_BETWEEN_COMMITS * 60
        head = f"commit refs/heads/{branch}\nmark :{self.mark}\n"
        for role in ("author", "committer"):
            head += f"{role} Person {person} <person{person}@example.com> {second} +0000\n"
        text = message.encode()
        self.stream.write(head.encode() + b"data %d\n%b\n" % (len(text), text))
        if source is not None:
            self.stream.write(b"from :%d\n" % source)
        if merge is not None:
            self.stream.write(b"merge :%d\n" % merge)
        self.stream.writelines([*lines, b"\n"])
        self.heads[branch] = self.mark
        return self.mark

    def is_full(self):
        return self.commits >= self.most


def history(arguments, stream):
    packages = releases(arguments.pins)
    writer, planter = Writer(stream, arguments.commits), Planter(arguments.seed)
    choose = random.Random(arguments.seed + 1)
    # All packages are worked on from the beginning to the end.
    order = [
        (number / len(versions), package, version)
        for package, versions in packages.items()
        for number, version in enumerate(versions)
    ]
    order.sort()
    step = max(1, arguments.commits // arguments.plants)
    state = {package: {} for package in packages}
    removals = []
    imported = imports(arguments.imports)
    writer.commit("main", "Begin\n", {"README.md": b"# Several packages\n"})
    for turn, (_, package, version) in enumerate(order):
        archive = os.path.join(arguments.releases, f"{package}-{version}.tgz")
        if writer.is_full() or not os.path.exists(archive):
            continue
        old, new = state[package], files_of(archive)
        state[package] = new
        # Every other release is prepared on a branch, which is merged at the end.
        is_topic = turn % 2 == 1 and bool(old)
        branch = f"topic/{package}-{version}" if is_topic else "main"
        source = writer.heads["main"] if is_topic else None
        merged = {}

        def commit(message, files, plant=None):
            nonlocal source
            mark = writer.commit(branch, message, files, source)
            source = None
            if plant is not None:
                plant["mark"] = mark
            merged.update(files)

        added = {f"packages/{package}/{path}": content for path, content in new.items() if path not in old}
        names = sorted(added)
        size = 4 if old else 60
        for at in range(0, len(names), size):
            commit(f"{package}: add {names[at]}\n", {name: added[name] for name in names[at:at + size]})
        deleted = sorted(path for path in old if path not in new)
        if deleted:
            commit(f"{package}: remove {deleted[0]}\n", {f"packages/{package}/{path}": None for path in deleted})
        changed = sorted(path for path in new if path in old and old[path] != new[path])
        for path in changed:
            if writer.is_full():
                break
            full = f"packages/{package}/{path}"
            for content in versions_of(old[path], new[path]):
                if writer.commits % step == 0:
                    plant(planter, choose, commit, removals, writer, full, content, package)
                commit(f"{package}: change {path} for {version}\n", {full: content})
        if turn % 3 == 0:
            for files in itertools.islice(imported, 1):
                writer.commit("main", f"Import {min(files)}\n", files)
        while removals and removals[0][0] <= writer.commits and not is_topic:
            commit("Remove what should not be here\n", {removals.pop(0)[1]: None})
        if is_topic and merged:
            files, planted = dict(merged), None
            if turn % 61 == 1:
                path = f"deploy/{package}-{version}.env"
                files[path], planted = planter.lines("in a merge", path)
            mark = writer.commit("main", f"Merge {branch}\n", files, merge=writer.heads[branch])
            if planted is not None:
                planted["mark"] = mark
    for number in range(3):
        path = f"notes/{number}.txt"
        content, planted = planter.lines("on a branch of its own", path)
        planted["mark"] = writer.commit(f"side/{number}", "Try something\n", {path: content}, writer.heads["main"])
    for branch in [branch for branch in writer.heads if branch.startswith("topic/")]:
        stream.write(f"reset refs/heads/{branch}\nfrom {'0' * 40}\n\n".encode())
    return writer, planter


def plant(planter, choose, commit, removals, writer, full, content, package):
    """Puts a key into the history in one of several ways."""
    how = choose.choice(["kept", "removed later", "in a file for one commit", "in a file for one commit"])
    if how == "in a file for one commit":
        text, planted = planter.lines(how, full)
        lines = content.splitlines(True)
        at = choose.randrange(len(lines) + 1)
        commit(f"{package}: try\n", {full: b"".join([*lines[:at], text, *lines[at:]])}, planted)
        return
    path = f"config/{len(planter.planted)}.env"
    text, planted = planter.lines(how, path)
    commit("Configure\n", {path: text}, planted)
    if how == "removed later":
        removals.append((writer.commits + choose.randrange(20, 400), path))


def main():
    parser = argparse.ArgumentParser()
    for name in ("releases", "pins", "repository", "truth"):
        parser.add_argument(name)
    parser.add_argument("--commits", type=int, default=100_000)
    parser.add_argument("--plants", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--imports", nargs="*", default=[])
    arguments = parser.parse_args()

    def git(*words, **options):
        return subprocess.run(["git", "-C", arguments.repository, *words], check=True, **options)

    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", arguments.repository], check=True)
    marks = os.path.join(arguments.repository, "marks")
    # What is written first is written again by the repack.
    importer = subprocess.Popen(
        ["git", "-C", arguments.repository, "-c", "pack.compression=1", "-c", "core.bigFileThreshold=32m",
         "fast-import", "--quiet", "--force", f"--export-marks={marks}"],
        stdin=subprocess.PIPE,
    )
    writer, planter = history(arguments, importer.stdin)
    importer.stdin.close()
    if importer.wait() != 0:
        raise SystemExit("git fast-import failed")
    git("repack", "-adF", "--quiet")
    with open(marks, encoding="ascii") as file:
        names = dict(line.split() for line in file)
    os.remove(marks)
    for planted in planter.planted:
        planted["commit"] = names[f":{planted.pop('mark')}"]
    for number in range(3):
        content, planted = planter.lines("not reachable", "")
        git("hash-object", "-w", "--stdin", input=content, stdout=subprocess.DEVNULL)
    counted = git("count-objects", "-v", capture_output=True, text=True).stdout
    counts = dict(line.split(": ") for line in counted.splitlines())
    with open(arguments.truth, "w", encoding="utf-8") as file:
        json.dump(
            {
                "commits": writer.commits,
                "objects": int(counts["in-pack"]),
                "pack_bytes": int(counts["size-pack"]) * 1024,
                "blobs": len(writer.blobs),
                "blob_bytes": writer.blob_bytes,
                "planted": planter.planted,
            },
            file,
            indent=1,
        )


main()
