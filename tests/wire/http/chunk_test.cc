// What is written byte by byte: chunks and reason phrases.
#include "broker/wire/http/chunk.h"

#include <gtest/gtest.h>

#include "broker/wire/http/status.h"

namespace fanfare::http {
namespace {

TEST(Chunk, HasItsSizeInHexadecimal) {
  std::string out;
  append_chunk(out, ":\n");
  append_chunk(out, std::string(26, 'x'));
  EXPECT_EQ(out, "2\r\n:\n\r\n1a\r\n" + std::string(26, 'x') + "\r\n");
}

TEST(Chunk, AnEmptyChunkIsNotTheLastChunk) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
}

TEST(ReasonPhrase, IsKnownForEveryStatusThatIsSent) {
  for (const int status : {200, 202, 204, 307, 400, 401, 403, 404, 405, 408,
                           411, 413, 414, 415, 417, 431, 500, 501, 503, 505}) {
    EXPECT_NE(reason_phrase(status), "Unknown") << status;
  }
  EXPECT_EQ(reason_phrase(299), "Unknown");
}

}  // namespace
}  // namespace fanfare::http
