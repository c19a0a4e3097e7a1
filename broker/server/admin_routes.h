// AdminRoutes: the admin listener's requests: /events is the stream of the broker's own channel,
// everything else a page of the AdminSurface.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/server/admin_surface.h"
#include "broker/server/options.h"
#include "broker/server/routes.h"
#include "broker/server/streams.h"

namespace fanfare::server {

class AdminRoutes final : public Routes {
 public:
  // `snapshot` makes a fresh one when asked.
  AdminRoutes(std::shared_ptr<const Options> options, AdminSurface& surface, Streams& streams,
              std::function<const Snapshot&()> snapshot)
      : options_(std::move(options)),
        surface_(surface),
        streams_(streams),
        snapshot_(std::move(snapshot)) {}

  void take_settings(std::shared_ptr<const Options> options) { options_ = std::move(options); }

  std::size_t body_allowed(const Request& /*request*/, std::string& /*out*/) override { return 0; }
  void refuse_body(const Request& request, BodyRefusal refusal, std::string& out) override;
  Verdict answer(const Request& request, std::string& out) override;

 private:
  std::shared_ptr<const Options> options_;
  AdminSurface& surface_;
  Streams& streams_;
  std::function<const Snapshot&()> snapshot_;
};

}  // namespace fanfare::server
