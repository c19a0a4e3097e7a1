// RequestReader: makes the head of a request of the fields in which HTTP/2 carries it (RFC 9113
// §8.3), in the form that every version of HTTP shares, under the same limits and rules
// (wire/http). What makes a message malformed in HTTP/2 alone (§8.1.1: names in capitals,
// `connection`, pseudo-fields out of place) is refused by nghttp2 before it comes here.
//
// A head that passes a limit is read to its end, and refused there, so that the answer can depend
// on its fields (Origin); what lies beyond the limits is not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/http/head.h"
#include "broker/wire/http/limits.h"
#include "broker/wire/http/message_rules.h"
#include "broker/wire/http/status.h"

namespace fanfare::h2 {

class RequestReader {
 public:
  // `limits` outlives this.
  explicit RequestReader(const http::Limits& limits) : limits_(limits), rules_(limits) {}
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Each field in its order, pseudo-fields too. False: the list is so long that nobody could mean
  // it.
  bool field(std::string_view name, std::string_view value);
  // After the last one. What is wrong with the head, if anything is.
  std::optional<http::Refusal> complete();

  // After complete(); if that refused, as much of it as is kept. Lives as long as this.
  const http::RequestHead& head() const { return head_; }
  std::optional<std::uint64_t> content_length() const { return rules_.content_length(); }
  bool expects_continue() const { return rules_.expects_continue(); }
  std::size_t kept_bytes() const { return text_.size(); }

 private:
  struct Piece {
    std::uint32_t begin = 0, size = 0;
    std::string_view of(std::string_view text) const { return text.substr(begin, size); }
  };
  struct Pieces {
    Piece name, value;
  };

  Piece keep(std::string_view text);
  void pseudo_field(std::string_view name, std::string_view value);
  void refuse(const http::Refusal& refusal);
  void check_target();
  void check_authority();
  void point_head();

  const http::Limits& limits_;
  http::MessageRules rules_;
  std::string text_;
  std::string cookie_;  // RFC 9113 §8.2.3: its crumbs are one field
  std::vector<Pieces> pieces_;
  Piece method_, target_, authority_;
  std::size_t bytes_ = 0;  // of all fields, kept or not
  std::uint32_t fields_ = 0;
  std::optional<http::Refusal> refusal_;
  http::RequestHead head_;
};

}  // namespace fanfare::h2
