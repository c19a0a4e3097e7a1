#include "broker/wire/ingest/json_reply.h"

#include <fmt/format.h>

#include "common/json_text.h"

namespace fanfare::ingest {

void append_json_number(std::string& out, std::uint64_t value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

void append_repeat_members(std::string& out, bool duplicate, bool evicted) {
  if (duplicate) out += R"(,"duplicate":true)";
  if (evicted) out += R"(,"evicted":true)";
}

void append_channel_members(std::string& out, std::string_view name, const ChannelState& state) {
  const auto number = [&out](std::string_view member, std::uint64_t value) {
    out += member;
    append_json_number(out, value);
  };
  out += R"("channel":)";
  append_json_string(out, name);
  number(R"(,"events":)", state.events);
  number(R"(,"bytes":)", state.bytes);
  number(R"(,"published":)", state.published_total);
  number(R"(,"receivers":)", state.receivers);
  if (!state.last.empty()) {
    out += R"(,"first":)";
    append_json_string(out, state.first);
    out += R"(,"last":)";
    append_json_string(out, state.last);
  }
  out += state.finished ? R"(,"finished":true)" : R"(,"finished":false)";
}

void append_ticket_members(std::string& out, const Ticket& ticket) {
  out += R"("ticket":)";
  append_json_string(out, ticket.text);
  out += R"(,"expires_seconds":)";
  append_json_number(out, static_cast<std::uint64_t>(whole_seconds(ticket.expires)));
}

void append_fact_members(std::string& out, Sink& sink) {
  bool first = true;
  sink.for_each_fact([&](std::string_view name, FactValue value) {
    if (!first) out += ',';
    first = false;
    append_json_string(out, name);
    out += ':';
    if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      append_json_number(out, *number);
    } else {
      append_json_string(out, std::get<std::string_view>(value));
    }
  });
}

}  // namespace fanfare::ingest
