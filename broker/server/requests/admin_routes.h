// AdminRoutes: the requests on the admin listener. /events is the stream of the broker's own
// channel, everything else is a page of the AdminSurface.
#pragma once

#include <functional>
#include <optional>

#include "broker/server/base/admin_surface.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/streams.h"

namespace fanfare::server {

class AdminRoutes final : public Routes {
 public:
  // `snapshot` makes a fresh one when asked.
  AdminRoutes(const Settings& settings, AdminSurface& surface, Streams& streams,
              std::function<const Snapshot&()> snapshot)
      : settings_(settings), surface_(surface), streams_(streams), snapshot_(std::move(snapshot)) {}

  std::optional<std::size_t> body_allowed(const Request& /*request*/,
                                          Response& /*response*/) override {
    return 0;
  }
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override;
  void refuse(const Request& request, const Refused& why, Response& response) override;
  void answer(const Request& request, Response& response) override;

 private:
  bool called_rightly(const Request& request) const;
  void answer_page(const Request& request, Response& response);

  const Settings& settings_;
  AdminSurface& surface_;
  Streams& streams_;
  std::function<const Snapshot&()> snapshot_;
};

}  // namespace fanfare::server
