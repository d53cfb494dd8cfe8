// SPDX-License-Identifier: Apache-2.0
//
// The calls that <postern/ipsec.h> adds to those of the C library.

#include <postern/ipsec.h>

#include <cerrno>
#include <cstring>

#include "control/wish_protocol.h"
#include "sockapi/certificate.h"
#include "sockapi/wish_call.h"

namespace postern {
namespace {

int Report(int error) {
  if (error != 0) {
    errno = error;
    return -1;
  }
  return 0;
}

int SetIdentity(int socket, WishEnd end, const certificate_info_t* info) {
  WishRequest request{.type = WishRequestType::kSetIdentity, .end = end};
  if (info == nullptr) {
    return EFAULT;
  }
  return TakeCertificate(*info, request) ? AskToChange(socket, request)
                                         : EINVAL;
}

int GetIdentity(int socket, WishEnd end, certificate_info_t* info) {
  if (info == nullptr) {
    return EFAULT;
  }
  WishReply reply;
  const int refused = AskAbout(
      socket, {.type = WishRequestType::kGetIdentity, .end = end}, reply);
  if (refused == 0) {
    StoreCertificate(reply.identity, reply.text, *info);
  }
  return refused;
}

int SetAlgorithms(int socket, const char* algorithms) {
  WishRequest request{.type = WishRequestType::kSetAlgorithms};
  if (algorithms != nullptr &&
      !request.text.Assign({algorithms, std::strlen(algorithms)})) {
    return EINVAL;
  }
  return AskToChange(socket, request);
}

int SetStrength(int socket, int bits) {
  if (bits < 0) {
    return EINVAL;
  }
  return AskToChange(socket, {.type = WishRequestType::kSetStrength,
                              .number = static_cast<std::uint32_t>(bits)});
}

int Share(int socket, int with) {
  if (with < -1) {
    return EBADF;
  }
  return AskToChange(
      socket, {.type = WishRequestType::kShare, .number = with == -1 ? 0U : 1U},
      with);
}

}  // namespace
}  // namespace postern

#define POSTERN_EXPORT extern "C" __attribute__((visibility("default")))

POSTERN_EXPORT int setmycert(int socket,
                             const certificate_info_t* certificate) {
  return postern::Report(
      postern::SetIdentity(socket, postern::WishEnd::kMine, certificate));
}

POSTERN_EXPORT int setpeercert(int socket,
                               const certificate_info_t* certificate) {
  return postern::Report(
      postern::SetIdentity(socket, postern::WishEnd::kPeer, certificate));
}

POSTERN_EXPORT int getmycert(int socket, certificate_info_t* certificate) {
  return postern::Report(
      postern::GetIdentity(socket, postern::WishEnd::kMine, certificate));
}

POSTERN_EXPORT int getpeercert(int socket, certificate_info_t* certificate) {
  return postern::Report(
      postern::GetIdentity(socket, postern::WishEnd::kPeer, certificate));
}

POSTERN_EXPORT int ipsec_share(int socket, int with) {
  return postern::Report(postern::Share(socket, with));
}

POSTERN_EXPORT int ipsec_set_algorithms(int socket, const char* algorithms) {
  return postern::Report(postern::SetAlgorithms(socket, algorithms));
}

POSTERN_EXPORT int ipsec_set_strength(int socket, int bits) {
  return postern::Report(postern::SetStrength(socket, bits));
}
