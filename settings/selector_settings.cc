// SPDX-License-Identifier: Apache-2.0

#include "settings/selector_settings.h"

#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace postern {
namespace {

struct KnownProtocol {
  std::string_view name;
  IpProtocol protocol;
};

constexpr std::array<KnownProtocol, 11> kProtocols = {
    {{"tcp", IpProtocol::kTcp},
     {"udp", IpProtocol::kUdp},
     {"icmp", IpProtocol::kIcmp},
     {"icmpv6", IpProtocol::kIcmpv6},
     {"sctp", IpProtocol::kSctp},
     {"dccp", IpProtocol::kDccp},
     {"udplite", IpProtocol::kUdpLite},
     {"esp", IpProtocol::kEsp},
     {"ah", IpProtocol::kAh},
     {"mobility", IpProtocol::kMobility},
     {"ipv6", IpProtocol::kIpv6}}};

std::string Quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

// Two halves around the first `mark`; the second is the first where there is
// none.
std::pair<std::string_view, std::string_view> Halves(std::string_view text,
                                                     char mark) {
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos
             ? std::pair(text, text)
             : std::pair(text.substr(0, at), text.substr(at + 1));
}

template <typename T>
std::optional<T> ReadNumber(std::string_view text) {
  T number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number)
                                                   : std::nullopt;
}

template <typename T>
std::optional<ValueRange<T>> ReadNumbers(std::string_view text) {
  const auto [first_text, last_text] = Halves(text, '-');
  const auto first = ReadNumber<T>(first_text);
  const auto last = ReadNumber<T>(last_text);
  if (!first || !last || *last < *first) {
    return std::nullopt;
  }
  return ValueRange<T>{*first, *last};
}

Result<AddressRange> ParseAddresses(std::string_view text) {
  if (text.find('-') == std::string_view::npos) {
    const Result<IpPrefix> prefix = IpPrefix::Parse(text);
    return prefix.ok() ? Result<AddressRange>(RangeOf(*prefix))
                       : prefix.error();
  }
  const auto [first_text, last_text] = Halves(text, '-');
  const Result<IpAddress> first = IpAddress::Parse(first_text);
  const Result<IpAddress> last = IpAddress::Parse(last_text);
  if (!first.ok() || !last.ok()) {
    return first.ok() ? last.error() : first.error();
  }
  if (first->family() != last->family() || *last < *first) {
    return Invalid(Quoted(text) +
                   " is no range of addresses: write the lower one first, both "
                   "of one family.");
  }
  return AddressRange{*first, *last};
}

Result<ProtocolSelector::Range> ParseProtocols(std::string_view text) {
  for (const KnownProtocol& known : kProtocols) {
    if (known.name == text) {
      const std::uint8_t number = Number(known.protocol);
      return ProtocolSelector::Range{number, number};
    }
  }
  if (const auto numbers = ReadNumbers<std::uint8_t>(text)) {
    return *numbers;
  }
  return Invalid(Quoted(text) +
                 " is no protocol: write tcp, udp, icmp, icmpv6 or a number up "
                 "to 255, in quotes.");
}

Result<PortSelector::Range> ParsePorts(std::string_view text) {
  if (const auto numbers = ReadNumbers<std::uint16_t>(text)) {
    return *numbers;
  }
  return Invalid(Quoted(text) +
                 " is no port: write a number up to 65535, or two with a dash "
                 "between them, the lower one first.");
}

Result<MessageSelector::Range> ParseMessages(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto types = ReadNumbers<std::uint8_t>(text.substr(0, slash));
  const auto codes = slash == std::string_view::npos
                         ? std::optional(ValueRange<std::uint8_t>{0, 255})
                         // From the first type's first to the last type's last.
                         : [&]() -> std::optional<ValueRange<std::uint8_t>> {
    const auto [low, high] = Halves(text.substr(slash + 1), '-');
    const auto first = ReadNumber<std::uint8_t>(low);
    const auto last = ReadNumber<std::uint8_t>(high);
    return first && last
               ? std::optional(ValueRange<std::uint8_t>{*first, *last})
               : std::nullopt;
  }();
  const auto range = types && codes
                         ? RangeOf(MessageTypes{types->first, types->last,
                                                codes->first, codes->last})
                         : std::nullopt;
  if (!range) {
    return Invalid(Quoted(text) +
                   " is no ICMP type: write a type, \"3\", with codes, "
                   "\"3/0-15\", or a range of types, \"3-11/0-255\".");
  }
  return *range;
}

Result<MessageSelector::Range> ParseMobilityTypes(std::string_view text) {
  if (const auto types = ReadNumbers<std::uint8_t>(text)) {
    return *RangeOf(MessageTypes{types->first, types->last});
  }
  return Invalid(Quoted(text) +
                 " is no Mobility Header type: write a number up to 255, or "
                 "two with a dash between them.");
}

