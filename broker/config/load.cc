#include "broker/config/load.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "broker/config/file.h"
#include "broker/config/keys.h"
#include "broker/config/rules.h"
#include "broker/config/spelling.h"
#include "broker/config/value.h"

namespace fanfare::config {
namespace {

using server::Options;

// A configuration is written by hand; a larger file is not one.
constexpr std::uintmax_t kFileSizeMax = 1U << 20U;

template <class Record>
const Key<Record>* find_key(const Section<Record>& section, std::string_view name) {
  for (const Key<Record>& key : section.keys) {
    if (key.facts.name == name) return &key;
  }
  return nullptr;
}

const Section<Options>* find_section(std::string_view name) {
  for (const Section<Options>& section : sections()) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

template <class Record>
std::vector<std::string_view> names_of(const Section<Record>& section) {
  std::vector<std::string_view> names;
  for (const Key<Record>& key : section.keys) names.push_back(key.facts.name);
  return names;
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  for (const Section<Options>& section : sections()) names.push_back(section.name);
  names.push_back(channel_section().name);
  names.push_back(route_section().name);
  names.push_back(hook_section().name);
  return names;
}

std::string joined(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// The sections the key belongs in, or "did you mean …?", or the list of what is known there
// (`what`: "keys", "sections").
std::string remedy_for(std::string_view unknown, std::string_view what,
                       const std::vector<std::string_view>& known) {
  std::string homes;
  for (const Section<Options>& section : sections()) {
    if (find_key(section, unknown) == nullptr) continue;
    homes += fmt::format("{}[{}]", homes.empty() ? "" : " or ", section.name);
  }
  if (!homes.empty()) return fmt::format("\"{}\" belongs in {}", unknown, homes);
  if (const std::string_view near = nearest(unknown, known); !near.empty()) {
    return fmt::format("did you mean \"{}\"?", near);
  }
  return fmt::format("the {} are {}", what, joined(known));
}

// There may be any number of it: [[…]].
bool is_repeated(std::string_view section) {
  return section == channel_section().name || section == route_section().name ||
         section == hook_section().name;
}

std::string remedy_for_section(std::string_view unknown) {
  const std::vector<std::string_view> known = section_names();
  const std::string_view near = nearest(unknown, known);
  if (near.empty()) return "the sections are " + joined(known);
  const bool rules = is_repeated(near);
  return fmt::format("did you mean \"{}{}{}\"?", rules ? "[[" : "", near, rules ? "]]" : "");
}

bool is_section(const Node& value) {
  const Node::Array* items = value.array();
  return value.table() != nullptr ||
         (items != nullptr && !items->empty() && items->front().table() != nullptr);
}

// Reads one text into one Options.
class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  void read_document(const Node& root);
  void read_override(const std::string& assignment);
  Report& report() { return report_; }
  Options& options() { return options_; }

 private:
  Origin at(Position where) const { return {.source = source_, .where = where}; }
  void read_member(const Member& member);
  template <class Record>
  void read_keys(const Section<Record>& section, const std::string& path, const Node::Table& table,
                 Record& record);
  template <class Record>
  void read_rules(const Section<Record>& section, const Member& member,
                  std::vector<Record>& records);

  std::string source_;
  Report report_;
  Options options_;
};

void Reader::read_document(const Node& root) {
  for (const Member& member : *root.table()) read_member(member);
}

void Reader::read_member(const Member& member) {
  if (member.name == channel_section().name) {
    return read_rules(channel_section(), member, options_.channels);
  }
  if (member.name == route_section().name) {
    return read_rules(route_section(), member, options_.routes);
  }
  if (member.name == hook_section().name) {
    return read_rules(hook_section(), member, options_.hooks);
  }
  const Section<Options>* section = find_section(member.name);
  if (section == nullptr) {
    if (is_section(member.value)) {
      return report_.add(at(member.where), fmt::format("unknown section [{}]", member.name),
                         remedy_for_section(member.name));
    }
    return report_.add(at(member.where), fmt::format("unknown key \"{}\"", member.name),
                       remedy_for(member.name, "sections", section_names()));
  }
  const Node::Table* table = member.value.table();
  if (table == nullptr) {
    return report_.add(at(member.where),
                       fmt::format("\"{}\" is {}", member.name,
                                   member.value.array() != nullptr ? "a list of tables or values"
                                                                   : member.value.kind()),
                       fmt::format("it is a section: write [{}] and its keys below", member.name));
  }
  read_keys(*section, std::string(section->name), *table, options_);
}

template <class Record>
void Reader::read_rules(const Section<Record>& section, const Member& member,
                        std::vector<Record>& records) {
  const Node::Array* array = member.value.array();
  if (array == nullptr) {
    return report_.add(at(member.where),
                       fmt::format("\"{}\" is not a list of tables", section.name),
                       fmt::format("write [[{}]], with two brackets, before each", section.name));
  }
  for (const Node& item : *array) {
    const Node::Table* table = item.table();
    if (table == nullptr) {
      report_.add(at(item.where), fmt::format("\"{}\" contains {}", section.name, item.kind()),
                  fmt::format("write [[{}]] before each", section.name));
      continue;
    }
    const std::string path = fmt::format("{}[{}]", section.name, records.size());
    report_.note(path, at(item.where));
    read_keys(section, path, *table, records.emplace_back());
  }
}

template <class Record>
void Reader::read_keys(const Section<Record>& section, const std::string& path,
                       const Node::Table& table, Record& record) {
  const bool repeated = path.ends_with(']');
  const std::string shown =
      repeated ? fmt::format("[[{}]]", section.name) : fmt::format("[{}]", section.name);
  for (const Member& member : table) {
    if constexpr (std::is_same_v<Record, Options>) {
      if (path + '.' + member.name == sni_section().name) {
        read_rules(sni_section(), member, record.tls.sni);
        continue;
      }
      if (path + '.' + member.name == publish_client_section().name) {
        read_rules(publish_client_section(), member, record.publish.clients);
        continue;
      }
    }
    const Key<Record>* key = find_key(section, member.name);
    if (key == nullptr) {
      report_.add(at(member.where), fmt::format("unknown key \"{}\" in {}", member.name, shown),
                  remedy_for(member.name, "keys", names_of(section)));
      continue;
    }
    const std::string full = fmt::format("{}.{}", path, member.name);
    report_.note(full, at(member.value.where));
    const auto value = value_of(key->facts, member.value);
    if (!value) {
      report_.add(at(member.value.where),
                  fmt::format("{} {} {}", shown, member.name, value.error().what),
                  value.error().remedy);
      continue;
    }
    key->write(record, *value);
    if (const Node::Array* items = member.value.array()) {
      for (std::size_t index = 0; index < items->size(); ++index) {
        report_.note(fmt::format("{}[{}]", full, index), at((*items)[index].where));
      }
    }
  }
}

void Reader::read_override(const std::string& assignment) {
  const Origin origin{.source = "--set " + assignment, .where = {}};
  const std::string_view text = assignment;
  const std::size_t equals = text.find('=');
  const std::size_t dot = text.substr(0, equals).find('.');
  if (equals == std::string_view::npos || dot == std::string_view::npos) {
    return report_.add(origin, "is not of the form section.key=value",
                       "write, for example, --set delivery.heartbeat=5s");
  }
  const std::string_view section_name = text.substr(0, dot);
  const std::string_view name = text.substr(dot + 1, equals - dot - 1);
  const Section<Options>* section = find_section(section_name);
  if (section == nullptr) {
    if (is_repeated(section_name)) {
      return report_.add(origin, fmt::format("[[{}]] can only be written in a file", section_name),
                         {});
    }
    return report_.add(origin, fmt::format("unknown section \"{}\"", section_name),
                       remedy_for_section(section_name));
  }
  const Key<Options>* key = find_key(*section, name);
  if (key == nullptr) {
    return report_.add(origin, fmt::format("unknown key \"{}\" in [{}]", name, section->name),
                       remedy_for(name, "keys", names_of(*section)));
  }
  const auto value = value_of(key->facts, text.substr(equals + 1));
  if (!value) {
    return report_.add(origin, fmt::format("[{}] {} {}", section->name, name, value.error().what),
                       value.error().remedy);
  }
  report_.note(fmt::format("{}.{}", section->name, name), origin);
  key->write(options_, *value);
}

Loaded finish(Reader& reader, std::span<const std::string> overrides) {
  for (const std::string& assignment : overrides) reader.read_override(assignment);
  check_rules(reader.options(), reader.report());
  if (reader.report().count() > 0) return std::unexpected(reader.report().take());
  return std::move(reader.options());
}

}  // namespace

Loaded parse(std::string_view text, std::string_view source,
             std::span<const std::string> overrides) {
  Reader reader(source);
  if (const auto root = parse_document(text)) {
    reader.read_document(*root);
  } else {
    reader.report().add({.source = std::string(source), .where = root.error().where},
                        "not TOML: " + root.error().what, {});
  }
  return finish(reader, overrides);
}

Loaded load(const std::string& path, std::span<const std::string> overrides) {
  if (path.empty()) return parse({}, {}, overrides);
  const auto text =
      read_file(path, kFileSizeMax, "it is larger than 1 MiB, too large for a configuration");
  if (text) return parse(*text, path, overrides);
  Reader reader(path);
  reader.report().add({.source = path, .where = {}}, "cannot be read: " + text.error(),
                      "name another file with --config, or none for the defaults");
  return finish(reader, overrides);
}

}  // namespace fanfare::config
