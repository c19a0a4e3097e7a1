// Mailbox: where other threads leave messages for one shard. Any number of threads post, the shard
// takes everything at once, once a turn. Lock-free: a post is one allocation and one
// compare-exchange, a take is one exchange however many messages there are.
//
//   head ──▶ c ──▶ b ──▶ a            three posts, newest in front
//   take: head := empty; the chain is turned round and handed over oldest first: a b c
//
// Messages of one thread arrive in the order it posted them; there is no loss and no limit of its
// own (posters are bounded by what they do: a shard posts at most one batch a turn).
//
// The bell. Only the post that finds the mailbox empty rings; every later poster knows that the
// first one has rung, or is about to. The shard cannot oversleep, because it takes before it waits
// and the bell (Ring::wake) is kept for the next wait() if it comes in between:
//
//   poster:  push  ─▶ was empty? ─▶ wake()
//   shard:   take  ─▶ (push here) ─▶ wait(): returns at once, it was rung
//
// Refuses: more than one taking thread; ordering between different posters.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "broker/io/ring.h"

namespace fanfare::io {

// Message: movable. The Ring must outlive the last post().
template <class Message>
class Mailbox {
 public:
  explicit Mailbox(Ring& owner) : owner_(&owner) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox() {
    take([](Message&&) {});
  }

  // Any thread (not a signal handler: it allocates).
  void post(Message message) {
    auto node = std::make_unique<Node>(std::move(message));
    Node* before = head_.load(std::memory_order_relaxed);
    do {
      node->older = before;
    } while (!head_.compare_exchange_weak(before, node.get(), std::memory_order_release,
                                          std::memory_order_relaxed));
    // From here on the shard owns the node.
    static_cast<void>(node.release());
    if (before == nullptr) owner_->wake();
  }

  // The owner's thread: calls receive(Message&&) for every message, oldest first, and returns how
  // many there were. What is posted meanwhile is left for the next take.
  template <class Receive>
  std::size_t take(Receive&& receive) {
    Node* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* const next = newest->older;
      newest->older = oldest;
      oldest = newest;
      newest = next;
    }
    std::size_t count = 0;
    for (; oldest != nullptr; ++count) {
      const std::unique_ptr<Node> node(oldest);
      oldest = node->older;
      receive(std::move(node->message));
    }
    return count;
  }

  // A hint, for tests and metrics.
  bool empty() const { return head_.load(std::memory_order_relaxed) == nullptr; }

 private:
  struct Node {
    explicit Node(Message&& from) : message(std::move(from)) {}
    Message message;
    Node* older = nullptr;
  };

  Ring* owner_;
  std::atomic<Node*> head_{nullptr};
};

}  // namespace fanfare::io
