"""A function as it is often found, and should not be: it never commits. docs/lambda.md tells what becomes of it.

psycopg2 begins a transaction with the first statement. Nobody ends it, so this environment is frozen in the middle of it
and holds a server connection until `timeouts.idle_transaction` takes it away, with whatever was written. The next request
of the same environment then fails, since `closed` tells only what this side has closed.
"""

import os

import psycopg2

connection = None


def handler(event, context):
    global connection
    if connection is None or connection.closed:
        connection = psycopg2.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"],
                                      dbname=os.environ["DB_NAME"], user=os.environ["DB_USER"],
                                      password=os.environ["DB_PASSWORD"], sslmode="verify-full",
                                      sslrootcert=os.environ["DB_CA_FILE"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM visits WHERE name = %s", (event["name"],))
        return {"visits": cursor.fetchone()[0]}
