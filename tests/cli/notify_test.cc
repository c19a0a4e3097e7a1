#include "broker/cli/notify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>

namespace fanfare::cli {
namespace {

// A service manager: a datagram socket, and $NOTIFY_SOCKET that names it.
class ServiceManager {
 public:
  ServiceManager() : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::string folder = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    const std::string path = folder_ + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~ServiceManager() {
    unsetenv("NOTIFY_SOCKET");
    close(descriptor_);
    std::filesystem::remove_all(folder_);
  }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  std::string told() const {
    std::array<char, 512> buffer;
    const auto size = recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

 private:
  int descriptor_;
  std::string folder_;
};

TEST(Notify, InformsTheServiceManager) {
  const ServiceManager manager;
  notify_service_manager("READY=1\nSTATUS=serving");
  EXPECT_EQ(manager.told(), "READY=1\nSTATUS=serving");
}

TEST(Notify, StampsAReload) {
  const ServiceManager manager;
  notify_reloading();
  EXPECT_THAT(manager.told(), testing::ContainsRegex("^RELOADING=1\nMONOTONIC_USEC=[0-9]+$"));
}

TEST(Notify, DoesNothingWhenNobodyAsked) {
  unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  const ServiceManager manager;
  EXPECT_EQ(manager.told(), "");
}

TEST(Notify, DoesNothingForAnAddressItDoesNotKnow) {
  setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
  notify_service_manager("READY=1");
  unsetenv("NOTIFY_SOCKET");
  const ServiceManager manager;
  EXPECT_EQ(manager.told(), "");
}

TEST(Notify, TheWatchdogIsForTheProcessThatItNames) {
  EXPECT_EQ(watchdog_time(), std::nullopt);
  setenv("WATCHDOG_USEC", "60000000", 1);
  EXPECT_EQ(watchdog_time(), Duration(60s));
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_time(), Duration(60s));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_time(), std::nullopt);
  unsetenv("WATCHDOG_PID");
  for (const char* nonsense : {"", "0", "-5", "1s", "soon"}) {
    setenv("WATCHDOG_USEC", nonsense, 1);
    EXPECT_EQ(watchdog_time(), std::nullopt) << nonsense;
  }
  unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace fanfare::cli
