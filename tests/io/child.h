// Runs something in a child process, for what cannot be undone in one's own: filters, user ids.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

namespace fanfare::io {

// What `work` returned in the child.
inline std::string in_child(const std::function<std::string()>& work) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string answer = work();
    [[maybe_unused]] const auto size = ::write(pipe[1], answer.data(), answer.size());
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string answer;
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = ::read(pipe[0], part.data(), part.size())) > 0;) {
    answer.append(part.data(), static_cast<std::size_t>(size));
  }
  ::close(pipe[0]);
  ::waitpid(child, nullptr, 0);
  return answer;
}

}  // namespace fanfare::io
