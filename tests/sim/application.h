// Application: what a route of the broker asks, as a party to simulated connections: it reads what
// it is asked about each visit, and answers as its plan says: well, slowly, with nonsense, with
// half an answer, with more than one, or not at all. What it says goes into the guestbook as it is
// said.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/agenda.h"
#include "tests/sim/application_plan.h"
#include "tests/sim/client.h"
#include "tests/sim/kernel.h"
#include "tests/sim/socket.h"

namespace fanfare::sim {

class Application final : public Acceptor, public SocketOwner, public Actor {
 public:
  // Listens at `place`, a path or an address with its port, from start() on. A stream may live for
  // `grace` longer than it has said, and a [delivery] stall longer if it is to finish.
  Application(Town& town, std::string name, std::string place, const ApplicationPlan& plan,
              Duration grace);

  void start();
  // As if its process had ended: nobody listens, and every connection is closed or reset.
  void stop();
  // From now on prompt, there, and of one mind: everybody is let in, and for ever.
  void behave();

  std::uint64_t questions() const { return questions_; }

  void connection_waiting(int listener) override;
  void changed(Socket& socket) override;
  void act(std::uint64_t what) override;

 private:
  // One connection of a broker's.
  struct Line {
    Socket* socket = nullptr;  // null: it is over
    std::string in{};
    std::string out{};
    std::string_view more{};                       // to be said for ever
    Speech::After after = Speech::After::goes_on;  // when `out` is said
    bool says_on = false;                          // on the agenda
    bool deaf = false;                             // it answers nothing more
    std::optional<std::uint32_t> visit{};          // that it is asked about
  };
  enum What : std::uint64_t { kAnswer, kSayOn, kStart, kRestart, kBlurt, kOver };

  void schedule(Duration after, What what, std::size_t index = 0);
  void take_requests(std::size_t index);
  void take_request(std::size_t index, std::string_view head, std::string_view body);
  void answer(std::size_t index);
  // The one that is planted.
  void mistake(Speech& speech);
  void blurt(std::size_t index);
  void say(std::size_t index);
  void close(Line& line, bool reset);
  void complain(std::string_view problem);
  Random& random() { return town_.kernel.random(); }

  Town& town_;
  std::string name_;
  std::string place_;
  ApplicationPlan plan_;
  Duration grace_;
  std::optional<int> listener_;
  std::deque<Line> lines_;
  std::uint64_t questions_ = 0;
};

}  // namespace fanfare::sim
