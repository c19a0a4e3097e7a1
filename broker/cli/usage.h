// The message for invalid arguments: what is wrong, with which command, and what would be right.
// The parser finds the mistakes, but its own messages do not know which command they belong to.
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
