// SPDX-License-Identifier: Apache-2.0
//
// A Value is one node of a tree of settings: what a TOML file or a JSON request
// says, free of the library that read it, and with the place it was read from.
// The daemon's answers are built of the same nodes, so that only toml_text.cc
// and json_text.cc know TOML and JSON.
//
// Thread safety: plain values.

#ifndef POSTERN_SETTINGS_VALUE_H_
#define POSTERN_SETTINGS_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace postern {

// Counted from 1; 0 means that there is no such place (a JSON request).
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

struct Member;
class Value;

using Array = std::vector<Value>;

// In the order in which they were written.
using Object = std::vector<Member>;

class Value {
 public:
  struct Null {
    friend bool operator==(Null, Null) = default;
  };

  // Defined where Member is complete, as everything that makes or ends one.
  Value();
  Value(std::string text);
  Value(std::string_view text);
  Value(const char* text);
  Value(Array array);
  Value(Object object);
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  static Value Flag(bool value);
  static Value Whole(std::int64_t value);
  static Value Real(double value);

  // A counter; one beyond 2^63-1 is told as that.
  static Value Count(std::uint64_t value);

  bool is_null() const { return std::holds_alternative<Null>(content_); }

  // Null when the value is of another kind.
  const bool* flag() const { return std::get_if<bool>(&content_); }

  const std::int64_t* whole() const {
    return std::get_if<std::int64_t>(&content_);
  }

  const double* real() const { return std::get_if<double>(&content_); }

  const std::string* text() const {
    return std::get_if<std::string>(&content_);
  }

  const Array* array() const { return std::get_if<Array>(&content_); }

  const Object* object() const { return std::get_if<Object>(&content_); }

  // "a text", "a whole number", "a list", ...: what it is, for messages.
  std::string_view Kind() const;

  // The member of that name; null when there is none or this is no object.
  const Value* Find(std::string_view name) const;

  const Place& place() const { return place_; }

  Value& At(Place place) {
    place_ = place;
    return *this;
  }

 private:
  using Content = std::variant<Null, bool, std::int64_t, double, std::string,
                               Array, Object>;

  explicit Value(Content content);

  Content content_;
  Place place_;
};

struct Member {
  std::string name;
  Value value;
  Place name_place;
};

// An object from names and values: MakeObject({{"spi", text}, {"esn", flag}}).
Value MakeObject(Object members);

}  // namespace postern

#endif  // POSTERN_SETTINGS_VALUE_H_
