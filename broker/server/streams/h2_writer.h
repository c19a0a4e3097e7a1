// H2Writer: puts answers in the words of HTTP/2, as H1Writer does in those of HTTP/1.1: names in
// lower case, a length where there is one, and none of the fields that speak of a connection.
#pragma once

#include <vector>

#include "broker/server/sockets/response.h"
#include "broker/wire/h2/session.h"
#include "broker/wire/http/date.h"
#include "broker/wire/http/field_list.h"

namespace fanfare::server {

class H2Writer {
 public:
  // `date` outlives this.
  explicit H2Writer(const http::Date& date) : date_(date) {}

  // Answers the request of this stream. The text is moved out of the response. Returns its size,
  // as far as it is sent.
  std::size_t write(h2::Session& session, h2::StreamId stream, Response& response,
                    http::Method method);

 private:
  void add(std::string_view name, std::string_view value);
  void add_length(const Response& response);

  const http::Date& date_;
  http::FieldList texts_;  // of the answer being written
  std::vector<http::Field> fields_;
};

}  // namespace fanfare::server
