"""A function that writes through pgweir with psycopg2, by its own role: no password anywhere.

Environment: DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_CA_FILE (who has signed pgweir's certificate; part of the deployment
package) and PGWEIR_SERVER_ID (aws.iam.server_id of its configuration). The role's credentials are in the environment
already; pgweir_iam.py of deploy/lambda/iam/, beside this file, signs with them.
"""

import os

import psycopg2

import pgweir_iam

connection = None  # lives as long as this environment, also while it is frozen


def connect():
    # A token is good for a login within 15 minutes, so each connection takes a new one; making it asks nobody. It is a
    # password: verify-full, or somebody in between has it.
    return psycopg2.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"], dbname=os.environ["DB_NAME"],
                            user=os.environ["DB_USER"], password=pgweir_iam.token(os.environ["PGWEIR_SERVER_ID"]),
                            sslmode="verify-full", sslrootcert=os.environ["DB_CA_FILE"], connect_timeout=5,
                            application_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"))


def forget():
    global connection
    if connection is not None:
        connection.close()
    connection = None


def transaction(work):
    """Runs work(cursor) and commits. A connection that was closed while this environment was frozen looks open until it
    is used: then once more, on a new one. Nothing can have been done twice, since nothing was committed."""
    global connection
    while True:
        reused = connection is not None
        try:
            connection = connection or connect()
            with connection.cursor() as cursor:
                result = work(cursor)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            forget()
            if not reused:
                raise
            continue
        except BaseException:
            connection.rollback()
            raise
        try:
            connection.commit()  # psycopg2 has begun a transaction; without this, it keeps its server connection
        except BaseException:
            forget()  # whether it was committed, only the database knows
            raise
        return result


def handler(event, context):
    def work(cursor):
        cursor.execute("INSERT INTO visits (name) VALUES (%s) RETURNING id", (event["name"],))
        return cursor.fetchone()[0]

    return {"id": transaction(work)}
