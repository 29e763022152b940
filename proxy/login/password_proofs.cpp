#include "proxy/login/password_proofs.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace pgweir {
namespace {

template <class Counts, class Key>
void count_down(Counts& counts, const Key& key) {
  const auto count = counts.find(key);
  if (--count->second == 0) counts.erase(count);
}

}  // namespace

class PasswordProofs::Proof {
 public:
  Proof(Subject subject, const PasswordDigest& digest) : subject_(std::move(subject)), digest_(digest) {}

 private:
  friend class PasswordProofs;

  const Subject subject_;
  const PasswordDigest digest_;
  std::vector<SessionAddress> waiting_;
  std::optional<PasswordVerdict> judgement_;
};

bool equal_in_constant_time(const PasswordDigest& a, const PasswordDigest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

PasswordProofs::PasswordProofs() {
  if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1)
    throw std::runtime_error("no random numbers for hashing passwords");
}

// Each name ends with a NUL, and has none inside; the password is the rest.
PasswordDigest PasswordProofs::digest(const std::string& database, const std::string& user,
                                      const config::Secret& password) const {
  std::string text;
  text.reserve(database.size() + user.size() + password.reveal().size() + 2);  // so that no copy is left
  text.append(database).push_back('\0');
  text.append(user).push_back('\0');
  text.append(password.reveal());
  const config::Secret whole(std::move(text));
  PasswordDigest digest{};
  unsigned size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(whole.reveal().data());
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), bytes, whole.reveal().size(),
           digest.data(), &size) == nullptr)
    throw std::runtime_error("libcrypto cannot hash a password");
  return digest;
}

PasswordProofs::Attempt PasswordProofs::begin(const Subject& subject, const PasswordDigest& digest,
                                              SessionAddress who, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (const auto known = refused_.find(digest); known != refused_.end()) {
    if (now - known->second < refusal_memory) {
      ++counts_.again;
      return {Attempt::Kind::refused};
    }
    refused_.erase(known);
  }
  if (const auto other = proofs_.find(digest); other != proofs_.end()) {
    other->second->waiting_.push_back(who);
    return {Attempt::Kind::joined, other->second};
  }
  const std::pair user{subject.database, subject.user};
  const auto of_entry = of_entries_.find(subject.entry);
  const auto of_user = of_users_.find(user);
  if (of_entry != of_entries_.end() && of_entry->second >= subject.max_for_entry)
    return {Attempt::Kind::busy};
  if (of_user != of_users_.end() && of_user->second >= subject.max_for_user) return {Attempt::Kind::busy};
  ++of_entries_[subject.entry];
  ++of_users_[user];
  auto proof = std::make_shared<Proof>(subject, digest);
  proof->waiting_.push_back(who);
  proofs_.emplace(digest, proof);
  return {Attempt::Kind::begun, std::move(proof)};
}

std::optional<PasswordVerdict> PasswordProofs::judgement(const Ref& proof) const {
  const std::lock_guard lock(mutex_);
  return proof->judgement_;
}

std::vector<SessionAddress> PasswordProofs::finish(const Ref& proof, PasswordVerdict judgement,
                                                   TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (judgement.kind == PasswordVerdict::Kind::wrong) {
    std::erase_if(refused_, [&](const auto& each) { return now - each.second >= refusal_memory; });
    if (refused_.size() >= refusals_max) refused_.clear();
    refused_.insert_or_assign(proof->digest_, now);
  }
  using Kind = PasswordVerdict::Kind;
  ++(judgement.kind == Kind::right   ? counts_.right
     : judgement.kind == Kind::wrong ? counts_.wrong
                                     : counts_.unknown);
  proof->judgement_ = std::move(judgement);
  proofs_.erase(proof->digest_);
  count_down(of_entries_, proof->subject_.entry);
  count_down(of_users_, std::pair{proof->subject_.database, proof->subject_.user});
  return std::move(proof->waiting_);
}

void PasswordProofs::note_known() {
  const std::lock_guard lock(mutex_);
  ++counts_.known;
}

PasswordProofs::Counts PasswordProofs::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.under_way = proofs_.size();
  return counts;
}

}  // namespace pgweir
