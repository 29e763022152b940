"""A function that writes through pgweir with psycopg 3, by its own role: no password anywhere.

Environment: DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_CA_FILE (who has signed pgweir's certificate; part of the deployment
package) and PGWEIR_SERVER_ID (aws.iam.server_id of its configuration). The role's credentials are in the environment
already; pgweir_iam.py of deploy/lambda/iam/, beside this file, signs with them.
"""

import os

import psycopg

import pgweir_iam

connection = None  # lives as long as this environment, also while it is frozen


def connect():
    # A token is good for a login within 15 minutes, so each connection takes a new one; making it asks nobody. It is a
    # password: verify-full, or somebody in between has it.
    return psycopg.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"], dbname=os.environ["DB_NAME"],
                           user=os.environ["DB_USER"], password=pgweir_iam.token(os.environ["PGWEIR_SERVER_ID"]),
                           sslmode="verify-full", sslrootcert=os.environ["DB_CA_FILE"], connect_timeout=5, autocommit=True,
                           application_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"))


def usable():
    """A connection that was closed while this environment was frozen looks open until it is used."""
    global connection
    if connection is not None:
        try:
            connection.execute("")  # an empty query, the cheapest question
        except psycopg.OperationalError:
            connection.close()
            connection = None
    if connection is None:
        connection = connect()
    return connection


def handler(event, context):
    with usable().transaction():
        row = connection.execute("INSERT INTO visits (name) VALUES (%s) RETURNING id", (event["name"],)).fetchone()
    return {"id": row[0]}
