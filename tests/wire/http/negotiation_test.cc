// Which form of an answer a client would rather have (RFC 9110 §12.4.2, §12.5.3).
#include "broker/wire/http/negotiation.h"

#include <gtest/gtest.h>

namespace fanfare::http {
namespace {

bool prefers_gzip(std::vector<Field> fields) {
  RequestHead head;
  head.fields = std::move(fields);
  return prefers_coding(head, "gzip");
}

TEST(Negotiation, TakesACodingThatIsAccepted) {
  for (const char* value :
       {"gzip", "gzip, deflate, br, zstd", "GZIP", "x-gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*",
        "gzip;q=0.001", "identity;q=0", "gzip, identity", "gzip;q=0.5;x=y", "deflate, *;q=0.5",
        "gzip;q=1.000", "gzip ; Q=0.5", "identity;q=0.2, gzip;q=0.3", "identity;q=0, *"}) {
    const bool only_refuses_identity = std::string_view(value) == "identity;q=0";
    EXPECT_EQ(prefers_gzip({{"Accept-Encoding", value}}), !only_refuses_identity) << value;
  }
  EXPECT_TRUE(prefers_gzip({{"Accept-Encoding", "br"}, {"accept-encoding", "gzip"}}));
}

// gzip was sent to every client, and a terminal showed its bytes.
TEST(Negotiation, TakesNoCodingThatIsNot) {
  EXPECT_FALSE(prefers_gzip({}));
  for (const char* value :
       {"", "identity", "gzip;q=0", "gzip;q=0.0", "gzip;q=0.000", "br", "*;q=0", "gzip;q=0, *",
        "*, gzip;q=0", "identity, gzip;q=0.5", "identity;q=0.9, *;q=0.5", "gzip;q=x",
        "gzip;q=", "gzip;q=2", "gzip;q=0.0001", "notgzip", "gzipped"}) {
    EXPECT_FALSE(prefers_gzip({{"Accept-Encoding", value}})) << value;
  }
}

}  // namespace
}  // namespace fanfare::http
