// The password with which a Lambda function proves its role to pgweir. Needs what the Node.js runtime has anyway.
//
//   const client = new pg.Client({ host, user: "app_user", ssl: { ca },
//                                  password: () => token("the aws.iam.server_id of pgweir") });
//
// Make a new one for each connection: it costs no call to AWS, and is good for 15 minutes at the most.
import { createHash, createHmac } from "node:crypto";

const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

async function ownCredentials() {
  const { STSClient } = await import("@aws-sdk/client-sts");
  return new STSClient({}).config.credentials();
}

// `region`: that of pgweir, if it is another one than the function's.
export async function token(serverId, region = process.env.AWS_REGION, credentials = ownCredentials) {
  const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
  const host = `sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = date.slice(0, 8);
  const scope = `${day}/${region}/sts/aws4_request`;
  const parameters = {
    Action: "GetCallerIdentity",
    Version: "2011-06-15",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${accessKeyId}/${scope}`,
    "X-Amz-Date": date,
    "X-Amz-Expires": "900",
    ...(sessionToken && { "X-Amz-Security-Token": sessionToken }),
    "X-Amz-SignedHeaders": "host;x-pgweir-server-id",
  };
  const query = Object.keys(parameters).sort().map((name) => `${name}=${encode(parameters[name])}`).join("&");
  const headers = `host:${host}\nx-pgweir-server-id:${serverId}\n`;
  const request = ["GET", "/", query, headers, "host;x-pgweir-server-id", sha256("")].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(request)].join("\n");
  const key = [day, region, "sts", "aws4_request"].reduce(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, toSign).toString("hex");
  const url = `https://${host}/?${query}&X-Amz-Signature=${signature}`;
  return "pgweir-v1." + Buffer.from(url).toString("base64url");
}
