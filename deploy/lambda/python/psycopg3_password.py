"""A function that writes through pgweir with psycopg 3, by user and password.

Environment: DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_CA_FILE (who has signed pgweir's certificate; part of the deployment
package), and DB_SECRET_ARN (Secrets Manager, key `password`) or DB_PASSWORD.
"""

import json
import os

import psycopg

connection = None  # lives as long as this environment, also while it is frozen


def password():
    arn = os.environ.get("DB_SECRET_ARN")
    if arn is None:
        return os.environ["DB_PASSWORD"]
    import boto3  # part of the runtime
    return json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])["password"]


def connect():
    # autocommit: a single statement is its own transaction, and none is left open by mistake. Statements that repeat are
    # prepared by psycopg; they follow the client through pgweir, so prepare_threshold may stay.
    return psycopg.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"], dbname=os.environ["DB_NAME"],
                           user=os.environ["DB_USER"], password=password(), sslmode="verify-full",
                           sslrootcert=os.environ["DB_CA_FILE"], connect_timeout=5, autocommit=True,
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
