// Guest: what a subscription does where its route asks an application: it makes the request, and
// writes into the guestbook what came of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/client.h"
#include "tests/sim/guestbook.h"
#include "tests/sim/reader_plan.h"

namespace fanfare::sim {

class Guest {
 public:
  // `name` is the subscription's, and ends with its number. The plan outlives it.
  Guest(Town& town, std::string_view name, const ReaderPlan& plan);

  // By which publishers that watch know its streams.
  const std::string& tag() const { return tag_; }

  // A new visit, with this id.
  void begin(std::string_view presented);
  // What it asks. The same each time but for the id, as a browser's is: whatever the plan says of a
  // beginning is said again next to an id.
  std::string request(std::string_view presented);
  // Its last byte has left.
  void said();
  // The first byte of an answer has come.
  void answered();
  // Something of the stream has come.
  void attached(std::optional<std::uint32_t> publication);
  // An answer of the application itself was read, to its end or not.
  void passed(int status, Fields fields, std::string body, bool whole);
  // It has left, or its connection has broken.
  void over();
  // Its stream is complete, and its channels are not.
  void complete();
  // An application has said that its stream will be complete some time, though the channels are
  // not.
  bool may_finish() const;
  // …that it will end some time.
  bool may_end() const;

 private:
  Visit& visit() { return town_.guestbook.visits.at(*visit_); }
  std::string url(std::string_view presented) const;
  std::string body() const;
  template <class Function>
  bool any_saying(const Function& holds) const;

  Town& town_;
  const ReaderPlan& plan_;
  std::string tag_;
  std::optional<std::uint32_t> visit_;  // none: it has not asked yet
};

}  // namespace fanfare::sim
