#include "broker/admin/surface.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/admin/assets.h"
#include "broker/admin/exposition.h"
#include "broker/admin/listings.h"
#include "broker/admin/live.h"
#include "broker/admin/metrics.h"
#include "broker/admin/process.h"

#include "common/counted.h"

namespace fanfare::admin {
namespace {

using server::AdminAnswer;
using server::Snapshot;

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
// Everything from this listener, nothing from elsewhere.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

AdminAnswer fresh(int status, std::string_view content_type, std::string body) {
  return {.status = status,
          .content_type = content_type,
          .body = std::move(body),
          .fields = {{"Cache-Control", "no-store"}}};
}

class Surface final : public server::AdminSurface {
 public:
  explicit Surface(server::LimitFigures limits) : limits_(std::move(limits)) {}

  AdminAnswer answer(std::string_view path, const Snapshot& now) override {
    if (path == "/healthz") return fresh(200, kPlainText, "ok\n");
    if (path == "/readyz") return readiness(now);
    if (path == "/metrics") {
      const auto limits = limits_ ? limits_(*now.options) : std::vector<server::LimitFigure>();
      return fresh(200, kExpositionType, metrics_text(now, limits, read_process()));
    }
    const auto all = assets();
    const auto asset =
        std::lower_bound(all.begin(), all.end(), path,
                         [](const Asset& a, std::string_view p) { return a.path < p; });
    if (asset != all.end() && asset->path == path) return page(*asset);
    return nothing_here();
  }

  AdminAnswer list_connections(const server::ConnectionListing& listing) override {
    return fresh(200, "application/json", connections_json(listing));
  }
  AdminAnswer list_channels(const server::ChannelListing& listing) override {
    return fresh(200, "application/json", channels_json(listing));
  }

  std::string live_event(const Snapshot& now) override {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return live_.next(now, read_process(),
                      std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
  }

 private:
  static AdminAnswer readiness(const Snapshot& now) {
    switch (now.phase) {
      case server::BrokerPhase::binding:
        return fresh(503, kPlainText, "binding: the listeners are being opened\n");
      case server::BrokerPhase::recovering:
        return fresh(503, kPlainText, "recovering: the history is being brought back\n");
      case server::BrokerPhase::serving:
        break;
      case server::BrokerPhase::draining:
        return fresh(503, kPlainText,
                     fmt::format("draining: the broker is stopping; {} still to be told to come "
                                 "back\n",
                                 counted(now.streams, "subscriber")));
    }
    if (now.shards.empty()) return fresh(503, kPlainText, "starting: no shard has reported yet\n");
    if (!now.gate_failure.empty()) {
      return fresh(503, kPlainText,
                   fmt::format("failed: the journal cannot be written ({}); publishers are refused "
                               "until the broker was started anew\n",
                               now.gate_failure));
    }
    if (now.stuck()) {
      return fresh(503, kPlainText,
                   fmt::format("stuck: nothing that was published has become durable for {} s; "
                               "publishers wait, and subscribers see nothing new\n",
                               now.log_stalled / 1s));
    }
    if (now.connections_max > 0 && now.streams >= now.connections_max) {
      return fresh(503, kPlainText,
                   fmt::format("full: {} open, as many as [limits] connections and this machine "
                               "allow; newcomers are told to come back\n",
                               counted(now.streams, "event stream")));
    }
    return fresh(200, kPlainText, "ready\n");
  }

  AdminAnswer page(const Asset& asset) const {
    AdminAnswer answer{.status = 200,
                       .content_type = asset.content_type,
                       .body = {},
                       .fixed = asset.bytes,
                       .fixed_gzip = asset.gzip,
                       .fields = {{"Cache-Control", "no-cache"}}};
    if (asset.content_type.starts_with("text/html")) {
      answer.fields.push_back({"Content-Security-Policy", std::string(kPolicy)});
      answer.fields.push_back({"Referrer-Policy", "no-referrer"});
    }
    return answer;
  }

  // The request's path is not repeated: nothing a peer wrote goes into a page.
  static AdminAnswer nothing_here() {
    std::string body =
        "nothing here; this listener has\n\n"
        "  /             the live page\n"
        "  /connections  who is connected, the channels, a look at one\n"
        "  /events       the live page's own stream\n"
        "  /metrics      Prometheus text\n"
        "  /api/connections  who is connected, and how far behind: JSON\n"
        "  /api/channels     the channels: JSON\n"
        "  /healthz      200 while the broker runs\n"
        "  /readyz       200 while it takes subscribers; 503 while full or stopping, with the "
        "reason\n";
    for (const Asset& asset : assets()) {
      if (asset.path.starts_with("/assets/")) {
        fmt::format_to(std::back_inserter(body), "  {}\n", asset.path);
      }
    }
    return fresh(404, kPlainText, std::move(body));
  }

  server::LimitFigures limits_;
  LiveFeed live_;
};

}  // namespace

std::unique_ptr<server::AdminSurface> make_surface(server::LimitFigures limits) {
  return std::make_unique<Surface>(std::move(limits));
}

}  // namespace fanfare::admin
