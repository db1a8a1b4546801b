"""Runs rotakey over very many files on Spark (EMR, Glue, Databricks, your own).

    spark-submit rotakey_spark.py --files LIST --output MERGED
    rotakey trail usage MERGED

LIST names a file on each line, as rotakey takes them (s3://... or a path that all executors see). They are spread over
partitions, the largest shares are never one machine's alone, and each partition is piped through the binary, which
writes what it found to a partial. Partials are merged by the binary as well, on the executors, two at a time, so that no
machine ever holds more than a few. What a lost executor had in hand is done anew elsewhere; since a partial is made of a
set of files and merging removes duplicates, nothing is counted twice.

The binary must be on all executors: in their image, by a bootstrap action, or shipped with `--files rotakey` of
spark-submit and named `./rotakey` here. The commands are parameters: any whose first form is `ARGUMENTS FILE... --output
PARTIAL` and whose second is `ARGUMENTS PARTIAL... --output PARTIAL` will do.
"""

import argparse
import pathlib
import shlex
import subprocess
import sys
import tempfile

# The exit code that says: there is an answer, but something could not be read.
INCOMPLETE = 4

# Files for one call, so that their names fit on a command line.
MOST_FILES = 2_000


class Failed(Exception):
    """The binary failed; Spark tries the task again, and gives up after some failures."""


def call(command, paths):
    """What the command writes, and whether it could read everything."""
    with tempfile.TemporaryDirectory(prefix="rotakey-") as folder:
        output = pathlib.Path(folder, "partial")
        ran = subprocess.run(
            [*command, *paths, "--output", str(output)], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if ran.returncode not in (0, INCOMPLETE):
            said = ran.stderr.decode("utf-8", "replace")[-2_000:]
            raise Failed(f"{shlex.join(command)} ended with {ran.returncode}: {said}")
        return output.read_bytes(), ran.returncode == 0


def each(command):
    """The partials of a partition's files."""

    def partials(paths):
        batch = []
        for path in paths:
            batch.append(path)
            if len(batch) == MOST_FILES:
                yield call(command, batch)
                batch = []
        if batch:
            yield call(command, batch)

    return partials


def merged(command):
    """One partial of two."""

    def merge(left, right):
        with tempfile.TemporaryDirectory(prefix="rotakey-") as folder:
            paths = []
            for name, (content, _) in (("left", left), ("right", right)):
                path = pathlib.Path(folder, name)
                path.write_bytes(content)
                paths.append(str(path))
            content, complete = call(command, paths)
            return content, complete and left[1] and right[1]

    return merge


def run(context, files, partial, merge, partitions):
    """The partial of all files, and whether everything was read."""
    count = max(1, min(partitions or 4 * context.defaultParallelism, len(files)))
    # Neighbours in a list are of one account and day, and alike in size: they are dealt out like cards.
    dealt = [files[start::count] for start in range(count)]
    rows = context.parallelize(dealt, count).flatMap(each(partial))
    return rows.treeReduce(merged(merge))


def main():
    parser = argparse.ArgumentParser(description="Runs rotakey over very many files on Spark.")
    parser.add_argument("--files", required=True, help="a text file that names a file on each line")
    parser.add_argument("--output", required=True, help="where the merged partial goes, on the driver")
    parser.add_argument("--partial", default="rotakey trail usage --partial", help="the command that makes a partial of files")
    parser.add_argument("--merge", default="rotakey trail merge --partial", help="the command that merges partials")
    parser.add_argument("--partitions", type=int, help="default: four for each core of the cluster")
    arguments = parser.parse_args()
    lines = pathlib.Path(arguments.files).read_text(encoding="utf-8").splitlines()
    files = [line for line in lines if line.strip()]
    if not files:
        sys.exit(f"{arguments.files} names no file")

    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName("rotakey").getOrCreate()
    try:
        partial, merge = shlex.split(arguments.partial), shlex.split(arguments.merge)
        content, complete = run(session.sparkContext, files, partial, merge, arguments.partitions)
    finally:
        session.stop()
    pathlib.Path(arguments.output).write_bytes(content)
    sys.exit(0 if complete else INCOMPLETE)


if __name__ == "__main__":
    main()
