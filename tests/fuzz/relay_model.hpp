// A model of one PostgreSQL backend as seen from the wire: chapter 55.2 of the documentation, and
// postgres.c and copyfromparse.c where it is silent. What a message does is part of the message (its plan),
// so that two models fed with the same messages give the same replies.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <vector>

namespace pgweir::fuzz {

enum class Act : std::uint8_t { rows, suspend, empty, fail, copy_in, copy_out, begin, commit };

struct Step {
  Act act = Act::rows;
  int copy_fails_at = -1;  // the data message that is refused; 0 counts
  bool copy_fails_at_end = false;
};

struct Sent {
  char type = 0;
  bool portal = false;  // Describe
  bool fails = false;   // Parse, Bind, Describe, FunctionCall, Sync
  bool ours = false;
  bool may_copy = false;
  int id = 0;
  std::size_t after = 0;    // the client sends it when it has seen that many replies
  std::vector<Step> steps;  // Query and Execute
};

struct Got {
  char type = 0;
  char status = 0;
  int id = 0;
  bool operator==(const Got& o) const {
    return type == o.type && status == o.status && (type == 'Z' || id == o.id);
  }
};

class ServerModel {
 public:
  void take(const Sent& m) {
    if (copying_) return take_copy(m);
    if (m.type == 'S') return sync(m);
    if (skipping_ || m.type == 'd' || m.type == 'c' || m.type == 'f') return;
    switch (m.type) {
      case 'H':
        return flush();
      case 'Q':
        now_ = m;
        step_ = 0;
        return run();
      case 'F':
        m.fails || status_ == 'E' ? error(m.id) : put('V', m.id);
        return ready();
      default:
        return extended(m);
    }
  }

  std::deque<Got>& wire() { return wire_; }
  bool copying() const { return copying_; }
  bool all_flushed() const { return unflushed_.empty(); }
  bool quiet() const {
    return !copying_ && !skipping_ && !implicit_ && status_ == 'I' && unflushed_.empty() && wire_.empty();
  }

 private:
  void put(char type, int id) { unflushed_.push_back({type, 0, id}); }
  void flush() {
    wire_.insert(wire_.end(), unflushed_.begin(), unflushed_.end());
    unflushed_.clear();
  }
  void error(int id) {
    put('E', id);
    if (status_ == 'T' && id != 0) status_ = 'E';  // groups of ours (id 0) guard what they find
    flush();
  }
  void ready() {
    implicit_ = executed_ = false;
    unflushed_.push_back({'Z', status_, 0});
    flush();
  }
  void sync(const Sent& m) {
    if (!skipping_ && executed_ && status_ == 'I' && m.fails) error(m.id);  // a deferred constraint
    skipping_ = false;
    ready();
  }
  void skip_from(int id) {
    error(id);
    skipping_ = true;
  }

  void extended(const Sent& m) {
    implicit_ = true;
    if (m.fails) return skip_from(m.id);
    switch (m.type) {
      case 'P':
        return put('1', m.id);
      case 'B':
        return put('2', m.id);
      case 'C':
        return put('3', m.id);
      case 'D':
        if (!m.portal) put('t', m.id);
        return put(m.id % 2 != 0 ? 'T' : 'n', m.id);
      case 'E':
        executed_ = true;
        now_ = m;
        step_ = 0;
        return run();
      default:
        std::abort();
    }
  }

  bool simple() const { return now_.type == 'Q'; }

  // Runs the rest of the current Query or Execute, up to its end or to a COPY IN.
  void run() {
    for (; step_ < now_.steps.size(); ++step_) {
      const Step& s = now_.steps[step_];
      if (s.act == Act::fail || (status_ == 'E' && s.act != Act::commit)) return refuse();
      if (s.act == Act::copy_in) {
        put('G', now_.id);
        flush();
        copying_ = true;
        copy_rows_ = 0;
        return;
      }
      perform(s.act);
    }
    if (simple()) ready();
  }
  void perform(Act act) {
    const int id = now_.id;
    if (act == Act::empty) return put('I', id);
    if (act == Act::rows || act == Act::suspend) {
      if (simple()) put('T', id);
      put('D', id);
      return put(act == Act::suspend && !simple() ? 's' : 'C', id);
    }
    if (act == Act::copy_out) {
      for (const char type : {'H', 'd', 'c'}) put(type, id);
    }
    if (act == Act::begin) status_ = 'T';
    if (act == Act::commit) status_ = 'I';
    put('C', id);
  }
  void refuse() {
    copying_ = false;
    if (!simple()) return skip_from(now_.id);
    error(now_.id);
    ready();
  }

  void take_copy(const Sent& m) {
    const Step& s = now_.steps[step_];
    switch (m.type) {
      case 'd':
        if (copy_rows_++ == s.copy_fails_at) refuse();
        return;
      case 'f':
        return refuse();
      case 'c':
        if (s.copy_fails_at_end) return refuse();
        copying_ = false;
        put('C', now_.id);
        ++step_;
        return run();
      case 'S':
      case 'H':
        return;
      default:
        std::abort();  // FATAL in PostgreSQL: nothing may send this here
    }
  }

  std::deque<Got> wire_;
  std::vector<Got> unflushed_;
  Sent now_;  // the Query or Execute that runs
  std::size_t step_ = 0;
  int copy_rows_ = 0;
  char status_ = 'I';
  bool copying_ = false;
  bool skipping_ = false;
  bool implicit_ = false;  // a transaction that the next Sync, Query or FunctionCall ends
  bool executed_ = false;  // in which something may fail at its end
};

}  // namespace pgweir::fuzz
