// SPDX-License-Identifier: Apache-2.0
// An HTTP server for tests of downloads, on this machine, with the habits and faults of real ones.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace accrete::test {

struct HttpHabits {
  bool ranges = true;           ///< answers a range request with the range, else with everything
  std::size_t break_after = 0;  ///< bytes of a body after which it hangs up; 0: never
  bool endless = false;         ///< sends on behind the file
  std::string redirect_to;      ///< if given, the answer to every request
};

class HttpServer {
 public:
  explicit HttpServer(std::map<std::string, std::string> files, const HttpHabits& habits = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string address() const;  ///< "http://127.0.0.1:<port>/"
  void set_habits(const HttpHabits& habits);
  /// "<path>" or "<path> <range>" of every request so far, the range as "5-".
  std::vector<std::string> requests() const;

 private:
  void serve();
  void answer(int connection);
  void send_file(int connection, const std::string& content, std::size_t first, bool part);

  std::map<std::string, std::string> files_;
  mutable std::mutex mutex_;
  HttpHabits habits_;
  std::vector<std::string> requests_;
  int listener_;
  std::thread thread_;
};

}  // namespace accrete::test
