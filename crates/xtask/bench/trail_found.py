"""How right an answer is: trail_found.py ANSWER KEYS

KEYS is what the generator says of each key, a line for each. ANSWER is a line for each key too, with `errors` for the
failed calls of all kinds; or one object with `keys`, as the independent reader writes it; or the CSV of rotakey.
"""

import csv
import json
import sys

FIGURES = "calls first_at last_at addresses distinct_user_agents regions actions errors".split()


def read(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.startswith("access_key_id,"):
        return [of_csv(row) for row in csv.DictReader(text.splitlines())]
    try:
        return json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError):
        return [json.loads(line) for line in text.splitlines()]


def of_csv(row):
    """A row with its numbers as numbers, and the names of the others."""
    times = "access_key_id first_at last_at".split()
    key = {name: row[name] if name in times else int(row[name]) for name in FIGURES + times if name in row}
    key["distinct_user_agents"] = int(row["user_agents"])
    key["errors"] = int(row["failed_calls"]) + int(row["throttled_calls"])
    return key


def figures(key):
    """The figures of a key; of what is told as a list, how long the list is."""
    found = {name: key.get(name) for name in FIGURES}
    if "failed_calls" in key:
        found["errors"] = key["failed_calls"] + key["throttled_calls"]
    return {name: len(value) if isinstance(value, list) else value for name, value in found.items()}


def main():
    answer, truth = ({key["access_key_id"]: figures(key) for key in read(path)} for path in sys.argv[1:])
    both = answer.keys() & truth.keys()
    wrong = {key for key in both if answer[key] != truth[key]}
    wrong_figures = [name for name in FIGURES if any(answer[key][name] != truth[key][name] for key in wrong)]
    report = {
        "exact": len(both) - len(wrong),
        "missing": len(truth.keys() - both),
        "invented": len(answer.keys() - both),
        "wrong": len(wrong),
        "wrong_figures": wrong_figures,
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
