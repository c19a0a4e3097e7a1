// What a request's head says about the body it brings: whether it is a batch of JSON lines, and
// whether it is something that must not be published as it is. A body is data whatever its media
// type, with few exceptions: those whose bytes are certainly not what their sender means to
// publish.
#pragma once

#include <string>

namespace fanfare::http {
struct RequestHead;
}

namespace fanfare::ingest {

// Content-Type is one of the names that JSON lines go by.
bool is_ndjson(const http::RequestHead& head);

struct MediaProblem {
  std::string sentence;        // empty: none
  bool of_its_coding = false;  // Content-Encoding, not the media type
};
// Why the body of a publish is refused with 415. `batch`: it is to be read as JSON lines.
MediaProblem media_problem(const http::RequestHead& head, bool batch);

}  // namespace fanfare::ingest
