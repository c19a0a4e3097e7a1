// The one script that is served: the loop by which Laravel's broadcaster, and those made after it,
// publish one payload to several channels.
//
//   for i = 2, #ARGV do
//     redis.call('publish', ARGV[i], ARGV[1])
//   end
//
// There is no Lua here: the text is compared, word by word, so that blanks, comments, quotes and
// the loop variable's name do not matter, and anything else does.
#pragma once

#include <string_view>

namespace fanfare::ingest {

bool is_publish_loop(std::string_view script);

}  // namespace fanfare::ingest
