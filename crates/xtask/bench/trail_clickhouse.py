"""The job in ClickHouse, inside this process: trail_clickhouse.py TRAIL ANSWER"""

import sys

import chdb

trail, answer = sys.argv[1:]
optional = "eventID eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode".split()
columns = ", ".join(f"{name} Nullable(String)" for name in optional)
record = f"Tuple({columns}, userIdentity Tuple(accessKeyId Nullable(String)))"

chdb.query(f"""
    SELECT
        r.userIdentity.accessKeyId AS access_key_id,
        count() AS calls,
        min(substring(r.eventTime, 1, 19)) || 'Z' AS first_at,
        max(substring(r.eventTime, 1, 19)) || 'Z' AS last_at,
        uniqExact(nullIf(r.sourceIPAddress, '')) AS addresses,
        uniqExact(nullIf(r.userAgent, '')) AS distinct_user_agents,
        uniqExact(nullIf(r.awsRegion, '')) AS regions,
        uniqExact(r.eventSource, r.eventName) AS actions,
        countIf(r.errorCode != '') AS errors
    FROM (
        SELECT r
        FROM (
            SELECT arrayJoin(Records) AS r
            FROM file('{trail}/**/CloudTrail/*/*/*/*/*.json.gz', 'JSONEachRow', 'Records Array({record})')
        )
        WHERE r.userIdentity.accessKeyId != ''
        LIMIT 1 BY coalesce(r.eventID, toString(generateUUIDv4()))
    )
    GROUP BY access_key_id
    INTO OUTFILE '{answer}' TRUNCATE FORMAT JSONEachRow
    SETTINGS max_threads = 2
""")
