#include "broker/wire/ingest/sink.h"

namespace fanfare::ingest {
namespace {

class ByCheckAlone final : public Rehearsal {
 public:
  explicit ByCheckAlone(Sink& sink) : sink_(sink) {}
  std::optional<Refused> add(const Change& change) override { return sink_.check(change); }

 private:
  Sink& sink_;
};

}  // namespace

std::unique_ptr<Rehearsal> Sink::rehearse() {
  return std::make_unique<ByCheckAlone>(*this);
}

}  // namespace fanfare::ingest
