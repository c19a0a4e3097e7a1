// MessageRules: what the fields of a request say about the message itself, the same in every
// version of HTTP (RFC 9110): Host, Content-Length, Expect. What one version alone has, or forbids
// (Connection and Transfer-Encoding), is the matter of its parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/wire/http/limits.h"
#include "broker/wire/http/status.h"

namespace fanfare::http {

class MessageRules {
 public:
  // `limits` outlives the rules; it may change between two messages.
  explicit MessageRules(const Limits& limits) : limits_(&limits) {}

  // Each field of a head, in their order. What is wrong with it, if anything is.
  std::optional<Refusal> admit(std::string_view name, std::string_view value);

  bool host_seen() const { return host_seen_; }
  // The body's size as announced, if it is.
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  // `Expect: 100-continue`: the client waits for an interim response before it sends its body.
  bool expects_continue() const { return expects_continue_; }

  void reset() { *this = MessageRules(*limits_); }

 private:
  std::optional<Refusal> admit_host(std::string_view value);
  std::optional<Refusal> admit_content_length(std::string_view value);
  std::optional<Refusal> admit_expect(std::string_view value);

  const Limits* limits_;
  std::optional<std::uint64_t> content_length_;
  bool host_seen_ = false;
  bool expects_continue_ = false;
};

}  // namespace fanfare::http
