#include "common/pattern_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare {
namespace {

constexpr std::size_t kSlotsMin = 16;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t hash_text(std::uint64_t hash, std::string_view text) {
  constexpr std::uint64_t kA = 0x6a09e667f3bcc909U, kB = 0xbb67ae8584caa73bU;
  hash ^= text.size() * kB;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = fold(word ^ kA, hash ^ kB);
  }
  std::uint64_t last = 0;
  for (const char c : text) last = last << 8U | static_cast<unsigned char>(c);
  return fold(last ^ kA, hash ^ kB);
}

}  // namespace

// An edge: a plain segment below its parent, or all segments with stars that begin and end alike.
struct PatternIndex::Key {
  std::uint32_t parent = 0;
  bool glob = false;
  std::string_view before = {};  // the segment, or what is before its first star
  std::string_view after = {};   // what is behind its last star

  // Not for `**`, which has no edge in the table.
  static Key of(std::uint32_t parent, std::string_view segment) {
    const std::size_t star = segment.find('*');
    if (star == std::string_view::npos) return {parent, false, segment};
    return {parent, true, segment.substr(0, star), segment.substr(segment.rfind('*') + 1)};
  }
  bool operator==(const Key&) const = default;
};

// The sizes of what is before the first star and behind the last, of a node's children.
struct PatternIndex::Shapes {
  struct Shape {
    std::uint8_t before = 0, after = 0;
    std::uint32_t edges = 0;
    std::uint32_t size() const { return std::uint32_t{before} + after; }
  };
  std::vector<Shape> all;  // the shortest first

  static Shape of(const Key& key) {
    return {static_cast<std::uint8_t>(key.before.size()),
            static_cast<std::uint8_t>(key.after.size())};
  }
  std::vector<Shape>::iterator place(const Shape& shape) {
    return std::ranges::lower_bound(all, std::pair(shape.size(), shape.before), {},
                                    [](const Shape& s) { return std::pair(s.size(), s.before); });
  }
  void add(Shape shape) {
    const auto found = place(shape);
    const bool here =
        found != all.end() && found->before == shape.before && found->after == shape.after;
    ++(here ? found : all.insert(found, shape))->edges;
  }
  void remove(Shape shape) {
    const auto found = place(shape);
    if (--found->edges == 0) all.erase(found);
  }
};

struct PatternIndex::Node {
  Node(std::uint32_t its_number, Node* its_parent, std::string_view its_segment)
      : parent(its_parent),
        number(its_number),
        segment(its_segment),
        is_rest(segment == "**"),
        several_stars(!is_rest && segment.find('*') != segment.rfind('*')),
        key(is_rest || parent == nullptr ? Key{} : Key::of(parent->number, segment)) {}

  Node* const parent;
  const std::uint32_t number;  // no other node has it
  const std::string segment;
  const bool is_rest;  // it is `**`
  const bool several_stars;
  const Key key;
  std::uint32_t children = 0;
  Id pattern = kNone;              // of the pattern that ends here
  Node* rest = nullptr;            // the child `**`
  std::unique_ptr<Shapes> shapes;  // of the children with other stars
  Node* alike = nullptr;           // the next with the same edge
  std::uint64_t reached = 0;       // the last step that came here
};

PatternIndex::PatternIndex(std::uint64_t seed)
    : seed_(seed), root_(std::make_unique<Node>(0, nullptr, "")), slots_(kSlotsMin) {}

PatternIndex::~PatternIndex() {
  for (Id id = 0; id < patterns_.size(); ++id) {
    if (patterns_[id] != nullptr) erase(id);
  }
}

PatternIndex::Id PatternIndex::insert(std::string_view pattern) {
  Node* node = root_.get();
  for (PathSegments path(pattern); !path.at_end(); path.next()) {
    Node* const known = child(*node, path.front());
    node = known != nullptr ? known : &add_child(*node, path.front());
  }
  if (node->pattern != kNone) return node->pattern;
  if (free_.empty()) {
    node->pattern = static_cast<Id>(patterns_.size());
    patterns_.push_back(node);
  } else {
    node->pattern = free_.back();
    free_.pop_back();
    patterns_[node->pattern] = node;
  }
  ++count_;
  return node->pattern;
}

std::optional<PatternIndex::Id> PatternIndex::find(std::string_view pattern) const {
  const Node* node = root_.get();
  for (PathSegments path(pattern); !path.at_end(); path.next()) {
    node = child(*node, path.front());
    if (node == nullptr) return std::nullopt;
  }
  if (node->pattern == kNone) return std::nullopt;
  return node->pattern;
}

void PatternIndex::erase(Id id) {
  Node* node = std::exchange(patterns_[id], nullptr);
  node->pattern = kNone;
  free_.push_back(id);
  --count_;
  while (node->parent != nullptr && node->children == 0 && node->pattern == kNone) {
    Node* const parent = node->parent;
    remove(*node);
    node = parent;
  }
}

// ---- nodes and edges

std::size_t PatternIndex::hash_of(const Key& key) const {
  const std::uint64_t begin = seed_ ^ (std::uint64_t{key.parent} << 1U | (key.glob ? 1U : 0U));
  const std::uint64_t hash = hash_text(begin, key.before);
  return key.glob ? hash_text(hash, key.after) : hash;
}

