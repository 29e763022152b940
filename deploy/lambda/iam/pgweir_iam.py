"""The password with which a Lambda function proves its role to pgweir. Needs what the Python runtime has anyway.

    connection = psycopg2.connect(host=..., user="app_user", sslmode="verify-full",
                                  password=pgweir_iam.token("the aws.iam.server_id of pgweir"))

Make a new one for each connection: it costs no call to AWS, and is good for 15 minutes at the most.
"""

import base64
import os

import botocore.session
from botocore.model import ServiceId
from botocore.signers import RequestSigner


def token(server_id, region=None, session=None):
    """`region`: that of pgweir, if it is another one than the function's."""
    session = session or botocore.session.get_session()
    region = region or os.environ["AWS_REGION"]
    signer = RequestSigner(ServiceId("STS"), region, "sts", "v4", session.get_credentials(),
                           session.get_component("event_emitter"))
    suffix = ".cn" if region.startswith("cn-") else ""
    url = signer.generate_presigned_url(
        {"method": "GET", "body": {}, "context": {}, "headers": {"x-pgweir-server-id": server_id},
         "url": f"https://sts.{region}.amazonaws.com{suffix}/?Action=GetCallerIdentity&Version=2011-06-15"},
        region_name=region, expires_in=900, operation_name="")
    return "pgweir-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
