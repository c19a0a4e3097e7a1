// PatternIndex: a set of patterns, and which of them match a name. The patterns are a tree by their
// segments; a name goes down all of its branches at once, so that what it costs does not depend on
// how many patterns other names have:
//
//   users ─┬─ 17 ── **      users/17/**        no star: one look-up
//          ├─ 18 ── **      users/18/**        one star: a look-up for each pair of
//          └─ *7 ── mail    users/*7/mail      sizes of the texts before and after it
//
// A segment of n bytes has n²/2 such pairs at most. Segments with several stars that begin and end
// alike are tried one after another.
//
// A name visits each branch at most once, so nothing grows exponentially, whatever the stars. The
// cost can still grow with the number of patterns in two cases: many with several stars in one
// segment that begin and end alike, and many that match all of a name but its end. Callers bound
// the number of patterns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare {

class PatternIndex {
 public:
  // Small numbers; the number of an erased pattern is reused.
  using Id = std::uint32_t;

  // The seed keeps clients from choosing patterns that collide.
  explicit PatternIndex(std::uint64_t seed);
  ~PatternIndex();
  PatternIndex(const PatternIndex&) = delete;
  PatternIndex& operator=(const PatternIndex&) = delete;

  // A valid pattern's number; it is added if it is not here yet.
  Id insert(std::string_view pattern);
  std::optional<Id> find(std::string_view pattern) const;
  // It is here.
  void erase(Id id);
  std::size_t count() const { return count_; }

  // Appends the numbers of the patterns that match the name, each once. The order depends on what
  // was inserted and erased, and in which order, alone.
  void match(std::string_view name, std::vector<Id>& matched);

 private:
  struct Node;
  struct Key;
  struct Shapes;
  static constexpr Id kNone = ~Id{0};

  std::size_t hash_of(const Key& key) const;
  Node* find_edge(const Key& key, std::size_t hash) const;
  Node* child(const Node& parent, std::string_view segment) const;
  Node& add_child(Node& parent, std::string_view segment);
  void link(Node& node);
  void unlink(Node& node);
  void remove(Node& node);
  void grow();
  void step(Node& node, std::string_view segment, bool starts_hidden);
  void step_to_globs(const Node& node, std::string_view segment, bool starts_hidden);
  void reach(Node* node);

  std::uint64_t seed_;
  std::unique_ptr<Node> root_;
  // The edges of all nodes, by parent and segment; open addressing, at most half full.
  struct Slot {
    std::size_t hash = 0;
    Node* node = nullptr;
  };
  std::vector<Slot> slots_;
  std::size_t edges_ = 0;
  std::uint32_t nodes_made_ = 1;  // with the root
  std::vector<std::uint32_t> numbers_free_;
  std::vector<Node*> patterns_;  // by number
  std::vector<Id> free_;
  std::size_t count_ = 0;
  // Scratch space of match(), kept between calls.
  std::vector<Node*> here_, next_;
  std::uint64_t step_ = 0;
};

}  // namespace fanfare
