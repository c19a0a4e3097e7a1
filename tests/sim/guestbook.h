// Guestbook: what is known in one world about clients on routes that ask an application: each of
// their requests, which is a visit; what an application was asked about it and what it said; and
// what came of it. As with the ledger, nothing here comes from inside the broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/time.h"

namespace fanfare::sim {

using Fields = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// One answer of an application, as it was said.
struct Saying {
  enum class Kind : std::uint8_t {
    lets_in,
    answers,   // anything else that is an answer: to be passed on as it is
    nonsense,  // of no use to anybody, or not said to its end
  };
  std::uint32_t number = 0;  // its index in the book, and its field X-Answer
  Kind kind{};
  std::optional<std::uint32_t> visit{};  // none: nobody had asked
  TimePoint said{};                      // when its first byte left
  // answers:
  int status = 0;
  Fields fields{};
  std::string body{};
  // lets_in:
  std::optional<Duration> ends{};                // how soon the stream is to end
  bool finishes = false;                         // …and is complete then
  std::optional<std::uint32_t> over_at_count{};  // publications begun by then, and some time after
};

// One request of one client.
struct Visit {
  std::uint32_t number = 0;  // its index in the book
  std::uint32_t client = 0;
  std::uint32_t life = 0;       // of the broker that it was made to
  bool newcomers_only = false;  // the route asks about nobody else
  bool post = false;
  bool resumes = false;               // it presents an id
  std::vector<std::string> topics{};  // to which the application lets it in
  std::string body{};
  std::string terms{};  // further fields of an answer that lets it in
  TimePoint dialled{};
  std::optional<TimePoint> said{};        // its last byte left
  std::vector<TimePoint> askings{};       // an application had read it
  std::vector<std::uint32_t> sayings{};   // about it
  std::optional<TimePoint> answered{};    // the first byte of an answer came
  bool over = false;                      // it left, or its connection broke, before that
  std::optional<TimePoint> attached{};    // something of the stream came
  std::optional<std::uint32_t> newest{};  // publication that came
  std::optional<TimePoint> complete{};    // the stream was, and its channels were not
  struct Passed {
    std::uint32_t saying = 0;
    int status = 0;
    Fields fields{};
    std::string body{};
    bool whole = false;  // it was read to its end
  };
  std::optional<Passed> passed{};
};

struct Guestbook {
  std::vector<Visit> visits{};
  std::vector<Saying> sayings{};

  Visit& begin(Visit visit) {
    visit.number = static_cast<std::uint32_t>(visits.size());
    return visits.emplace_back(std::move(visit));
  }
  Saying& say(Saying saying) {
    saying.number = static_cast<std::uint32_t>(sayings.size());
    if (saying.visit) visits.at(*saying.visit).sayings.push_back(saying.number);
    return sayings.emplace_back(std::move(saying));
  }
};

}  // namespace fanfare::sim
