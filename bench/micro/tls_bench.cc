// TLS: what an idle connection keeps, what a handshake costs, what sealing events for many
// connections costs.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/micro/counters.h"
#include "broker/wire/tls/engine.h"
#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/self_signed.h"

namespace fanfare::bench {
namespace {

std::shared_ptr<const tls::Server> make_server() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto made = tls::make_self_signed({"localhost"}, now, std::chrono::days(2));
  auto identity = tls::read_identity({"c", made->certificate}, {"k", made->key}, now);
  return *tls::Server::make({.fallback = std::move(*identity)},
                            std::make_shared<tls::TicketKeys>(TimePoint{}));
}

// OpenSSL's client, in memory.
class Peer {
 public:
  explicit Peer(int version) : library_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(library_.get(), version);
    SSL_CTX_set_max_proto_version(library_.get(), version);
  }
  // From the first byte to the tickets.
  void shake_hands(tls::Engine& engine) {
    const tls::OwnedSsl ssl(SSL_new(library_.get()));
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), in, out);
    SSL_set_connect_state(ssl.get());
    std::string text;
    while (engine.state() == tls::Engine::State::handshaking) {
      SSL_do_handshake(ssl.get());
      std::string said(BIO_ctrl_pending(out), '\0');
      BIO_read(out, said.data(), static_cast<int>(said.size()));
      std::string answer;
      engine.received(said, text, answer);
      BIO_write(in, answer.data(), static_cast<int>(answer.size()));
    }
  }

 private:
  tls::OwnedSslServer library_;
};

std::size_t heap_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

void tls_idle(benchmark::State& state, int version) {
  constexpr std::size_t kConnections = 1000;
  const auto server = make_server();
  tls::Aead aead;
  Peer peer(version);
  {
    tls::Engine first(server, aead);  // what OpenSSL makes once
    peer.shake_hands(first);
  }
  double each = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<tls::Engine>> engines;
    engines.reserve(kConnections);
    const std::size_t before = heap_bytes();
    for (std::size_t i = 0; i < kConnections; ++i) {
      engines.push_back(std::make_unique<tls::Engine>(server, aead));
      peer.shake_hands(*engines.back());
    }
    each = static_cast<double>(heap_bytes() - before) / kConnections;
  }
  state.counters["bytes_per_idle_connection"] = each;
}
BENCHMARK_CAPTURE(tls_idle, 13, TLS1_3_VERSION)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tls_idle, 12, TLS1_2_VERSION)->Iterations(1)->Unit(benchmark::kMillisecond);

// Both ends of it: OpenSSL's client costs about as much as the server.
void tls_handshake(benchmark::State& state, int version) {
  const auto server = make_server();
  tls::Aead aead;
  Peer peer(version);
  for (auto _ : state) {
    tls::Engine engine(server, aead);
    peer.shake_hands(engine);
  }
}
BENCHMARK_CAPTURE(tls_handshake, 13, TLS1_3_VERSION)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(tls_handshake, 12, TLS1_2_VERSION)->Unit(benchmark::kMicrosecond);

// The same bytes for one connection after the other, as a round sends them.
void tls_send(benchmark::State& state, int version) {
  constexpr std::size_t kConnections = 256;
  const auto server = make_server();
  tls::Aead aead;
  Peer peer(version);
  std::vector<std::unique_ptr<tls::Engine>> engines;
  for (std::size_t i = 0; i < kConnections; ++i) {
    engines.push_back(std::make_unique<tls::Engine>(server, aead));
    peer.shake_hands(*engines.back());
  }
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out;
  out.reserve(tls::Engine::sealed_bytes_max(text.size()));
  std::size_t next = 0;
  for (auto _ : state) {
    out.clear();
    engines[next++ % kConnections]->send(text, out);
    benchmark::DoNotOptimize(out.data());
  }
  count(state, 1, text.size());
}
BENCHMARK_CAPTURE(tls_send, 13, TLS1_3_VERSION)->Arg(300)->Arg(16'384);
BENCHMARK_CAPTURE(tls_send, 12, TLS1_2_VERSION)->Arg(300)->Arg(16'384);

}  // namespace
}  // namespace fanfare::bench
