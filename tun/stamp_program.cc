// SPDX-License-Identifier: Apache-2.0

#include "tun/stamp_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>

#include "core/unique_fd.h"
#include "tun/bpf_instructions.h"

namespace postern {
namespace {

using namespace bpf;  // NOLINT(google-build-using-namespace)

// Where the stamp is put together: socket_stamp.h has the drawing.
constexpr int kTag = -32;
constexpr int kCookie = -24;
constexpr int kState = -16;
constexpr int kType = -12;
constexpr int kProtocol = -10;
constexpr int kCgroup = -8;
constexpr std::int32_t kOctets = SocketStamp::kOctets;

using Program = std::array<bpf_insn, 39>;

// `cgroup` puts the number of the sender's cgroup into R0. The helper goes from
// a request socket to its listener by itself.
Program ProgramFor(std::uint64_t tag, const bpf_insn& cgroup) {
  return {{
      Copy(kR6, kR1),
      // The stamp of nobody.
      Make(BPF_LD | BPF_DW | BPF_IMM, kR1, kR0, 0,
           static_cast<std::int32_t>(tag)),
      Make(0, kR0, kR0, 0, static_cast<std::int32_t>(tag >> 32U)),
      Store(BPF_DW, kTag, kR1),
      Set(kR1, 0),
      Store(BPF_DW, kState, kR1),
      // Who sends?
      Copy(kR1, kR6),
      Call(BPF_FUNC_get_socket_cookie),
      Store(BPF_DW, kCookie, kR0),
      Copy(kR1, kR6),
      cgroup,
      Store(BPF_DW, kCgroup, kR0),
      LoadFrom(BPF_DW, kR1, kR6, offsetof(__sk_buff, sk)),
      SkipIfZero(kR1, 8),
      LoadFrom(BPF_W, kR2, kR1, offsetof(bpf_sock, state)),
      Store(BPF_W, kState, kR2),
      Call(BPF_FUNC_sk_fullsock),
      SkipIfZero(kR0, 4),  // a request or TIME_WAIT socket has no type
      LoadFrom(BPF_W, kR1, kR0, offsetof(bpf_sock, type)),
      Store(BPF_H, kType, kR1),
      LoadFrom(BPF_W, kR1, kR0, offsetof(bpf_sock, protocol)),
      Store(BPF_H, kProtocol, kR1),
      // Room in front of the packet.
      Copy(kR1, kR6),
      Set(kR2, kOctets),
      Set(kR3, 0),
      Call(BPF_FUNC_skb_change_head),
      SkipUnlessZero(kR0, 10),
      // The stamp into it.
      Copy(kR1, kR6),
      Set(kR2, 0),
      Copy(kR3, kStack),
      Add(kR3, kTag),
      Set(kR4, kOctets),
      Set(kR5, 0),
      Call(BPF_FUNC_skb_store_bytes),
      SkipUnlessZero(kR0, 2),
      Set(kR0, TC_ACT_OK),
      Return(),
      // No memory: fail closed.
      Set(kR0, TC_ACT_SHOT),
      Return(),
  }};
}

// One place on the link that is always ours, so that a run finds what an
// earlier one left.
bpf_tc_opts PlaceOf(int program) {
  bpf_tc_opts place{};
  place.sz = sizeof(place);
  place.prog_fd = program;
  place.handle = 1;
  place.priority = 1;
  return place;
}

bpf_tc_hook HookOf(std::uint32_t link_index) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(link_index);
  hook.attach_point = BPF_TC_EGRESS;
  return hook;
}

Error Refused(const char* what, int errno_value) {
  switch (errno_value) {
    case EPERM:
    case EACCES:
      return {ErrorCode::kForbidden,
              std::string(what) +
                  " was refused; it needs CAP_BPF and CAP_NET_ADMIN outside of "
                  "user namespaces."};
    case ENOSYS:
    case EOPNOTSUPP:
    case ENOENT:
      return {ErrorCode::kUnsupported,
              std::string(what) +
                  " needs a kernel with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF "
                  "and CONFIG_NET_CLS_ACT."};
    default:
      return SystemError(what, errno_value);
  }
}

// None of the functions that it calls is reserved for GPL programs.
int Load(const Program& program) {
  return ::bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "postern", "Apache-2.0",
                         program.data(), program.size(), nullptr);
}

Status Attach(std::uint32_t link_index, std::uint64_t tag) {
  UniqueFd loaded(Load(ProgramFor(tag, Call(BPF_FUNC_skb_cgroup_id))));
  // A kernel whose sockets have no cgroups lacks the function.
  if (!loaded.valid() && errno == EINVAL) {
    loaded.reset(Load(ProgramFor(tag, Set(kR0, 0))));
  }
  if (!loaded.valid()) {
    return Refused("Loading the BPF program that names senders", errno);
  }
  bpf_tc_hook hook = HookOf(link_index);
  if (const int made = ::bpf_tc_hook_create(&hook);
      made != 0 && made != -EEXIST) {
    return Refused("Making the clsact queueing discipline of the TUN", -made);
  }
  bpf_tc_opts place = PlaceOf(loaded.get());
  place.flags = BPF_TC_F_REPLACE;
  if (const int attached = ::bpf_tc_attach(&hook, &place); attached != 0) {
    return Refused("Attaching the BPF program that names senders", -attached);
  }
  return Ok();
}

int Silent(libbpf_print_level /*level*/, const char* /*format*/,
           va_list /*arguments*/) {
  return 0;
}

}  // namespace

Status AttachStampProgram(const NetworkNamespace& inside,
                          std::uint32_t link_index, const SocketStamp& stamp) {
  // Our own errors say enough; libbpf would write to standard error.
  ::libbpf_set_print(Silent);
  return inside.RunInside(
      [link_index, &stamp] { return Attach(link_index, stamp.tag()); });
}

void DetachStampProgram(const NetworkNamespace& inside,
                        std::uint32_t link_index) {
  ::libbpf_set_print(Silent);
  static_cast<void>(inside.RunInside([link_index] {
    const bpf_tc_hook hook = HookOf(link_index);
    const bpf_tc_opts place = PlaceOf(0);
    return ::bpf_tc_detach(&hook, &place);
  }));
}

}  // namespace postern
