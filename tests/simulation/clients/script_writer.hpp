// Makes up what a client sends: batches of messages, each ended by what the server answers with ReadyForQuery. Every
// value carries a word that no other client uses, so that a row of somebody else's is known at once. Pure but for
// chance.
#pragma once

#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "tests/simulation/kernel/random.hpp"

namespace pgweir::simulation {

struct Batch {
  std::string in_words;
  ByteBuffer bytes;
};

class ScriptWriter {
 public:
  ScriptWriter(int client, Random random) : client_(client), random_(random) {}

  Batch next();
  // What puts an end to what the client may have open, so that it can leave in peace.
  Batch last();

 private:
  std::string nonce();
  std::string statement();
  std::string setting_statement();
  std::string transaction_statement();
  std::string table_statement();
  std::string session_statement();
  Batch simple();
  Batch extended();
  // Statements that a name stands for take as many parameters each time: in a failed transaction a pooled client hears
  // of that where a direct one hears of a wrong number.
  void add_extended(Batch& batch);

  const int client_;
  Random random_;
  int nonces_ = 0;
};

}  // namespace pgweir::simulation
