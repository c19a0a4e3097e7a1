// docs/man/fanfare.1: the manual page of the program, made from its own commands. A test fails when
// the page is not what this says.
#pragma once

#include <string>

namespace fanfare::cli {

std::string manual_page();

}  // namespace fanfare::cli
