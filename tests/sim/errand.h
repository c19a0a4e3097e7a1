// Errand: a plain request beside the streams of an HTTP/2 connection, and what its answer has to
// be, to the last byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/client.h"
#include "tests/sim/h2_end.h"

namespace fanfare::sim {

class Errand {
 public:
  static Errand drawn(Town& town, const std::string& channel);

  const H2Request& request() const { return request_; }
  std::string name() const { return request_.method + ' ' + request_.target; }
  void take_head(const H2News& head);
  void take_body(std::string_view body) { body_ += body; }
  // What is wrong with the answer, now that it is whole; empty: nothing.
  std::string judge(const Ledger& ledger) const;
  // It has been answered in part.
  bool begun() const { return status_ != 0; }

 private:
  enum class Kind : std::uint8_t {
    not_found,
    head,
    options,
    preflight,
    script,
    poll,
    position,
    wrong
  };

  std::string judge_poll(const Ledger& ledger) const;

  Kind kind_{};
  H2Request request_;
  bool limited_ = false;  // it may be refused for its address
  int status_ = 0;
  std::string type_, cursor_, length_;
  std::string body_;
};

}  // namespace fanfare::sim
