// Reads the JSON of a contract; every complaint names the model and the key, in one line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "contract.hpp"

namespace voxion {

class ContractReader {
 public:
  using Json = nlohmann::json;

  // Throws Error unless the text is a contract of this version, of this kind and in voxion's units.
  // `model` is the model's name in the messages.
  ContractReader(const std::string &text, std::string model, const ModelKind &kind);

  [[noreturn]] void fail(const std::string &problem) const;
  const Json &content() const { return json_; }
  static bool has(const Json &object, const char *key) {
    return object.contains(key) && !object[key].is_null();
  }

  // The value of a key of an object, which must have the type that the function is named after and
  // lie within the bounds, which are included. Nothing is converted: 1.0 is no whole number, true
  // is no number.
  std::string text(const Json &object, const char *key) const;
  std::string name(const Json &object, const char *key) const;
  double number(const Json &object, const char *key, double low, double high) const;
  long whole(const Json &object, const char *key, long low, long high) const;
  bool flag(const Json &object, const char *key) const;
  const Json &part(const Json &object, const char *key) const;
  const Json &list(const Json &object, const char *key, std::size_t least, std::size_t most) const;
  std::vector<std::string> texts(const Json &object, const char *key, std::size_t least) const;
  std::vector<std::string> distinct_names(const Json &object, const char *key,
                                          std::size_t least) const;
  std::vector<double> numbers(const Json &object, const char *key, std::size_t least,
                              std::size_t most, double low, double high) const;
  std::vector<long> wholes(const Json &object, const char *key, std::size_t count, long low,
                           long high) const;
  // The same of a value that was taken from the key's list.
  std::vector<double> numbers_in(const Json &found, const char *key, std::size_t least,
                                 std::size_t most, double low, double high) const;

  void require(const char *key, const std::string &value) const;
  ContractCommon common() const;
  InputRanges ranges(std::size_t count) const;

 private:
  const Json &value(const Json &object, const char *key) const;
  [[noreturn]] void fail_at(const char *key, const std::string &expected, const Json &found) const;
  void check_list(const char *key, const Json &value, std::size_t least, std::size_t most) const;
  long whole_in(const Json &found, const char *key, long low, long high) const;
  void check_number(const char *key, const Json &value, double low, double high) const;
  void check_text(const char *key, const Json &value, std::size_t least) const;
  std::string data_hash() const;

  std::string model_;
  ModelKind kind_;
  Json json_;
};

}  // namespace voxion
