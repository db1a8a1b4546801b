"""The job in DuckDB, inside this process: trail_duckdb.py TRAIL ANSWER

With the schema that DuckDB finds out by itself: with given columns it takes several times as long.
"""

import sys

import duckdb

trail, answer = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET threads = 2")
connection.execute(f"""
    COPY (
        SELECT
            key AS access_key_id,
            count(*) AS calls,
            min(moment) || 'Z' AS first_at,
            max(moment) || 'Z' AS last_at,
            count(DISTINCT nullif(address, '')) AS addresses,
            count(DISTINCT nullif(agent, '')) AS distinct_user_agents,
            count(DISTINCT nullif(region, '')) AS regions,
            count(DISTINCT (source, name)) AS actions,
            count(nullif(error, '')) AS errors
        FROM (
            SELECT DISTINCT ON (coalesce(id, uuid()::VARCHAR)) *
            FROM (
                SELECT
                    r.eventID::VARCHAR AS id,
                    r.userIdentity.accessKeyId AS key,
                    replace(substring(r.eventTime::VARCHAR, 1, 19), ' ', 'T') AS moment,
                    r.sourceIPAddress AS address,
                    r.userAgent AS agent,
                    r.awsRegion AS region,
                    r.eventSource AS source,
                    r.eventName AS name,
                    r.errorCode AS error
                FROM (
                    SELECT unnest(Records) AS r
                    FROM read_json('{trail}/**/CloudTrail/*/*/*/*/*.json.gz', maximum_object_size = 268435456)
                )
            )
            WHERE key <> ''
        )
        GROUP BY key
    ) TO '{answer}' (FORMAT json)
""")
