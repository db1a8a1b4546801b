"""Answers to the statements of `rotakey trail athena`: reads a JSON object from standard input, and writes one.

Athena is not at hand. Its statements are read by sqlglot's grammar of Athena (Hive's for the table, Trino's for the
queries), written anew for DuckDB, and run there on the files themselves, which the columns of the table are read from.
ClickHouse's are run by ClickHouse, as they are.
"""

import csv
import glob
import io
import json
import sys

import chdb
import duckdb
import sqlglot
from sqlglot import exp

# Members of records, as CloudTrail writes them: the SerDe does not heed the case, and DuckDB does where it reads.
MEMBERS = """
    eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage userIdentity type
    principalId arn accountId invokedBy accessKeyId userName requestParameters responseElements additionalEventData
    eventID recipientAccountId vpcEndpointId
""".split()
SPELLED = {member.lower(): member for member in MEMBERS}


def duckdb_type(kind):
    if kind.this == exp.DataType.Type.STRUCT:
        fields = ((field.name, field.args["kind"]) for field in kind.expressions)
        return f"STRUCT({', '.join(f'{SPELLED[name.lower()]} {duckdb_type(kind)}' for name, kind in fields)})"
    assert kind.is_type("text", "varchar"), kind
    return "VARCHAR"


class Athena:
    """DuckDB, with the table that the statement makes."""

    def __init__(self, statement, trail):
        table = sqlglot.parse_one(statement.rstrip().rstrip(";"), dialect="athena")
        assert isinstance(table, exp.Create) and table.kind == "TABLE", table
        schema = table.this
        partitions = {column.name for column in table.find(exp.PartitionedByProperty).find_all(exp.ColumnDef)}
        assert partitions == {"account", "region", "day"}, partitions
        columns = [column for column in schema.expressions if column.name not in partitions]
        record = ", ".join(f"{SPELLED[column.name]} {duckdb_type(column.args['kind'])}" for column in columns)
        files = glob.glob(f"{trail}/**/CloudTrail/*/*/*/*/*.json.gz", recursive=True)
        assert files
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 2")
        database, name = schema.this.db, schema.this.name
        self.connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{database}"')
        place = r"/([^/]+)/CloudTrail/([^/]+)/(\d+/\d+/\d+)/[^/]+$"
        self.connection.execute(f"""
            CREATE TABLE "{database}"."{name}" AS
            SELECT unnest(r), account, region, day
            FROM (
                SELECT
                    unnest(Records) AS r,
                    regexp_extract(filename, '{place}', 1) AS account,
                    regexp_extract(filename, '{place}', 2) AS region,
                    regexp_extract(filename, '{place}', 3) AS day
                FROM read_json({files!r}, columns = {{'Records': 'STRUCT({record})[]'}}, filename = true)
            )
        """)

    def answer(self, statement):
        (query,) = sqlglot.transpile(statement.rstrip().rstrip(";"), read="athena", write="duckdb")
        cursor = self.connection.execute(query)
        columns = [column[0] for column in cursor.description]
        rows = [[None if cell is None else str(cell) for cell in row] for row in cursor.fetchall()]
        return {"columns": columns, "rows": rows}


def clickhouse(statement):
    answer = chdb.query(statement.rstrip().rstrip(";") + " FORMAT CSVWithNames").bytes().decode("utf-8")
    rows = list(csv.reader(io.StringIO(answer)))
    cells = [[None if cell == r"\N" else cell for cell in row] for row in rows[1:]]
    return {"columns": rows[0], "rows": cells}


def main():
    asked = json.load(sys.stdin)
    athena = Athena(asked["table"], asked["trail"])
    json.dump(
        {
            "athena": [athena.answer(statement) for statement in asked["athena"]],
            "clickhouse": [clickhouse(statement) for statement in asked["clickhouse"]],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
