// What somebody is told whose arguments make no sense: what is wrong, of which command, and what
// would be right. The parser finds the mistakes; its own words for them know nothing of commands.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace fanfare::cli {

// `parser` has just refused its arguments with `error`. Whole lines, for standard error.
std::string usage_problem(const CLI::App& parser, const CLI::ParseError& error);

}  // namespace fanfare::cli
