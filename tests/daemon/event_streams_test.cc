// SPDX-License-Identifier: Apache-2.0

#include "daemon/event_streams.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "control/admin_protocol.h"
#include "core/log/log.h"
#include "tests/daemon/served.h"

namespace postern {
namespace {

constexpr Duration kSilence = std::chrono::milliseconds(40);

class EventStreamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SetLogLevel(LogLevel::kOff);
    server_.OnClose(
        [this](SocketServer::ConnectionId id) { streams_.End(id); });
    thread_.Start();
  }

  void TearDown() override {
    thread_.Stop();
    SetLogLevel(LogLevel::kInfo);
  }

  // In the loop's thread.
  template <typename Call>
  auto InLoop(Call call) {
    std::packaged_task<decltype(call())()> task(std::move(call));
    auto done = task.get_future();
    const std::shared_ptr<decltype(task)> shared =
        std::make_shared<decltype(task)>(std::move(task));
    loop_.Post([shared] { (*shared)(); });
    return done.get();
  }

  void Publish(int count, const std::string& padding = "") {
    InLoop([&] {
      for (int i = 0; i < count; ++i) {
        feed_.Publish(
            MakeEvent("n", {{"number", Value::Whole(published_++), {}},
                            {"padding", padding, {}}}));
      }
    });
  }

  // A client that has asked; whatever it says is the request.
  UniqueFd Follow() {
    UniqueFd client = ConnectTo(path_);
    EXPECT_EQ(SendSeqpacket(client.get(),
                            EncodeAdminMessage(AdminType::kRequest, 9, "{}"))
                  .outcome,
              TransferOutcome::kDone);
    return client;
  }

  // The next event's text; "" at the connection's end.
  std::string Receive(const UniqueFd& client) {
    EXPECT_EQ(
        WaitFor(client.get(), POLLIN, Deadline::AfterMilliseconds(10'000)), 0);
    const SeqpacketMessage message =
        ReceiveSeqpacket(client.get(), Bytes(room_));
    if (message.outcome != TransferOutcome::kDone) {
      return "";
    }
    const auto frame =
        DecodeAdminMessage(ConstBytes(room_).first(message.size), 0);
    EXPECT_TRUE(frame.ok() && frame->type == AdminType::kEvent &&
                frame->request_id == 9);
    return std::string(frame->text);
  }

  void Take(const SocketServer::Message& message) {
    if (streams_.Has(message.from)) {
      server_.CloseDefective(message.from, "asks for more");
      return;
    }
    begun_.push_back(streams_.Begin(message.from, 9, feed_.Subscribe({})).ok());
    if (!begun_.back()) {
      server_.Close(message.from);
    }
  }

  const TemporaryDirectory directory_;
  const UnixPath path_ = directory_.Socket("admin.sock");
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(kAdminMaxMessage);
  std::int64_t published_ = 0;
  std::vector<bool> begun_;
  EventLoop loop_;
  EventFeed feed_{64};
  SocketServer server_{
      loop_,
      "test",
      ListenAt(path_),
      {.silence = kSilence, .message_octets = kAdminMaxMessage},
      [this](SocketServer::Message message) { Take(message); }};
  EventStreams streams_{loop_, server_};
  LoopThread thread_{loop_};
};

constexpr const char* kReady = R"({"event":"ready"})";

TEST_F(EventStreamsTest, SendsEachEventToEveryClient) {
  const UniqueFd one = Follow();
  const UniqueFd other = Follow();
  EXPECT_EQ(Receive(one), kReady);
  EXPECT_EQ(Receive(other), kReady);
  Publish(2);
  for (const UniqueFd* client : {&one, &other}) {
    EXPECT_EQ(Receive(*client), R"({"event":"n","number":0,"padding":""})");
    EXPECT_EQ(Receive(*client), R"({"event":"n","number":1,"padding":""})");
  }
}

// The server closes who says nothing; not who only listens.
TEST_F(EventStreamsTest, OutlivesTheSilenceLimit) {
  const UniqueFd client = Follow();
  EXPECT_EQ(Receive(client), kReady);
  const UniqueFd silent = ConnectTo(path_);
  EXPECT_EQ(Receive(silent), "");  // closed for its silence: the limit passed
  Publish(1);
  EXPECT_EQ(Receive(client), R"({"event":"n","number":0,"padding":""})");
}

TEST_F(EventStreamsTest, EndsWithItsClient) {
  UniqueFd client = Follow();
  EXPECT_EQ(Receive(client), kReady);
  client.reset();
  const Deadline deadline = Deadline::AfterMilliseconds(10'000);
  while (InLoop([this] { return streams_.size() + feed_.subscribers(); }) !=
             0 &&
         deadline.remaining_ms() > 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(InLoop([this] { return feed_.subscribers(); }), 0u);
}

TEST_F(EventStreamsTest, TellsAClientThatDoesNotReadWhatItLost) {
  const UniqueFd lazy = Follow();
  const UniqueFd reader = Follow();
  EXPECT_EQ(Receive(reader), kReady);
  EXPECT_EQ(Receive(lazy), kReady);
  // More than the kernel's buffer and the queue hold.
  constexpr int kEvents = 2000;
  for (int i = 0; i < kEvents; ++i) {
    Publish(1, std::string(4000, 'x'));
    EXPECT_FALSE(Receive(reader).empty());
  }
  std::int64_t told = 0;
  std::int64_t seen = 0;
  std::string text;
  const std::string last = "\"number\":" + std::to_string(kEvents - 1) + ",";
  while (text.find(last) == std::string::npos) {
    text = Receive(lazy);
    ASSERT_NE(text, "");
    if (text.starts_with(R"({"event":"lost","count":)")) {
      told += std::stoll(text.substr(text.rfind(':') + 1));
    } else {
      ++seen;
    }
  }
  EXPECT_GT(told, 0);
  EXPECT_EQ(told + seen, kEvents);
}

TEST_F(EventStreamsTest, HearsNoMoreRequestsFromAFollower) {
  const UniqueFd client = Follow();
  EXPECT_EQ(Receive(client), kReady);
  SendSeqpacket(client.get(), EncodeAdminMessage(AdminType::kRequest, 2, "{}"));
  EXPECT_EQ(Receive(client), "");
}

TEST_F(EventStreamsTest, LeavesRoomForThoseWhoAsk) {
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < EventStreams::kMost; ++i) {
    clients.push_back(Follow());
    EXPECT_EQ(Receive(clients.back()), kReady);
  }
  EXPECT_EQ(Receive(Follow()), "");
  EXPECT_FALSE(InLoop([this] { return begun_.back(); }));
}

}  // namespace
}  // namespace postern
