// The heads of requests and responses, in every version of HTTP. Only views: the parser that made
// them says how long they live. Nothing here is decoded or trusted further than its grammar.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fanfare::http {

enum class Method : std::uint8_t { get, head, post, put, del, options, connect, other };

// Case-sensitive (RFC 9110 §9.1): "get" is `other`.
Method method_of(std::string_view text);

struct Field {
  std::string_view name;   // as sent; compare with same_ignoring_case()
  std::string_view value;  // without whitespace at its ends; may hold bytes 0x80-0xff
};

// The first field of that name after `after` (null: from the start), or null. All of them:
//   for (const Field* f = head.find("cookie"); f != nullptr; f = head.find("cookie", f))
const Field* find_field(std::span<const Field> fields, std::string_view name,
                        const Field* after = nullptr);

struct RequestHead {
  Method method = Method::other;
  std::string_view method_text;
  std::string_view target;     // as sent
  std::string_view path;       // as sent, not percent-decoded; begins with '/', or is "*"
  std::string_view query;      // after the first '?', not decoded; see Query
  std::string_view authority;  // the target's own, else the Host field's; may be empty
  std::uint8_t minor_version = 1;
  std::vector<Field> fields;  // in the order sent

  const Field* find(std::string_view name, const Field* after = nullptr) const {
    return find_field(fields, name, after);
  }
  // The value of the first field of that name; empty if there is none.
  std::string_view value(std::string_view name) const;
};

struct ResponseHead {
  int status = 0;  // 100-599
  std::string_view reason;
  std::uint8_t minor_version = 1;
  std::vector<Field> fields;  // in the order sent

  const Field* find(std::string_view name, const Field* after = nullptr) const {
    return find_field(fields, name, after);
  }
  std::string_view value(std::string_view name) const;
};

}  // namespace fanfare::http
