#include <fmt/format.h>

#include "broker/wire/ingest/session.h"

#include "common/json_text.h"

namespace fanfare::ingest {

void append_notice(std::string& out, const Notice& notice) {
  out += R"({"event":)";
  out += notice.kind == Notice::Kind::subscribe ? R"("subscribe")" : R"("unsubscribe")";
  out += R"(,"channel":)";
  append_json_string(out, notice.channel);
  out += R"(,"connection":)";
  out += fmt::format_int(notice.connection).c_str();
  if (!notice.subject.empty()) {
    out += R"(,"sub":)";
    append_json_string(out, notice.subject);
  }
  out += R"(,"query":)";
  append_json_string(out, notice.query);
  out += R"(,"cursor":)";
  append_json_string(out, notice.cursor);
  if (notice.present) out += fmt::format(R"(,"present":true,"since_ms":{})", notice.since_ms);
  if (!notice.reason.empty()) {
    out += R"(,"reason":)";
    append_json_string(out, notice.reason);
  }
  out += "}\n";
}

void append_missed(std::string& out, std::uint64_t notices) {
  out += fmt::format("{{\"event\":\"missed\",\"notices\":{}}}\n", notices);
}

void append_present(std::string& out, std::uint64_t streams) {
  out += R"({"event":"present","streams":)";
  out += fmt::format_int(streams).c_str();
  out += "}\n";
}

}  // namespace fanfare::ingest
