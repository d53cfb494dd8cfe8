// SPDX-License-Identifier: Apache-2.0

#include "control/admin_protocol.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace postern {
namespace {

using Progress = AdminReassembly::Progress;

// {} as a Reply to request 3, written down from the drawing.
const AdminMessage kEmptyObject = {'P', 'S', 'T', 'N', 0, 1, 1, 2,   //
                                   0,   0,   0,   3,   0, 0, 0, 18,  //
                                   '{', '}'};

std::string Text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + i * 7 % 26);
  }
  return text;
}

TEST(AdminProtocol, EncodesAsDrawn) {
  EXPECT_EQ(EncodeAdminMessage(AdminType::kReply, 3, "{}"), kEmptyObject);
  const auto frame = DecodeAdminMessage(kEmptyObject, 0);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->type, AdminType::kReply);
  EXPECT_EQ(frame->request_id, 3u);
  EXPECT_EQ(frame->text, "{}");
}

TEST(AdminProtocol, RefusesAMessageCutAnywhere) {
  for (std::size_t size = 0; size < kEmptyObject.size(); ++size) {
    const AdminMessage cut(kEmptyObject.begin(),
                           kEmptyObject.begin() + static_cast<long>(size));
    EXPECT_FALSE(DecodeAdminMessage(cut, 0).ok()) << size;
  }
}

TEST(AdminProtocol, RefusesTypesOfTheOtherProtocol) {
  for (const int type : {0x0001, 0x0002, 0x0100, 0x0106, 0x8102, 0xffff}) {
    AdminMessage message = kEmptyObject;
    message[6] = static_cast<std::uint8_t>(type >> 8);
    message[7] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(DecodeAdminMessage(message, 0).error(),
              ProtocolDefect::kUnknownType)
        << type;
  }
}

TEST(AdminProtocol, RefusesNoTextAndTooMuch) {
  AdminMessage empty(kEmptyObject.begin(), kEmptyObject.end() - 2);
  empty[15] = 16;
  EXPECT_EQ(DecodeAdminMessage(empty, 0).error(), ProtocolDefect::kEmpty);

  AdminMessage fullest =
      EncodeAdminMessage(AdminType::kRequest, 1, Text(kAdminMaxText));
  EXPECT_EQ(fullest.size(), kAdminMaxMessage);
  EXPECT_TRUE(DecodeAdminMessage(fullest, 0).ok());
  fullest.push_back('x');
  fullest[15] = 17;  // size 65553
  EXPECT_EQ(DecodeAdminMessage(fullest, 0).error(), ProtocolDefect::kTooLong);
}

TEST(AdminProtocol, AllowsADescriptorWithAReplyOnly) {
  for (const AdminType type :
       {AdminType::kRequest, AdminType::kReply, AdminType::kReplyPart,
        AdminType::kError, AdminType::kEvent}) {
    const AdminMessage message = EncodeAdminMessage(type, 1, "{}");
    EXPECT_TRUE(DecodeAdminMessage(message, 0).ok());
    EXPECT_EQ(DecodeAdminMessage(message, 1).ok(), type == AdminType::kReply);
    EXPECT_EQ(DecodeAdminMessage(message, 2).error(),
              ProtocolDefect::kSurplusFd);
  }
}

TEST(AdminProtocol, SplitsAndJoinsAtEverySize) {
  for (const std::size_t size :
       {std::size_t{1}, kAdminMaxText - 1, kAdminMaxText, kAdminMaxText + 1,
        2 * kAdminMaxText, 3 * kAdminMaxText + 17}) {
    const std::string text = Text(size);
    const auto messages = SplitAdminReply(9, text);
    EXPECT_EQ(messages.size(), (size + kAdminMaxText - 1) / kAdminMaxText);
    AdminReassembly answer(9, size);
    for (const AdminMessage& message : messages) {
      const auto frame = DecodeAdminMessage(message, 0);
      ASSERT_TRUE(frame.ok());
      const auto progress = answer.Add(*frame);
      ASSERT_TRUE(progress.ok());
      EXPECT_EQ(*progress == Progress::kComplete, &message == &messages.back());
    }
    EXPECT_EQ(answer.type(), AdminType::kReply);
    EXPECT_EQ(answer.TakeText(), text);
  }
}

TEST(AdminReassembly, IsBoundedInTotal) {
  AdminReassembly answer(1, 5);
  EXPECT_TRUE(answer.Add({AdminType::kReplyPart, 1, "abc"}).ok());
  EXPECT_EQ(answer.Add({AdminType::kReplyPart, 1, "def"}).error(),
            ProtocolDefect::kTooLong);
}

TEST(AdminReassembly, RefusesTheAnswerToAnotherRequest) {
  AdminReassembly answer(1, 100);
  EXPECT_EQ(answer.Add({AdminType::kReply, 2, "{}"}).error(),
            ProtocolDefect::kWrongId);
}

TEST(AdminReassembly, RefusesARequestAnEventAndAnythingAfterTheEnd) {
  AdminReassembly answer(1, 100);
  EXPECT_EQ(answer.Add({AdminType::kRequest, 1, "{}"}).error(),
            ProtocolDefect::kUnknownType);
  EXPECT_EQ(answer.Add({AdminType::kEvent, 1, "{}"}).error(),
            ProtocolDefect::kUnknownType);
  ASSERT_TRUE(answer.Add({AdminType::kReply, 1, "{}"}).ok());
  EXPECT_EQ(answer.Add({AdminType::kReply, 1, "{}"}).error(),
            ProtocolDefect::kUnknownType);
}

TEST(AdminReassembly, AnErrorReplacesThePartsBeforeIt) {
  AdminReassembly answer(1, 100);
  ASSERT_TRUE(answer.Add({AdminType::kReplyPart, 1, "[1,2,"}).ok());
  const auto progress = answer.Add({AdminType::kError, 1, "{\"code\":1}"});
  ASSERT_TRUE(progress.ok());
  EXPECT_EQ(*progress, Progress::kComplete);
  EXPECT_EQ(answer.type(), AdminType::kError);
  EXPECT_EQ(answer.TakeText(), "{\"code\":1}");
}

TEST(AdminProtocol, SurvivesRandomMessagesAndAcceptsNoSecondSpelling) {
  std::mt19937 random(2);
  int accepted = 0;
  for (int i = 0; i < 100'000; ++i) {
    AdminMessage message = kEmptyObject;
    for (auto flips = random() % 3; flips != 0; --flips) {
      message[random() % message.size()] =
          static_cast<std::uint8_t>(random() % 256);
    }
    message.resize(random() % 8 == 0 ? random() % 40 : message.size());
    if (const auto frame = DecodeAdminMessage(message, 0); frame.ok()) {
      ASSERT_EQ(EncodeAdminMessage(frame->type, frame->request_id, frame->text),
                message);
      ++accepted;
    }
  }
  EXPECT_GT(accepted, 1000);
}

TEST(AdminProtocolDeathTest, RefusesToEncodeWhatNobodyWouldDecode) {
  EXPECT_DEATH(EncodeAdminMessage(AdminType::kReply, 1, ""), "");
  EXPECT_DEATH(
      EncodeAdminMessage(AdminType::kReply, 1, Text(kAdminMaxText + 1)), "");
}

}  // namespace
}  // namespace postern