PatternIndex::Node* PatternIndex::find_edge(const Key& key, std::size_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask; slots_[i].node != nullptr; i = (i + 1) & mask) {
    if (slots_[i].hash == hash && slots_[i].node->key == key) return slots_[i].node;
  }
  return nullptr;
}

PatternIndex::Node* PatternIndex::child(const Node& parent, std::string_view segment) const {
  if (segment == "**") return parent.rest;
  const Key key = Key::of(parent.number, segment);
  Node* node = find_edge(key, hash_of(key));
  while (node != nullptr && node->segment != segment) node = node->alike;
  return node;
}

PatternIndex::Node& PatternIndex::add_child(Node& parent, std::string_view segment) {
  std::uint32_t number = nodes_made_;
  if (numbers_free_.empty()) {
    ++nodes_made_;
  } else {
    number = numbers_free_.back();
    numbers_free_.pop_back();
  }
  Node& node = *new Node(number, &parent, segment);  // lives until remove()
  ++parent.children;
  if (node.is_rest) {
    parent.rest = &node;
  } else {
    link(node);
  }
  return node;
}

void PatternIndex::link(Node& node) {
  const Key& key = node.key;
  if (key.glob) {
    Node& parent = *node.parent;
    if (parent.shapes == nullptr) parent.shapes = std::make_unique<Shapes>();
    if (Node* const first = find_edge(key, hash_of(key)); first != nullptr) {
      node.alike = std::exchange(first->alike, &node);
      return;
    }
    parent.shapes->add(Shapes::of(key));
  }
  if (2 * ++edges_ > slots_.size()) grow();
  const std::size_t hash = hash_of(key), mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].node != nullptr) i = (i + 1) & mask;
  slots_[i] = {hash, &node};
}

// Entries that were displaced by it move up.
void PatternIndex::unlink(Node& node) {
  const Key& key = node.key;
  const std::size_t hash = hash_of(key), mask = slots_.size() - 1;
  Node* const first = find_edge(key, hash);
  if (first != &node) {
    Node* before = first;
    while (before->alike != &node) before = before->alike;
    before->alike = node.alike;
    return;
  }
  std::size_t hole = hash & mask;
  while (slots_[hole].node != &node) hole = (hole + 1) & mask;
  if (node.alike != nullptr) {
    slots_[hole].node = node.alike;
    return;
  }
  if (key.glob) node.parent->shapes->remove(Shapes::of(key));
  for (std::size_t i = (hole + 1) & mask; slots_[i].node != nullptr; i = (i + 1) & mask) {
    const std::size_t way = (i - (slots_[i].hash & mask)) & mask;
    if (way < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = {};
  --edges_;
}

void PatternIndex::remove(Node& node) {
  Node& parent = *node.parent;
  if (node.is_rest) {
    parent.rest = nullptr;
  } else {
    unlink(node);
    if (parent.shapes != nullptr && parent.shapes->all.empty()) parent.shapes.reset();
  }
  --parent.children;
  numbers_free_.push_back(node.number);
  delete &node;
}

void PatternIndex::grow() {
  for (const Slot& slot : std::exchange(slots_, std::vector<Slot>(slots_.size() * 2))) {
    if (slot.node == nullptr) continue;
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = slot.hash & mask;
    while (slots_[i].node != nullptr) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

// ---- names

void PatternIndex::match(std::string_view name, std::vector<Id>& matched) {
  if (count_ == 0) return;
  bool starts_hidden = is_hidden(name);
  here_.assign(1, root_.get());
  for (PathSegments path(name); !path.at_end() && !here_.empty(); path.next()) {
    ++step_;
    next_.clear();
    for (Node* const node : here_) step(*node, path.front(), starts_hidden);
    starts_hidden = false;
    here_.swap(next_);
  }
  for (const Node* const node : here_) {
    if (node->pattern != kNone) matched.push_back(node->pattern);
  }
}

// From one node over one segment. No star stands for the `~` of a hidden name.
void PatternIndex::step(Node& node, std::string_view segment, bool starts_hidden) {
  if (edges_ > 0) {
    const Key key{node.number, false, segment};
    if (Node* const plain = find_edge(key, hash_of(key)); plain != nullptr) reach(plain);
  }
  if (node.shapes != nullptr) step_to_globs(node, segment, starts_hidden);
  if (node.rest != nullptr && !starts_hidden) reach(node.rest);
  if (node.is_rest) reach(&node);
}

void PatternIndex::step_to_globs(const Node& node, std::string_view segment, bool starts_hidden) {
  for (const Shapes::Shape& shape : node.shapes->all) {
    if (shape.size() >= segment.size()) return;  // a star stands for one character at least
    if (starts_hidden && shape.before == 0) continue;
    const Key key{node.number, true, segment.substr(0, shape.before),
                  segment.substr(segment.size() - shape.after)};
    for (Node* glob = find_edge(key, hash_of(key)); glob != nullptr; glob = glob->alike) {
      if (!glob->several_stars || segment_matches(glob->segment, segment)) reach(glob);
    }
  }
}

void PatternIndex::reach(Node* node) {
  if (std::exchange(node->reached, step_) != step_) next_.push_back(node);
}

}  // namespace fanfare
