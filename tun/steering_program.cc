// SPDX-License-Identifier: Apache-2.0

#include "tun/steering_program.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "tun/bpf_instructions.h"

namespace postern {
namespace {

using namespace bpf;  // NOLINT(google-build-using-namespace)

// On the stack: the first octets of the IP header, and what is read behind them.
constexpr int kHeader = -24;
constexpr int kMore = -56;
constexpr std::int32_t kHeaderOctets = 20;
constexpr std::int32_t kAddresses6 = 8;  // where they are in an IPv6 header
constexpr std::int32_t kAddresses6Octets = 32;
constexpr std::int32_t kHeader6Octets = 40;
constexpr std::int32_t kEsp = 50;
constexpr std::int32_t kAh = 51;
constexpr std::int32_t kAhSpi = 4;  // where it is in AH

// "More fragments" and the offset, as this machine reads them.
constexpr std::int32_t kFragmentBits =
    std::endian::native == std::endian::little ? 0xff3f : 0x3fff;

// Odd, and with bits all over.
constexpr std::int32_t kFactor = 0x5bd1e995;

// A program in the making. R6: the packet. R7: the hash. R8: the protocol behind
// the IP header. R9: where that header ends.
class Assembly {
 public:
  using Jumps = std::vector<std::size_t>;

  void Put(std::initializer_list<bpf_insn> instructions) {
    code_.insert(code_.end(), instructions);
  }

  // The jump's place, for Land().
  std::size_t PutJump(const bpf_insn& jump) {
    code_.push_back(jump);
    return code_.size() - 1;
  }

  // Here is where these jumps go to.
  void Land(const Jumps& jumps) {
    for (const std::size_t jump : jumps) {
      code_[jump].off = static_cast<std::int16_t>(code_.size() - jump - 1);
    }
  }

  void MixIn(unsigned width, int stack_offset) {
    Put({LoadStack(width, kR1, stack_offset), With(BPF_XOR, kR7, kR1),
         With(BPF_MUL, kR7, kFactor)});
  }

  // Copies octets of the packet to the stack; R2 says from where, counted from
  // the IP header. Returns the jump that is taken where they are not there.
  std::size_t PutRead(std::int32_t octets, int stack_offset) {
    Put({Copy(kR1, kR6), Copy(kR3, kStack), Add(kR3, stack_offset),
         Set(kR4, octets), Set(kR5, BPF_HDR_START_NET),
         Call(BPF_FUNC_skb_load_bytes_relative)});
    return PutJump(SkipUnlessZero(kR0, 0));
  }

  const std::vector<bpf_insn>& code() const { return code_; }

 private:
  std::vector<bpf_insn> code_;
};

// Returns the jump out: a fragment has no SPI, or the next has none.
std::size_t PutIpv4(Assembly& program) {
  program.MixIn(BPF_W, kHeader + 12);
  program.MixIn(BPF_W, kHeader + 16);
  program.Put({LoadStack(BPF_B, kR8, kHeader + 9),
               LoadStack(BPF_B, kR9, kHeader), With(BPF_AND, kR9, 0xf),
               With(BPF_LSH, kR9, 2), LoadStack(BPF_H, kR1, kHeader + 6),
               With(BPF_AND, kR1, kFragmentBits)});
  return program.PutJump(SkipUnlessZero(kR1, 0));
}

std::size_t PutIpv6(Assembly& program) {
  program.Put({Set(kR2, kAddresses6)});
  const std::size_t cut = program.PutRead(kAddresses6Octets, kMore);
  for (int i = 0; i < kAddresses6Octets; i += 8) {
    program.MixIn(BPF_DW, kMore + i);
  }
  program.Put({LoadStack(BPF_B, kR8, kHeader + 6), Set(kR9, kHeader6Octets)});
  return cut;
}

// Who is not even IP goes by the sender alone.
std::vector<bpf_insn> MakeProgram() {
  Assembly program;
  program.Put({Copy(kR6, kR1), Call(BPF_FUNC_get_socket_cookie), Copy(kR7, kR0),
               With(BPF_MUL, kR7, kFactor), Set(kR2, 0)});
  Assembly::Jumps out = {program.PutRead(kHeaderOctets, kHeader)};
  program.Put({LoadStack(BPF_B, kR1, kHeader), With(BPF_RSH, kR1, 4)});
  const std::size_t to_ipv6 = program.PutJump(SkipIf(kR1, 6, 0));
  out.push_back(PutIpv4(program));
  const std::size_t to_spi = program.PutJump(Skip(0));
  program.Land({to_ipv6});
  out.push_back(PutIpv6(program));
  program.Land({to_spi});
  const std::size_t is_esp = program.PutJump(SkipIf(kR8, kEsp, 0));
  out.push_back(program.PutJump(SkipUnless(kR8, kAh, 0)));
  program.Put({Add(kR9, kAhSpi)});
  program.Land({is_esp});
  program.Put({Copy(kR2, kR9)});
  out.push_back(program.PutRead(4, kMore));
  program.MixIn(BPF_W, kMore);
  program.Land(out);
  // SPIs and addresses that differ in a bit must differ in the lowest ones here:
  // the kernel divides this by the number of queues.
  for (const int shift : {32, 29}) {
    program.Put({Copy(kR0, kR7), With(BPF_RSH, kR0, shift),
                 With(BPF_XOR, kR7, kR0), With(BPF_MUL, kR7, kFactor)});
  }
  program.Put({Copy(kR0, kR7), With(BPF_RSH, kR0, 32), Return()});
  return program.code();
}

Error Refused(int errno_value) {
  switch (errno_value) {
    case EPERM:
    case EACCES:
      return {ErrorCode::kForbidden,
              "Loading the BPF program that keeps flows in order was refused; "
              "it needs CAP_BPF outside of user namespaces."};
    case ENOSYS:
    case EINVAL:
      return {ErrorCode::kUnsupported,
              "The kernel does not know the BPF program that keeps flows in "
              "order; it needs CONFIG_BPF_SYSCALL and Linux 4.18."};
    default:
      return SystemError("loading the BPF program that keeps flows in order",
                         errno_value);
  }
}

}  // namespace

// None of the functions that it calls is reserved for GPL programs.
Result<SteeringProgram> SteeringProgram::Load() {
  const std::vector<bpf_insn> code = MakeProgram();
  UniqueFd loaded(::bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "postern_queue",
                                  "Apache-2.0", code.data(), code.size(),
                                  nullptr));
  if (!loaded.valid()) {
    return Refused(errno);
  }
  return SteeringProgram(std::move(loaded));
}

}  // namespace postern
