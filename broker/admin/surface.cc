#include "broker/admin/surface.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/admin/exposition.h"
#include "broker/admin/metrics.h"
#include "broker/admin/process.h"

namespace fanfare::admin {
namespace {

using server::AdminAnswer;
using server::Snapshot;

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

AdminAnswer plain(int status, std::string body) {
  return {.status = status,
          .content_type = kPlainText,
          .body = std::move(body),
          .fields = {{"Cache-Control", "no-store"}}};
}

class Surface final : public server::AdminSurface {
 public:
  explicit Surface(const server::Options& options) : options_(options) {}

  AdminAnswer answer(std::string_view path, const Snapshot& now) override {
    if (path == "/healthz") return plain(200, "ok\n");
    if (path == "/readyz") return readiness(now);
    if (path == "/metrics") return metrics(now);
    return plain(404, fmt::format("nothing at {}; there is /healthz /readyz /metrics\n", path));
  }

  std::string live_event(const Snapshot& /*now*/) override { return {}; }

 private:
  static AdminAnswer readiness(const Snapshot& now) {
    if (now.draining) return plain(503, "draining: subscribers are being let go\n");
    if (now.shards.empty()) return plain(503, "starting: no shard has reported yet\n");
    return plain(200, "ready\n");
  }

  AdminAnswer metrics(const Snapshot& now) const {
    AdminAnswer answer = plain(200, metrics_text(now, options_, read_process()));
    answer.content_type = kExpositionType;
    return answer;
  }

  server::Options options_;
};

}  // namespace

std::unique_ptr<server::AdminSurface> make_surface(const server::Options& options) {
  return std::make_unique<Surface>(options);
}

}  // namespace fanfare::admin