void Split(std::string_view text, std::vector<std::string>& items) {
  for (;;) {
    const std::size_t comma = text.find(',');
    items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) {
      return;
    }
    text.remove_prefix(comma + 1);
  }
}

// A number, a text with items between commas, or a list of these.
std::vector<std::string> ItemsOf(Section& section, std::string_view key) {
  std::vector<std::string> items;
  const auto add = [&](const Value& value) {
    if (value.whole() != nullptr) {
      items.push_back(std::to_string(*value.whole()));
    } else if (value.text() != nullptr) {
      Split(*value.text(), items);
    } else {
      section.Refuse(key, "write a text, a number, or a list of them here.");
    }
  };
  const Value* value = section.Take(key);
  if (value == nullptr) {
    return items;
  }
  if (value->array() == nullptr) {
    add(*value);
    return items;
  }
  for (const Value& item : *value->array()) {
    add(item);
  }
  if (items.empty()) {
    section.Refuse(key, "the list is empty: name something, or leave it out.");
  }
  return items;
}

// SPD-19: ANY and OPAQUE stand alone.
template <typename T>
FieldSelector<T> ReadField(
    Section& section, std::string_view key,
    Result<ValueRange<T>> (*parse)(std::string_view text)) {
  std::vector<ValueRange<T>> ranges;
  const std::vector<std::string> items = ItemsOf(section, key);
  for (const std::string& item : items) {
    if (item == "any" || item == "opaque") {
      if (items.size() > 1) {
        section.Refuse(key,
                       Quoted(item) + " stands alone: leave out the rest.");
      }
      return item == "any" ? FieldSelector<T>() : FieldSelector<T>::Opaque();
    }
    const Result<ValueRange<T>> range = parse(item);
    if (!range.ok()) {
      section.Refuse(key, range.error().message);
      return {};
    }
    ranges.push_back(*range);
  }
  return ranges.empty() ? FieldSelector<T>()
                        : FieldSelector<T>::Of(std::move(ranges));
}

template <typename T, typename Write>
void Add(Object& members, std::string_view name,
         const FieldSelector<T>& selector, const Write& write) {
  if (selector.any()) {
    return;
  }
  Array items;
  for (const ValueRange<T>& range : selector.ranges()) {
    items.push_back(write(range));
  }
  Value value = selector.opaque()   ? Value("opaque")
                : items.size() == 1 ? items.front()
                                    : Value(std::move(items));
  members.push_back({std::string(name), std::move(value), {}});
}

template <typename T>
Value NumberOrRange(const ValueRange<T>& range) {
  return range.first == range.last ? Value::Whole(range.first)
                                   : Value(std::to_string(range.first) + "-" +
                                           std::to_string(range.last));
}

// As ParseMessages() reads it.
Value WriteMessages(const MessageSelector::Range& range) {
  const auto pair = [](unsigned first, unsigned last) {
    const std::string text = std::to_string(first);
    return first == last ? text : text + "-" + std::to_string(last);
  };
  const unsigned first_code = range.first % 256;
  const unsigned last_code = range.last % 256;
  const std::string types = pair(range.first / 256, range.last / 256);
  const bool all = first_code == 0 && last_code == 255;
  return all ? types : types + "/" + pair(first_code, last_code);
}

}  // namespace

Selector ReadSelector(Section& section, const EndNames& names) {
  Selector selector;
  selector.source = ReadField(section, names.source, ParseAddresses);
  selector.destination = ReadField(section, names.destination, ParseAddresses);
  selector.protocol = ReadField(section, "protocol", ParseProtocols);
  selector.source_port = ReadField(section, names.source_port, ParsePorts);
  selector.destination_port =
      ReadField(section, names.destination_port, ParsePorts);
  selector.message = ReadField(section, "icmp", ParseMessages);
  const MessageSelector mobility =
      ReadField(section, "mobility", ParseMobilityTypes);
  if (!mobility.any() && !selector.message.any()) {
    section.Refuse("mobility",
                   "ICMP types are given, too: keep one of the two.");
  }
  if (!mobility.any()) {
    selector.message = mobility;
  }
  return selector;
}

Object Describe(const Selector& selector, const EndNames& names) {
  const auto address = [](const AddressRange& range) {
    return Value(ToString(range));
  };
  const bool mobility =
      selector.protocol.only() == Number(IpProtocol::kMobility);
  Object members;
  Add(members, names.source, selector.source, address);
  Add(members, names.destination, selector.destination, address);
  Add(members, "protocol", selector.protocol, NumberOrRange<std::uint8_t>);
  Add(members, names.source_port, selector.source_port,
      NumberOrRange<std::uint16_t>);
  Add(members, names.destination_port, selector.destination_port,
      NumberOrRange<std::uint16_t>);
  Add(members, mobility ? "mobility" : "icmp", selector.message, WriteMessages);
  return members;
}

}  // namespace postern
