// H1Writer: writes answers as HTTP/1.1 (and 1.0). With HttpPort, which reads requests, the only
// place in the server that knows that form.
#pragma once

#include <string>
#include <vector>

#include "broker/server/sockets/routes.h"
#include "broker/wire/h1/response_writer.h"
#include "broker/wire/http/date.h"

namespace fanfare::server {

class H1Writer {
 public:
  // `date` outlives this.
  explicit H1Writer(const http::Date& date) : date_(date) {}

  // Appends the answer to a request of this method: all of it, or the head of a stream. Returns
  // what its head says of the connection, which is `persistence`, or `close` where a body of this
  // kind (also one that HEAD leaves out) ends with it.
  h1::Persistence write(std::string& out, const Response& response, http::Method method,
                        BodyEnd body_end, h1::Persistence persistence);

 private:
  const http::Date& date_;
  std::vector<http::Field> fields_;  // of the answer being written
};

}  // namespace fanfare::server
