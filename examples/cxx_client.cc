// SPDX-License-Identifier: Apache-2.0
//
// A C++ client that talks through AH or not at all: its socket throws where the
// level cannot be set, so nobody can go on by mistake.
//
//     cxx_client <address> <port>
//
// Says a word to an echo server and prints the answer. Exit status: 0 when it
// came, 1 when not.

#include <netdb.h>
#include <postern/ipsec.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

namespace {

int Checked(int result, const char* what) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), what);
  }
  return result;
}

// A TCP socket of either family.
class Socket {
 public:
  explicit Socket(int family)
      : family_(family),
        descriptor_(Checked(::socket(family, SOCK_STREAM, 0), "socket")) {}

  ~Socket() { ::close(descriptor_); }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }

  // Once this has returned, every packet obeys.
  void SetAuthLevel(int level) const {
    const bool is_v6 = family_ == AF_INET6;
    Checked(::setsockopt(descriptor_, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                         is_v6 ? IPV6_AUTH_LEVEL : IP_AUTH_LEVEL, &level,
                         sizeof(level)),
            "AUTH_LEVEL");
  }

 private:
  int family_;
  int descriptor_;
};

std::string Ask(const addrinfo& server, const std::string& word) {
  const Socket socket(server.ai_family);
  socket.SetAuthLevel(IPSEC_LEVEL_REQUIRE);
  Checked(::connect(socket.descriptor(), server.ai_addr, server.ai_addrlen),
          "connect");
  Checked(static_cast<int>(::send(socket.descriptor(), word.data(), word.size(),
                                  MSG_NOSIGNAL)),
          "send");
  std::string answer(word.size(), '\0');
  answer.resize(static_cast<std::size_t>(
      Checked(static_cast<int>(::recv(socket.descriptor(), answer.data(),
                                      answer.size(), MSG_WAITALL)),
              "recv")));
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  addrinfo hints{};
  addrinfo* found = nullptr;
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  if (argc != 3 || ::getaddrinfo(argv[1], argv[2], &hints, &found) != 0) {
    std::cerr << "usage: cxx_client <address> <port>\n";
    return 1;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> server(
      found, &::freeaddrinfo);
  try {
    std::cout << Ask(*server, "hello through the postern\n");
    return 0;
  } catch (const std::system_error& error) {
    std::cerr << "cxx_client: " << error.what() << "\n";
    return 1;
  }
}
