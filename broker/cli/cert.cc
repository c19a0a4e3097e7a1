// fanfare cert: a key and a certificate for a first try over https.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "broker/cli/command.h"
#include "broker/wire/tls/self_signed.h"

namespace fanfare::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  fanfare cert --self-signed tls                          for localhost, 127.0.0.1 and ::1
  fanfare cert --self-signed tls --name events.lan        for another host
  fanfare cert --self-signed tls --name '*.lan' --name 192.0.2.7 --days 30

Writes DIR/certificate.pem and DIR/key.pem (ECDSA, P-256), the key readable by its owner only, and
makes DIR if it is not there. Files that are there already are not touched. Nobody vouches for such
a certificate: browsers warn of it, curl wants it as --cacert. For the public, get one from a CA.

Exit codes: 0 both are written; 1 they could not be, or are there already; 2 wrong arguments.)";

constexpr int kDaysMax = 3650;

struct Arguments {
  std::string folder;
  std::vector<std::string> names;
  int days = 365;
};

// Refuses to replace a file, also one that appears at this moment. Empty: written.
std::string write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0 && errno == EEXIST) {
    return fmt::format("{} is there already, and stays as it is; name another folder, or remove it",
                       path);
  }
  if (file < 0) return fmt::format("{} cannot be written: {}", path, std::strerror(errno));
  ::fchmod(file, mode);  // whatever the umask says
  const ssize_t written = ::write(file, text.data(), text.size());
  const bool closed = ::close(file) == 0;
  if (closed && written == static_cast<ssize_t>(text.size())) return {};
  const std::string why = std::strerror(errno);
  ::unlink(path.c_str());
  return fmt::format("{} cannot be written: {}", path, why);
}

Exit fail(Console& console, const std::string& sentence) {
  fmt::print(console.err, "fanfare cert: {}\n", sentence);
  return Exit::failed;
}

Exit cert(const Arguments& arguments, Console& console) {
  using std::chrono::system_clock;
  const std::vector<std::string> own{"localhost", "127.0.0.1", "::1"};
  const auto made =
      tls::make_self_signed(arguments.names.empty() ? own : arguments.names,
                            std::chrono::floor<std::chrono::seconds>(system_clock::now()),
                            std::chrono::days(arguments.days));
  if (!made) {
    fmt::print(console.err, "fanfare cert: --name {}\n", made.error());
    return Exit::usage;
  }
  std::error_code error;
  std::filesystem::create_directories(arguments.folder, error);
  if (error) {
    return fail(console, fmt::format("{} cannot be made: {}", arguments.folder, error.message()));
  }
  const std::string certificate = arguments.folder + "/certificate.pem";
  const std::string key = arguments.folder + "/key.pem";
  // Before the first is written: nothing, rather than a key without its certificate.
  if (std::filesystem::exists(certificate)) {
    return fail(console,
                fmt::format("{} is there already, and stays as it is; name another folder, "
                            "or remove it",
                            certificate));
  }
  if (const std::string wrong = write_new(key, made->key, 0600); !wrong.empty()) {
    return fail(console, wrong);
  }
  if (const std::string wrong = write_new(certificate, made->certificate, 0644); !wrong.empty()) {
    ::unlink(key.c_str());
    return fail(console, wrong);
  }
  fmt::print(console.out, "{}\n{}\n", certificate, key);
  return Exit::done;
}

}  // namespace

Command add_cert(CLI::App& parser) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      parser.add_subcommand("cert", "Make a certificate and a key for a first try over https");
  command->add_option("--self-signed", arguments->folder, "The folder to write both files to")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--name", arguments->names,
                   "A host or address that it is for; once for each (localhost, 127.0.0.1 and ::1)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--days", arguments->days, "For how long it is valid (365)")
      ->type_name("DAYS")
      ->check(CLI::Range(1, kDaysMax));
  command->footer(kFooter);
  return {command, [arguments](Console& console) { return cert(*arguments, console); }};
}

}  // namespace fanfare::cli
