// SPDX-License-Identifier: Apache-2.0
//
// An Expected<T, E> holds either a value or the E that prevented it. Two uses
// of it run through the whole project:
//
//     Result<T>    for requests: configuration, SAs, sockets. E is an Error,
//                  which carries a sentence for a person (core/error.h).
//     Opinion<T>   for packets: E is a DropReason, which costs nothing to make
//                  and is counted (core/drop_reason.h).
//
// The packet path returns these and never throws. g++ 12 offers std::expected
// only under -std=c++23, so we carry the part of it that we use.
//
// Thread safety: a plain value; same rules as T and E.
// Cost: never allocates by itself.

#ifndef POSTERN_CORE_EXPECTED_H_
#define POSTERN_CORE_EXPECTED_H_

#include <cstdlib>
#include <type_traits>
#include <utility>
#include <variant>

namespace postern {

template <typename T, typename E>
class [[nodiscard]] Expected {
  static_assert(!std::is_same_v<T, E>);

 public:
  // Implicit, so that a function can `return value;` or `return error;`.
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}

  Expected(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }

  explicit operator bool() const { return ok(); }

  // REQUIRES: ok(). Checked in every build; a wrong call ends the process.
  const T& value() const& { return Held<0>(state_); }

  T& value() & { return Held<0>(state_); }

  T&& value() && { return std::move(Held<0>(state_)); }

  const T& operator*() const& { return value(); }

  T& operator*() & { return value(); }

  T&& operator*() && { return std::move(*this).value(); }

  const T* operator->() const { return &value(); }

  T* operator->() { return &value(); }

  // REQUIRES: !ok(). Checked as above.
  const E& error() const { return Held<1>(state_); }

 private:
  template <std::size_t kIndex, typename State>
  static auto& Held(State& state) {
    auto* held = std::get_if<kIndex>(&state);
    if (held == nullptr) {
      std::abort();
    }
    return *held;
  }

  std::variant<T, E> state_;
};

// What an operation without a value returns when it went well.
struct Done {
  friend bool operator==(Done, Done) = default;
};

}  // namespace postern

#endif  // POSTERN_CORE_EXPECTED_H_
