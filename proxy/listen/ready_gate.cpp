#include "proxy/listen/ready_gate.hpp"

namespace pgweir {

bool ReadyGate::begin_transaction() {
  if (asked_ != Asked::none || under_way_ > 0) return false;
  asked_ = Asked::early;
  ++under_way_;
  return true;
}

void ReadyGate::note_answer() {
  if (asked_ == Asked::none) asked_ = Asked::early;
}

bool ReadyGate::needs_round_trip() {
  if (asked_ == Asked::late || (asked_ == Asked::early && !may_notify_)) return false;
  asked_ = Asked::late;
  ++under_way_;
  return true;
}

void ReadyGate::settle(bool idle) {
  if (idle || asked_ == Asked::early) asked_ = Asked::none;
  if (idle) may_notify_ = false;
}

bool ReadyGate::may_pass() {
  if (under_way_ > 0) {
    ready_ = Ready::waits;
  } else if (ready_ == Ready::waits) {
    ready_ = Ready::free;
  }
  return under_way_ == 0;
}

void ReadyGate::resume() {
  if (ready_ == Ready::waits) ready_ = Ready::resumes;
}

bool ReadyGate::take_resume() {
  if (ready_ != Ready::resumes) return false;
  ready_ = Ready::free;
  return true;
}

}  // namespace pgweir
