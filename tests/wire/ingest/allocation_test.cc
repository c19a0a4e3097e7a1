// Publishing allocates nothing once a session is warm: this program counts what `new` hands out.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "broker/wire/ingest/session.h"

namespace {
std::size_t allocations = 0;
}  // namespace

// Not inlined: GCC 12 would take malloc and free for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace fanfare::ingest {
namespace {

// Takes everything, keeps nothing.
class Sieve final : public Sink {
 public:
  std::uint64_t events = 0;

  std::expected<Published, Refused> publish(const Publish& /*event*/) override {
    ++events;
    return Published{.id = "abcdefg-123456", .receivers = 12};
  }
  std::expected<void, Refused> finish(std::string_view /*channel*/) override { return {}; }
  std::expected<bool, Refused> erase(std::string_view /*channel*/) override { return true; }
  std::optional<ChannelState> find(std::string_view /*channel*/) override { return std::nullopt; }
  void for_each_channel(const ChannelVisitor& /*visit*/) override {}
  std::uint64_t subscribers(std::string_view /*channel*/) override { return 0; }
  std::uint64_t pattern_count() override { return 0; }
  void for_each_fact(const FactVisitor& /*visit*/) override {}
};

// Allocations of the second of two equal conversations of 1,000 requests, in pieces that cut some.
std::size_t allocations_when_warm(Dialect dialect, const std::string& request) {
  Sieve sieve;
  const auto session = make_session(dialect, sieve, {});
  std::string input;
  for (int i = 0; i < 1000; ++i) input += request;
  std::string out;
  out.reserve(1U << 20U);
  std::size_t counted = 0;
  for (int round = 0; round < 2; ++round) {
    out.clear();
    const std::size_t before = allocations;
    for (std::string_view rest = input; !rest.empty();) {
      const std::string_view piece = rest.substr(0, 4099);
      session->receive(piece, out);
      rest.remove_prefix(piece.size());
    }
    counted = allocations - before;
  }
  EXPECT_GE(sieve.events, 2000U);
  return counted;
}

TEST(Allocation, RespPublishesWithoutAny) {
  const std::string data(200, 'x');
  EXPECT_EQ(allocations_when_warm(Dialect::resp,
                                  "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$200\r\n" + data + "\r\n"),
            0U);
  EXPECT_EQ(allocations_when_warm(Dialect::resp,
                                  "*7\r\n$4\r\nXADD\r\n$4\r\nnews\r\n$1\r\n*\r\n$4\r\ndata\r\n$200"
                                  "\r\n" +
                                      data + "\r\n$5\r\nevent\r\n$4\r\ntick\r\n"),
            0U);
  EXPECT_EQ(allocations_when_warm(Dialect::resp, "PUBLISH news \"" + data + "\"\n"), 0U);
}

TEST(Allocation, NdjsonPublishesWithoutAny) {
  const std::string data(200, 'x');
  EXPECT_EQ(allocations_when_warm(Dialect::ndjson,
                                  "{\"channel\":\"news\",\"data\":\"" + data + "\",\"ref\":1}\n"),
            0U);
  EXPECT_EQ(allocations_when_warm(Dialect::ndjson,
                                  R"({"channel":"news","data":{"x":[1,2,"\u00e9"]},"event":"a\tb"})"
                                  "\n"),
            0U);
}

TEST(Allocation, AnNdjsonListOfChannelsCostsOnlyItsRehearsal) {
  EXPECT_EQ(allocations_when_warm(Dialect::ndjson, "{\"channel\":[\"a\",\"b\"],\"data\":\"x\"}\n"),
            1'000U);
}

}  // namespace
}  // namespace fanfare::ingest
