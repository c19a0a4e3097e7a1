// AdminRoutes: the requests on the admin listener. /events is the stream of the broker's own
// channel, /api/… is answered when the shards have looked (listings.h), everything else is a page
// of the AdminSurface. What changes something is a POST, and no page of another site may send one.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/base/admin_surface.h"
#include "broker/server/base/settings.h"
#include "broker/server/requests/listings.h"
#include "broker/server/sockets/routes.h"
#include "broker/server/streams/streams.h"
#include "broker/wire/ingest/sink.h"

namespace fanfare::server {

class AdminRoutes final : public Routes {
 public:
  // `snapshot` makes a fresh one when asked.
  AdminRoutes(const Settings& settings, AdminSurface& surface, Streams& streams, Listings& listings,
              ingest::Sink& sink, Counters& counters, std::function<const Snapshot&()> snapshot)
      : settings_(settings),
        surface_(surface),
        streams_(streams),
        listings_(listings),
        sink_(sink),
        counters_(counters),
        snapshot_(std::move(snapshot)) {}

  std::optional<std::size_t> body_allowed(const Request& /*request*/,
                                          Response& /*response*/) override {
    return 0;
  }
  void refuse_body(const Request& request, BodyRefusal refusal, Response& response) override;
  void refuse(const Request& request, const Refused& why, Response& response) override;
  void answer(const Request& request, Response& response) override;
  void given_up(ExchangeId exchange) override { listings_.forget(exchange); }
  // The shards have looked.
  void answer(const Request& request, const ConnectionListing& listing, Response& response);
  void answer(const Request& request, const ChannelListing& listing, Response& response);

 private:
  bool called_rightly(const Request& request) const;
  void answer_api(const Request& request, std::string_view resource, Response& response);
  void change(const Request& request, std::string_view resource, Response& response);
  bool has_token(Response& response) const;
  void watch(const Request& request, Response& response);
  void publish(const Request& request, Response& response);
  template <class Order>
  void ask(const Request& request, std::expected<Order, std::string> order, Response& response);
  void answer_stream(const Request& request, std::vector<std::string> topics, Response& response);
  void answer_page(const Request& request, Response& response);
  static void hand_over(const Request& request, AdminAnswer answer, Response& response);

  const Settings& settings_;
  AdminSurface& surface_;
  Streams& streams_;
  Listings& listings_;
  ingest::Sink& sink_;
  Counters& counters_;
  std::function<const Snapshot&()> snapshot_;
};

}  // namespace fanfare::server
