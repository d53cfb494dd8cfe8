// SPDX-License-Identifier: Apache-2.0
//
// What the CLI and posternd say to each other on admin.sock: texts (UTF-8 JSON
// objects, which this layer does not look into) behind the 16-octet header of
// message_header.h.
//
//     CLI                                  daemon
//     Request {"show":"sa"} -->
//                                      <-- ReplyPart  first 64 KiB
//                                      <-- ReplyPart  next 64 KiB
//                                      <-- Reply      the rest, [+ descriptor]
//     Request {"oops":1} -->
//                                      <-- Error      {"code":...,"message":...}
//     Request {"verb":"monitor"} -->
//                                      <-- Event      {"event":"ready"}
//                                      <-- Event      ... until one side closes
//
// Each Request is answered by zero or more ReplyPart and one Reply, or by one
// Error (also in place of the remaining parts). Parts are cut anywhere, also
// within a character: only the whole is a text. One descriptor may come with a
// Reply (a network namespace, for `postern exec`) and with nothing else.
//
// A Request to follow what happens is answered by Events without an end, each a
// whole text, and by nothing else; on such a connection no more is asked. The
// first comes at once. Nobody gets an Event who did not ask, so the version of
// message_header.h stays.
//
// Everything is bounded: a message by kAdminMaxText, an answer by what its
// receiver chooses.
//
// Thread safety: plain values; an AdminReassembly is Control-confined.

#ifndef POSTERN_CONTROL_ADMIN_PROTOCOL_H_
#define POSTERN_CONTROL_ADMIN_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/message_header.h"
#include "control/protocol_defect.h"
#include "core/bytes.h"
#include "core/expected.h"

namespace postern {

enum class AdminType : std::uint16_t {
  kRequest = 0x0101,
  kReply = 0x0102,      // the last or only part of an answer
  kReplyPart = 0x0103,  // more follows
  kError = 0x0104,      // the answer is a refusal
  kEvent = 0x0105,      // one of an answer that has no end
};

inline constexpr std::size_t kAdminMaxText = std::size_t{64} << 10;
inline constexpr std::size_t kAdminMaxMessage =
    kMessageHeaderSize + kAdminMaxText;
inline constexpr std::size_t kAdminMaxAnswer = std::size_t{64} << 20;

using AdminMessage = std::vector<std::uint8_t>;

// One decoded message.
struct AdminFrame {
  AdminType type = AdminType::kRequest;
  std::uint32_t request_id = 0;
  std::string_view text;  // points into the message that was decoded
};

// REQUIRES: 0 < text.size() <= kAdminMaxText.
AdminMessage EncodeAdminMessage(AdminType type, std::uint32_t request_id,
                                std::string_view text);

// The messages of one answer, to be sent in order; a descriptor goes with the
// last. Cost: one copy of the text.
// REQUIRES: text is not empty.
std::vector<AdminMessage> SplitAdminReply(std::uint32_t request_id,
                                          std::string_view text);

// `fd_count` is how many descriptors came with the message.
// Errors: those of DecodeMessageHeader(), kUnknownType, kEmpty, kTooLong,
// kSurplusFd.
Expected<AdminFrame, ProtocolDefect> DecodeAdminMessage(ConstBytes message,
                                                        std::size_t fd_count);

// An AdminReassembly joins the parts of the answer to one request.
//
//     AdminReassembly answer(request_id, kAdminMaxAnswer);
//     do { ... receive and decode a frame ...
//          progress = answer.Add(frame);
//     } while (progress.ok() && *progress == AdminReassembly::Progress::kMore);
class AdminReassembly {
 public:
  enum class Progress : std::uint8_t { kMore, kComplete };

  AdminReassembly(std::uint32_t request_id, std::size_t max_octets)
      : request_id_(request_id), max_octets_(max_octets) {}

  // An Error replaces what was joined so far.
  // Errors, after which nothing may be added: kUnknownType for a Request, an
  // Event or anything after the last part, kWrongId, kTooLong.
  Expected<Progress, ProtocolDefect> Add(const AdminFrame& frame);

  // REQUIRES (both): Add() returned kComplete.
  AdminType type() const { return type_; }  // kReply or kError

  std::string TakeText() { return std::move(text_); }

 private:
  std::uint32_t request_id_;
  std::size_t max_octets_;
  bool complete_ = false;
  AdminType type_ = AdminType::kReplyPart;
  std::string text_;
};

}  // namespace postern

#endif  // POSTERN_CONTROL_ADMIN_PROTOCOL_H_
