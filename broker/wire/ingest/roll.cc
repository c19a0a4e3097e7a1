#include "broker/wire/ingest/roll.h"

#include <fmt/format.h>

#include <charconv>

#include "broker/wire/http/query.h"

#include "common/json_text.h"
#include "common/quotable.h"

namespace fanfare::ingest {
namespace {

bool read_number(std::string_view text, std::uint32_t& number) {
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc{} && stop == text.end();
}

void append_entry(std::string& out, const RollEntry& entry) {
  out += fmt::format(R"({{"connection":{},"since_ms":{})", entry.connection, entry.since_ms);
  const auto text = [&out](std::string_view member, std::string_view value) {
    out += member;
    append_json_string(out, value);
  };
  if (!entry.subject.empty()) text(R"(,"sub":)", entry.subject);
  text(R"(,"query":)", entry.query);
  if (!entry.pattern.empty()) text(R"(,"pattern":)", entry.pattern);
  out += '}';
}

}  // namespace

std::optional<RollPlace> RollPlace::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  RollPlace place;
  if (dash == std::string_view::npos || !read_number(text.substr(0, dash), place.shard) ||
      !read_number(text.substr(dash + 1), place.member)) {
    return std::nullopt;
  }
  return place;
}

std::string RollPlace::text() const {
  return fmt::format("{}-{}", shard, member);
}

std::expected<RollRequest, std::string> read_roll_request(std::string_view channel,
                                                          const http::Query& query) {
  RollRequest request{.channel = std::string(channel)};
  for (const auto& [key, value] : query) {
    if (key != "limit" && key != "after") {
      return std::unexpected(fmt::format(
          "unknown parameter \"{}\": the parameters are limit and after", quotable(key)));
    }
    if (query.all(key).size() > 1) {
      return std::unexpected(fmt::format("the parameter {} occurs twice", key));
    }
    if (key == "limit") {
      if (!read_number(value, request.limit) || request.limit > kRollMax) {
        return std::unexpected(fmt::format("limit is \"{}\": it must be a number up to {}",
                                           quotable(value), kRollMax));
      }
      continue;
    }
    const auto place = RollPlace::parse(value);
    if (!place) {
      return std::unexpected(fmt::format(
          "after is \"{}\": it must be the \"next\" of the page before", quotable(value)));
    }
    request.after = *place;
  }
  return request;
}

void append_roll_members(std::string& out, const Roll& roll) {
  out += R"("channel":)";
  append_json_string(out, roll.channel);
  out += fmt::format(R"(,"count":{},"at_ms":{},"subscribers":[)", roll.subscribers, roll.at_ms);
  for (const RollEntry& entry : roll.entries) {
    if (&entry != roll.entries.data()) out += ',';
    append_entry(out, entry);
  }
  out += ']';
  if (roll.next) out += fmt::format(R"(,"next":"{}")", roll.next->text());
}

}  // namespace fanfare::ingest
