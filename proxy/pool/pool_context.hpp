// What a pool uses of the process. All of it lives longer than any pool.
#pragma once

namespace pgweir {

namespace aws {
class Aws;
}
class NotificationSink;
class PasswordProofs;
class SchemaVersions;
class SessionWaker;
struct Workers;

struct PoolContext {
  Workers& workers;
  SessionWaker& sessions;
  NotificationSink& notifications;
  PasswordProofs& proofs;
  SchemaVersions& schemas;
  aws::Aws& aws;
};

}  // namespace pgweir
