// Probes of what the head of an answer says: to other sites' pages, and of how it is compressed.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::SmallBroker;

std::string coding_of(SmallBroker& broker) {
  const std::string heard = broker.get("/events?channel=a", "Accept-Encoding: gzip\r\n").take();
  return heard.find("\r\nContent-Encoding: gzip\r\n") == std::string::npos ? "plain" : "gzip";
}

std::string cors_fields(SmallBroker& broker) {
  const std::string heard = broker.get("/events?channel=a", "Origin: https://a.example\r\n").take();
  const bool origin =
      heard.find("Access-Control-Allow-Origin: https://a.example") != std::string::npos;
  const bool credentials =
      heard.find("Access-Control-Allow-Credentials: true") != std::string::npos;
  return !origin ? "hidden" : credentials ? "with cookies" : "without cookies";
}

std::function<See(SmallBroker&)> newly(std::string (*see)(SmallBroker&)) {
  return [see](SmallBroker& broker) { return [see, &broker] { return see(broker); }; };
}

}  // namespace

std::vector<Probe> head_probes() {
  return {
      {"delivery.compress", "", "[delivery]\ncompress = true", newly(coding_of), "plain", "gzip"},
      {"limits.compressors", "[delivery]\ncompress = true",
       "[delivery]\ncompress = true\n[limits]\ncompressors = 0", newly(coding_of), "gzip", "plain"},
      {"cors.origins", "", "[cors]\norigins = [\"https://a.example\"]", newly(cors_fields),
       "hidden", "without cookies"},
      {"cors.credentials", "[cors]\norigins = [\"https://a.example\"]",
       "[cors]\norigins = [\"https://a.example\"]\ncredentials = true", newly(cors_fields),
       "without cookies", "with cookies"},
      {"channel.compress", "[[channel]]\nmatch = \"a\"",
       "[[channel]]\nmatch = \"a\"\ncompress = true", newly(coding_of), "plain", "gzip"},
  };
}

}  // namespace fanfare::cli
