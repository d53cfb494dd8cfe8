// SPDX-License-Identifier: Apache-2.0

#include "control/admin_protocol.h"

#include <cstdlib>

namespace postern {
namespace {

bool IsAdminType(std::uint16_t type) {
  return type >= static_cast<std::uint16_t>(AdminType::kRequest) &&
         type <= static_cast<std::uint16_t>(AdminType::kEvent);
}

ConstBytes AsBytes(std::string_view text) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets of text
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view AsText(ConstBytes octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets of text
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

}  // namespace

AdminMessage EncodeAdminMessage(AdminType type, std::uint32_t request_id,
                                std::string_view text) {
  if (text.empty() || text.size() > kAdminMaxText) {
    std::abort();
  }
  AdminMessage message(kMessageHeaderSize + text.size());
  EncodeMessageHeader({.type = static_cast<std::uint16_t>(type),
                       .request_id = request_id,
                       .size = static_cast<std::uint32_t>(message.size())},
                      message);
  CopyBytes(Bytes(message).subspan(kMessageHeaderSize), AsBytes(text));
  return message;
}

std::vector<AdminMessage> SplitAdminReply(std::uint32_t request_id,
                                          std::string_view text) {
  std::vector<AdminMessage> messages;
  while (text.size() > kAdminMaxText) {
    messages.push_back(EncodeAdminMessage(AdminType::kReplyPart, request_id,
                                          text.substr(0, kAdminMaxText)));
    text.remove_prefix(kAdminMaxText);
  }
  messages.push_back(EncodeAdminMessage(AdminType::kReply, request_id, text));
  return messages;
}

Expected<AdminFrame, ProtocolDefect> DecodeAdminMessage(ConstBytes message,
                                                        std::size_t fd_count) {
  const auto header = DecodeMessageHeader(message);
  if (!header.ok()) {
    return header.error();
  }
  if (!IsAdminType(header->type)) {
    return ProtocolDefect::kUnknownType;
  }
  const std::string_view text = AsText(message.subspan(kMessageHeaderSize));
  if (text.empty()) {
    return ProtocolDefect::kEmpty;
  }
  if (text.size() > kAdminMaxText) {
    return ProtocolDefect::kTooLong;
  }
  const auto type = static_cast<AdminType>(header->type);
  const std::size_t allowed = type == AdminType::kReply ? 1 : 0;
  if (fd_count > allowed) {
    return ProtocolDefect::kSurplusFd;
  }
  return AdminFrame{
      .type = type, .request_id = header->request_id, .text = text};
}

Expected<AdminReassembly::Progress, ProtocolDefect> AdminReassembly::Add(
    const AdminFrame& frame) {
  if (complete_ || frame.type == AdminType::kRequest ||
      frame.type == AdminType::kEvent) {
    return ProtocolDefect::kUnknownType;
  }
  if (frame.request_id != request_id_) {
    return ProtocolDefect::kWrongId;
  }
  if (frame.type == AdminType::kError) {
    text_.clear();
  }
  if (frame.text.size() > max_octets_ - text_.size()) {
    return ProtocolDefect::kTooLong;
  }
  text_ += frame.text;
  type_ = frame.type;
  complete_ = frame.type != AdminType::kReplyPart;
  return complete_ ? Progress::kComplete : Progress::kMore;
}

}  // namespace postern
