"""Makes the work tree that `bench scan` measures on: scan_tree.py TREE TRUTH [--plants N] [--seed S] --archives FILE...

The archives, wheels and tarballs of packages, are unpacked beside each other, and keys are planted into some of the files, of which
TRUTH tells.
"""

import argparse
import json
import os
import random
import tarfile
import zipfile

import scan_key

# Files in which a line more hurts nobody.
TEXTS = (".py", ".js", ".ts", ".md", ".rst", ".txt", ".yml", ".yaml", ".cfg", ".html", ".css")


def members(archive):
    """The files of an archive, as (path, content)."""
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                if not entry.is_dir():
                    yield entry.filename, file.read(entry)
    else:
        with tarfile.open(archive) as file:
            for entry in file:
                if entry.isfile():
                    yield entry.name.split("/", 1)[-1], file.extractfile(entry).read()


def main():
    parser = argparse.ArgumentParser()
    for name in ("tree", "truth"):
        parser.add_argument(name)
    parser.add_argument("--plants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--archives", nargs="+", required=True)
    arguments = parser.parse_args()

    files = size = 0
    texts = []
    for archive in arguments.archives:
        package = os.path.basename(archive).rsplit(".", 1)[0]
        for path, content in members(archive):
            if ".." in path or path.startswith("/"):
                continue
            full = os.path.join(arguments.tree, package, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(content)
            files += 1
            size += len(content)
            if path.endswith(TEXTS) and len(content) < 200_000:
                texts.append(full)

    choose = random.Random(arguments.seed)
    planted = []
    for number, path in enumerate(choose.sample(sorted(set(texts)), min(arguments.plants, len(texts)))):
        access_key_id, secret = scan_key.make(choose)
        text = scan_key.forms(access_key_id, secret)[number % 5].encode()
        with open(path, "rb") as file:
            lines = file.read().splitlines(True)
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1] += b"\n"
        at = choose.randrange(len(lines) + 1)
        with open(path, "wb") as file:
            file.writelines([*lines[:at], text, *lines[at:]])
        size += len(text)
        where = {"path": os.path.relpath(path, arguments.tree), "line": at + 1, "form": number % 5}
        planted.append(scan_key.truth(access_key_id, secret, **where))
    with open(arguments.truth, "w", encoding="utf-8") as file:
        json.dump({"files": files, "bytes": size, "planted": planted}, file, indent=1)


main()
