// AWS Signature Version 4, for requests by header and for presigned URLs. No socket, no clock.
// Source: AWS Identity and Access Management User Guide, "AWS Signature Version 4 for API requests".
//
// Pure functions: any thread. A failure of libcrypto throws std::runtime_error: nothing can be signed then.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/aws/credentials.hpp"

namespace pgweir::aws {

using Time = std::chrono::system_clock::time_point;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// Where a signature is valid.
struct Scope {
  std::string region;
  std::string service;  // secretsmanager, ssm, sts, rds-db
};

// What is signed. Nothing in it is encoded yet.
struct Signable {
  std::string method = "GET";
  std::string path = "/";
  Pairs query;
  Pairs headers;  // names in any case; `host` is one of them. x-amz-date is added by the signer
  std::string body;
};

// RFC 3986: everything but letters, digits and -._~ becomes %XX, in capitals. `keep`: characters that stay.
std::string uri_encode(std::string_view text, std::string_view keep = {});

std::string sha256_hex(std::string_view data);
std::string amz_date(Time time);  // 20150830T123600Z

// The key that signs for one day, region and service: 32 bytes.
config::Secret signing_key(const config::Secret& secret_access_key, std::string_view day, const Scope& scope);

// Headers to add to the request, Authorization among them: x-amz-date, and x-amz-security-token where the
// credentials have one.
Pairs sign(const Signable& request, const Scope& scope, const Credentials& credentials, Time now);

// The query string of a presigned URL, encoded, X-Amz-Signature last.
std::string presign(const Signable& request, const Scope& scope, const Credentials& credentials, Time now,
                    std::chrono::seconds expires);

}  // namespace pgweir::aws
