// ResponseReader: the client's side of HTTP/1.1 for the simulation's clients, which must not share
// a mistake with the broker's own code. Reads one response after another: status, fields, a body
// that is chunked, counted, absent or ended by the close. Strict: what it does not expect is a
// problem.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::sim {

class ResponseReader {
 public:
  // Begins a response. `head_only`: to a HEAD request, which has no body whatever its head says.
  void expect(bool head_only);

  // Takes bytes up to the end of this response and appends its body to `body`. The number of bytes
  // taken.
  std::size_t feed(std::string_view in, std::string& body);
  // The connection ended. False: in the middle of the response.
  bool end();

  bool head_complete() const { return stage_ > Stage::field; }
  bool complete() const { return stage_ == Stage::done; }
  int status() const { return status_; }
  // The value of the first field with that name (lower case).
  std::optional<std::string_view> field(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }
  // What is wrong with it; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  enum class Stage : std::uint8_t {
    status,
    field,
    counted,
    until_close,
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    done
  };

  void take_line(std::string_view line);
  void take_status(std::string_view line);
  void take_field(std::string_view line);
  void begin_body();
  void begin_chunk(std::string_view line);
  void complain(std::string problem);

  Stage stage_ = Stage::status;
  bool head_only_ = false;
  std::string line_;
  int status_ = 0;
  bool minor_0_ = false;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::uint64_t left_ = 0;  // of the counted body or of the chunk
  std::string problem_;
};

}  // namespace fanfare::sim
