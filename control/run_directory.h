// SPDX-License-Identifier: Apache-2.0
//
// The daemon's side of paths.h: it makes the directories and the by-netns link
// by which libpostern.so finds it, and takes the link away when it ends.
//
//     EnsureHostDirectory("a")             <base>, <base>/by-netns, <base>/a
//     ListenSeqpacket(ApiSocketPath("a"), kApiSocketMode)
//     PublishNetns(cookie, "a")            <base>/by-netns/<cookie>.sock
//     ...
//     WithdrawNetns(cookie, "a")
//
// Directories are made 0755 whatever the umask; existing ones are left as they
// are.
//
// Control-confined.

#ifndef POSTERN_CONTROL_RUN_DIRECTORY_H_
#define POSTERN_CONTROL_RUN_DIRECTORY_H_

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "core/error.h"

namespace postern {

inline constexpr mode_t kApiSocketMode = 0666;    // raising a level is free
inline constexpr mode_t kAdminSocketMode = 0600;  // keys, routes, system levels

// Errors: kInvalid for a host's name that IsHostName() refuses or a base that
// is relative or too long; kSystem.
Status EnsureHostDirectory(std::string_view host);

// Makes the link in one step: whoever looks sees the old one or the new one.
// Errors: as EnsureHostDirectory().
Status PublishNetns(std::uint64_t netns_cookie, std::string_view host);

// Removes the link if it is still this host's; a successor's stays.
void WithdrawNetns(std::uint64_t netns_cookie, std::string_view host);

}  // namespace postern

#endif  // POSTERN_CONTROL_RUN_DIRECTORY_H_
