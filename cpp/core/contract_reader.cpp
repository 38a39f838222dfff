// The rules that contracts of all kinds share.
#include "contract_reader.hpp"

#include <algorithm>
#include <set>

#include "error.hpp"
#include "json_text.hpp"

namespace voxion {

namespace {

using Json = ContractReader::Json;

std::size_t characters(const std::string &utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7F; }

}  // namespace

ContractReader::ContractReader(const std::string &text, std::string model, const ModelKind &kind)
    : model_(std::move(model)), kind_(kind) {
  const std::string file = contract_file;
  if (text.size() > limits::contract_bytes)
    fail("its " + file + " has " + std::to_string(text.size()) + " bytes, at most " +
         std::to_string(limits::contract_bytes) + " are read");
  json_ = parse_json(text);
  if (!json_.is_object()) fail("its " + file + " is not a JSON object");
  const Json &version = value(json_, "contract_version");
  if (!version.is_number_integer() || version != contract_version)
    fail("contract version " + shown(version) + " is unknown, this voxion knows " +
         std::to_string(contract_version));
  require("kind", kind.name);
  require("length_unit", "angstrom");
  require("charge_unit", "e");
}

void ContractReader::fail(const std::string &problem) const {
  throw Error("model " + model_ + ": " + problem + "; export the model again with '" +
              kind_.exporter + "'");
}

void ContractReader::fail_at(const char *key, const std::string &expected,
                             const Json &found) const {
  fail("its contract's '" + std::string(key) + "' must be " + expected + ", found " + shown(found));
}

/* ---------------------------------------------------------------------- */

const Json &ContractReader::value(const Json &object, const char *key) const {
  if (!object.contains(key)) fail("its contract lacks '" + std::string(key) + "'");
  return object[key];
}

void ContractReader::check_text(const char *key, const Json &value, std::size_t least) const {
  const auto *text = value.get_ptr<const std::string *>();
  if (!text || characters(*text) < least || characters(*text) > limits::name_length ||
      std::any_of(text->begin(), text->end(), is_control))
    fail_at(key,
            "a text of " + std::to_string(least) + " to " + std::to_string(limits::name_length) +
                " characters without control characters",
            value);
}

// Written so that a NaN is refused.
void ContractReader::check_number(const char *key, const Json &value, double low,
                                  double high) const {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high))
    fail_at(key, "a number from " + shown(low) + " to " + shown(high), value);
}

std::string ContractReader::text(const Json &object, const char *key) const {
  check_text(key, value(object, key), 0);
  return object[key].get<std::string>();
}

std::string ContractReader::name(const Json &object, const char *key) const {
  check_text(key, value(object, key), 1);
  return object[key].get<std::string>();
}

double ContractReader::number(const Json &object, const char *key, double low, double high) const {
  check_number(key, value(object, key), low, high);
  return object[key].get<double>();
}

long ContractReader::whole(const Json &object, const char *key, long low, long high) const {
  return whole_in(value(object, key), key, low, high);
}

long ContractReader::whole_in(const Json &found, const char *key, long low, long high) const {
  // compared as JSON numbers, which knows signs, since a conversion would wrap around
  if (!found.is_number_integer() || found < Json(low) || found > Json(high))
    fail_at(key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high),
            found);
  return found.get<long>();
}

bool ContractReader::flag(const Json &object, const char *key) const {
  const Json &found = value(object, key);
  if (!found.is_boolean()) fail_at(key, "true or false", found);
  return found.get<bool>();
}

const Json &ContractReader::part(const Json &object, const char *key) const {
  const Json &found = value(object, key);
  if (!found.is_object()) fail_at(key, "an object", found);
  return found;
}

const Json &ContractReader::list(const Json &object, const char *key, std::size_t least,
                                 std::size_t most) const {
  const Json &found = value(object, key);
  check_list(key, found, least, most);
  return found;
}

void ContractReader::check_list(const char *key, const Json &value, std::size_t least,
                                std::size_t most) const {
  if (value.is_array() && value.size() >= least && value.size() <= most) return;
  const std::string count =
      least == most ? std::to_string(most) : std::to_string(least) + " to " + std::to_string(most);
  fail_at(key, "a list of " + count + " values", value);
}

std::vector<std::string> ContractReader::texts(const Json &object, const char *key,
                                               std::size_t least) const {
  const Json &found = list(object, key, least, limits::list_length);
  for (const auto &entry : found) check_text(key, entry, 0);
  return found.get<std::vector<std::string>>();
}

std::vector<std::string> ContractReader::distinct_names(const Json &object, const char *key,
                                                        std::size_t least) const {
  auto names = texts(object, key, least);
  const std::set<std::string> distinct(names.begin(), names.end());
  if (distinct.size() != names.size() || distinct.count(""))
    fail_at(key, "distinct texts that are not empty", object[key]);
  return names;
}

std::vector<double> ContractReader::numbers(const Json &object, const char *key, std::size_t least,
                                            std::size_t most, double low, double high) const {
  return numbers_in(value(object, key), key, least, most, low, high);
}

std::vector<long> ContractReader::wholes(const Json &object, const char *key, std::size_t count,
                                         long low, long high) const {
  std::vector<long> values;
  for (const auto &entry : list(object, key, count, count))
    values.push_back(whole_in(entry, key, low, high));
  return values;
}

std::vector<double> ContractReader::numbers_in(const Json &found, const char *key,
                                               std::size_t least, std::size_t most, double low,
                                               double high) const {
  check_list(key, found, least, most);
  for (const auto &entry : found) check_number(key, entry, low, high);
  return found.get<std::vector<double>>();
}

/* ---------------------------------------------------------------------- */

void ContractReader::require(const char *key, const std::string &expected) const {
  const Json &found = value(json_, key);
  if (found != expected) fail_at(key, "'" + expected + "'", found);
}

ContractCommon ContractReader::common() const {
  return {text(json_, "torch_version"), text(json_, "voxion_version"), data_hash()};
}

std::string ContractReader::data_hash() const {
  const auto hash = text(json_, "data_hash");
  const std::string prefix = "sha256:";
  const auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (hash.size() != prefix.size() + 64 || hash.rfind(prefix, 0) != 0 ||
      !std::all_of(hash.begin() + static_cast<long>(prefix.size()), hash.end(), hexadecimal))
    fail_at("data_hash", "sha256: and 64 hexadecimal digits", json_["data_hash"]);
  return hash;
}

InputRanges ContractReader::ranges(std::size_t count) const {
  const Json &object = part(json_, "input_ranges");
  const auto values = [&](const char *key) {
    return numbers(object, key, count, count, -limits::input, limits::input);
  };
  InputRanges ranges{values("min"), values("max")};
  for (std::size_t i = 0; i < count; ++i)
    if (!(ranges.min[i] <= ranges.max[i]))
      fail("its contract's 'input_ranges' must have min <= max");
  return ranges;
}

}  // namespace voxion
