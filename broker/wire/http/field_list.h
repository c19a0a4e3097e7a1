// FieldList: header fields that own their text, in the order in which they were added. Cleared and
// filled again it allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/http/head.h"

namespace fanfare::http {

class FieldList {
 public:
  // Neither is a view of a field that is here already.
  void add(std::string_view name, std::string_view value) {
    fields_.push_back({static_cast<std::uint32_t>(text_.size()),
                       static_cast<std::uint32_t>(name.size()),
                       static_cast<std::uint32_t>(value.size())});
    text_.append(name).append(value);
  }
  void add(std::span<const Field> fields) {
    for (const Field& field : fields) add(field.name, field.value);
  }
  std::size_t size() const { return fields_.size(); }
  // Its views live until the next add() or clear().
  Field operator[](std::size_t index) const {
    const auto [begin, name, value] = fields_[index];
    const std::string_view text = std::string_view(text_).substr(begin);
    return {.name = text.substr(0, name), .value = text.substr(name, value)};
  }
  void clear() {
    text_.clear();
    fields_.clear();
  }

 private:
  struct Piece {
    std::uint32_t begin, name, value;  // where its name begins; sizes
  };
  std::string text_;
  std::vector<Piece> fields_;
};

}  // namespace fanfare::http
