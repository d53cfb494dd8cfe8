// SPDX-License-Identifier: Apache-2.0
//
// Instructions of BPF (RFC 9669) as Linux' bpf_insn has them, for programs that
// are short enough to be written by hand: no compiler and no file is needed.
//
// Thread safety: plain functions.

#ifndef POSTERN_TUN_BPF_INSTRUCTIONS_H_
#define POSTERN_TUN_BPF_INSTRUCTIONS_H_

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>

namespace postern::bpf {

enum Register : std::uint8_t {
  kR0,  // what a call returned
  kR1,  // arguments of a call; all five are lost in it
  kR2,
  kR3,
  kR4,
  kR5,
  kR6,  // kept in calls
  kR7,
  kR8,
  kR9,
  kStack = 10,
};

constexpr bpf_insn Make(unsigned code, Register to, Register from, int offset,
                        std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = to & 0xfU;
  made.src_reg = from & 0xfU;
  made.off = static_cast<std::int16_t>(offset);
  made.imm = value;
  return made;
}

constexpr bpf_insn Copy(Register to, Register from) {
  return Make(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

constexpr bpf_insn Set(Register to, std::int32_t value) {
  return Make(BPF_ALU64 | BPF_MOV | BPF_K, to, kR0, 0, value);
}

// `operation` is BPF_ADD, BPF_MUL, BPF_RSH, ...; 64 bits wide.
constexpr bpf_insn With(unsigned operation, Register to, std::int32_t value) {
  return Make(BPF_ALU64 | operation | BPF_K, to, kR0, 0, value);
}

constexpr bpf_insn With(unsigned operation, Register to, Register from) {
  return Make(BPF_ALU64 | operation | BPF_X, to, from, 0, 0);
}

constexpr bpf_insn Add(Register to, std::int32_t value) {
  return With(BPF_ADD, to, value);
}

// `width` is BPF_DW, BPF_W, BPF_H or BPF_B.
constexpr bpf_insn LoadFrom(unsigned width, Register to, Register base,
                            std::size_t offset) {
  return Make(BPF_LDX | BPF_MEM | width, to, base, static_cast<int>(offset), 0);
}

constexpr bpf_insn LoadStack(unsigned width, Register to, int offset) {
  return Make(BPF_LDX | BPF_MEM | width, to, kStack, offset, 0);
}

constexpr bpf_insn Store(unsigned width, int stack_offset, Register from) {
  return Make(BPF_STX | BPF_MEM | width, kStack, from, stack_offset, 0);
}

constexpr bpf_insn Call(bpf_func_id function) {
  return Make(BPF_JMP | BPF_CALL, kR0, kR0, 0, function);
}

// The jumps leave out the next `count` instructions.
constexpr bpf_insn SkipIf(Register value, std::int32_t is, int count) {
  return Make(BPF_JMP | BPF_JEQ | BPF_K, value, kR0, count, is);
}

constexpr bpf_insn SkipUnless(Register value, std::int32_t is, int count) {
  return Make(BPF_JMP | BPF_JNE | BPF_K, value, kR0, count, is);
}

constexpr bpf_insn SkipIfZero(Register value, int count) {
  return SkipIf(value, 0, count);
}

constexpr bpf_insn SkipUnlessZero(Register value, int count) {
  return SkipUnless(value, 0, count);
}

constexpr bpf_insn Skip(int count) {
  return Make(BPF_JMP | BPF_JA, kR0, kR0, count, 0);
}

constexpr bpf_insn Return() {
  return Make(BPF_JMP | BPF_EXIT, kR0, kR0, 0, 0);
}

}  // namespace postern::bpf

#endif  // POSTERN_TUN_BPF_INSTRUCTIONS_H_
