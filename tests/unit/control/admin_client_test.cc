// SPDX-License-Identifier: Apache-2.0

#include "control/admin_client.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "control/seqpacket.h"
#include "tests/support/as_nobody.h"
#include "tests/unit/control/temporary_directory.h"

namespace postern {
namespace {

using namespace std::chrono_literals;

// A daemon that takes one question and answers as the test says.
class OneAnswer {
 public:
  using Answer = std::function<void(int connection, const AdminFrame&)>;

  OneAnswer(const UnixPath& path, Answer answer)
      : listener_(ListenSeqpacket(path, 0600)),
        thread_([this, answer = std::move(answer)] { Serve(answer); }) {}

  ~OneAnswer() { thread_.join(); }

  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

 private:
  void Serve(const Answer& answer) {
    const Deadline deadline = Deadline::AfterMilliseconds(10'000);
    ASSERT_EQ(WaitFor(listener_->get(), POLLIN, deadline), 0);
    const auto connection = AcceptSeqpacket(listener_->get());
    ASSERT_TRUE(connection.ok());
    ASSERT_EQ(WaitFor(connection->get(), POLLIN, deadline), 0);
    std::vector<std::uint8_t> room(kAdminMaxMessage);
    const SeqpacketMessage message = ReceiveSeqpacket(connection->get(), room);
    ASSERT_EQ(message.outcome, TransferOutcome::kDone);
    const auto frame = DecodeAdminMessage(Bytes(room).first(message.size), 0);
    ASSERT_TRUE(frame.ok());
    answer(connection->get(), *frame);
  }

  Expected<UniqueFd, int> listener_;
  std::thread thread_;
};

void SendAll(int connection, const std::vector<AdminMessage>& messages,
             int fd = kNoFd) {
  for (const AdminMessage& message : messages) {
    const bool last = &message == &messages.back();
    SendResult sent;
    do {
      WaitFor(connection, POLLOUT, Deadline::AfterMilliseconds(10'000));
      sent = SendSeqpacket(connection, message, last ? fd : kNoFd);
    } while (sent.outcome == TransferOutcome::kWouldBlock);
  }
}

TEST(AdminClient, JoinsALongAnswerAndItsDescriptor) {
  const TemporaryRunDirectory run;
  const std::string long_text(kAdminMaxText * 5 + 3, 'x');
  const OneAnswer daemon(
      run.File("s"), [&](int connection, const AdminFrame& question) {
        EXPECT_EQ(question.text, "{\"show\":\"sa\"}");
        SendAll(connection, SplitAdminReply(question.request_id, long_text), 0);
      });
  const auto answer = AskAdmin(run.File("s"), "{\"show\":\"sa\"}");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->type, AdminType::kReply);
  EXPECT_EQ(answer->text, long_text);
  EXPECT_TRUE(answer->fd.valid());
}

TEST(AdminClient, ReportsTheDaemonsRefusalAsAnAnswer) {
  const TemporaryRunDirectory run;
  const OneAnswer daemon(run.File("s"), [](int connection,
                                           const AdminFrame& question) {
    SendAll(connection,
            {EncodeAdminMessage(AdminType::kError, question.request_id, "{}")});
  });
  const auto answer = AskAdmin(run.File("s"), "{}");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->type, AdminType::kError);
}

TEST(AdminClient, RefusesABrokenAnswer) {
  const TemporaryRunDirectory run;
  const AdminMessage wrong_id = EncodeAdminMessage(AdminType::kReply, 99, "{}");
  const AdminMessage no_magic(20, 'x');
  const AdminMessage too_long(kAdminMaxMessage + 1, 'x');
  for (const AdminMessage& bad : {wrong_id, no_magic, too_long}) {
    const OneAnswer daemon(
        run.File("s"),
        [&](int connection, const AdminFrame&) { SendAll(connection, {bad}); });
    EXPECT_EQ(AskAdmin(run.File("s"), "{}").error().code, ErrorCode::kSystem);
  }
}

TEST(AdminClient, RefusesADaemonThatIsSilentOrGoesAway) {
  const TemporaryRunDirectory run;
  {
    const OneAnswer daemon(run.File("s"), [](int, const AdminFrame&) {});
    EXPECT_EQ(AskAdmin(run.File("s"), "{}").error().code,
              ErrorCode::kUnavailable);
  }
  const auto silent = ListenSeqpacket(run.File("silent"), 0600);
  ASSERT_TRUE(silent.ok());
  EXPECT_EQ(AskAdmin(run.File("silent"), "{}", 50ms).error().code,
            ErrorCode::kUnavailable);
}

TEST(AdminClient, SaysWhatToDoWhenThereIsNoDaemonOrNoPermission) {
  const TemporaryRunDirectory run;
  const auto missing = AskAdmin(run.File("none"), "{}");
  EXPECT_EQ(missing.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(missing.error().message.find("start posternd"), std::string::npos);
  EXPECT_EQ(AskAdmin(UnixPath("relative"), "{}").error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(AskAdmin(run.File("none"), "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(AskAdmin(run.File("none"), std::string(kAdminMaxText + 1, 'x'))
                .error()
                .code,
            ErrorCode::kInvalid);
}

TEST(AdminClient, FollowsEventsUntilItHasEnough) {
  const TemporaryRunDirectory run;
  const OneAnswer daemon(
      run.File("s"), [](int connection, const AdminFrame& question) {
        for (const char* text : {"one", "two", "three"}) {
          SendAll(connection, {EncodeAdminMessage(AdminType::kEvent,
                                                  question.request_id, text)});
        }
      });
  std::string seen;
  const auto answer =
      FollowAdmin(run.File("s"), "{}", [&seen](std::string_view event) {
        seen += event;
        return event == "two" ? Appetite::kSated : Appetite::kMore;
      });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->type, AdminType::kEvent);
  EXPECT_EQ(seen, "onetwo");
}

TEST(AdminClient, TellsThatEventsEndWithTheirDaemonOrARefusal) {
  const TemporaryRunDirectory run;
  const auto follow = [&run](AdminType type, std::uint32_t id) {
    const OneAnswer daemon(
        run.File("s"), [=](int connection, const AdminFrame&) {
          SendAll(connection, {EncodeAdminMessage(type, id, "text")});
        });
    return FollowAdmin(run.File("s"), "{}",
                       [](std::string_view) { return Appetite::kMore; });
  };
  EXPECT_EQ(follow(AdminType::kEvent, 1).error().code, ErrorCode::kUnavailable);
  const auto refused = follow(AdminType::kError, 1);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->type, AdminType::kError);
  EXPECT_EQ(refused->text, "text");
  EXPECT_EQ(follow(AdminType::kReply, 1).error().code, ErrorCode::kSystem);
  EXPECT_EQ(follow(AdminType::kEvent, 7).error().code, ErrorCode::kSystem);
}

TEST(AdminClient, WaitsForLaterEventsWithoutABound) {
  const TemporaryRunDirectory run;
  const auto silent = ListenSeqpacket(run.File("silent"), 0600);
  const auto none = FollowAdmin(
      run.File("silent"), "{}",
      [](std::string_view) { return Appetite::kMore; }, 50ms);
  EXPECT_EQ(none.error().code, ErrorCode::kUnavailable);
  const OneAnswer daemon(
      run.File("s"), [](int connection, const AdminFrame& question) {
        const AdminMessage event =
            EncodeAdminMessage(AdminType::kEvent, question.request_id, "event");
        SendAll(connection, {event});
        // Longer than its patience: nothing comes, nobody hangs up.
        EXPECT_EQ(WaitFor(connection, POLLIN, Deadline::AfterMilliseconds(300)),
                  ETIMEDOUT);
        SendAll(connection, {event});
      });
  int seen = 0;
  EXPECT_TRUE(FollowAdmin(
                  run.File("s"), "{}",
                  [&seen](std::string_view) {
                    return ++seen == 2 ? Appetite::kSated : Appetite::kMore;
                  },
                  50ms)
                  .ok());
}

// The file's permissions decide: a socket for nobody is not for uid 65534.
TEST(AdminClient, IsForbiddenToOrdinaryUsers) {
  const TemporaryRunDirectory run;
  const auto listener = ListenSeqpacket(run.File("s"), 0000);
  ASSERT_TRUE(listener.ok());
  AsNobody([&run] {
    const auto answer = AskAdmin(run.File("s"), "{}");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().code, ErrorCode::kForbidden);
  });
}

}  // namespace
}  // namespace postern
