// SPDX-License-Identifier: Apache-2.0
#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace accrete::test {
namespace {

sockaddr_in local_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int open_listener() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = local_address();
  if (listener < 0 ||
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, 8) != 0) {
    throw std::runtime_error("cannot listen on this machine");
  }
  return listener;
}

// False when the other side has hung up.
bool send_all(int connection, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string read_request(int connection) {
  std::string request;
  char buffer[1024];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, buffer, sizeof(buffer), 0);
    if (got <= 0) {
      return {};
    }
    request.append(buffer, static_cast<std::size_t>(got));
  }
  return request;
}

// What stands between two texts; empty without the first.
std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t found = text.find(before);
  if (found == std::string::npos) {
    return {};
  }
  const std::size_t first = found + before.size();
  return text.substr(first, text.find(after, first) - first);
}

}  // namespace

HttpServer::HttpServer(std::map<std::string, std::string> files, const HttpHabits& habits)
    : files_(std::move(files)), habits_(habits), listener_(open_listener()) {
  ::setenv("no_proxy", "127.0.0.1", 1);  // whatever proxy the machine uses
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::address() const {
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  return "http://127.0.0.1:" + std::to_string(ntohs(bound.sin_port)) + "/";
}

void HttpServer::set_habits(const HttpHabits& habits) {
  const std::lock_guard<std::mutex> lock(mutex_);
  habits_ = habits;
}

std::vector<std::string> HttpServer::requests() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  for (int connection = 0; (connection = ::accept(listener_, nullptr, nullptr)) >= 0;) {
    answer(connection);
    ::close(connection);
  }
}

void HttpServer::answer(int connection) {
  const std::string request = read_request(connection);
  const std::string name = between(request, "GET /", " ");
  const std::string range = between(request, "Range: bytes=", "\r\n");
  const std::lock_guard<std::mutex> lock(mutex_);
  requests_.push_back(range.empty() ? name : name + " " + range);
  const auto file = files_.find(name);
  if (!habits_.redirect_to.empty()) {
    send_all(connection,
             "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: " +
                 habits_.redirect_to + "\r\n\r\n");
  } else if (file == files_.end()) {
    send_all(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
  } else {
    const bool part = habits_.ranges && !range.empty();
    const std::size_t first = part ? std::stoul(range) : 0;
    send_file(connection, file->second, first, part);
  }
}

void HttpServer::send_file(int connection, const std::string& content, std::size_t first,
                           bool part) {
  if (first >= content.size()) {
    send_all(connection, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const std::string body = content.substr(first);
  std::string header = part ? "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " +
                                  std::to_string(first) + "-" + std::to_string(content.size() - 1) +
                                  "/" + std::to_string(content.size()) + "\r\n"
                            : "HTTP/1.1 200 OK\r\n";
  if (!habits_.endless) {
    header += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  const bool breaks = habits_.break_after > 0;
  send_all(connection, header + "Connection: close\r\n\r\n" +
                           (breaks ? body.substr(0, habits_.break_after) : body));
  const std::string more(std::size_t{1} << 16, 'x');
  while (habits_.endless && send_all(connection, more)) {
  }
}

}  // namespace accrete::test
