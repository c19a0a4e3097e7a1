// NameTree: things by the folders of their names ("users/17/" of "users/17/mail"), so that a
// pattern looks only where it can match: plain segments are looked up, a segment with a star looks
// at all that is in its folder, and below `**` everything is looked at. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/name_hash.h"
#include "broker/fanout/name_table.h"

#include "common/pattern.h"

namespace fanfare::fanout {

template <class T>
struct Folder {
  std::string name;  // with the slash at its end; empty: the root
  Folder* parent = nullptr;
  std::uint32_t index = 0;  // among its parent's folders
  std::vector<Folder*> folders;
  std::vector<T*> things;
};

// Where a thing is; a member `shelf` of T, next to its `name`.
template <class T>
struct Shelf {
  Folder<T>* folder = nullptr;
  std::uint32_t index = 0;  // among its things
};

template <class T>
class NameTree {
 public:
  explicit NameTree(NameHash hash) : folders_(hash) {}
  ~NameTree() { drop(root_); }
  NameTree(const NameTree&) = delete;
  NameTree& operator=(const NameTree&) = delete;

  void insert(T& thing) {
    Folder<T>& folder = folder_of(thing.name);
    thing.shelf = {&folder, static_cast<std::uint32_t>(folder.things.size())};
    folder.things.push_back(&thing);
  }
  void erase(const T& thing) {
    Folder<T>* folder = thing.shelf.folder;
    T* const last = folder->things.back();
    folder->things[thing.shelf.index] = last;
    last->shelf.index = thing.shelf.index;
    folder->things.pop_back();
    while (folder->parent != nullptr && folder->things.empty() && folder->folders.empty()) {
      Folder<T>* const parent = folder->parent;
      remove(*folder);
      folder = parent;
    }
  }
  // Each thing whose name the pattern matches, once. `find` knows a thing by its name, or returns
  // null.
  template <class Find, class Visit>
  void for_each_match(std::string_view pattern, const Find& find, const Visit& visit) const {
    walk(root_, pattern, pattern, find, [&](T& thing) {
      if (!is_hidden(thing.name) || is_hidden(pattern)) visit(thing);
    });
  }

 private:
  // Looking at so few is cheaper than a look-up: it is done in each folder that a star stands for.
  static constexpr std::size_t kFewThings = 8;

  static std::string_view folder_name(std::string_view name) {
    return name.substr(0, name.rfind('/') + 1);  // npos + 1: none
  }

  Folder<T>& folder_of(std::string_view thing) {
    const std::string_view name = folder_name(thing);
    if (name.empty()) return root_;
    if (Folder<T>* const known = folders_.find(name)) return *known;
    Folder<T>& parent = folder_of(name.substr(0, name.size() - 1));
    auto* const made = new Folder<T>;
    made->name = name;
    made->parent = &parent;
    made->index = static_cast<std::uint32_t>(parent.folders.size());
    parent.folders.push_back(made);
    folders_.insert(made);
    return *made;
  }
  void remove(Folder<T>& folder) {
    std::vector<Folder<T>*>& siblings = folder.parent->folders;
    siblings[folder.index] = siblings.back();
    siblings[folder.index]->index = folder.index;
    siblings.pop_back();
    folders_.erase(&folder);
    delete &folder;
  }
  static void drop(Folder<T>& folder) {
    for (Folder<T>* const below : folder.folders) {
      drop(*below);
      delete below;
    }
  }

  // `rest`: the end of the pattern that is left in this folder.
  template <class Find, class Visit>
  void walk(const Folder<T>& folder, std::string_view pattern, std::string_view rest,
            const Find& find, const Visit& visit) const {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment == "**") return walk_all(folder, pattern, visit);
    if (slash == std::string_view::npos) return things_in(folder, segment, find, visit);
    rest.remove_prefix(slash + 1);
    if (!is_pattern(segment)) {
      const Folder<T>* const below = folders_.find(folder.name + std::string(segment) + "/");
      if (below != nullptr) walk(*below, pattern, rest, find, visit);
      return;
    }
    for (const Folder<T>* const below : folder.folders) {
      std::string_view text = below->name;
      text = text.substr(folder.name.size(), text.size() - folder.name.size() - 1);
      if (segment_matches(segment, text)) walk(*below, pattern, rest, find, visit);
    }
  }
  template <class Find, class Visit>
  static void things_in(const Folder<T>& folder, std::string_view segment, const Find& find,
                        const Visit& visit) {
    if (!is_pattern(segment) && folder.things.size() > kFewThings) {
      if (T* const thing = find(folder.name + std::string(segment))) visit(*thing);
      return;
    }
    for (T* const thing : folder.things) {
      const std::string_view name = thing->name;
      if (segment_matches(segment, name.substr(folder.name.size()))) visit(*thing);
    }
  }
  template <class Visit>
  static void walk_all(const Folder<T>& folder, std::string_view pattern, const Visit& visit) {
    for (T* const thing : folder.things) {
      if (pattern_matches(pattern, thing->name)) visit(*thing);
    }
    for (const Folder<T>* const below : folder.folders) walk_all(*below, pattern, visit);
  }

  Folder<T> root_;
  NameTable<Folder<T>> folders_;  // but the root
};

}  // namespace fanfare::fanout
