// BrowserModule: /fanfare.js, what pages import to share one stream between tabs, notice
// connections that died, and resume over page loads. It is optional: every stream can be read
// without it.
//
// browser/fanfare.js is its source; browser/pack.mjs makes it small, and makes the source that
// defines browser_module(), in the build folder.
#pragma once

#include <string_view>

#include "broker/server/sockets/response.h"
#include "broker/wire/http/head.h"

namespace fanfare::server {

struct BrowserModule {
  std::string_view bytes;  // 2,048 at most
  std::string_view gzip;
  std::string_view etag;  // weak: one for both
};

const BrowserModule& browser_module();

// To GET, HEAD and nothing else. Any page may import it, whatever [cors] says: it is the same for
// everybody.
void answer_browser_module(const http::RequestHead& head, Response& response);

}  // namespace fanfare::server
