// Query: the parameters of a query or a form body, decoded as a browser encodes them
// (application/x-www-form-urlencoded, WHATWG URL §5.1): `&` separates, `+` is a space, a malformed
// escape stays as it is, so that a careless `?q=100%` does not cost a page its stream. Values are
// bytes: the caller checks them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::http {

class Query {
 public:
  struct Parameter {
    std::string_view key;
    std::string_view value;  // empty when there is no `=`
  };

  // `text` must outlive the query: what holds no escape is not copied.
  explicit Query(std::string_view text);
  Query(Query&&) noexcept = default;
  Query& operator=(Query&&) noexcept = default;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // In the order sent.
  std::vector<Parameter>::const_iterator begin() const { return parameters_.begin(); }
  std::vector<Parameter>::const_iterator end() const { return parameters_.end(); }

  // The last occurrence of any of the keys: libraries append their own parameter to a URL that may
  // have it.
  std::optional<std::string_view> last_of(std::initializer_list<std::string_view> keys) const;
  std::vector<std::string_view> all(std::string_view key) const;

 private:
  std::string_view decode(std::string_view text);

  std::vector<char> decoded_;  // reserved once, hence it never moves below the views into it
  std::vector<Parameter> parameters_;
};

// `query` as it is, but without the parameters of these names, however the names are spelt: for
// showing it, where their values are secret. An empty name is nobody's.
std::string query_without(std::string_view query, std::initializer_list<std::string_view> names);

}  // namespace fanfare::http
