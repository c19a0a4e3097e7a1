// NdjsonLine: one line of the NDJSON dialect, taken apart. Strict: anything not understood is
// refused with its column, so that a misspelt field is noticed by the publisher and not by its
// subscribers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/roll.h"

namespace fanfare::ingest {

struct LineRequest {
  enum class Op : std::uint8_t { publish, finish, erase, report, watch, ticket, auth, subscribers };
  Op op = Op::publish;
  // One, or several for publish, ticket and watch; perhaps none for report and watch, none for
  // auth.
  std::vector<std::string_view> channels;
  std::string_view type, data, key, idempotency_key;
  std::string_view subject, expires, life;  // of ticket
  std::string_view token;                   // of auth
  std::uint32_t limit = kRollDefault;       // of subscribers
  RollPlace after = {};                     // the same
  std::optional<std::uint32_t> retry_ms;
  std::string_view reference;  // "ref" as it was written, to be echoed; empty: none
};

class NdjsonLine {
 public:
  // `default_channel` is for lines that name none; if it is empty, each line must name one.
  explicit NdjsonLine(std::string_view default_channel = {});
  ~NdjsonLine();
  NdjsonLine(const NdjsonLine&) = delete;
  NdjsonLine& operator=(const NdjsonLine&) = delete;

  // `line` without its line feed, not blank. `readable` bytes from its start may be read: with
  // kPadding more than the line itself the line is not copied.
  // True: request(), whose views hold until the next call and as long as `line` does.
  // False: problem(), and of the request only `reference`, if it could be read.
  bool parse(std::string_view line, std::size_t readable);
  static constexpr std::size_t kPadding = 64;
  // The same for the body of a request for a ticket, which need not say so and may have several
  // lines. The views hold until the next call.
  bool parse_ticket(std::string_view body);

  // As if nothing had been parsed yet.
  void forget();

  const LineRequest& request() const;
  const std::string& problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare::ingest
